import type { Leave } from '../ioctls/description.js';
import type { Reading } from '../prediction.js';
import type { RawStep } from '../program/raw.js';
import type { IommufdObject, Ioas } from '../state/objects.js';
import type { Pages } from '../state/pages.js';
import type { World } from '../state/world.js';
import type { Snapshot } from './snapshot.js';

/** The state right after a step, and what led to it. */
export interface Moment {
  readonly world: World;
  /** Each IOAS of each open file. */
  readonly ioases: readonly Ioas[];
  /** The memory that they show, each once. */
  readonly pages: ReadonlySet<Pages>;
  readonly step: RawStep;
  readonly reading: Reading;
  readonly errno: number;
  /** What the deciding rule excepts from "a failing call changes nothing", with a citation. */
  readonly mayLeave: Leave;
  readonly before: Snapshot;
  readonly after: Snapshot;
}

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
export function pagesOf(ioases: readonly Ioas[]): Set<Pages> {
  const all = new Set<Pages>();
  for (const { table } of ioases) for (const area of table.areas) all.add(area.pages);
  return all;
}

/** Whether some object of some open file is like that. */
export function someObject(world: World, isLike: (object: IommufdObject) => boolean): boolean {
  for (const file of world.contexts) if (file.objects.objects.some(isLike)) return true;
  return false;
}

/** Each IOAS of each open file. */
export function ioasesOf(world: World): Ioas[] {
  const ioases: Ioas[] = [];
  for (const file of world.contexts) {
    for (const object of file.objects.objects) if (object.type === 'IOAS') ioases.push(object);
  }
  return ioases;
}
