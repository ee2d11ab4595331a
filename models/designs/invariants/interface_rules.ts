import type { Errno } from '../../base/errno.js';
import { describeValue } from '../framework/argument.js';
import type { Cause } from '../framework/call.js';
import type { DesignInvariant } from './invariant.js';

export const unknownInputRefused: DesignInvariant = {
  id: 'unknown_input_refused',
  statement:
    'A call refuses every value that its interface gives no meaning, so that it can be given one later.',
  notCovered: 'Meaningless combinations of values that have a meaning each.',
  holdsAtPauses: false,
  check: ({ ended }) => {
    if (ended?.outcome.is !== 'value' && ended?.outcome.is !== 'unset') return [];
    const { call, args } = ended;
    return Object.entries(call.args).flatMap(([name, argument]) => {
      const value = args[name];
      if (value === undefined || !argument.isUnknown(value)) return [];
      return [`${call.name} takes ${name} ${describeValue(argument, value)}, which has no meaning`];
    });
  },
};

/** What an errno says to user space that tries what a kernel can do. */
const TELLING: Readonly<Record<Cause, readonly Errno[]>> = {
  'unknown input': ['EOPNOTSUPP', 'E2BIG'],
  'missing object': ['ENOENT'],
  'unknown call': ['ENOTTY'],
};

export const errnoTells: DesignInvariant = {
  id: 'errno_tells',
  statement:
    'The errno tells a newer interface (EOPNOTSUPP, E2BIG, ENOTTY) and a missing object (ENOENT) from a malformed call.',
  notCovered: 'Rules that do not say what they report.',
  holdsAtPauses: false,
  check: ({ ended }) => {
    if (ended?.outcome.is !== 'errno' || ended.cause === undefined) return [];
    const { outcome, cause, call } = ended;
    if (TELLING[cause].includes(outcome.errno)) return [];
    return [`${call.name} answers ${outcome.errno} for ${cause}`];
  },
};

export const noMessageByUser: DesignInvariant = {
  id: 'no_message_by_user',
  statement: 'No call makes the kernel print a line or a warning.',
  notCovered: 'Messages about hardware that misbehaves.',
  holdsAtPauses: false,
  check: ({ ended }) => (ended?.printed ?? []).map((line) => `the kernel prints: ${line}`),
};

export const asDocumented: DesignInvariant = {
  id: 'as_documented',
  statement: 'Calls do what their documentation, their numbers and their names say.',
  notCovered: 'Contradictions that the design does not state itself.',
  holdsAtPauses: false,
  check: ({ ended }) => ended?.contradictions ?? [],
};
