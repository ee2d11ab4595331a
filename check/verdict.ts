import type { TraceRecord } from '../targets/trace/reader.js';

/** An answer that the model allows. */
export interface AllowedAnswer {
  /** OK or the name of an error. */
  readonly answer: string;
  /** The rule that gives it, as `call/rule`, or `call/OK`. */
  readonly because: string;
}

/** What the model says of one recorded call. */
export type CallVerdict =
  | { readonly kind: 'exact'; readonly because: string }
  /** With what was free. */
  | { readonly kind: 'legal'; readonly because: string; readonly why: string }
  | {
      readonly kind: 'mismatch';
      readonly allowed: readonly AllowedAnswer[];
      readonly seen: string;
      /** Where what was written differs, in words. */
      readonly places: readonly string[];
      /** How the model goes on. */
      readonly onward: string;
    }
  | { readonly kind: 'unspecified'; readonly why: string };

/** A call with its verdict. */
export interface JudgedCall {
  readonly record: TraceRecord;
  /** What the call is called. */
  readonly name: string;
  readonly verdict: CallVerdict;
}
