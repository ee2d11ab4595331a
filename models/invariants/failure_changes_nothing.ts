import { errnoName } from '../base/errno.js';
import type { Leave } from '../ioctls/description.js';
import type { Invariant } from './invariant.js';
import { type Snapshot, snapshotsEqual } from './snapshot.js';

export const failureChangesNothing: Invariant = {
  id: 'failure_changes_nothing',
  statement: 'A failing call leaves everything as it was, but for the exceptions that its rule cites.',
  notCovered:
    'What an excepted failure leaves beyond its exception, unless that is what pages of memory hold.',
  cite: 'iommufd.h, Documentation/userspace-api/iommufd.rst',
  looksAt: ({ failed }) => failed !== undefined,
  check: ({ errno, mayLeave, failed }) =>
    failed === undefined || isLeft(mayLeave, failed.before, failed.after)
      ? undefined
      : `the call failed with ${errnoName(errno)} and changed the state`,
};

function isLeft(mayLeave: Leave, before: Snapshot, after: Snapshot): boolean {
  return snapshotsEqual(before, after) && (mayLeave === 'contents' || before.writes === after.writes);
}
