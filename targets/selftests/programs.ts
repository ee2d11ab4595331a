import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sourceTreeOf } from '../kernels/source.js';
import { cached } from '../cached.js';
import type { Kernel } from '../kernels/store.js';
import { runTool } from '../tools.js';

/** The kernel's own tests of iommufd. Source: tools/testing/selftests/iommu/Makefile. */
export const SELFTESTS = ['iommufd', 'iommufd_fail_nth'] as const;

export type Selftest = (typeof SELFTESTS)[number];

/** Where a kernel's source has them. */
const PLACE = 'tools/testing/selftests/iommu';

/** What they are written with. */
const HARNESS = 'tools/testing/selftests/kselftest_harness.h';

/**
 * The harness kills a case after half a minute, which is not long on an emulated processor of a busy machine. It says so in a macro
 * that takes effect where cases are declared.
 */
const SECONDS_OF_A_CASE = 600;
const PATIENCE = `#undef TEST_TIMEOUT_DEFAULT\n#define TEST_TIMEOUT_DEFAULT ${String(SECONDS_OF_A_CASE)}\n`;

/**
 * What the programs of some releases use although their own headers lack it: 6.12.y took over changes of the tests without those of
 * the kernel. There is only the outgoing type in its struct, and no flag that makes a mock device with PASIDs; the rest is as in the
 * releases that have both.
 */
const DEFINITIONS: Readonly<Record<string, string>> = {
  in_data_type: 'out_data_type',
  IOMMU_HW_INFO_TYPE_DEFAULT: '0',
  IOMMU_HW_INFO_FLAG_INPUT_TYPE: '1',
  MOCK_FLAGS_DEVICE_PASID: '0',
  MOCK_PASID_WIDTH: '20',
};

/** The headers that should have them. */
const HEADERS = ['include/uapi/linux/iommufd.h', 'drivers/iommu/iommufd/iommufd_test.h'] as const;

/**
 * Compiles the selftests of a kernel with its own headers, or finds them in the cache.
 * @returns the directory of the programs
 * @throws TestBedError when the source is not there, or does not compile
 */
export async function buildSelftests(kernel: Kernel, cache: string): Promise<string> {
  const hash = createHash('sha256')
    .update(kernel.content)
    .update(JSON.stringify([DEFINITIONS, PATIENCE]));
  const place = join(cache, 'selftests', `${kernel.id}-${hash.digest('hex').slice(0, 16)}`);
  return cached(place, async (work) => compile(await sourceTreeOf(kernel, cache), work));
}

/** @returns the directory of the programs, in `work` */
async function compile(tree: string, work: string): Promise<string> {
  const [headers, programs] = [join(work, 'headers'), join(work, 'programs')];
  await mkdir(programs, { recursive: true });
  await mkdir(headers);
  const patience = join(work, 'patience.h');
  await writeFile(patience, PATIENCE);
  await runTool('make', ['-s', '-C', tree, `O=${headers}`, 'headers']);
  const definitions = (await missingDefinitions(tree)).map(([name, value]) => `-D${name}=${value}`);
  await runTool('make', [
    ...['-s', '-C', join(tree, PLACE), `OUTPUT=${programs}`],
    `KHDR_INCLUDES=-isystem ${join(headers, 'usr/include')}`,
    `USERCFLAGS=${[...definitions, '-include', join(tree, HARNESS), '-include', patience].join(' ')}`,
    ...SELFTESTS.map((name) => join(programs, name)),
  ]);
  return programs;
}

async function missingDefinitions(tree: string): Promise<[name: string, value: string][]> {
  const texts = await Promise.all(HEADERS.map((header) => readFile(join(tree, header), 'utf8')));
  return Object.entries(DEFINITIONS).filter(([name]) => !texts.some((text) => text.includes(name)));
}
