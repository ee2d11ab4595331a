import type { IoctlStep, Step } from '../../models/program/program.js';
import { LANE_CALLS } from '../generate/lanes.js';
import type { Picks } from '../generate/picks.js';
import type { Kind } from '../generate/theme.js';
import type { Names } from './labels.js';
import type { Candidate } from './rewriter.js';
import type { Bias } from './values.js';

/** What operators draw from. */
export interface Material {
  readonly picks: Picks;
  /** Whether the target can make allocations fail. */
  readonly canFail: boolean;
  /** Steps of another program; none where there is no other. */
  readonly drawDonor: () => readonly Written[];
  /** What drawn steps may be. */
  readonly drawKind: () => Kind;
}

/** A step that somebody wrote, under the names of its program. */
export type Written = Extract<Candidate, { step: Step }>;

type Operator = (steps: readonly Candidate[], material: Material) => readonly Candidate[];

/** Steps that go, come or move together. */
const RUN_MAX = 4;

/** Steps of a donor that come at a time, without what they need. */
const PART_MAX = 6;

/** Steps that are drawn at a time. */
const DRAWN_MAX = 3;

/** Allocations of a call that fail: most calls have few. */
const NTH_MAX = 12;

/** What becomes of a program, how often, and why. */
export const OPERATORS: readonly [Bias<Operator>, ...Bias<Operator>[]] = [
  {
    name: 'change arguments',
    weight: 8,
    why: 'most rules and most wrong answers are about arguments, in states that the program reaches already',
    does: alter,
  },
  {
    name: 'draw steps',
    weight: 6,
    why: 'goes on from a state that was worth keeping',
    does: insert,
  },
  {
    name: 'splice a part of another program',
    weight: 5,
    why: 'two things that were interesting apart; half of the time with what it needs, else on what is there',
    does: splice,
  },
  {
    name: 'remove steps',
    weight: 3,
    why: 'what is not there: calls before their time, objects that were never used',
    does: remove,
  },
  {
    name: 'repeat steps',
    weight: 3,
    why: 'twice where once was meant: counts, double use, exhaustion',
    does: repeat,
  },
  {
    name: 'move steps',
    weight: 3,
    why: 'another order: teardown before use, attach before map',
    does: move,
  },
  {
    name: 'put steps into lanes',
    weight: 1,
    why: 'the same calls at the same time; rare, because only some calls can be judged so',
    does: intoLanes,
  },
  {
    name: 'let an allocation fail',
    weight: 2,
    why: 'error paths; only where the target can do it',
    does: failAllocation,
  },
];

function alter(steps: readonly Candidate[], { picks }: Material): readonly Candidate[] {
  const at = picks.below(Math.max(steps.length, 1));
  // Neighbours depend on one another, so that one step at a time shows more.
  return steps.map((candidate, index) =>
    index === at && 'step' in candidate ? { ...candidate, isAltered: true } : candidate,
  );
}

function insert(steps: readonly Candidate[], { picks, drawKind }: Material): readonly Candidate[] {
  const at = laterPlace(steps, picks);
  const drawn = Array.from({ length: 1 + picks.below(DRAWN_MAX) }, () => ({ draw: drawKind() }));
  return [...steps.slice(0, at), ...drawn, ...steps.slice(at)];
}

/** Rather late: what is inserted then finds the state of the program. */
function laterPlace(steps: readonly unknown[], picks: Picks): number {
  return Math.max(picks.below(steps.length + 1), picks.below(steps.length + 1));
}

function splice(steps: readonly Candidate[], { picks, drawDonor }: Material): readonly Candidate[] {
  const donor = drawDonor();
  const from = picks.below(Math.max(donor.length, 1));
  const part = new Set(donor.slice(from, from + 1 + picks.below(PART_MAX)));
  const taken = picks.below(2) === 0 ? withProducers(donor, part) : donor.filter((one) => part.has(one));
  const at = laterPlace(steps, picks);
  return [...steps.slice(0, at), ...taken, ...steps.slice(at)];
}

/** A part of a program with the steps before it that make what it names. */
function withProducers(steps: readonly Written[], part: ReadonlySet<Written>): readonly Written[] {
  const wanted = new Set<string>();
  const taken: Written[] = [];
  for (const candidate of [...steps].reverse()) {
    const { makes, uses } = namesIn(candidate.step);
    if (!part.has(candidate) && !makes.some((name) => wanted.has(name))) continue;
    taken.unshift(candidate);
    for (const name of uses) wanted.add(name);
  }
  return taken;
}

/** Names that a step gives, and those that it needs. */
function namesIn(step: Step): { readonly makes: readonly string[]; readonly uses: readonly string[] } {
  if (step.do === 'lanes') {
    const inside = step.lanes.flat().map(namesIn);
    return { makes: inside.flatMap(({ makes }) => makes), uses: inside.flatMap(({ uses }) => uses) };
  }
  const uses = [
    ...('file' in step ? [step.file] : []),
    ...(step.by === undefined ? [] : [step.by]),
    ...(step.do === 'pass' && step.to !== undefined ? [step.to] : []),
    ...(step.do === 'ioctl' ? namesInArguments(step) : []),
  ];
  const makes = [
    ...('label' in step ? [step.label] : []),
    ...(step.do === 'ioctl' && step.fd !== undefined ? [step.fd] : []),
  ];
  return { makes, uses };
}

function namesInArguments({ args }: IoctlStep): string[] {
  const nameOf = (operand: unknown): string[] => {
    if (typeof operand !== 'object' || operand === null) return [];
    if ('fd' in operand) return [String(operand.fd)];
    if ('ref' in operand) return [String(operand.ref).split('.')[0] ?? ''];
    return Object.values(operand).flatMap((inside: unknown) =>
      Array.isArray(inside) ? inside.flat().flatMap(nameOf) : [],
    );
  };
  return Object.values(args).flatMap(nameOf);
}

/** Not the first step, which opens the file that everything else is about. */
function drawRun(steps: readonly Candidate[], picks: Picks): { readonly at: number; readonly end: number } {
  const at = Math.min(1 + picks.below(Math.max(steps.length - 1, 1)), steps.length);
  return { at, end: Math.min(at + 1 + picks.below(RUN_MAX), steps.length) };
}

function remove(steps: readonly Candidate[], { picks }: Material): readonly Candidate[] {
  const { at, end } = drawRun(steps, picks);
  return [...steps.slice(0, at), ...steps.slice(end)];
}

function repeat(steps: readonly Candidate[], { picks }: Material): readonly Candidate[] {
  const { at, end } = drawRun(steps, picks);
  const copy = 1 + Math.max(0, ...steps.map((step) => ('step' in step ? (step.copy ?? 0) : 0)));
  const run = steps.slice(at, end).map((step) => ('step' in step ? { ...step, copy } : step));
  const to = end + picks.below(steps.length - end + 1);
  return [...steps.slice(0, to), ...run, ...steps.slice(to)];
}

function move(steps: readonly Candidate[], { picks }: Material): readonly Candidate[] {
  const { at, end } = drawRun(steps, picks);
  const run = steps.slice(at, end);
  const rest = [...steps.slice(0, at), ...steps.slice(end)];
  const to = Math.min(1 + picks.below(Math.max(rest.length, 1)), rest.length);
  return [...rest.slice(0, to), ...run, ...rest.slice(to)];
}

/** Two or three neighbours that can go on at the same time do. */
function intoLanes(steps: readonly Candidate[], { picks }: Material): readonly Candidate[] {
  const calls = steps.map(laneCallOf);
  const pairs = calls.flatMap((one, at) => {
    const two = calls[at + 1];
    return one !== undefined && one.from === two?.from ? [{ at, one, two }] : [];
  });
  const pair = picks.any(pairs);
  if (pair === undefined) return steps;
  const { at, one, two } = pair;
  const lanes: Candidate = { step: { do: 'lanes', lanes: [[one.step], [two.step]] }, from: one.from };
  return [...steps.slice(0, at), lanes, ...steps.slice(at + 2)];
}

/** A step as a lane can have it. */
function laneCallOf(candidate: Candidate): { readonly step: Step; readonly from: Names } | undefined {
  if (!('step' in candidate)) return undefined;
  const { step, from } = candidate;
  if (step.do !== 'ioctl' || !(step.call in LANE_CALLS) || step.by !== undefined) return undefined;
  const { file, call, args, label } = step;
  return { step: { do: 'ioctl', file, call, args, ...(label === undefined ? {} : { label }) }, from };
}

function failAllocation(steps: readonly Candidate[], { picks, canFail }: Material): readonly Candidate[] {
  if (!canFail) return steps;
  const calls = steps.filter((one): one is Written => 'step' in one && canBeFailed(one.step));
  const drawn = picks.any(calls);
  const failNth = 1 + Math.min(picks.below(NTH_MAX), picks.below(NTH_MAX));
  return steps.map((one) => (one === drawn ? { ...drawn, step: { ...drawn.step, failNth } as Step } : one));
}

function canBeFailed({ do: kind }: Step): boolean {
  return kind === 'ioctl' || kind === 'read' || kind === 'write';
}
