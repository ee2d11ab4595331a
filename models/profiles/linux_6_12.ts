import { HWPT_SELFTEST } from '../layout/driver_data.js';
import { linux73 } from './linux_7_3.js';
import { UNFILL_LOOKS_UP, payerIsGone, unfillOfOneElement } from './possible_splats.js';
import type { Profile } from './profile.js';

const CHECK_MAP_ALIGNMENT = [
  'EINVAL.iova_alignment',
  'EINVAL.length_alignment',
  'EINVAL.uptr_alignment',
  'EINVAL.uptr_wrap',
];

/** Linux 6.12: what differs from 7.3. */
export const linux612: Profile = {
  ...linux73,
  id: '6.12',
  kernels: 'Linux 6.12.117 (Debian linux-source-6.12)',
  lastCommand: 0x8e,
  hasNoiommu: false,
  vfioBindFlags: 0,
  vfioAttachFlags: 0,
  lastTestOp: 15,
  mockDeviceFlags: 0x3,
  hwptPagingFlags: 0x3,
  hwptNestedFlags: 0x4,
  hwptSelftestBytes: HWPT_SELFTEST.endOf('iotlb'),
  hasPagingData: false,
  hwInfoFlags: 0,
  hwInfoCapabilities: 0n,
  hasGenericPageTable: false,
  hasViommus: false,
  hasFileMappings: false,
  hasNoExecFiles: false,
  hasPasids: false,
  misalignedMapErrno: 'EINVAL',
  movedRules: [
    ...['IOMMU_IOAS_MAP', 'VFIO_IOMMU_MAP_DMA'].flatMap((call) =>
      ['EINVAL.length_zero', 'EINVAL.length_limit'].map((rule) => ({
        call,
        rule,
        before: 'EOVERFLOW.user_va_wrap',
        cite: 'pages.c:iopt_alloc_pages checks the length before the end of the range',
      })),
    ),
    ...CHECK_MAP_ALIGNMENT.map((rule) => ({
      call: 'IOMMU_TEST_OP_MD_CHECK_MAP',
      rule,
      before: 'ENOENT.hwpt',
      cite: 'selftest.c:iommufd_test_md_check_pa looks the page table up last',
    })),
  ],
  possibleSplats: [
    UNFILL_LOOKS_UP,
    unfillOfOneElement('WARNING in mock_domain_unmap_pages'),
    payerIsGone('WARNING in pfn_reader_first'),
    payerIsGone('WARNING in pfn_reader_destroy'),
  ],
};
