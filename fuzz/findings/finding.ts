import type { Program } from '../../models/program/program.js';
import type { FindingFacts } from './facts.js';

/** Something that a program has shown on a target and that the model does not allow, as it is seen for the first time. */
export interface Sighting extends Omit<FindingFacts, 'step'> {
  readonly program: Program;
  /** The profile that it was judged by. */
  readonly profile: string;
  /** What ran the program: the kernel's id, or what stands in for one. */
  readonly target: string;
  /** Of the program's stream. */
  readonly seed: number;
}

/** How reliably a program shows a finding. */
export interface Reliability {
  readonly shown: number;
  readonly tried: number;
}

/** A finding as it is kept. */
export interface Finding extends Sighting, Reliability {
  /** Programs that have shown it. */
  readonly count: number;
  /** The smallest program that shows it, if that has been looked for. */
  readonly reduced?: Program;
}
