import type { Behaviour } from '../../models/behaviour.js';
import type { AssembledProgram } from '../../models/program/assemble.js';
import { ProgramError } from '../../models/program/program.js';
import { type Answer, Walk } from './walk.js';

/** One way in which a part of a program may go on: from a state of the model to another. */
export interface Way {
  readonly from: number;
  /** Undefined where the model does not know what follows. */
  readonly to: number | undefined;
  /** What the steps of the part answer; undefined where the model cannot tell. */
  readonly answers: readonly (Answer | undefined)[];
}

/** A step, or lanes with their steps: what is done before anybody looks at it. */
export interface Part {
  /** Index of the first step. */
  readonly first: number;
  readonly ways: readonly Way[];
}

/** All that the model allows a program to do. */
export interface Expectations {
  /** In their order; none after a part that the model cannot tell the end of. */
  readonly parts: readonly Part[];
  /** States that a part may end in, at the most. */
  readonly statesMax: number;
  /** Titles of kernel messages that may come, and of those that must. */
  readonly splats: ReadonlySet<string>;
  readonly certainSplats: ReadonlySet<string>;
  /** Whether the kernel may choose other ids and IOVAs, because calls of lanes take some for a while. */
  readonly hasFreeChoices: boolean;
}

/** Ways of one part: more of them would make a file that nobody reads. */
const WAYS_MAX = 1000;
/** Orders of lanes that are tried for one state. */
const WALKS_MAX = 5000;

/** A state of the model, by the choices that lead there. */
interface State {
  readonly path: readonly number[];
  readonly walk: Walk;
}

/**
 * Goes through a program in all ways that the model allows; those that lead to the same state go on as one.
 * @throws ProgramError naming the step of which there are too many
 */
export function expectationsOf(program: AssembledProgram, behaviour: Behaviour): Expectations {
  const parts: Part[] = [];
  const splats = new Set<string>();
  let statesMax = 1;
  let hasFreeChoices = false;
  let states: readonly State[] = [{ path: [], walk: new Walk(program, behaviour, []) }];
  for (let first = 0; first < program.steps.length && states.length > 0;) {
    const { ways, next, end } = goOn(program, behaviour, states, first);
    parts.push({ first, ways });
    statesMax = Math.max(statesMax, next.length);
    for (const { walk } of [...states, ...next]) {
      for (const title of [...walk.splats, ...walk.possibleSplats]) splats.add(title);
      hasFreeChoices ||= walk.hasFreeChoices;
    }
    states = next;
    first = end;
  }
  return { parts, statesMax, splats, certainSplats: certainOf(states), hasFreeChoices };
}

/** What comes in every way through the program. */
function certainOf([first, ...others]: readonly State[]): ReadonlySet<string> {
  const titles = [...(first?.walk.splats ?? [])];
  return new Set(titles.filter((title) => others.every(({ walk }) => walk.splats.has(title))));
}

interface Next {
  readonly ways: readonly Way[];
  readonly next: readonly State[];
  /** Index of the first step of the next part. */
  readonly end: number;
}

function goOn(
  program: AssembledProgram,
  behaviour: Behaviour,
  states: readonly State[],
  first: number,
): Next {
  const ways = new Map<string, Way>();
  const next = new Map<string, { readonly number: number; readonly state: State }>();
  let end = first + 1;
  for (const [from, { path, walk: begun }] of states.entries()) {
    let suffix: readonly number[] | undefined = [];
    for (let walks = 0; suffix !== undefined; walks++) {
      const walk: Walk = walks === 0 ? begun : new Walk(program, behaviour, [...path, ...suffix]);
      walk.goTo(first);
      end = walk.goThroughPart();
      if (walks === WALKS_MAX || ways.size > WAYS_MAX)
        throw new ProgramError(
          `step ${String(first + 1)}: what it may answer, and what that leaves, is too much for a list`,
        );
      const answers = walk.answers.slice(first, end);
      const choices = walk.choices;
      const to = walk.isLost ? undefined : stateNumber(next, walk, choices);
      ways.set(JSON.stringify([from, to, answers], bytesAsText), { from, to, answers });
      suffix = walk.nextChoices(path.length);
    }
  }
  return { ways: [...ways.values()], next: [...next.values()].map(({ state }) => state), end };
}

function stateNumber(
  known: Map<string, { readonly number: number; readonly state: State }>,
  walk: Walk,
  path: readonly number[],
): number {
  const key = walk.describeState();
  const found = known.get(key) ?? { number: known.size, state: { path, walk } };
  known.set(key, found);
  return found.number;
}

function bytesAsText(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? value.join() : value;
}
