import { writeFile } from 'node:fs/promises';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { assert } from 'chai';
import { hasCall } from '../../models/behaviour.js';
import { type Profile, profileOfRelease } from '../../models/profiles/index.js';
import type { CallDescription } from '../../models/ioctls/description.js';
import { CALLS } from '../../models/ioctls/index.js';
import { INFO_CAP_HEADER, VFIO_INFO_STRUCTS } from '../../models/layout/vfio_info.js';
import { DRIVER_STRUCTS } from '../../models/layout/driver_data.js';
import {
  HWPT_PAGE_RESPONSE,
  HWPT_PGFAULT,
  VEVENT_HEADER,
  VIOMMU_EVENT_SELFTEST,
} from '../../models/layout/event_records.js';
import type { FieldTable } from '../../models/layout/field.js';
import { IOVA_RANGE } from '../../models/layout/iova_range.js';
import type { Member, StructLayout } from '../../models/layout/struct.js';
import type { Kernel } from '../../targets/kernels/store.js';
import { runCli } from '../self/cli.js';
import { makeDirectory, removeDirectory } from '../self/temporary.js';

const run = promisify(execFile);

/** Members of the union in struct iommu_test_cmd that are not called like their operation. Source: iommufd_test.h. */
const UNION_MEMBERS: Readonly<Record<string, string>> = {
  MD_CHECK_MAP: 'check_map',
  MD_CHECK_REFS: 'check_refs',
  MD_CHECK_IOTLB: 'check_iotlb',
  DEV_CHECK_CACHE: 'check_dev_cache',
  SET_TEMP_MEMORY_LIMIT: 'memory_limit',
  PASID_CHECK_HWPT: 'pasid_check',
};

/** The member of the union that an operation uses. */
function unionMemberOf(op: string): string {
  const name = op.replace('IOMMU_TEST_OP_', '');
  return UNION_MEMBERS[name] ?? name.toLowerCase();
}

/** Members of struct iommu_test_cmd beside the union. */
const FRAME = new Set(['size', 'op', 'id', '__reserved', 'last']);

const isTestCommand = ({ name }: CallDescription): boolean => name.startsWith('IOMMU_TEST_');

/** Structs that are not called like their command. */
const STRUCTS: Readonly<Record<string, string>> = {
  IOMMU_GET_HW_INFO: 'iommu_hw_info',
  IOMMU_FAULT_QUEUE_ALLOC: 'iommu_fault_alloc',
  VFIO_IOMMU_GET_INFO: 'vfio_iommu_type1_info',
  VFIO_IOMMU_MAP_DMA: 'vfio_iommu_type1_dma_map',
  VFIO_IOMMU_UNMAP_DMA: 'vfio_iommu_type1_dma_unmap',
  VFIO_GROUP_GET_STATUS: 'vfio_group_status',
};

/** Members whose name here says more than the one in C, or that are elements of an array there. */
const MEMBERS: Readonly<Record<string, string>> = {
  'IOMMU_TEST_OP_MD_CHECK_IOTLB iotlb_id': 'id',
  'IOMMU_TEST_OP_DEV_CHECK_CACHE cache_id': 'id',
  'IOMMU_GET_HW_INFO __reserved0': '__reserved[0]',
  'IOMMU_GET_HW_INFO __reserved1': '__reserved[1]',
  'IOMMU_GET_HW_INFO __reserved2': '__reserved[2]',
};

function structOf(call: CallDescription): string {
  return `struct ${isTestCommand(call) ? 'iommu_test_cmd' : (STRUCTS[call.name] ?? call.name.toLowerCase())}`;
}

/** How C writes a member: the test command's own ones lie in a member of its union. */
function pathOf(call: CallDescription, member: string): string {
  const inC = MEMBERS[`${call.name} ${member}`] ?? member;
  return !isTestCommand(call) || FRAME.has(member) ? inC : `${unionMemberOf(call.name)}.${inC}`;
}

/** A call as a kernel knows it. */
interface KnownCall {
  readonly call: CallDescription;
  /** sizeof the struct. */
  readonly bytes: number;
  readonly members: readonly Member[];
}

/** Structs of VFIO's devices have become longer. */
function callsOf(profile: Profile | undefined): KnownCall[] {
  const isShort = ({ on }: CallDescription) => on === 'vfio_device' && profile?.vfioAttachFlags === 0;
  return CALLS.filter((call) => profile === undefined || hasCall(profile, call)).map((call) => {
    const bytes = isShort(call) ? call.bytesMin : call.layout.bytes;
    return { call, bytes, members: call.layout.members.filter(({ offset }) => offset < bytes) };
  });
}

/** Whether its argument is no struct to C: a number, or a pointer to one. */
function hasNoStruct({ argument, protocol }: CallDescription): boolean {
  return argument === 'value' || protocol === 'plain';
}

/** A line for each fact about a call: what it is, and its value as the C compiler sees it. */
function factsInC({ call, members }: KnownCall): string[] {
  const struct = structOf(call);
  const fact = (what: string, value: string) =>
    `  printf("${call.name} ${what} %lu\\n", (unsigned long)(${value}));`;
  const command = fact('command', isTestCommand(call) ? 'IOMMU_TEST_CMD' : call.name);
  if (hasNoStruct(call)) return [command];
  return [
    fact('sizeof', `sizeof(${struct})`),
    command,
    ...(call.op === undefined ? [] : [fact('op', call.name)]),
    ...members.flatMap(({ name }) => {
      const path = pathOf(call, name);
      return [
        fact(`offsetof ${name}`, `offsetof(${struct}, ${path})`),
        fact(`sizeof ${name}`, `sizeof(((${struct} *)0)->${path})`),
      ];
    }),
  ];
}

/** The same facts as the description has them. */
function factsHere({ call, bytes, members }: KnownCall): string[] {
  const command = `${call.name} command ${String(call.command)}`;
  if (hasNoStruct(call)) return [command];
  return [
    `${call.name} sizeof ${String(bytes)}`,
    command,
    ...(call.op === undefined ? [] : [`${call.name} op ${String(call.op)}`]),
    ...members.flatMap(({ name, offset, field }) => [
      `${call.name} offsetof ${name} ${String(offset)}`,
      `${call.name} sizeof ${name} ${String(field.bytes)}`,
    ]),
  ];
}

/** The structs that no call has: driver data, records of events, and what comes behind a struct. */
const OTHER_STRUCTS: Readonly<Record<string, StructLayout<FieldTable>>> = {
  ...DRIVER_STRUCTS,
  iommu_iova_range: IOVA_RANGE,
  iommu_hwpt_pgfault: HWPT_PGFAULT,
  iommu_hwpt_page_response: HWPT_PAGE_RESPONSE,
  iommufd_vevent_header: VEVENT_HEADER,
  iommu_viommu_event_selftest: VIOMMU_EVENT_SELFTEST,
  ...VFIO_INFO_STRUCTS,
};

/** What came with vIOMMUs. */
const OF_VIOMMUS = /viommu|vevent/;

/** A struct as a kernel knows it. */
interface KnownStruct {
  readonly name: string;
  readonly bytes: number;
  readonly members: readonly Member[];
}

function structsOf(profile: Profile | undefined): KnownStruct[] {
  return Object.entries(OTHER_STRUCTS)
    .filter(([name]) => profile?.hasViommus !== false || !OF_VIOMMUS.test(name))
    .map(([name, { bytes, members }]) => {
      const known = name === 'iommu_hwpt_selftest' ? (profile?.hwptSelftestBytes ?? bytes) : bytes;
      return { name, bytes: known, members: members.filter(({ offset }) => offset < known) };
    });
}

/** Capabilities of VFIO have their header in a struct of its own. */
function pathInStruct(struct: string, member: string): string {
  const isInHeader =
    struct.startsWith('vfio_iommu_type1_info') && INFO_CAP_HEADER.memberOf(member) !== undefined;
  return isInHeader ? `header.${member}` : member;
}

function structFactsInC({ name, members }: KnownStruct): string[] {
  const fact = (what: string, value: string) =>
    `  printf("${name} ${what} %lu\\n", (unsigned long)(${value}));`;
  return [
    fact('sizeof', `sizeof(struct ${name})`),
    ...members.flatMap((member) => {
      const path = pathInStruct(name, member.name);
      return [
        fact(`offsetof ${member.name}`, `offsetof(struct ${name}, ${path})`),
        fact(`sizeof ${member.name}`, `sizeof(((struct ${name} *)0)->${path})`),
      ];
    }),
  ];
}

function structFactsHere({ name, bytes, members }: KnownStruct): string[] {
  return [
    `${name} sizeof ${String(bytes)}`,
    ...members.flatMap(({ name: member, offset, field }) => [
      `${name} offsetof ${member} ${String(offset)}`,
      `${name} sizeof ${member} ${String(field.bytes)}`,
    ]),
  ];
}

/** A program that prints the facts about calls and structs. */
function sourceInC(calls: readonly KnownCall[], structs: readonly KnownStruct[]): string {
  const lines = [
    '#include <stddef.h>',
    '#include <stdio.h>',
    '#include <linux/iommufd.h>',
    '#include <linux/vfio.h>',
    '#include "iommufd_test.h"',
    'int main(void)',
    '{',
    ...calls.flatMap(factsInC),
    ...structs.flatMap(structFactsInC),
    '  return 0;',
    '}',
  ];
  return `${lines.join('\n')}\n`;
}

describe('struct layouts, by the C compiler', () => {
  let kernels: Kernel[];
  let directory: string;

  before(async () => {
    const { stdout } = await runCli(['kernel', 'list', '--json']);
    kernels = (JSON.parse(stdout) as Kernel[]).filter(({ headers }) => headers !== undefined);
    directory = await makeDirectory();
  });

  after(() => removeDirectory(directory));

  it('are those of the headers of every kernel', async () => {
    assert.isNotEmpty(kernels, 'a kernel in the cache that was built from source');
    const [file, program] = [join(directory, 'layouts.c'), join(directory, 'layouts')];
    for (const { id, version, headers = '' } of kernels) {
      const profile = profileOfRelease(version);
      const calls = callsOf(profile);
      const structs = structsOf(profile);
      await writeFile(file, sourceInC(calls, structs));
      await run('gcc', ['-D__user=', '-D__counted_by(member)=', '-I', headers, '-o', program, file]);
      const { stdout } = await run(program);
      const facts = [...calls.flatMap(factsHere), ...structs.flatMap(structFactsHere)];
      assert.deepEqual(facts, stdout.trimEnd().split('\n'), id);
    }
  });
});
