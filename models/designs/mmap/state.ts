import { PAGE_SIZE } from '../../base/u64.js';
import type { DefectId } from '../framework/call.js';

/** What lies behind a region: MMIO of a device, or the pages that the mock takes for it. */
export interface Memory {
  readonly name: string;
  /** Whether it was given back, to be used for something else. */
  isFreed: boolean;
  /** What let that happen too early. */
  freedBy: DefectId | undefined;
  /** Words that were stored: byte of the region → word. */
  readonly words: Map<bigint, number>;
}

/** The record of what mmap() can map. */
export interface Region {
  readonly context: Context;
  /** Offset for mmap(), and what the helper gave its driver, in bytes. */
  readonly cookie: bigint;
  /** Offsets that find it, in bytes. */
  readonly width: bigint;
  /** Bytes that were asked for. */
  readonly size: bigint;
  /** Id of the vIOMMU whose driver made it; 0 for a driver without one. */
  readonly owner: number;
  readonly memory: Memory;
  /** Whether it is in the tree no longer, and freed. */
  isErased: boolean;
  /** Mappings that the owner was told of. */
  users: number;
}

/** A mapping of a region in a process. */
export interface Vma {
  readonly number: number;
  readonly process: number;
  readonly region: Region;
  /** As mmap() was called, or moved on with what was cut off. */
  readonly offset: bigint;
  /** The byte of the region that its first byte shows. */
  readonly shows: bigint;
  readonly length: bigint;
  /** Whether it came from another mapping: what is left of one that was cut, or a child's. */
  readonly isDerived: boolean;
  /** Of r, w and x. */
  readonly rights: string;
  /** Whether children get none. */
  readonly isNotForked: boolean;
}

interface ObjectFace {
  readonly id: number;
  readonly context: Context;
  /** Others of its kind that must not go before it. */
  readonly dependsOn: IommufdObject[];
}

export interface Viommu extends ObjectFace {
  readonly kind: 'viommu';
  /** What its driver hands to the helper when it goes. */
  readonly cookies: bigint[];
  /** What it offers, and gives back when it goes. */
  readonly memories: Memory[];
}

/** A queue of the hardware in guest memory. */
export interface HwQueue extends ObjectFace {
  readonly kind: 'queue';
  readonly viommu: Viommu;
  readonly index: number;
  readonly iova: bigint;
  readonly length: bigint;
  /** What the driver was told, in bytes. */
  readonly address: bigint;
}

interface PageTable extends ObjectFace {
  readonly kind: 'ioas' | 'hwpt' | 'parent';
}

export type IommufdObject = Viommu | HwQueue | PageTable;

/** Memory that is mapped for guests. */
export interface Area {
  readonly iova: bigint;
  /** Numbers of pages of the machine, one for each page. */
  readonly frames: readonly number[];
  readonly isReadable: boolean;
}

/** What an open iommufd is about. */
export interface Context {
  readonly name: string;
  /** The tree of offsets. */
  readonly tree: Region[];
  readonly objects: Map<number, IommufdObject>;
  readonly areas: Area[];
  isReleased: boolean;
}

/** A process, its children, and the memory that they map. */
export interface Machine {
  readonly contexts: Context[];
  /** Descriptors of the first process; children keep copies that no call uses. */
  readonly descriptors: Map<number, Context>;
  /** Contexts that children have open, once for each descriptor. */
  readonly children: Map<number, readonly Context[]>;
  readonly vmas: Map<number, Vma>;
  readonly memories: Memory[];
  /** Pins of pages of the machine. */
  readonly pins: Map<number, number>;
  /** Mappings and children that there ever were. */
  count: number;
}

/** The descriptor that the process has open from the start: an iommufd. */
export const FIRST_FD = 3;

/** What an iommufd has from the start: an IOAS, a page table that is no parent, and one that is. */
export const IDS = { ioas: 1, hwpt: 2, parent: 3 } as const;

/** Where guest memory begins. */
export const GUEST = 0x100_0000n;

/** The pages of guest memory: the first two lie one behind the other in the machine, and the last two. */
const FRAMES = [0x100, 0x101, 0x200, 0x201];

export function newMachine(): Machine {
  const machine: Machine = {
    contexts: [],
    descriptors: new Map(),
    children: new Map(),
    vmas: new Map(),
    memories: [],
    pins: new Map(),
    count: 0,
  };
  openContext(machine);
  return machine;
}

/** Opens an iommufd at the lowest free number, and returns that. */
export function openContext({ contexts, descriptors }: Machine): number {
  const context: Context = {
    name: `iommufd ${String(contexts.length + 1)}`,
    tree: [],
    objects: new Map(),
    areas: [{ iova: GUEST, frames: FRAMES, isReadable: true }],
    isReleased: false,
  };
  for (const kind of ['ioas', 'hwpt', 'parent'] as const) {
    context.objects.set(IDS[kind], { kind, id: IDS[kind], context, dependsOn: [] });
  }
  contexts.push(context);
  let number = FIRST_FD;
  while (descriptors.has(number)) number += 1;
  descriptors.set(number, context);
  return number;
}

export function contextAt({ descriptors }: Machine, fd: number): Context | undefined {
  return descriptors.get(fd);
}

export function viommuAt(machine: Machine, fd: number, id: number): Viommu | undefined {
  const object = contextAt(machine, fd)?.objects.get(id);
  return object?.kind === 'viommu' ? object : undefined;
}

/** The region whose part of the tree an offset is in. */
export function regionAt({ tree }: Context, offset: bigint): Region | undefined {
  return tree.find(({ cookie, width }) => cookie <= offset && offset < cookie + width);
}

/** The lowest id that is free. */
export function freeId({ objects }: Context): number {
  let id = 1;
  while (objects.has(id)) id += 1;
  return id;
}

export function newMemory({ memories }: Machine, what: string): Memory {
  const memory: Memory = {
    name: `${what} ${String(memories.length + 1)}`,
    isFreed: false,
    freedBy: undefined,
    words: new Map(),
  };
  memories.push(memory);
  return memory;
}

export function queuesOf({ objects }: Context): HwQueue[] {
  return [...objects.values()].filter((object) => object.kind === 'queue');
}

/** Mappings of what a vIOMMU offers. */
export function mappingsOf({ vmas }: Machine, { id, context }: IommufdObject): Vma[] {
  return [...vmas.values()].filter(({ region }) => region.owner === id && region.context === context);
}

/** Objects that cannot be without one: its page table's vIOMMUs, its queues, those that were said to depend on it. */
export function dependentsOf({ contexts }: Machine, of: IommufdObject): IommufdObject[] {
  return contexts
    .flatMap(({ objects }) => [...objects.values()])
    .filter((object) => {
      if (object.dependsOn.includes(of)) return true;
      if (object.context !== of.context) return false;
      if (of.kind === 'viommu') return object.kind === 'queue' && object.viommu === of;
      if (of.kind === 'parent') return object.kind === 'viommu';
      return of.kind === 'ioas' && (object.kind === 'hwpt' || object.kind === 'parent');
    });
}

/** The frame behind an address of the guest; undefined in a hole. */
export function frameAt({ areas }: Context, iova: bigint): number | undefined {
  const area = areaAt(areas, iova);
  return area?.frames[Number((iova - area.iova) / PAGE_SIZE)];
}

export function areaAt(areas: readonly Area[], iova: bigint): Area | undefined {
  return areas.find((area) => area.iova <= iova && iova < areaEnd(area));
}

export function areaEnd({ iova, frames }: Area): bigint {
  return iova + BigInt(frames.length) * PAGE_SIZE;
}

/** Addresses of the pages that a range touches. */
export function pagesOf(start: bigint, length: bigint): bigint[] {
  const first = start & ~(PAGE_SIZE - 1n);
  const pages: bigint[] = [];
  for (let page = first; page < start + length; page += PAGE_SIZE) pages.push(page);
  return pages;
}

/** Pins the pages of a range, which has no hole. */
export function pin(machine: Machine, context: Context, start: bigint, length: bigint): void {
  addPins(machine, context, start, length, 1);
}

export function unpin(machine: Machine, context: Context, start: bigint, length: bigint): void {
  addPins(machine, context, start, length, -1);
}

function addPins({ pins }: Machine, context: Context, start: bigint, length: bigint, change: number): void {
  for (const page of pagesOf(start, length)) {
    const frame = frameAt(context, page);
    if (frame !== undefined) pins.set(frame, (pins.get(frame) ?? 0) + change);
  }
}
