import { PAGE_SIZE } from '../../models/base/u64.js';
import { SCRATCH } from '../../models/program/arena.js';
import {
  PROGRAM_SCHEMA,
  type IoctlStep,
  type MemfdStep,
  type MmapAccess,
  type MmapStep,
  type Operand,
  type ProcessStep,
  type Program,
  type ReadStep,
  type Step,
  type WriteStep,
} from '../../models/program/program.js';
import type { VfioNode } from '../../models/program/vfio_nodes.js';
import { type Choice, choiceOf } from './choice.js';
import { CountersExpectation, ExpectedStep, type Expectation } from './expected_step.js';

export type IoctlOptions = Pick<IoctlStep, 'tail' | 'at' | 'command' | 'file' | 'fd'>;

/** The file that each scenario has open from the start. */
export const MAIN_FILE = 'f';

/** Writes the steps of a program: system calls, processes, lanes, and what is expected of each. */
export class StepWriter {
  readonly #steps: Step[] = [];
  /** Where steps are written: the program, or the lane at hand. */
  #target: Step[] = this.#steps;
  readonly #choices: Choice[] = [];
  readonly #expected: (ExpectedStep | undefined)[] = [];
  #labels = 0;
  /** The process whose steps are written. */
  #performer: string | undefined;
  /** The allocation that fails in the steps that are written. */
  #failNth: number | undefined;

  constructor() {
    this.open(MAIN_FILE);
  }

  get program(): Program {
    return { schema: PROGRAM_SCHEMA, steps: this.#steps };
  }

  get expectations(): readonly Expectation[] {
    return this.#expected.map((step) => step?.expectation ?? { errno: 'OK', outputs: {} });
  }

  /** Sets of steps with several ways to answer. */
  get choices(): readonly Choice[] {
    return this.#choices;
  }

  /** Steps that go on at the same time: each function writes a lane. */
  lanes(...writers: readonly (() => unknown)[]): void {
    this.#expected.push(undefined);
    const lanes = writers.map((write) => {
      this.#target = [];
      write();
      return this.#target;
    });
    this.#target = this.#steps;
    this.#put({ do: 'lanes', lanes });
  }

  /**
   * What may have happened, as the order that lanes came in, or what was made to fail: each says what steps answer then.
   */
  either(cases: Readonly<Record<string, () => unknown>>): void {
    this.#choices.push(choiceOf(this.#expected, cases));
  }

  open(label: string, access?: 'ro'): string {
    this.#add({ do: 'open', label, ...(access === undefined ? {} : { access }) });
    return label;
  }

  /** Opens a node of VFIO's sample device. */
  openVfio(label: string, node: VfioNode): ExpectedStep {
    return this.step({ do: 'open', label, node });
  }

  close(file = MAIN_FILE): ExpectedStep {
    return this.step({ do: 'close', file });
  }

  /** Makes a process. */
  fork(label: string): void {
    this.#add({ do: 'fork', label });
  }

  /** Lets a process carry out the steps that are written here. */
  by<T>(process: string, write: () => T): T {
    const before = this.#performer;
    this.#performer = process;
    try {
      return write();
    } finally {
      this.#performer = before;
    }
  }

  /** Makes the n-th allocation fail in the ioctl, read or write that is written here. */
  failing(nth: number, write: () => ExpectedStep): ExpectedStep {
    this.#failNth = nth;
    try {
      return write().mayRunOut();
    } finally {
      this.#failNth = undefined;
    }
  }

  /** Lets a process start a program. */
  exec(process: string): void {
    this.by(process, () => {
      this.#add({ do: 'exec' });
    });
  }

  /** Says whether a descriptor closes on exec(). */
  cloexec(file: string, isSet = true): ExpectedStep {
    return this.step({ do: 'cloexec', file, isSet });
  }

  /** Sends a descriptor to another process; without one, to the first. */
  pass(file: string, label: string, to?: string): ExpectedStep {
    return this.step({ do: 'pass', file, label, ...(to === undefined ? {} : { to }) });
  }

  /** Ends a process. */
  exit(process: string): void {
    this.by(process, () => {
      this.#add({ do: 'exit' });
    });
  }

  /** Another descriptor of a file; returns its label. */
  dup(label: string, file = MAIN_FILE): string {
    this.#add({ do: 'dup', file, label });
    return label;
  }

  /** A file of memory; returns its label. */
  memfd(label: string, pages: bigint, options: Partial<Pick<MemfdStep, 'fallocated'>> = {}): string {
    this.#add({ do: 'memfd', label, bytes: pages * PAGE_SIZE, ...options });
    return label;
  }

  /** Any step that is no ioctl. */
  step(step: Exclude<Step, IoctlStep>): ExpectedStep {
    const expected = new ExpectedStep(step.do);
    this.#put(step);
    this.#expected.push(expected);
    return expected;
  }

  read(file: string, bytes: number, options: Partial<ReadStep> = {}): ExpectedStep {
    return this.step({ do: 'read', file, bytes, ...options });
  }

  /** Writes words of 32 bits. */
  write(file: string, words: readonly number[], options: Partial<WriteStep> = {}): ExpectedStep {
    return this.step({ do: 'write', file, words, ...options });
  }

  poll(file: string): ExpectedStep {
    return this.step({ do: 'poll', file });
  }

  /** Maps a file in the scratch region. */
  mmapFile(
    file: string,
    offset: bigint,
    pages: bigint,
    options: Partial<Pick<MmapStep, 'start' | 'access' | 'isPrivate'>> = {},
  ): ExpectedStep {
    const place = { start: SCRATCH.start, access: 'rw', ...options } as const;
    return this.step({ do: 'mmap', bytes: pages * PAGE_SIZE, file, offset, ...place });
  }

  /** Maps a file with a length that need not be of whole pages. */
  mmapBytes(file: string, offset: bigint, bytes: bigint): ExpectedStep {
    return this.step({ do: 'mmap', start: SCRATCH.start, bytes, access: 'rw', file, offset });
  }

  mmap(start: bigint, pages: bigint, access: 'rw' | 'ro' | 'none'): void {
    this.#add({ do: 'mmap', start, bytes: pages * PAGE_SIZE, access });
  }

  /** Moves pages, and leaves some of them behind if there are fewer than before. */
  mremap(start: bigint, pages: bigint, newPages: bigint, to?: bigint): ExpectedStep {
    const size = { bytes: pages * PAGE_SIZE, newBytes: newPages * PAGE_SIZE };
    return this.step({ do: 'mremap', start, ...size, ...(to === undefined ? {} : { to }) });
  }

  mprotect(start: bigint, pages: bigint, access: MmapAccess): ExpectedStep {
    return this.step({ do: 'mprotect', start, bytes: pages * PAGE_SIZE, access });
  }

  munmap(start: bigint, pages: bigint): void {
    this.#add({ do: 'munmap', start, bytes: pages * PAGE_SIZE });
  }

  process(change: Omit<ProcessStep, 'do'>): void {
    this.#add({ do: 'process', ...change });
  }

  /** VmPin and VmLck must be so many pages. */
  counters(pinned: number, locked = 0): void {
    const step = new CountersExpectation({ pinned, locked });
    this.#put({ do: 'counters' });
    this.#expected.push(step);
  }

  /** Any call of the registry. */
  ioctl(
    call: string,
    args: Readonly<Record<string, Operand>>,
    options: Partial<IoctlOptions> = {},
  ): ExpectedStep {
    const label = `s${String(++this.#labels)}`;
    const step = new ExpectedStep(label);
    this.#put({ do: 'ioctl', file: MAIN_FILE, call, label, args, ...options });
    this.#expected.push(step);
    return step;
  }

  #put(step: Step): void {
    this.#target.push({
      ...step,
      ...(this.#performer === undefined ? {} : { by: this.#performer }),
      ...(this.#failNth === undefined ? {} : { failNth: this.#failNth }),
    });
  }

  #add(step: Step): void {
    this.#put(step);
    this.#expected.push(undefined);
  }
}
