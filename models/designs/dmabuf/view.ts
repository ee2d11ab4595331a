import { hex } from '../../base/u64.js';
import type { View } from '../framework/view.js';
import {
  type AddressSpace,
  type Area,
  type Attachment,
  type Buffer,
  type Domain,
  ENTRY_BYTES,
  type Machine,
  type Pages,
  attachmentsOf,
  isDecoding,
  isOpen,
} from './state.js';

/** What invariants see of the machine. */
export function viewOfMachine(machine: Machine): View {
  const { buffers, attachments, spaces, device } = machine;
  const openBuffers = [...buffers].filter((buffer) => isOpen(machine, buffer));
  return {
    pins: [...attachments.values()].map(({ id, buffer, pins, pages }) => ({
      of: `${buffer.name}, imported by attachment ${String(id)},`,
      actual: pins,
      expected: pages?.isImported === true ? 1 : 0,
    })),
    accounts: [
      {
        of: 'the test exporter',
        actual: machine.testAllocations,
        expected: [...buffers].filter(({ exporter }) => exporter === 'test').length,
      },
    ],
    references: [
      {
        of: 'the registration of the device',
        actual: device.registrations,
        expected: [...buffers].filter(({ isListed }) => isListed).length,
      },
      ...[...buffers].flatMap((buffer) => referencesOf(machine, buffer)),
    ],
    objects: [
      ...openBuffers.map((buffer) => ({
        name: buffer.name,
        handle: buffer.handle,
        isReachable: true,
        isComplete: true,
        state: buffer.isRevoked ? 'revoked' : 'live',
      })),
      ...[...attachments.values()].map(({ id }) => ({
        name: attachmentName(id),
        handle: id,
        isReachable: true,
        isComplete: true,
      })),
    ],
    spaces: spaces.map((space) => ({
      of: space.name,
      recorded: recordedIn(space),
      domains: [...space.domains].map((domain) => ({
        name: domainName(domain),
        translations: Object.fromEntries(
          [...domain.table].map(([iova, { area, byte, kind }]) => [hex(iova), shows(area, byte, kind)]),
        ),
      })),
    })),
    revocations: [...buffers].map((buffer) => ({
      of: buffer.name,
      isRevoked: isOutOfReach(machine, buffer),
      mappedBy: mappersOf(machine, buffer),
    })),
    grants: spaces.flatMap((space) => [...space.domains].flatMap((domain) => grantsIn(machine, domain))),
    released: machine.isIommufdOpen
      ? []
      : [{ of: 'the iommufd', left: [...attachments.values()].filter(isOfIommufd).map(nameOf) }],
  };
}

const isOfIommufd = ({ pages }: Attachment): boolean => pages !== undefined;

const nameOf = ({ id }: Attachment): string => attachmentName(id);

export function attachmentName(id: number): string {
  return `attachment ${String(id)}`;
}

function domainName({ device }: Domain): string {
  return `the page table of ${device}`;
}

/** Whether nobody may reach a buffer: it is revoked, or what it shows does not answer. */
function isOutOfReach({ device }: Machine, { exporter, isRevoked }: Buffer): boolean {
  return isRevoked || (exporter === 'vfio' && !isDecoding(device));
}

function referencesOf(machine: Machine, buffer: Buffer): { of: string; actual: number; expected: number }[] {
  const attachments = attachmentsOf(machine, buffer);
  const descriptors = [...machine.descriptors.values()].filter((open) => open === buffer).length;
  return [
    {
      of: `the file of ${buffer.name}`,
      actual: buffer.references,
      expected: descriptors + attachments.length,
    },
    {
      of: `what is mapped of ${buffer.name}`,
      actual: buffer.mappings,
      expected: 1 + attachments.filter(({ isMapped }) => isMapped).length,
    },
  ];
}

/** What areas should show: nothing of a revoked buffer, and after that as far as something promises it. */
function recordedIn({ areas }: AddressSpace): Record<string, string> {
  const live = [...areas].filter(({ pages }) => !pages.isDead || pages.isExpected);
  return Object.fromEntries(
    live.flatMap((area) => entriesOf(area).map((at) => [hex(area.iova + at), shows(area, area.offset + at)])),
  );
}

/** Offsets in an area of what is an entry in page tables. */
export function entriesOf({ length }: Area): bigint[] {
  return Array.from({ length: Number(length / ENTRY_BYTES) }, (_, at) => BigInt(at) * ENTRY_BYTES);
}

function shows({ attachment }: Area, byte: bigint, kind = 'MMIO'): string {
  return `byte ${hex(byte)} of ${attachment.buffer.name} as ${kind}`;
}

function mappersOf(machine: Machine, buffer: Buffer): string[] {
  const domains = machine.spaces.flatMap((space) => [...space.domains]);
  return [
    ...domains
      .filter(({ table }) => [...table.values()].some(({ area }) => area.attachment.buffer === buffer))
      .map(domainName),
    ...attachmentsOf(machine, buffer)
      .filter(({ isMapped }) => isMapped)
      .map(({ id }) => `the importer of attachment ${String(id)}`),
  ];
}

function grantsIn(
  { device }: Machine,
  { device: by, canReach, table }: Domain,
): { by: string; granted: string; used: string }[] {
  const areas = new Set([...table.values()].map(({ area }) => area));
  return [...areas].map(({ iova, attachment: { buffer }, pages, access }) => ({
    by: `${by} at ${hex(iova)}`,
    granted: buffer.exporter !== 'vfio' || (canReach && isDecoding(device)) ? rightsOf(pages) : '',
    used: access,
  }));
}

function rightsOf({ isWritable }: Pages): string {
  return isWritable ? 'rw' : 'r';
}
