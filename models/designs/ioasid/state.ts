import { present } from '../../base/assert.js';
import { hex } from '../../base/u64.js';
import type { DesignObject, Space, View } from '../framework/view.js';

/** An open file: an iommufd, or one of another type. */
export interface OpenedFile {
  readonly name: string;
  /** Undefined for a pipe. */
  readonly context: Context | undefined;
  /** References on it, of descriptors and of the kernel. */
  references: number;
  /** Users inside the kernel that are meant to hold one. */
  readonly holders: Set<VfioDevice>;
}

/** What an open iommufd is about. */
export interface Context {
  readonly name: string;
  /** By id; also those that cannot be found by it yet. */
  readonly spaces: Map<number, AddressSpace>;
  /** Devices bound to it, by id (merged) or in the order of binding. */
  readonly bindings: Map<number, Binding>;
  /** Ids that something had once. */
  readonly usedIds: Set<number>;
  /** Whether every id is taken by objects that nothing names. */
  isFull: boolean;
  /** Objects that it holds in memory, those that nothing names included. */
  objects: number;
  isReleased: boolean;
}

/** An IOASID, or an IOAS. */
export interface AddressSpace {
  readonly id: number;
  /** The proposal's reference count; 0 until ALLOC has set it. */
  references: number;
  /** Whether the id finds it. */
  isReachable: boolean;
  isComplete: boolean;
  /** Calls that use it and will be done soon. */
  shortUsers: number;
  /** Bits of an address; 64 where there is no such limit. */
  width: number;
  readonly devices: Set<VfioDevice>;
  /** What user space has mapped: IOVA → page. */
  readonly recorded: Map<bigint, number>;
  /** What the page table translates; undefined while there is none. */
  domain: Map<bigint, number> | undefined;
}

/** A device that an iommufd knows. */
export interface Binding {
  readonly id: number;
  readonly device: VfioDevice;
  readonly context: Context;
  cookie: number;
  isComplete: boolean;
  isFreed: boolean;
}

/** A device of VFIO. */
export interface VfioDevice {
  readonly name: string;
  /** Whether its group belongs to a container of the old interface. */
  readonly isInContainer: boolean;
  /** Whether its IOMMU driver has the operations that the series calls. */
  readonly hasOps: boolean;
  /** Whether its IOMMU tells page sizes. */
  readonly tellsPageSizes: boolean;
  binding: Binding | undefined;
  /** The number of the descriptor that it was bound by. */
  boundNumber: number | undefined;
  /** The file that the merged interface keeps open. */
  boundFile: OpenedFile | undefined;
  space: AddressSpace | undefined;
}

/** A process with some files open, and the devices of the machine. */
export interface Machine {
  readonly descriptors: Map<number, OpenedFile>;
  readonly files: OpenedFile[];
  readonly contexts: Context[];
  readonly devices: readonly VfioDevice[];
}

/** The descriptor that the process has open from the start: an iommufd. */
export const FIRST_FD = 3;

/** Objects that the memory limit of the caller has room for. */
export const OBJECTS_MAX = 64;

/** Devices by the names that programs use. */
export const DEVICES = { dev0: 0, dev1: 1, in_container: 2, without_ops: 3 } as const;

export function newMachine(): Machine {
  const machine: Machine = {
    descriptors: new Map(),
    files: [],
    contexts: [],
    devices: Object.keys(DEVICES).map((name) => ({
      name,
      isInContainer: name === 'in_container',
      hasOps: name !== 'without_ops',
      tellsPageSizes: name !== 'dev1',
      binding: undefined,
      boundNumber: undefined,
      boundFile: undefined,
      space: undefined,
    })),
  };
  openFile(machine, true);
  return machine;
}

/** Opens an iommufd or a pipe at the lowest free number, and returns that. */
export function openFile(machine: Machine, isIommufd: boolean): number {
  const { files, contexts } = machine;
  const context: Context | undefined = isIommufd
    ? {
        name: `iommufd ${String(contexts.length + 1)}`,
        spaces: new Map(),
        bindings: new Map(),
        usedIds: new Set(),
        isFull: false,
        objects: 0,
        isReleased: false,
      }
    : undefined;
  if (context !== undefined) contexts.push(context);
  const name = context?.name ?? `pipe ${String(files.length + 1)}`;
  const file: OpenedFile = { name, context, references: 0, holders: new Set() };
  files.push(file);
  return installFile(machine, file);
}

/** Gives a file another descriptor. */
export function installFile({ descriptors }: Machine, file: OpenedFile): number {
  let number = FIRST_FD;
  while (descriptors.has(number)) number += 1;
  descriptors.set(number, file);
  file.references += 1;
  return number;
}

/** The context of an iommufd's descriptor; undefined for any other number. */
export function contextAt({ descriptors }: Machine, fd: number): Context | undefined {
  return descriptors.get(fd)?.context;
}

/** The space that an id finds. */
export function spaceAt(machine: Machine, fd: number, id: number): AddressSpace | undefined {
  const space = contextAt(machine, fd)?.spaces.get(id);
  return space?.isReachable === true ? space : undefined;
}

export function deviceAt({ devices }: Machine, index: number): VfioDevice {
  return present(devices[index], `device ${String(index)}`);
}

/** The lowest id that is free, from `first` on. */
export function freeId({ spaces, bindings }: Context, first: number, isShared: boolean): number {
  let id = first;
  while (spaces.has(id) || (isShared && bindings.has(id))) id += 1;
  return id;
}

export function newSpace(id: number): AddressSpace {
  return {
    id,
    references: 0,
    isReachable: false,
    isComplete: false,
    shortUsers: 0,
    width: 64,
    devices: new Set(),
    recorded: new Map(),
    domain: undefined,
  };
}

/** How views name a space. */
export function spaceName(context: Context, id: number): string {
  return `address space ${String(id)} of ${context.name}`;
}

export function attachmentName({ name }: VfioDevice): string {
  return `attachment of ${name}`;
}

export function viewOfMachine({ files, contexts, descriptors, devices }: Machine): View {
  return {
    objects: [...contexts.flatMap(objectsOf), ...devices.flatMap(attachmentsOf)],
    spaces: contexts.flatMap(spacesOf),
    references: files.map((file) => ({
      of: file.name,
      actual: file.references,
      expected: [...descriptors.values()].filter((open) => open === file).length + file.holders.size,
    })),
    accounts: contexts.map(({ name, objects }) => ({
      of: `who opened ${name}`,
      actual: objects,
      expected: objects,
      limit: OBJECTS_MAX,
    })),
    released: contexts
      .filter(({ isReleased }) => isReleased)
      .map((context) => ({
        of: context.name,
        left: [...context.spaces.keys()].map((id) => spaceName(context, id)),
      })),
  };
}

function objectsOf(context: Context): DesignObject[] {
  const spaces = [...context.spaces.values()].map((space) => ({
    name: spaceName(context, space.id),
    handle: space.id,
    isReachable: space.isReachable,
    isComplete: space.isComplete,
    lastingUsers: space.devices.size,
    state: `${String(space.recorded.size)} mappings`,
  }));
  const bindings = [...context.bindings.values()].map(({ device, isComplete }) => ({
    name: `binding of ${device.name} to ${context.name}`,
    handle: 1,
    isReachable: true,
    isComplete,
  }));
  return [...spaces, ...bindings];
}

function attachmentsOf(device: VfioDevice): DesignObject[] {
  if (device.space === undefined) return [];
  return [{ name: attachmentName(device), handle: 1, isReachable: true, isComplete: true }];
}

function spacesOf(context: Context): Space[] {
  return [...context.spaces.values()].map((space) => ({
    of: spaceName(context, space.id),
    recorded: translationsOf(space.recorded),
    domains:
      space.domain === undefined
        ? []
        : [{ name: 'the page table', translations: translationsOf(space.domain) }],
  }));
}

function translationsOf(mappings: ReadonlyMap<bigint, number>): Record<string, string> {
  return Object.fromEntries([...mappings].map(([iova, page]) => [hex(iova), `page ${String(page)}`]));
}
