import type { DesignInvariant } from './invariant.js';

export const failureChangesNothing: DesignInvariant = {
  id: 'failure_changes_nothing',
  statement: 'A call that fails changes nothing, except where its rule says what and why.',
  notCovered: 'State that the design does not show; calls that others ran beside.',
  holdsAtPauses: false,
  check: ({ ended, isChanged }) =>
    ended?.outcome.is === 'errno' && ended.isAlone && !ended.mayLeave && isChanged
      ? [`${ended.call.name} failed with ${ended.outcome.errno} and left something changed`]
      : [],
};
