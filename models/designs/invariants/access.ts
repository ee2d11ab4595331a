import type { DesignInvariant } from './invariant.js';

/** Read, write, execute. */
const RIGHTS = ['r', 'w', 'x'] as const;

export const accessWithinGrant: DesignInvariant = {
  id: 'access_within_grant',
  statement: 'Nobody reaches memory with rights that its owner has not granted.',
  notCovered: 'What devices do with the rights that they have.',
  facet: 'grants',
  holdsAtPauses: true,
  check: ({ after: { grants = [] } }) =>
    grants.flatMap(({ by, granted, used }) => {
      const beyond = RIGHTS.filter((right) => used.includes(right) && !granted.includes(right)).join('');
      return beyond === '' ? [] : [`${by} has ${beyond} beyond what was granted (${granted || 'nothing'})`];
    }),
};

export const revokedIsUnmapped: DesignInvariant = {
  id: 'revoked_is_unmapped',
  statement: 'What is revoked is mapped nowhere until it is mapped again.',
  notCovered: 'Translations that hardware has cached.',
  facet: 'revocations',
  holdsAtPauses: false,
  check: ({ after: { revocations = [] } }) =>
    revocations
      .filter(({ isRevoked, mappedBy }) => isRevoked && mappedBy.length > 0)
      .map(({ of, mappedBy }) => `${of} is revoked and mapped by ${mappedBy.join(', ')}`),
};
