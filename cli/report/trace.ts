import { errnoName } from '../../models/base/errno.js';
import { Behaviour } from '../../models/behaviour.js';
import { ModelRun } from '../../models/model_run.js';
import { assemble } from '../../models/program/assemble.js';
import { describePlacedStep } from '../../models/program/describe.js';
import { type Program, placedSteps } from '../../models/program/program.js';
import { DEFAULT_PROFILE, profileById } from '../../models/profiles/index.js';
import type { World } from '../../models/state/world.js';
import type { TracedStep } from '../../reports/html/data.js';

/** What the model makes of each step of a program, and the state after it. */
export function traceProgram(program: Program, profile: string): TracedStep[] {
  const run = new ModelRun(new Behaviour(profileById(profile) ?? DEFAULT_PROFILE), 'exact', []);
  const { steps } = assemble(program);
  let isLost = false;
  let before = '';
  return placedSteps(program).map((placed, at): TracedStep => {
    const text = describePlacedStep(placed);
    const step = steps[at];
    const executed = step === undefined || isLost ? undefined : run.execute(step);
    if (executed === undefined) {
      isLost = true;
      return { text, answer: 'the model cannot tell', state: '' };
    }
    const now = describeState(run.world);
    const state = now === before ? '' : now;
    before = now;
    return { text, answer: `${errnoName(executed.returned.errno)} (${executed.because})`, state };
  });
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
