import { type Design, defineDesign } from '../framework/design.js';
import { accessPages, unaccessPages } from './access_calls.js';
import { RFC_DEFECTS } from './defects.js';
import { attachCall, detachDevice } from './device_calls.js';
import { copyRfc, mapPart, mapRfc, unmapRfc } from './map_calls.js';
import { destroyIoas, getInfoCall, ioasAlloc, lookAtPages, reserveIova } from './space_calls.js';
import { newMachine } from './state.js';
import { viewOfMachine } from './view.js';

/** iopt_pages as posted in March 2022, with the calls of the series that move pages between its tiers. */
export const ioptPagesRfc: Design = defineDesign({
  name: 'iopt-pages-rfc',
  title: 'iopt_pages: page frame numbers in three tiers',
  source: '[PATCH RFC 05/12] iommufd: PFN handling for iopt_pages, 18 Mar 2022',
  kind: 'proposal',
  seed: 2,
  defects: RFC_DEFECTS,
  initial: newMachine,
  view: viewOfMachine,
  calls: [
    mapRfc,
    copyRfc,
    mapPart,
    unmapRfc,
    attachCall('EINVAL.mm'),
    detachDevice,
    accessPages,
    unaccessPages,
    ioasAlloc,
    destroyIoas,
    reserveIova,
    lookAtPages,
    getInfoCall(true),
  ],
});
