import type { DesignInvariant } from './invariant.js';

export const handleDiesOnce: DesignInvariant = {
  id: 'handle_dies_once',
  statement: 'What is not there, or is gone already, cannot be destroyed: the call fails, and does nothing.',
  notCovered: 'Handles that were given to another object in between.',
  facet: 'objects',
  holdsAtPauses: false,
  check: ({ ended, before }) => {
    if (ended?.destroyed === undefined || !ended.isAlone) return [];
    const { destroyed, outcome } = ended;
    if (outcome.is !== 'value' && outcome.is !== 'unset') return [];
    const wasThere = (before.objects ?? []).some(
      ({ name, isReachable }) => name === destroyed && isReachable,
    );
    return wasThere ? [] : [`${destroyed} is destroyed although it is not there`];
  },
};

export const publishLast: DesignInvariant = {
  id: 'publish_last',
  statement: 'Nothing can be found by its id or cookie before its creating call has set all of it.',
  notCovered: 'The order of stores on processors that reorder them.',
  facet: 'objects',
  holdsAtPauses: true,
  check: ({ after: { objects = [] } }) =>
    objects
      .filter(({ isReachable, isComplete }) => isReachable && !isComplete)
      .map(({ name }) => `${name} can be found and is not complete`),
};

export const zeroIsNoHandle: DesignInvariant = {
  id: 'zero_is_no_handle',
  statement: 'A handle that user space or a driver gets is not 0, which says "none" or "success".',
  notCovered: 'Handles that a design does not show.',
  facet: 'objects',
  holdsAtPauses: false,
  check: ({ after: { objects = [] } }) =>
    objects.filter(({ handle }) => BigInt(handle) === 0n).map(({ name }) => `${name} has the handle 0`),
};

export const busyMeansUsers: DesignInvariant = {
  id: 'busy_means_users',
  statement: 'A destroying call answers EBUSY only while somebody uses the object who will stay.',
  notCovered: 'Objects that do not show how many stay.',
  facet: 'objects',
  holdsAtPauses: false,
  check: ({ ended, after }) => {
    if (ended?.outcome.is !== 'errno' || ended.outcome.errno !== 'EBUSY') return [];
    const object = (after.objects ?? []).find(({ name }) => name === ended.destroyed);
    return object?.lastingUsers === 0 ? [`${object.name} is busy although nobody stays with it`] : [];
  },
};
