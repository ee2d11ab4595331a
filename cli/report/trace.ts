import { Behaviour } from '../../models/behaviour.js';
import { narrate } from '../../models/narrate.js';
import type { Program } from '../../models/program/program.js';
import { DEFAULT_PROFILE, profileById } from '../../models/profiles/index.js';
import type { World } from '../../models/state/world.js';
import type { TracedStep } from '../../reports/html/data.js';

/** What the model makes of each step of a program, and the state after it where it changes. */
export function traceProgram(program: Program, profile: string): TracedStep[] {
  const traced: TracedStep[] = [];
  let before = '';
  for (const { text, answer, world } of narrate(
    program,
    new Behaviour(profileById(profile) ?? DEFAULT_PROFILE),
  )) {
    const now = world === undefined ? before : describeState(world);
    traced.push({ text, answer, state: now === before ? '' : now });
    before = now;
  }
  return traced;
}

/** Objects by kind, areas, pinned pages and what is charged, as far as there are any. */
function describeState({ contexts, memory, user, everyProcess }: World): string {
  const counts = new Map<string, number>();
  const add = (what: string, more: number): void => {
    if (more !== 0) counts.set(what, (counts.get(what) ?? 0) + more);
  };
  for (const { objects } of contexts) {
    for (const object of objects.objects) {
      add(object.type, 1);
      if (object.type === 'IOAS') add('areas', [...object.table.areas].length);
    }
  }
  add('pinned pages', memory.pins.size);
  add('locked_vm', user.lockedVm);
  for (const { pinnedVm } of everyProcess) add('pinned_vm', pinnedVm);
  return [...counts].map(([what, count]) => `${what} ${String(count)}`).join(', ');
}
