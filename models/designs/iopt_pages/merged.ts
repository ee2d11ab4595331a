import { type Design, variantOf } from '../framework/design.js';
import { PLANTED_DEFECTS } from './defects.js';
import { attachCall } from './device_calls.js';
import { accessCreate, accessDestroy, accessPin, accessUnpin } from './merged_access_calls.js';
import { copyMerged, cutIova, mapMerged, unmapMerged } from './merged_calls.js';
import { ioptPagesRfc } from './proposal.js';
import { getInfoCall, option } from './space_calls.js';

/** iopt_pages as merged: the same tiers, with accesses that are objects and let go when they are told. */
export const ioptPagesMerged: Design = variantOf(ioptPagesRfc, {
  name: 'iopt-pages-rfc-merged',
  title: 'iopt_pages as merged',
  source: 'Linux 7.3.4',
  kind: 'merged',
  drops: ['iopt_access_pages', 'iopt_unaccess_pages', 'iopt_map_pages'],
  calls: [
    mapMerged,
    copyMerged,
    unmapMerged,
    cutIova,
    attachCall('EFAULT.mm'),
    accessCreate,
    accessPin,
    accessUnpin,
    accessDestroy,
    getInfoCall(false),
    option,
  ],
});

/** The merged design with one defect each of a version that came between. */
export const ioptPagesPlanted: readonly Design[] = PLANTED_DEFECTS.map((defect) =>
  variantOf(ioptPagesMerged, {
    name: `iopt-pages-${defect.id.toLowerCase()}`,
    title: `iopt_pages with ${defect.id}`,
    source: defect.source,
    kind: 'planted',
    defects: [defect],
  }),
);
