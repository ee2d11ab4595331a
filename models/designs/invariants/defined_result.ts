import type { DesignInvariant } from './invariant.js';

export const definedResult: DesignInvariant = {
  id: 'defined_result',
  statement:
    'Every call, whatever is passed and whoever else calls, ends with a result that the interface defines.',
  notCovered: 'Values that are defined and wrong.',
  holdsAtPauses: false,
  check: ({ ended }) => {
    if (ended === undefined) return [];
    const { outcome, call } = ended;
    if (outcome.is === 'undefined') return [`${call.name}: ${outcome.kind}: ${outcome.says}`];
    return outcome.is === 'unset' ? [`${call.name}: uninitialised value: ${outcome.says}`] : [];
  },
};
