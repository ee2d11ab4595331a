import { rulesOf } from '../../models/designs/framework/call.js';
import type { Design } from '../../models/designs/framework/design.js';
import { type Comparison, type Entry, section } from '../../reports/comparison.js';
import { type Standing, judgeAll, standingsOf } from '../designs/comparison.js';

/** Two designs: invariants that stand otherwise, and calls and refusals that only one of them has. */
export function compareDesigns(from: Design, to: Design): Comparison {
  const reports = judgeAll([from, to]);
  const [before, after] = [standingsOf([from], reports), standingsOf([to], reports)];
  return {
    schema: 1,
    kind: 'designs',
    from: `${from.name}: ${from.title}`,
    to: `${to.name}: ${to.title}`,
    sections: [
      ...section('Invariants that stand otherwise', changedStandings(before, after)),
      ...section('Calls that are new', callsOnlyOf(to, from)),
      ...section('Calls that are gone', callsOnlyOf(from, to)),
      ...section('Refusals that are new', refusalsOnlyOf(to, from)),
      ...section('Refusals that are gone', refusalsOnlyOf(from, to)),
    ],
  };
}

function changedStandings(before: readonly Standing[], after: readonly Standing[]): Entry[] {
  const invariants = [...new Set([...before, ...after].map(({ invariant }) => invariant))];
  return invariants.flatMap((invariant) => {
    const [old, now] = [before, after].map((standings) =>
      describe(standings.filter((standing) => standing.invariant === invariant)),
    );
    return old === now ? [] : [{ about: invariant, says: `${now ?? ''}; before, ${old ?? ''}` }];
  });
}

function describe(standings: readonly Standing[]): string {
  const breaking = standings.filter(({ verdict }) => verdict === 'breaks');
  const [first] = standings;
  if (breaking.length === 0) return first?.verdict === 'n/a' ? 'nothing to look at' : 'holds';
  const defects = breaking.map(
    ({ defect = '', scenario }) => `${defect}${scenario === undefined ? '' : ` (${scenario})`}`,
  );
  return `broken by ${defects.join(', ')}`;
}

function callsOnlyOf(one: Design, other: Design): Entry[] {
  const known = new Set(other.calls.map(({ name }) => name));
  return one.calls
    .filter(({ name }) => !known.has(name))
    .map(({ name, doc }) => ({ about: name, says: doc }));
}

function refusalsOnlyOf(one: Design, other: Design): Entry[] {
  return one.calls.flatMap((call) => {
    const counterpart = other.calls.find(({ name }) => name === call.name);
    if (counterpart === undefined) return [];
    const known = new Set(rulesOf(counterpart).map(({ id }) => id));
    return rulesOf(call)
      .filter(({ id }) => !known.has(id))
      .map(({ id, says, cite }) => ({ about: `${call.name}/${id}`, says: `when ${says} (${cite})` }));
  });
}
