import { errnoName } from '../base/errno.js';
import type { Invariant } from './invariant.js';
import { snapshotsEqual } from './snapshot.js';

export const failureChangesNothing: Invariant = {
  id: 'failure_changes_nothing',
  statement: 'A failing call leaves everything as it was, but for the exceptions that its rule cites.',
  notCovered: 'What an excepted failure leaves beyond its exception.',
  cite: 'iommufd.h, Documentation/userspace-api/iommufd.rst',
  check: ({ errno, mayLeave, before, after }) =>
    errno === 0 || mayLeave || snapshotsEqual(before, after)
      ? undefined
      : `the call failed with ${errnoName(errno)} and changed the state`,
};
