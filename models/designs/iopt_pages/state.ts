import { present } from '../../base/assert.js';
import { PAGE_SIZE, U64_MAX, pageIndex, pageOffset } from '../../base/u64.js';
import type { DesignContext } from '../framework/call.js';
import { type UserMemory, newMemory } from './memory.js';

/** What moving pages between tiers needs of the call that it is done for. */
export type TierContext = Pick<
  DesignContext<Machine, unknown>,
  'state' | 'has' | 'undefined' | 'prints' | 'contradicts'
>;

/** How moving pages fails: the rule that the call ends by. */
export type TierFailure = 'EFAULT.memory' | 'EFAULT.mm' | 'ENOMEM.limit' | 'ENOMEM.allocation';

/** struct iopt_pages: a run of the user's pages that areas share. */
export interface IoptPages {
  readonly name: string;
  /** Address of the first page. */
  readonly uptr: bigint;
  /** Capacity. */
  readonly npages: number;
  readonly isWritable: boolean;
  readonly hasIpcLock: boolean;
  /** Whether the process that mapped has exited. */
  isOrphan: boolean;
  /** Pages that are pinned now, as counted. */
  npinned: number;
  /** Pages that were pinned when the account was last brought up to date. */
  lastNpinned: number;
  /** First tier: frame numbers by index, for users in the kernel. */
  readonly pinnedPfns: Map<number, number>;
  /** Ranges of users in the kernel. */
  readonly users: UserRange[];
  /** Areas that a domain holds. */
  readonly domainAreas: Set<Area>;
  /** Areas, and calls that hold it for a moment. */
  references: number;
}

/** struct iopt_pages_user, later iopt_pages_access. */
export interface UserRange {
  readonly start: number;
  readonly last: number;
  references: number;
}

/** struct iopt_area: a range of IOVAs. */
export interface Area {
  readonly iova: bigint;
  readonly last: bigint;
  /** Undefined until MAP has finished, and once UNMAP has begun. */
  pages: IoptPages | undefined;
  /** Byte of the first page that the area begins with. */
  readonly pageOffset: bigint;
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly isWritable: boolean;
  /** The domain that its pages can be read back from. */
  storage: Domain | undefined;
  /** `num_users`, later `num_accesses`. */
  users: number;
  isPreventingUsers: boolean;
}

/** An IOMMU domain, of one device each. */
export interface Domain {
  readonly name: string;
  /** IOVA of each piece of a page → frame number. */
  readonly translations: Map<bigint, number>;
}

/** struct iommufd_ioas with its struct io_pagetable. */
export interface Ioas {
  readonly id: number;
  readonly areas: Area[];
  readonly domains: Domain[];
  /** Ranges that nothing may be mapped in, and whom they belong to. */
  reserved: { readonly start: bigint; readonly last: bigint; readonly owner: string }[];
  alignment: bigint;
}

/** A user in the kernel, and what it has been given: the truth that counts are held against. */
export interface Holder {
  readonly ioas: Ioas;
  readonly iova: bigint;
  readonly length: bigint;
  /** Of the merged interface: the access that it belongs to. */
  readonly access: Access | undefined;
  readonly parts: readonly {
    readonly area: Area;
    readonly pages: IoptPages;
    readonly start: number;
    readonly last: number;
  }[];
}

/** struct iommufd_access, with the test driver behind it. */
export interface Access {
  readonly id: number;
  readonly ioas: Ioas;
  /** Whether it pins pages, which asks for whole ones, and does not only read and write. */
  readonly isPinning: boolean;
}

/** A device of VFIO; `both` are one IOMMU group. */
export interface Device {
  readonly name: string;
  readonly aperture: { readonly start: bigint; readonly last: bigint };
  /** Smallest page of its IOMMU. */
  readonly pageBytes: bigint;
  ioas: Ioas | undefined;
  domain: Domain | undefined;
}

/** All that the design is about. */
export interface Machine {
  readonly memory: UserMemory;
  readonly spaces: Map<number, Ioas>;
  nextId: number;
  readonly pages: IoptPages[];
  readonly holders: Holder[];
  readonly accesses: Map<number, Access>;
  readonly devices: readonly Device[];
  /** Domains that are gone, with what they still translate. */
  readonly freedDomains: Domain[];
  /** user_struct->locked_vm of who is not privileged, in pages. */
  lockedVm: number;
  /** mm->pinned_vm, in pages. */
  pinnedVm: number;
  /** Allocations until one fails; 0 for none. */
  failsIn: number;
  /** IOMMU_OPTION_RLIMIT_MODE. */
  rlimitMode: number;
}

/** RLIMIT_MEMLOCK of who is not privileged, in pages. */
export const LOCKED_MAX = 20;

/** Devices by the names that programs use. dev1 has an aperture and pages as the mock device of kernels has. */
export const DEVICES = { dev0: 0, dev1: 1 } as const;

/** Address spaces that are there from the start. */
export const FIRST_IOAS = 1;
export const SECOND_IOAS = 2;

export function newMachine(): Machine {
  const machine: Machine = {
    memory: newMemory(),
    spaces: new Map(),
    nextId: FIRST_IOAS,
    pages: [],
    holders: [],
    accesses: new Map(),
    devices: [
      newDevice('dev0', { start: 0n, last: U64_MAX }, PAGE_SIZE),
      newDevice('dev1', { start: 0x1000n, last: U64_MAX }, PAGE_SIZE / 2n),
    ],
    freedDomains: [],
    lockedVm: 0,
    pinnedVm: 0,
    failsIn: 0,
    rlimitMode: 0,
  };
  newIoas(machine);
  newIoas(machine);
  return machine;
}

function newDevice(name: string, aperture: Device['aperture'], pageBytes: bigint): Device {
  return { name, aperture, pageBytes, ioas: undefined, domain: undefined };
}

export function newIoas(machine: Machine): Ioas {
  const ioas: Ioas = { id: newId(machine), areas: [], domains: [], reserved: [], alignment: 1n };
  machine.spaces.set(ioas.id, ioas);
  return ioas;
}

/** The next id; objects and accesses share the numbers. */
export function newId(machine: Machine): number {
  const id = machine.nextId;
  machine.nextId += 1;
  return id;
}

export function deviceAt({ devices }: Machine, index: number): Device {
  return present(devices[index], `device ${String(index)}`);
}

/** The space of an id that a rule has found. */
export function ioasAt({ spaces }: Machine, id: number): Ioas {
  return present(spaces.get(id), `IOAS ${String(id)}`);
}

/** The place of a mapping in its pages. */
export interface Slice {
  /** Offset of the first byte from the first byte of the pages. */
  readonly startByte: bigint;
  readonly length: bigint;
}

export function newArea(iova: bigint, { startByte, length }: Slice, isWritable: boolean): Area {
  return {
    iova,
    last: iova + length - 1n,
    pages: undefined,
    pageOffset: pageOffset(startByte),
    firstIndex: pageIndex(startByte),
    lastIndex: pageIndex(startByte + length - 1n),
    isWritable,
    storage: undefined,
    users: 0,
    isPreventingUsers: false,
  };
}

/** The IOVA of the first byte of a page that an area shows. */
export function iovaOfIndex({ iova, pageOffset: offset, firstIndex }: Area, index: number): bigint {
  return index === firstIndex ? iova : iova - offset + BigInt(index - firstIndex) * PAGE_SIZE;
}

export function indexOfIova({ iova, pageOffset: offset, firstIndex }: Area, at: bigint): number {
  return pageIndex(at - iova + offset) + firstIndex;
}

/** Whether an allocation fails that a program has asked to fail. */
export function fails(machine: Machine): boolean {
  if (machine.failsIn === 0) return false;
  machine.failsIn -= 1;
  return machine.failsIn === 0;
}

/** Where the pages of an area begin, counted from the first byte of its pages. */
export function startByteOf({ firstIndex, pageOffset: offset }: Area): bigint {
  return BigInt(firstIndex) * PAGE_SIZE + offset;
}

/** The areas that share a byte with a range, in order. */
export function areasIn({ areas }: Ioas, start: bigint, last: bigint): Area[] {
  return areas
    .filter((area) => area.iova <= last && area.last >= start)
    .sort((one, two) => (one.iova < two.iova ? -1 : 1));
}
