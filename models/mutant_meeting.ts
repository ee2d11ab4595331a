import { CALLS } from './ioctls/index.js';
import type { Mutant } from './mutants.js';
import { OPERATIONS } from './operations/index.js';
import type { Profile } from './profiles/index.js';
import { ruleSourceByName, rulesFor } from './rule_sources.js';

/** Whether a program may come to what is different, by the rules that decide in it without the difference, as `call/rule`. */
export type IsMetBy = (decided: ReadonlySet<string>) => boolean;

/** Programs that do not meet a mutant do with it exactly as without. */
export function meetingOf(mutant: Mutant, profile: Profile): IsMetBy {
  if (mutant.kind === 'effect') {
    const { plant, alterCall, alterOperation } = mutant;
    if (plant !== undefined) return () => true;
    const names = [
      ...CALLS.filter((call) => alterCall?.(call) !== undefined),
      ...OPERATIONS.filter((operation) => alterOperation?.(operation) !== undefined),
    ].map((described) => `${described.name}/`);
    return (decided) => [...decided].some((because) => names.some((start) => because.startsWith(start)));
  }
  const { call, rule } = mutant;
  if (mutant.kind !== 'swap') return (decided) => decided.has(`${call}/${rule}`);
  return meetingOfSwap(mutant, profile);
}

function meetingOfSwap(
  { call, rule, with: other }: Extract<Mutant, { kind: 'swap' }>,
  profile: Profile,
): IsMetBy {
  // Between the two there may be rules that say the model cannot tell, which generated programs do not come to.
  const source = ruleSourceByName(call);
  const ids = source === undefined ? [] : rulesFor(source, profile).map(({ id }) => id);
  const between = ids.slice(ids.indexOf(rule), ids.indexOf(other));
  return (decided) => between.some((id) => decided.has(`${call}/${id}`));
}
