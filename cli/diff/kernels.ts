import { hasCall, rulesInOrder } from '../../models/behaviour.js';
import { FINDING_IDS, findingById } from '../../models/findings.js';
import { CALLS } from '../../models/ioctls/index.js';
import { errnoOf } from '../../models/mutants.js';
import type { Profile } from '../../models/profiles/index.js';
import { REFUSING_SOURCES, type RuleSource, rulesFor } from '../../models/rule_sources.js';
import { type Comparison, type Entry, section } from '../../reports/comparison.js';
import { changedValues } from './profile_values.js';

/** What the model knows to differ between two kernels, call by call and rule by rule: the change log of the uAPI. */
export function compareKernels(from: Profile, to: Profile, answers: readonly Entry[] = []): Comparison {
  return {
    schema: 1,
    kind: 'kernels',
    from: from.kernels,
    to: to.kernels,
    sections: [
      ...section('Calls that are new', callsOnlyOf(to, from)),
      ...section('Calls that are gone', callsOnlyOf(from, to)),
      ...section('What there is, and what is taken', valuesThatDiffer(from, to)),
      ...section('Refusals that are new', rulesOnlyOf(to, from)),
      ...section('Refusals that are gone', rulesOnlyOf(from, to)),
      ...section('Refusals in another order', movedBetween(from, to)),
      ...section('Programs of scenarios that are answered otherwise', answers),
      ...section('Kernel findings that are new', findingsOnlyOf(to, from)),
      ...section('Kernel findings that are gone', findingsOnlyOf(from, to)),
    ],
  };
}

function callsOnlyOf(one: Profile, other: Profile): Entry[] {
  return CALLS.filter((call) => hasCall(one, call) && !hasCall(other, call)).map((call) => {
    const refusals = rulesInOrder(call, one).filter(({ id }) => errnoOf(id) !== undefined).length;
    return { about: call.name, says: `${call.doc} (${String(refusals)} refusals, ${call.source})` };
  });
}

function valuesThatDiffer(from: Profile, to: Profile): Entry[] {
  return changedValues(from, to).map((value) => ({
    about: value.name,
    says: `${value.is}: ${value.to}, before ${value.from}`,
  }));
}

/** Refusals that one kernel has of what both can do. */
function rulesOnlyOf(one: Profile, other: Profile): Entry[] {
  return REFUSING_SOURCES.filter((source) => isOfBoth(source, one, other)).flatMap((source) => {
    const known = new Set(rulesFor(source, other).map(({ id }) => id));
    return rulesFor(source, one)
      .filter(({ id }) => errnoOf(id) !== undefined && !known.has(id))
      .map(({ id, says, cite }) => ({
        about: `${source.name}/${id}`,
        says: `${errnoOf(id) ?? ''} when ${says} (${cite})`,
      }));
  });
}

function isOfBoth({ call }: RuleSource, one: Profile, other: Profile): boolean {
  return call === undefined || (hasCall(one, call) && hasCall(other, call));
}

function movedBetween(from: Profile, to: Profile): Entry[] {
  const keyOf = ({ call, rule, before }: Profile['movedRules'][number]) => `${call} ${rule} ${before}`;
  const only = (one: Profile, other: Profile) => {
    const known = new Set(other.movedRules.map(keyOf));
    return one.movedRules.filter((move) => !known.has(keyOf(move)));
  };
  return [
    ...only(to, from).map(({ call, rule, before, cite }) => ({
      about: `${call}/${rule}`,
      says: `now decided before ${before} (${cite})`,
    })),
    ...only(from, to).map(({ call, rule, before, cite }) => ({
      about: `${call}/${rule}`,
      says: `no longer decided before ${before} (${cite})`,
    })),
  ];
}

function findingsOnlyOf(one: Profile, other: Profile): Entry[] {
  return FINDING_IDS.flatMap((id) => {
    const { kernels, title } = findingById(id);
    return kernels.includes(one.id) && !kernels.includes(other.id) ? [{ about: id, says: title }] : [];
  });
}
