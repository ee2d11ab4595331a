import type { Behaviour } from '../../models/behaviour.js';
import { callByName } from '../../models/ioctls/index.js';
import type { Role } from '../../models/layout/field.js';
import type { Program, Reference, Scalar, Step } from '../../models/program/program.js';
import type { OwnWalk } from '../../models/program_verdict.js';
import { LANE_CALLS } from '../generate/lanes.js';
import type { Picks } from '../generate/picks.js';
import type { Kind } from '../generate/theme.js';
import { anyIova, anyLength } from '../generate/values.js';
import { ProgramWriter } from '../generate/writer.js';
import { alterStep } from './alter.js';
import { type Names, rename } from './labels.js';

/** A step on its way into a program: one that somebody wrote, under the names of where it comes from, or one to be drawn. */
export type Candidate =
  | {
      readonly step: Step;
      readonly from: Names;
      /** Which run of the same steps it is of: copies have names of their own. */
      readonly copy?: number;
      /** Whether its arguments change. */
      readonly isAltered?: boolean;
    }
  | { readonly draw: Kind };

/** Names of one program, or of one copy of a part of it, as the new program has them. */
type Given = Map<string, string>;

/** Numbers for a drawn step. */
const NUMBERS = 40;

/** An unknown result of a call stands for one of the last results of the same call that so many steps have left. */
const RESULTS_MAX = 4;

/**
 * Writes candidates into a program that is valid whatever they are: a name whose step is gone stands for something else of its
 * kind; a step that finds nothing like it, that cannot be assembled, or whose outcome the model cannot tell, is left out.
 */
export class Rewriter {
  readonly #writer: ProgramWriter;
  readonly #given = new Map<Names, Map<number, Given>>();
  /** Labels of results in order, with their calls. */
  readonly #results: { readonly label: string; readonly call: string }[] = [];

  constructor(
    behaviour: Behaviour,
    private readonly picks: Picks,
    walk?: OwnWalk,
  ) {
    this.#writer = new ProgramWriter(behaviour, {}, walk);
  }

  write(candidates: readonly Candidate[]): Program {
    for (const candidate of candidates) {
      if ('draw' in candidate) this.#draw(candidate.draw);
      else this.#rewrite(candidate);
    }
    return this.#writer.finish();
  }

  #draw(kind: Kind): void {
    if (this.#writer.state.file === '') this.#writer.open(this.#writer.freshLabel('f'));
    const { picks } = this;
    this.#writer.addStep(
      kind,
      Array.from({ length: NUMBERS }, () => picks.below(0x1_0000)),
    );
  }

  #rewrite({ step, from, copy = 0, isAltered = false }: Extract<Candidate, { step: Step }>): void {
    const known = this.#givenOf(from, copy);
    const made: Given = new Map();
    if ('file' in step) this.#use(this.#fileFor(step.file, from, known));
    const renamed = rename(forLanes(step), {
      file: (label) => this.#fileFor(label, from, known),
      process: (label) => known.get(label),
      value: (reference, role) => this.#valueFor(reference, role, from, known),
      made: (label) => {
        const name = this.#writer.isTaken(label) ? this.#writer.freshLabel('n') : label;
        made.set(label, name);
        return name;
      },
    });
    if (renamed === undefined) return;
    const { picks } = this;
    const isAdded =
      (isAltered && this.#writer.offer(alterStep(renamed, this.#writer.state, picks), picks)) ||
      this.#writer.offer(renamed, picks);
    if (!isAdded) return;
    for (const [label, name] of made) known.set(label, name);
    this.#noteFiles(renamed);
    const calls = renamed.do === 'lanes' ? renamed.lanes.flat() : [renamed];
    for (const call of calls) {
      if (call.do === 'ioctl' && call.label !== undefined)
        this.#results.push({ label: call.label, call: call.call });
    }
  }

  /** Drawn steps go to the first file that is opened. */
  #noteFiles(step: Step): void {
    if (step.do === 'open' && step.node === undefined && this.#writer.state.file === '')
      this.#writer.adopt(step.label);
  }

  #use(file: string | undefined): void {
    if (file !== undefined) this.#writer.useFile(file);
  }

  /** The file that has a name, else the newest of its kind that is open. */
  #fileFor(label: string, from: Names, known: Given): string | undefined {
    const kind = from.kindOfFile(label);
    return (
      known.get(label) ?? (kind === undefined ? undefined : this.#writer.state.labelOfKind(kind, this.picks))
    );
  }

  #valueFor(reference: Reference, role: Role | undefined, from: Names, known: Given): Scalar {
    const [label = '', member = ''] = reference.ref.split('.');
    const plus = reference.plus === undefined ? {} : { plus: reference.plus };
    const name = known.get(label);
    if (name !== undefined) return { ref: `${name}.${member}`, ...plus };
    const source = from.sourceOf(reference);
    const meant = source?.role.is === 'id' ? source.role : role;
    if (meant?.is === 'id') return this.#writer.state.drawId(meant.of, this.picks).operand;
    const like = this.#results.filter(({ call }) => call === source?.call).slice(-RESULTS_MAX);
    const found = this.picks.any(like);
    if (found !== undefined) return { ref: `${found.label}.${member}`, ...plus };
    return this.#number(meant);
  }

  #number(role: Role | undefined): Scalar {
    if (role?.is === 'length') return anyLength(this.picks);
    return role?.is === 'iova' ? anyIova(this.picks, undefined) : 0;
  }

  #givenOf(from: Names, copy: number): Given {
    const copies = this.#given.get(from) ?? new Map<number, Given>();
    this.#given.set(from, copies);
    const own = copies.get(copy);
    if (own !== undefined) return own;
    // A copy begins with the names that what it was copied from has given so far.
    const given = new Map(copies.get(0));
    copies.set(copy, given);
    return given;
  }
}

/** Lanes keep the calls whose answers any order of them explains. */
function forLanes(step: Step): Step {
  if (step.do !== 'lanes') return step;
  const lanes = step.lanes.map((lane) =>
    lane.filter((inside) => inside.do === 'ioctl' && inside.call in LANE_CALLS && callByName(inside.call)),
  );
  return { ...step, lanes };
}
