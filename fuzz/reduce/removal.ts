import { type Program, type Step, placedSteps } from '../../models/program/program.js';
import { type ProductKind, type Substitute, productsOf, replaceUses } from './dependencies.js';

/**
 * What becomes of steps whose producer goes: they go too, or use another product of the same sort, the nearest before them or the
 * first.
 */
export const POLICIES = ['cascade', 'nearest', 'first'] as const;
type Policy = (typeof POLICIES)[number];

/**
 * A program without some of its steps, counted as `placedSteps` does. Lanes go with the last of their steps, and become steps one
 * after another when only one is left.
 */
export function withoutSteps(program: Program, dropped: ReadonlySet<number>, policy: Policy): Program {
  const survivors = new Survivors(policy);
  let at = -1;
  const keep = (step: Step, isWholeDropped = false): Step[] => {
    at += 1;
    const isDropped = isWholeDropped || dropped.has(at);
    if (step.do !== 'lanes') return survivors.keep(step, isDropped);
    const lanes = step.lanes
      .map((lane) => lane.flatMap((inside) => keep(inside, isDropped)))
      .filter((lane) => lane.length > 0);
    return lanes.length > 1 ? [{ ...step, lanes }] : lanes.flat();
  };
  return { ...program, steps: program.steps.flatMap((step) => keep(step)) };
}

/** The steps of all lanes one after another. */
export function withoutLanes(program: Program): Program {
  return {
    ...program,
    steps: program.steps.flatMap((step) => (step.do === 'lanes' ? step.lanes.flat() : [step])),
  };
}

/** A program in which nothing has a label that no step uses. */
export function withoutUnusedLabels(program: Program): Program {
  const used = new Set<string>();
  for (const { step } of placedSteps(program)) {
    const note: Substitute = (kind, label) => {
      used.add(`${kind} ${label}`);
      return label;
    };
    replaceUses(step, note, false);
  }
  const strip = (step: Step): Step => {
    if (step.do === 'lanes') return { ...step, lanes: step.lanes.map((lane) => lane.map(strip)) };
    if (step.do !== 'ioctl') return step;
    const { label, fd, ...rest } = step;
    return {
      ...rest,
      ...(label !== undefined && used.has(`result ${label}`) ? { label } : {}),
      ...(fd !== undefined && used.has(`file ${fd}`) ? { fd } : {}),
    };
  };
  return { ...program, steps: program.steps.map(strip) };
}

/** Goes through a program from its start, and knows what there is at each step, and what there would have been. */
class Survivors {
  /** Sorts of all products so far, gone or not. */
  readonly #sorts = new Map<string, string>();
  /** Products that are there, in their order. */
  readonly #present = new Map<string, { readonly sort: string; readonly label: string }>();
  /** What descriptors that are gone would have been copies of. */
  readonly #originals = new Map<string, string>();

  constructor(private readonly policy: Policy) {}

  /** The step as it is without what is gone; nothing if it goes. */
  keep(step: Step, isDropped: boolean): Step[] {
    const kept = isDropped
      ? undefined
      : replaceUses(step, (kind, label) => this.#substitute(kind, label), this.policy !== 'cascade');
    for (const { kind, label, sort } of productsOf(step, (file) => this.#sorts.get(key('file', file)))) {
      this.#sorts.set(key(kind, label), sort);
      if (kept !== undefined) this.#present.set(key(kind, label), { sort, label });
    }
    if (step.do === 'dup' && kept === undefined) this.#originals.set(step.label, step.file);
    return kept === undefined ? [] : [kept];
  }

  #substitute(kind: ProductKind, label: string): string | undefined {
    if (this.#present.has(key(kind, label))) return label;
    if (this.policy === 'cascade') return undefined;
    const original = kind === 'file' ? this.#originals.get(label) : undefined;
    if (original !== undefined) return this.#substitute(kind, original);
    const sort = this.#sorts.get(key(kind, label));
    const alike = [...this.#present].filter(
      ([name, product]) => name.startsWith(`${kind} `) && product.sort === sort,
    );
    return (this.policy === 'first' ? alike[0] : alike.at(-1))?.[1].label;
  }
}

function key(kind: ProductKind, label: string): string {
  return `${kind} ${label}`;
}
