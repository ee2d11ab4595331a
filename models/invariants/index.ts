import { alignmentIsNeeded } from './alignment_is_needed.js';
import { areasAvoidReserved } from './areas_avoid_reserved.js';
import { areasKeepFiles } from './areas_keep_files.js';
import { areasDisjoint } from './areas_disjoint.js';
import { closeLeavesNothing } from './close_leaves_nothing.js';
import { dirtyBitsAreMapped } from './dirty_bits_are_mapped.js';
import { domainsTranslateAreas } from './domains_translate_areas.js';
import { eventsWithinDepth } from './events_within_depth.js';
import { failureChangesNothing } from './failure_changes_nothing.js';
import { faultsHaveAttachments } from './faults_have_attachments.js';
import { idsLowestFree } from './ids_lowest_free.js';
import type { Invariant } from './invariant.js';
import { pagesPinnedOnce } from './pages_pinned_once.js';
import { pasidsCompatible } from './pasids_compatible.js';
import { usersMatchHolders } from './users_match_holders.js';

export type { Invariant } from './invariant.js';

/** The only registry of what must hold after every step. */
export const INVARIANTS: readonly Invariant[] = [
  areasDisjoint,
  areasAvoidReserved,
  domainsTranslateAreas,
  dirtyBitsAreMapped,
  pagesPinnedOnce,
  failureChangesNothing,
  closeLeavesNothing,
  idsLowestFree,
  alignmentIsNeeded,
  usersMatchHolders,
  faultsHaveAttachments,
  eventsWithinDepth,
  pasidsCompatible,
  areasKeepFiles,
];
