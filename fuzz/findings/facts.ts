import type { Mismatch } from '../../models/compare.js';
import type { StepVerdict } from '../../models/model_run.js';
import type { AssembledProgram } from '../../models/program/assemble.js';
import type { Problem, ProblemKind, ProgramVerdict } from '../../models/program_verdict.js';

/**
 * Who is suspected: the kernel where it crashes, warns, or writes where it must not; the model where its own state contradicts it
 * although each answer was as it says; either where they only disagree.
 */
export type Suspect = 'kernel' | 'model' | 'either';

/** What a program shows, without anything that differs from program to program and from run to run. */
export interface FindingFacts {
  /** One line; findings of the same title are the same finding. */
  readonly title: string;
  readonly kind: ProblemKind;
  readonly suspect: Suspect;
  /** Index of the step that shows it, if it is one step's. */
  readonly step?: number;
  /** What the model allows there, with the rules that say so. */
  readonly allowed: string;
  readonly seen: string;
  readonly invariant?: string;
}

/** What is wrong with a program's outcome; undefined if nothing is. Of several problems the first counts. */
export function factsOf(program: AssembledProgram, verdict: ProgramVerdict): FindingFacts | undefined {
  const [problem] = verdict.problems;
  if (problem === undefined) return undefined;
  const { kind, step } = problem;
  const facts = FACTS[kind](problem, nameOf(program, step), verdictOf(verdict, step));
  return { kind, ...facts, ...(step === undefined ? {} : { step }) };
}

type Facts = Omit<FindingFacts, 'kind' | 'step'>;

/** @param name what the step is */
type FactsOf = (problem: Problem, name: string, verdict: StepVerdict | undefined) => Facts;

const FACTS: Readonly<Record<ProblemKind, FactsOf>> = {
  model: factsOfMismatch,
  invariant: factsOfViolation,
  crash: ({ what }, name) => says('kernel', name, 'an answer', what),
  stray_write: (_, name) => says('kernel', name, 'nothing', 'a write outside of every buffer'),
  console: ({ what }) => says('kernel', '', 'what the model says of kernel messages', what),
  leftover: ({ what }) => says('kernel', '', 'nothing is left behind', what),
  expectation: ({ what }, name) => says('either', name, 'what the scenario expects', what),
  metamorphic: ({ what }, name) => says('either', name, 'the same as before', what),
};

function says(suspect: Suspect, name: string, allowed: string, what: string): Facts {
  const seen = withoutNumbers(what);
  return { title: name === '' ? seen : `${name}: ${seen}`, suspect, allowed, seen };
}

function factsOfMismatch({ what }: Problem, name: string, verdict: StepVerdict | undefined): Facts {
  if (verdict?.kind !== 'mismatch') return says('either', name, 'another answer', what);
  const { mismatch } = verdict;
  const allowed = mismatch.allowed.join(' or ');
  const seen = [mismatch.seen, ...placesOf(mismatch)].join('; ');
  return { title: `${name}: allowed is ${allowed}, seen ${seen}`, suspect: 'either', allowed, seen };
}

/** Where the answer differs, each place once, without what was there. */
function placesOf({ differences }: Mismatch): string[] {
  return [...new Set(differences.map(({ where }) => `another ${withoutNumbers(where)}`))];
}

function factsOfViolation({ what }: Problem, name: string, verdict: StepVerdict | undefined): Facts {
  if (verdict?.kind !== 'violation') return says('model', name, 'every invariant', what);
  const { because, violation } = verdict;
  const { invariant } = violation;
  return {
    title: `${because}: ${invariant} does not hold`,
    suspect: 'model',
    allowed: `${invariant} holds`,
    seen: withoutNumbers(violation.what),
    invariant,
  };
}

function verdictOf({ verdicts }: ProgramVerdict, step: number | undefined): StepVerdict | undefined {
  return step === undefined ? undefined : verdicts[step];
}

function nameOf({ calls, steps }: AssembledProgram, step: number | undefined): string {
  if (step === undefined) return '';
  return calls[step]?.name ?? steps[step]?.do ?? '';
}

/** Ids, addresses and counts differ between programs that show the same. */
function withoutNumbers(text: string): string {
  return text.replace(/\b0x[0-9a-f]+\b/gi, 'N').replace(/\b\d+\b/g, 'N');
}
