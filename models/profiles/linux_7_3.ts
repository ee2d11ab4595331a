import { HWPT_SELFTEST } from '../layout/driver_data.js';
import { payerIsGone, unfillOfOneElement } from './possible_splats.js';
import type { Profile } from './profile.js';

/** Linux 7.3: the descriptions are written for it. */
export const linux73: Profile = {
  id: '7.3',
  kernels: 'Linux 7.3.4 (Debian linux-source-7.3)',
  lastCommand: 0x95,
  hasTestCommands: true,
  hasHugePages: true,
  hasNoiommu: true,
  hasVfioNoiommu: true,
  hasVfioDevice: true,
  vfioBindFlags: 0x1,
  vfioAttachFlags: 0x1,
  automaticAlignmentMax: 2n << 20n,
  lastTestOp: 23,
  mockDeviceFlags: 0x5,
  hwptPagingFlags: 0xf,
  hwptNestedFlags: 0xc,
  hwptSelftestBytes: HWPT_SELFTEST.bytes,
  hasPagingData: true,
  hwInfoFlags: 0x1,
  hwInfoCapabilities: 8n,
  hasGenericPageTable: true,
  hasViommus: true,
  hasFileMappings: true,
  dmabufGetReturnsFd: false,
  hasNoExecFiles: true,
  hasPasids: true,
  misalignedMapErrno: 'ENXIO',
  movedRules: [],
  possibleSplats: [
    unfillOfOneElement('WARNING in iopt_area_unmap_domain_range'),
    payerIsGone('WARNING in pfn_reader_destroy'),
  ],
};
