import { accessWithinGrant, revokedIsUnmapped } from './access.js';
import { chargesEqualPins, pinsBalance, referencesBalance } from './balances.js';
import { definedResult } from './defined_result.js';
import { destroyIsLocal } from './destroy_is_local.js';
import { domainsAgree } from './domains_agree.js';
import { failureChangesNothing } from './failure_changes_nothing.js';
import { busyMeansUsers, handleDiesOnce, publishLast, zeroIsNoHandle } from './handles.js';
import { asDocumented, errnoTells, noMessageByUser, unknownInputRefused } from './interface_rules.js';
import type { DesignInvariant } from './invariant.js';
import { noUnmappedWhileMmapped } from './no_unmapped_while_mmapped.js';
import { releaseLeavesNothing } from './release_leaves_nothing.js';
import { windowRule } from './window_rule.js';

/** The names of what must hold of every design. */
export const INVARIANT_IDS_OF_DESIGNS = [
  'no_unmapped_while_mmapped',
  'pins_balance',
  'charges_equal_pins',
  'references_balance',
  'window_rule',
  'destroy_is_local',
  'handle_dies_once',
  'publish_last',
  'zero_is_no_handle',
  'busy_means_users',
  'failure_changes_nothing',
  'domains_agree',
  'access_within_grant',
  'revoked_is_unmapped',
  'release_leaves_nothing',
  'defined_result',
  'unknown_input_refused',
  'errno_tells',
  'no_message_by_user',
  'as_documented',
] as const;

export type InvariantId = (typeof INVARIANT_IDS_OF_DESIGNS)[number];

/** The only registry of what must hold of every design. */
export const INVARIANTS_OF_DESIGNS: readonly DesignInvariant[] = [
  noUnmappedWhileMmapped,
  pinsBalance,
  chargesEqualPins,
  referencesBalance,
  windowRule,
  destroyIsLocal,
  handleDiesOnce,
  publishLast,
  zeroIsNoHandle,
  busyMeansUsers,
  failureChangesNothing,
  domainsAgree,
  accessWithinGrant,
  revokedIsUnmapped,
  releaseLeavesNothing,
  definedResult,
  unknownInputRefused,
  errnoTells,
  noMessageByUser,
  asDocumented,
];
