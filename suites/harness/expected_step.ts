import type { Errno } from '../../models/base/errno.js';
import type { Counters } from '../../models/outcome.js';
import type { Reference } from '../../models/program/program.js';

/** An answer expected by hand: the same from every kernel, or by profile id. */
export type ExpectedErrno = Errno | Readonly<Record<string, Errno | 'OK'>>;

/**
 * Members of the struct after the call: the same for every kernel, or by profile id; arrays as pairs of start and last, driver
 * data as bytes.
 */
export type ExpectedOutputs = Readonly<
  Record<
    string,
    | number
    | bigint
    | readonly (readonly [bigint, bigint])[]
    | Uint8Array
    | { readonly byProfile: Readonly<Record<string, number | bigint | Uint8Array>> }
  >
>;

/** What a scenario expects of one step, written by hand from the uAPI. */
export interface Expectation {
  readonly errno: ExpectedErrno | 'OK';
  readonly outputs: ExpectedOutputs;
  readonly counters?: Counters;
  /** What the call returns if it does not fail; without it, 0. */
  readonly value?: number | 'descriptor';
  /** Words of 32 bits at the start of what a read filled. */
  readonly words?: readonly number[] | 'any';
  /** Bytes behind the struct after the call. */
  readonly behind?: Uint8Array;
  /** What else it may answer. */
  readonly or?: Errno;
  /** A step in which something is made to fail. */
  readonly injection?: InjectionExpectation;
  /** The kernel warning that comes with the answer: a known finding. */
  readonly splat?: { readonly title: string; readonly profiles?: readonly string[] };
}

/** What is expected of a step in which something is made to fail. */
export interface InjectionExpectation {
  /** Whether something has failed. */
  readonly isInjected: 'yes' | 'perhaps' | 'no';
  /** The answer to missing memory besides ENOMEM, by profile id. */
  readonly besides?: Readonly<Record<string, Errno>>;
  /** That it writes to the struct although it fails. */
  readonly writesBack?: boolean;
}

/** A step of a scenario, on which expectations are hung. Without any, it must succeed. */
export class ExpectedStep {
  #expectation: Expectation = { errno: 'OK', outputs: {} };

  constructor(private readonly label: string) {}

  get expectation(): Expectation {
    return this.#expectation;
  }

  /** Forgets what was said of the step. */
  restate(expectation: Expectation): void {
    this.#expectation = expectation;
  }

  /** Success, with these members after the call. */
  ok(outputs: ExpectedOutputs = {}): this {
    this.#expectation = { errno: 'OK', outputs };
    return this;
  }

  /** Failure that writes nothing but what is said here. */
  fails(errno: ExpectedErrno, outputs: ExpectedOutputs = {}): this {
    this.#expectation = { errno, outputs };
    return this;
  }

  /** Success, or this error where an earlier step has run out of memory, or one of another lane came first. */
  orFails(errno: Errno): this {
    this.#expectation = { ...this.#expectation, or: errno };
    return this;
  }

  /** Success, or ENOMEM and nothing written if an allocation was made to fail. */
  mayRunOut(expected: Partial<InjectionExpectation> = {}): this {
    const injection = { isInjected: 'perhaps', ...this.#expectation.injection, ...expected } as const;
    this.#expectation = { ...this.#expectation, injection };
    return this;
  }

  /** These bytes follow the struct after the call. */
  followedBy(behind: Uint8Array): this {
    this.#expectation = { ...this.#expectation, behind };
    return this;
  }

  /** Success that returns this number. */
  returns(value: number): this {
    this.#expectation = { ...this.#expectation, value };
    return this;
  }

  /** Success that returns the new descriptor. */
  returnsFd(): this {
    this.#expectation = { ...this.#expectation, value: 'descriptor' };
    return this;
  }

  /** What a read has put at the start of its buffer, in words of 32 bits. */
  reads(...words: readonly number[]): this {
    this.#expectation = { ...this.#expectation, value: 4 * words.length, words };
    return this;
  }

  /** A read that may get anything. */
  readsAnything(): this {
    this.#expectation = { ...this.#expectation, words: 'any' };
    return this;
  }

  /** What a read that did not get everything across has put at the start of its buffer, beyond what it returns. */
  leaves(...words: readonly number[]): this {
    this.#expectation = { ...this.#expectation, words };
    return this;
  }

  /** The answer comes with a kernel warning, of every kernel or of those of some profiles. */
  warns(title: string, profiles?: readonly string[]): this {
    const splat = profiles === undefined ? { title } : { title, profiles };
    this.#expectation = { ...this.#expectation, splat };
    return this;
  }

  /** The value that a member has after the call, plus a constant. */
  out(member: string, plus = 0n): Reference {
    return { ref: `${this.label}.${member}`, ...(plus === 0n ? {} : { plus }) };
  }
}

/** The expectation of counters. */
export class CountersExpectation extends ExpectedStep {
  constructor(private readonly counters: Counters) {
    super('counters');
  }

  override get expectation(): Expectation {
    return { errno: 'OK', outputs: {}, counters: this.counters };
  }
}
