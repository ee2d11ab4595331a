import type { DesignInvariant } from './invariant.js';

export const releaseLeavesNothing: DesignInvariant = {
  id: 'release_leaves_nothing',
  statement: 'When a context is released, nothing of it is left.',
  notCovered: 'What a design does not show as left.',
  facet: 'released',
  holdsAtPauses: false,
  check: ({ after: { released = [] } }) =>
    released
      .filter(({ left }) => left.length > 0)
      .map(({ of, left }) => `${of} is released and leaves ${left.join(', ')}`),
};
