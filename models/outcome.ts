/**
 * What came of a program: five ways for a step to end. Test bed trouble (`infra`) is neither a pass nor a finding, so it has its
 * own tag.
 */

/** A system call that returned. */
export interface Returned {
  readonly status: 'returned';
  /** 0, or the error number. */
  readonly errno: number;
  /** What the call returned if it did not fail. */
  readonly value: number;
  /** Each buffer's bytes after the call; null for a buffer that did not change. Failing calls have them too. */
  readonly out: readonly (Uint8Array | null)[];
  /** VmPin and VmLck in pages; of a `counters` step alone. */
  readonly counters?: Counters;
  /** What was made to fail in it, if the step asked for that and the call came so far. */
  readonly injected?: Injection;
}

/**
 * What can be made to fail: an allocation of the slab or of pages, a place that iommufd has for its own tests, or something else
 * that the kernel was configured for.
 */
export const INJECTIONS = ['slab', 'pages', 'iommufd', 'other'] as const;
export type Injection = (typeof INJECTIONS)[number];

/** Pages that the process has pinned and locked. */
export interface Counters {
  readonly pinned: number;
  readonly locked: number;
}

export type Outcome =
  | Returned
  | { readonly status: 'skipped'; readonly why: string }
  | { readonly status: 'crashed'; readonly title: string; readonly console: string }
  | { readonly status: 'hung' }
  | { readonly status: 'infra'; readonly error: string };

/** A byte outside of every buffer that changed. */
export interface StrayWrite {
  readonly step: number;
  readonly address: bigint;
}

/** A kernel message that a program provoked. */
export interface ConsoleSplat {
  /** Kind and place, without addresses, numbers of tasks or versions. */
  readonly title: string;
  /** As the console printed it. */
  readonly text: string;
}

/** What came of all steps. */
export interface ProgramOutcome {
  readonly steps: readonly Outcome[];
  readonly strayWrites: readonly StrayWrite[];
  readonly splats: readonly ConsoleSplat[];
  /** What the program left behind after its files were closed, in words. */
  readonly leftovers: readonly string[];
  /** What it reached of the kernel's code, on a target that was asked to tell. */
  readonly coverage?: Coverage;
}

/** What a program reached of a kernel's code. */
export interface Coverage {
  /** Each once: places, as offsets from a base, or pairs of places by a hash. */
  readonly numbers: Uint32Array;
  /** Whether some of it is lost, because a step did too much to be traced. */
  readonly isCut: boolean;
}

/** The outcome of a program that did not run. */
export function notRun(steps: number, outcome: Outcome): ProgramOutcome {
  return { steps: new Array<Outcome>(steps).fill(outcome), strayWrites: [], splats: [], leftovers: [] };
}
