import { assert } from '../models/base/assert.js';
import { CAPABILITIES, CAPABILITY_NUMBERS } from '../models/program/credentials.js';
import { SLOTS_MAX } from '../models/program/raw.js';
import type { OpenFile } from '../models/state/open_file.js';
import type { Process } from '../models/state/process.js';
import type { World } from '../models/state/world.js';
import type { AddressSpace } from './address_space.js';

/** A recorded process: its part of the model, and the numbers that it has for descriptors. */
export class TracedProcess {
  readonly #slots = new Map<number, number>();
  /** Descriptors of which the model does not know what they refer to, and why. */
  readonly #unknown = new Map<number, string>();

  constructor(
    readonly id: number,
    private readonly world: World,
    /** The number of the process in the model. */
    readonly index: number,
    readonly space: AddressSpace,
    /** Why none of its calls can be judged. */
    readonly unjudged: string | undefined,
  ) {}

  get process(): Process {
    this.enter();
    return this.world.process;
  }

  /** Makes it the one that makes the next call. */
  enter(): void {
    this.world.switchTo(this.index);
  }

  /** The slot of a descriptor that the model knows. */
  slotOf(fd: number): number | undefined {
    return this.#slots.get(fd);
  }

  fileOf(fd: number): OpenFile | undefined {
    const slot = this.#slots.get(fd);
    return slot === undefined ? undefined : this.process.fds.get(slot);
  }

  /** Each descriptor that the model knows. */
  get fds(): readonly number[] {
    return [...this.#slots.keys()];
  }

  /** A slot for a descriptor; its number may have been in use by something that the trace does not tell of. */
  takeSlot(fd: number): number {
    this.forget(fd);
    const slot = this.freeSlot();
    this.#slots.set(fd, slot);
    return slot;
  }

  /** A slot that nothing is in. */
  freeSlot(): number {
    const used = new Set(this.#slots.values());
    let slot = 0;
    while (used.has(slot)) slot++;
    assert(slot < SLOTS_MAX, 'a process has few descriptors of interest');
    return slot;
  }

  /** The descriptor is closed: its file goes with its last reference. */
  forget(fd: number): void {
    this.#unknown.delete(fd);
    const slot = this.#slots.get(fd);
    if (slot === undefined) return;
    this.#slots.delete(fd);
    this.enter();
    // The model may have closed it already.
    this.world.close(slot);
  }

  /** Notes a descriptor that the model cannot follow. */
  distrust(fd: number, why: string): void {
    this.forget(fd);
    this.#unknown.set(fd, why);
  }

  /** Why the model does not know what a descriptor refers to. */
  unknownBecause(fd: number): string | undefined {
    return this.#unknown.get(fd);
  }

  /** fork(): the model has copied the process, descriptors and all. */
  static forked(parent: TracedProcess, id: number): TracedProcess {
    parent.enter();
    const { world } = parent;
    world.fork();
    const child = new TracedProcess(
      id,
      world,
      world.processes.length - 1,
      parent.space.copy(),
      parent.unjudged,
    );
    for (const [fd, slot] of parent.#slots) child.#slots.set(fd, slot);
    for (const [fd, why] of parent.#unknown) child.#unknown.set(fd, why);
    return child;
  }

  /** exec(): descriptors that are still open. */
  takeOver(before: TracedProcess, isOpen: (fd: number) => boolean): void {
    for (const [fd, slot] of before.#slots) {
      const file = before.process.fds.get(slot);
      if (file !== undefined && isOpen(fd)) this.process.fds.install(this.takeSlot(fd), file);
    }
    for (const [fd, why] of before.#unknown) this.#unknown.set(fd, why);
  }

  /** Everything that goes with a process. */
  end(): void {
    this.enter();
    if (this.process.isAlive) this.world.exit();
    this.#slots.clear();
  }

  setCredentials(memlock: bigint, capabilities: bigint): void {
    const { process } = this;
    process.memlockBytes = memlock;
    for (const name of CAPABILITIES) {
      const has = (capabilities & (1n << BigInt(CAPABILITY_NUMBERS[name]))) !== 0n;
      if (has) process.capabilities.add(name);
      else process.capabilities.delete(name);
    }
  }
}
