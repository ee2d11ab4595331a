import { HWPT_SELFTEST } from '../layout/driver_data.js';
import type { World } from '../state/world.js';
import { linux73 } from './linux_7_3.js';
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
  hasPasids: false,
  hasNoExecFiles: false,
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
    {
      title: 'WARNING in mock_domain_iova_to_phys',
      finding: 'unfill-reads-unmapped',
      says: 'an area goes while two others show pages of the same memory, and the pages lie side by side',
      cite: 'pages.c:iopt_area_unpin_domain',
      canFollow: hasMemoryOfThreeAreas,
    },
  ],
};

function hasMemoryOfThreeAreas({ contexts }: World): boolean {
  for (const { objects } of contexts) {
    for (const object of objects.objects) {
      if (object.type !== 'IOAS') continue;
      if (object.table.areas.some(({ pages }) => pages.areas.size >= 3)) return true;
    }
  }
  return false;
}
