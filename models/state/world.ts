import { present } from '../base/assert.js';
import { ARENA, type Access } from '../program/arena.js';
import { CAPABILITIES } from '../program/credentials.js';
import type { MemoryFilePages } from '../program/raw.js';
import { destroyAccess } from './access.js';
import type { CopySource } from './copy_source.js';
import { releaseFile } from './destroy.js';
import { IommufdFile } from './iommufd_file.js';
import { MemoryFile } from './memory_file.js';
import type { FdTable, OpenFile } from './open_file.js';
import type { HwptPaging, IommufdObject } from './objects.js';
import { Process, UserAccount } from './process.js';
import { type Steps, inOneGo } from './steps.js';
import { VfioDevice, type VfioDeviceFile } from './vfio_files.js';
import { type RegionChanges, UserMemory } from './user_memory.js';
import type { Backing } from './vma.js';

/** Everything that the calls of one program can see or change. */
export class World {
  readonly user = new UserAccount();
  /** By the program's numbers; 0 is the one that the program starts in. */
  readonly processes: Process[];
  /** What processes were before exec(). */
  readonly #replaced: Process[] = [];
  /** The process whose step is at hand. */
  #current = 0;
  readonly #contexts: IommufdFile[] = [];
  #opened = 0;
  readonly vfio = new VfioDevice();
  /** What the last call that was a copy has found. */
  copySource: CopySource | undefined;
  /** What the call at hand has found before calls of other lanes, if it is a copy. */
  earlyCopySource: CopySource | undefined;
  /** Who takes the rest of what a call does, if calls of other lanes may see it half done. */
  onSteps: ((rest: Steps, goesNext: HwptPaging | undefined) => void) | undefined;

  /** @param memory of the first process */
  constructor(memory = new UserMemory(ARENA)) {
    this.processes = [new Process(memory, this.user)];
  }

  /** Each open of /dev/iommu that is not released yet, whether or not a descriptor of it is left. */
  get contexts(): readonly IommufdFile[] {
    return this.#contexts;
  }

  /** The process that makes the call at hand. */
  get process(): Process {
    return this.processOf(this.#current);
  }

  /** A process by its number. */
  processOf(number: number): Process {
    return present(this.processes[number], 'a process');
  }

  /** Its address space. */
  get memory(): UserMemory {
    return this.process.memory;
  }

  /** Its descriptors by the program's slot numbers. */
  get fds(): FdTable {
    return this.process.fds;
  }

  /** Every process, also as it was before exec(): what it had pinned is charged to its memory still. */
  get everyProcess(): readonly Process[] {
    return this.#replaced.length === 0 ? this.processes : [...this.processes, ...this.#replaced];
  }

  /** How many descriptors refer to a file, in all processes. */
  descriptorsOf(file: OpenFile): number {
    return this.processes.reduce((sum, { fds }) => sum + fds.countOf(file), 0);
  }

  /** Does what the call at hand goes on to do. The first step is done when the call has decided what it answers. */
  goOn(steps: Steps): void {
    const { onSteps } = this;
    if (onSteps === undefined) {
      inOneGo(steps);
      return;
    }
    const { done, value } = steps.next(false);
    if (done !== true) onSteps(steps, value);
  }

  /** What a copy has found under its source range: now, or before calls of other lanes. */
  lookUpCopySource(find: () => CopySource): CopySource {
    this.copySource = this.earlyCopySource ?? find();
    return this.copySource;
  }

  /** Lets another process make the next call. */
  switchTo(process: number): void {
    this.#current = process;
  }

  openIommufd(slot: number, isReadOnly = false): IommufdFile {
    const file = new IommufdFile(this.#opened++, isReadOnly);
    this.#contexts.push(file);
    this.fds.install(slot, file);
    return file;
  }

  openMemoryFile(slot: number, bytes: bigint, pages: MemoryFilePages): void {
    this.fds.install(slot, new MemoryFile(bytes, this.memory.physical, pages));
  }

  /** close(): the file goes with its last reference. */
  close(slot: number): void {
    const file = this.fds.remove(slot);
    if (file !== undefined) this.put(file);
  }

  /** fork(): the process at hand is copied. */
  fork(): void {
    const parent = this.process;
    const { memory, changes } = parent.memory.fork();
    const child = new Process(memory, parent.user);
    this.processes.push(child);
    child.capabilities.clear();
    for (const capability of parent.capabilities) child.capabilities.add(capability);
    child.memlockBytes = parent.memlockBytes;
    for (const [slot, file] of parent.fds.entries)
      child.fds.install(slot, file, parent.fds.closesOnExec(slot));
    this.#countMappings(changes);
  }

  /** exit(): the process at hand loses its memory, then its descriptors. */
  exit(): void {
    this.#leaveMemory();
    for (const [slot] of [...this.fds.entries]) this.close(slot);
  }

  /**
   * exec(): the process at hand gets the memory that a program begins with, and the first user all capabilities; descriptors that
   * are marked so close.
   */
  exec(): void {
    const { user, task } = this.process;
    this.#leaveMemory();
    this.#replaced.push(this.process);
    const memory = new UserMemory(ARENA, this.memory.physical);
    this.processes[this.#current] = new Process(memory, user, task);
    for (const capability of CAPABILITIES) task.capabilities.add(capability);
    for (const slot of task.fds.slotsClosingOnExec) this.close(slot);
  }

  /** Nobody reaches the memory of the process at hand any more. */
  #leaveMemory(): void {
    this.process.isAlive = false;
    this.#countMappings(this.memory.unmap(0n, 1n << 64n));
  }

  /** Maps memory where nothing is. */
  mapMemory(start: bigint, bytes: bigint, access: Access, backing?: Backing, isPrivate = false): void {
    this.memory.map(start, bytes, access, backing, isPrivate);
    if (backing?.kind === 'region') this.#countMappings(new Map([[backing.region, 1]]));
  }

  unmapMemory(start: bigint, bytes: bigint): void {
    this.#countMappings(this.memory.unmap(start, bytes));
  }

  protectMemory(start: bigint, bytes: bigint, access: Access): void {
    this.#countMappings(this.memory.protect(start, bytes, access));
  }

  moveMemory(start: bigint, bytes: bigint, newBytes: bigint, to: bigint): void {
    this.#countMappings(this.memory.move(start, bytes, newBytes, to));
  }

  /** Each mapping of a region is a user of its owner and a reference of the file. */
  #countMappings(changes: RegionChanges): void {
    for (const [{ file, owner }, change] of changes) {
      owner.users += change;
      file.references += change;
      if (file.references === 0) this.#release(file);
    }
  }

  /** fput(). */
  put(file: OpenFile): void {
    file.references -= 1;
    if (file.references === 0) this.#release(file);
  }

  /** The last reference is gone. */
  #release(file: OpenFile): void {
    switch (file.kind) {
      case 'iommufd':
        releaseFile(file);
        this.#contexts.splice(this.#contexts.indexOf(file), 1);
        break;
      case 'fault':
      case 'veventq':
        file.object.users -= 1;
        this.put(file.context);
        break;
      case 'access':
        destroyAccess(file.iommufd, file.access);
        this.put(file.iommufd);
        break;
      case 'vfio_device':
        this.#unbind(file);
        break;
      case 'vfio_group':
        this.vfio.group = undefined;
        if (file.iommufd !== undefined) this.put(file.iommufd);
        break;
      case 'memfd':
      case 'dmabuf':
        break;
    }
  }

  /** Source: drivers/vfio/device_cdev.c:vfio_df_unbind_iommufd; group.c:vfio_df_group_close. */
  #unbind({ bound, isOfGroup }: VfioDeviceFile): void {
    if (bound === undefined) return;
    if (isOfGroup) {
      const opens = present(this.vfio.ofGroup, 'opens through the group');
      opens.files -= 1;
      if (opens.files > 0) return;
      this.vfio.ofGroup = undefined;
    } else {
      this.vfio.bound = undefined;
    }
    destroyAccess(bound.iommufd, bound.access);
    this.put(bound.iommufd);
  }
}

/** Whether some object of some open file is like that. */
export function someObject(world: World, isLike: (object: IommufdObject) => boolean): boolean {
  for (const file of world.contexts) if (file.objects.objects.some(isLike)) return true;
  return false;
}
