import type { DesignContext } from '../framework/call.js';

/** What a call of these designs sees, whatever its arguments. */
export type Seen = DesignContext<Machine, unknown>;

/** Who has made a buffer: VFIO of a BAR, the test of iommufd, or a driver that iommufd has no private way to. */
export type Exporter = 'vfio' | 'test' | 'foreign';

/** A PCI function in the hands of VFIO, whose BARs are exported. */
export interface PciFunction {
  /** Whether its descriptor is open. */
  isOpen: boolean;
  /** Whether it is enabled; between the parts of a close it may not be. */
  isEnabled: boolean;
  /** MEMORY in the command register. */
  hasMemory: boolean;
  /** Whether it is in D3 or its like. */
  isAsleep: boolean;
  isResetting: boolean;
  /** References that buffers hold on the registration of the device. */
  registrations: number;
}

/** A part of BAR 0, or of a buffer's memory. */
export interface PhysicalRange {
  readonly start: bigint;
  readonly length: bigint;
}

/** A dma-buf. */
export interface Buffer {
  readonly name: string;
  /** The descriptor that it was made with. */
  readonly handle: number;
  readonly exporter: Exporter;
  readonly ranges: readonly PhysicalRange[];
  isRevoked: boolean;
  /** References on the file. */
  references: number;
  /** The exporter's own reference on the mappings, and one for each importer that has mapped it. */
  mappings: number;
  /** Whether its device still knows it. */
  isListed: boolean;
}

/** An importer's hold of a buffer. */
export interface Attachment {
  readonly id: number;
  readonly buffer: Buffer;
  /** What iommufd makes of it; undefined for any other importer. */
  readonly pages: Pages | undefined;
  /** Whether it can be told that the buffer is revoked. */
  readonly hasInvalidate: boolean;
  pins: number;
  /** Whether it has an address for DMA; of importers other than iommufd. */
  isMapped: boolean;
}

/** iommufd's pages of a buffer. Areas that are copied share them. */
export interface Pages {
  /** Byte of the buffer at which they begin. */
  readonly start: bigint;
  readonly isWritable: boolean;
  /** Whether iommufd has their address and relies on it. */
  isImported: boolean;
  /** A revocation leaves them without an address, for good. */
  isDead: boolean;
  /** Whether the buffer has been offered again and nothing says that they stay dead. */
  isExpected: boolean;
  /** What a revocation has to unmap. */
  readonly tracked: Set<Track>;
  areas: number;
}

interface Track {
  readonly area: Area;
  readonly domain: Domain;
}

/** A range of IOVAs that shows a part of a buffer. */
export interface Area {
  readonly iova: bigint;
  readonly length: bigint;
  readonly attachment: Attachment;
  readonly pages: Pages;
  /** Byte of the buffer that its first byte shows. */
  readonly offset: bigint;
  /** `r`, `w` or `rw` */
  readonly access: string;
}

/** An entry of a page table. */
interface Translation {
  readonly area: Area;
  /** Byte of the buffer. */
  readonly byte: bigint;
  readonly kind: 'MMIO' | 'RAM';
}

/** The page table of a device. */
export interface Domain {
  readonly device: string;
  /** Whether the device can reach the function whose BARs are exported. */
  readonly canReach: boolean;
  readonly table: Map<bigint, Translation>;
}

/** An IOAS. */
export interface AddressSpace {
  readonly name: string;
  readonly areas: Set<Area>;
  readonly domains: Set<Domain>;
}

/** A VFIO device that exports, an iommufd with two IOAS that imports, the first with a device, and other importers. */
export interface Machine {
  readonly device: PciFunction;
  readonly buffers: Set<Buffer>;
  readonly descriptors: Map<number, Buffer>;
  readonly attachments: Map<number, Attachment>;
  attachmentsMade: number;
  buffersMade: number;
  readonly spaces: readonly [AddressSpace, AddressSpace];
  isIommufdOpen: boolean;
  /** Allocations of the test exporter that are not freed. */
  testAllocations: number;
}

/** The number of the first buffer's descriptor; the device and the iommufd have the ones before it. */
export const FIRST_BUFFER = 5;

/** Bytes of an entry of a page table: half a page, as those of the mock. */
export const ENTRY_BYTES = 0x800n;

/** Where BAR 0 lies, and how large it is. */
export const BAR0: PhysicalRange = { start: 0xc000_0000n, length: 0x4000n };

export function newMachine(): Machine {
  return {
    device: {
      isOpen: true,
      isEnabled: true,
      hasMemory: true,
      isAsleep: false,
      isResetting: false,
      registrations: 0,
    },
    buffers: new Set(),
    descriptors: new Map(),
    attachments: new Map(),
    attachmentsMade: 0,
    buffersMade: 0,
    spaces: [newSpace('IOAS i', ['near']), newSpace('IOAS j', [])],
    isIommufdOpen: true,
    testAllocations: 0,
  };
}

function newSpace(name: string, devices: readonly string[]): AddressSpace {
  return { name, areas: new Set(), domains: new Set(devices.map(newDomain)) };
}

/** The device behind another root port than the function whose BARs are exported. */
const FAR = 'far';

export function newDomain(device: string): Domain {
  return { device, canReach: device !== FAR, table: new Map() };
}

/** Makes a buffer with a descriptor, and returns the number of that. */
export function openBuffer(
  machine: Machine,
  buffer: Pick<Buffer, 'exporter' | 'ranges' | 'isRevoked'>,
): number {
  const { buffers, descriptors } = machine;
  machine.buffersMade += 1;
  let handle = FIRST_BUFFER;
  while (descriptors.has(handle)) handle += 1;
  const made: Buffer = {
    ...buffer,
    name: `buffer ${String(machine.buffersMade)}`,
    handle,
    references: 1,
    mappings: 1,
    isListed: buffer.exporter === 'vfio',
  };
  buffers.add(made);
  descriptors.set(handle, made);
  return handle;
}

/** Drops a reference on the file of a buffer; the last one releases it. */
export function putBuffer(machine: Machine, buffer: Buffer): void {
  buffer.references -= 1;
  if (buffer.references > 0) return;
  machine.buffers.delete(buffer);
  if (buffer.exporter === 'test') machine.testAllocations -= 1;
  if (buffer.isListed) machine.device.registrations -= 1;
}

/** Whether the function answers accesses to its BARs. */
export function isDecoding({ isEnabled, hasMemory, isAsleep, isResetting }: PciFunction): boolean {
  return isEnabled && hasMemory && !isAsleep && !isResetting;
}

/** Whether a descriptor finds a buffer. */
export function isOpen({ descriptors }: Machine, buffer: Buffer): boolean {
  return [...descriptors.values()].includes(buffer);
}

export function bytesOf({ ranges }: Buffer): bigint {
  return ranges.reduce((bytes, { length }) => bytes + length, 0n);
}

export function attachmentsOf({ attachments }: Machine, buffer: Buffer): Attachment[] {
  return [...attachments.values()].filter((attachment) => attachment.buffer === buffer);
}
