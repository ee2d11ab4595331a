import type { CallDescription } from '../../models/ioctls/description.js';
import type { Role } from '../../models/layout/field.js';
import { HOLE } from '../../models/program/arena.js';
import type { IoctlStep, Operand } from '../../models/program/program.js';
import type { Picks } from './picks.js';

/** Members that say nothing of how much memory there is for arrays. */
const FREE: ReadonlySet<Role['is']> = new Set([
  'reserved',
  'flags',
  'choice',
  'id',
  'iova',
  'user_va',
  'offset',
  'number',
  'fd',
]);

/** A failing call with something else that may be wrong: an array lies badly, or arguments are those of another draw. */
export function withSecondFault(
  step: IoctlStep,
  { layout: { members } }: CallDescription,
  other: IoctlStep,
  picks: Picks,
): IoctlStep {
  const hasArray = members.some(({ field }) => field.role.is === 'array');
  const args: Record<string, Operand> = {};
  for (const { name, field } of members) {
    const { is } = field.role;
    const drawn = other.args[name];
    const isFree = FREE.has(is) || (is === 'length' && !hasArray);
    if (isFree && drawn !== undefined && picks.below(2) === 0) args[name] = drawn;
    if (is === 'array' && name in step.args && picks.below(6) === 0) args[name] = HOLE;
  }
  return { ...step, args: { ...step.args, ...args } };
}
