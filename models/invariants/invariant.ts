import type { Leave } from '../ioctls/description.js';
import type { Reading } from '../prediction.js';
import type { RawStep } from '../program/raw.js';
import type { Ioas } from '../state/objects.js';
import type { Pages } from '../state/pages.js';
import type { World } from '../state/world.js';
import type { Snapshot } from './snapshot.js';

/** The state right after a step, and what led to it. */
export interface Moment {
  readonly world: World;
  /** Each IOAS of each open file. */
  readonly ioases: readonly Ioas[];
  /** The memory that they show, each once. */
  readonly pages: readonly Pages[];
  readonly step: RawStep;
  readonly reading: Reading;
  readonly errno: number;
  /** What the deciding rule excepts from "a failing call changes nothing", with a citation. */
  readonly mayLeave: Leave;
  /** The state before and after a call that failed and may not change everything. */
  readonly failed: { readonly before: Snapshot; readonly after: Snapshot } | undefined;
  readonly takenBefore: TakenIds;
  readonly taken: TakenIds;
}

/** Ids that are taken, by file number, ascending. */
export type TakenIds = ReadonlyMap<number, readonly number[]>;

/** What must hold after every step. */
export interface Invariant {
  readonly id: string;
  /** One positive sentence. */
  readonly statement: string;
  /** What the check cannot see. */
  readonly notCovered: string;
  readonly cite: string;
  /** Whether there is something that could be wrong: where there is not, the check says nothing. */
  looksAt(this: void, moment: Moment): boolean;
  /** What is wrong, in words; undefined while it holds. */
  check(this: void, moment: Moment): string | undefined;
}

/** The memory that IOASes show, each once. */
export function pagesOf(ioases: readonly Ioas[]): readonly Pages[] {
  const all: Pages[] = [];
  for (const { table } of ioases) {
    for (const { pages } of table.areas) {
      // What a single area shows comes once.
      if (pages.areas.length === 1 || !all.includes(pages)) all.push(pages);
    }
  }
  return all;
}

/** What each open file has taken; the same map as long as nothing has changed. */
export function takenIdsOf({ contexts }: World, last: TakenIds = NOTHING_TAKEN): TakenIds {
  let isSame = contexts.length === last.size;
  for (const { number, objects } of contexts) isSame &&= last.get(number) === objects.takenIds;
  if (isSame) return last;
  const taken = new Map<number, readonly number[]>();
  for (const { number, objects } of contexts) taken.set(number, objects.takenIds);
  return taken;
}

export const NOTHING_TAKEN: TakenIds = new Map();

/** Each IOAS of each open file. */
export function ioasesOf(world: World): Ioas[] {
  const ioases: Ioas[] = [];
  for (const file of world.contexts) {
    for (const object of file.objects.objects) if (object.type === 'IOAS') ioases.push(object);
  }
  return ioases;
}
