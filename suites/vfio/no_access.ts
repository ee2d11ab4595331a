import { SCRATCH } from '../../models/program/arena.js';
import type { Reference } from '../../models/program/program.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import { APERTURE_START as A, P } from '../harness/constants.js';
import type { ExpectedStep } from '../harness/expected_step.js';
import { scenario, suite } from '../harness/scenario.js';
import { compatIoas, mapDma } from './set_up.js';

const REFUSED = { '7.3': 'EINVAL', '6.12': 'OK' } as const;
const WARNING = 'WARNING in amdv1_mock_map_range';

/** Where the process sees a page of a file, and where it sees it by a private mapping. */
const SHARED = SCRATCH.start;
const PRIVATE = SCRATCH.start + P;

interface Places {
  /** With the private page, and behind it an area that permits nothing. */
  readonly ioas: Reference;
  readonly handle: Reference;
  readonly device: Reference;
  /** Translates to the page of the file. */
  readonly hwpt: Reference;
}

function withPrivatePage(t: ScenarioBuilder, deviceFlags: number): Places {
  const home = t.ioas();
  const mock = t.mockDevice(home, deviceFlags);
  const hwpt = t.mockDomain(home).out('out_hwpt_id');
  const file = t.memfd('m', 1n);
  t.mmapFile(file, 0n, 1n, { start: SHARED });
  t.mmapFile(file, 0n, 1n, { start: PRIVATE, isPrivate: true });
  t.map(home, { iova: A, va: SHARED });
  const ioas = compatIoas(t);
  mapDma(t, { iova: A, vaddr: PRIVATE });
  mapDma(t, { iova: A + P, flags: 0 });
  t.checkMap(hwpt, A, PRIVATE);
  return { ioas, handle: mock.out('out_stdev_id'), device: mock.out('out_idev_id'), hwpt };
}

/** Says that a call has pinned the private page before it came to the area that permits nothing. */
function copiesBefore(t: ScenarioBuilder, { hwpt }: Places, call: ExpectedStep): void {
  call.fails(REFUSED).warns(WARNING, ['7.3']);
  t.checkMap(hwpt, A, PRIVATE).fails('EINVAL');
}

export const vfioNoAccess = suite(
  'vfio/no_access',
  'Areas that permit nothing, which only VFIO_IOMMU_MAP_DMA makes, behind others. A generic page table is filled up to them, and emptied again.',
  [
    scenario('private_page,copied', {
      doc: 'A private page in front of an area that permits nothing is copied to be pinned, and stays so when the page table is given up.',
      covers: [
        'IOMMU_HWPT_ALLOC/EINVAL.nothing_permitted',
        'IOMMU_TEST_OP_MOCK_DOMAIN/EINVAL.nothing_permitted',
        'IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS/EINVAL.nothing_permitted',
        'IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE/EINVAL.nothing_permitted',
      ],
      source: 'mm/internal.h:gup_must_unshare; docs/findings/map-without-access-warn.md',
      needs: ['iommufd_test'],
      setup: (t) => withPrivatePage(t, 0),
      cases: {
        new_device: (t, all) => {
          copiesBefore(t, all, t.mockDomain(all.ioas));
        },
        device_with_flags: (t, all) => {
          copiesBefore(t, all, t.mockDevice(all.ioas, 0));
        },
        moved_device: (t, all) => {
          copiesBefore(t, all, t.replace(all.handle, all.ioas));
        },
        page_table: (t, all) => {
          copiesBefore(t, all, t.hwptAlloc(all.device, all.ioas));
        },
      },
      control: (t, { hwpt }) => t.checkMap(hwpt, A, PRIVATE),
    }),
    scenario('private_page,copied_again', {
      doc: 'The same for the calls that name a device by its handle and a PASID. That the device cannot be moved is found after that.',
      covers: [
        'IOMMU_TEST_OP_PASID_ATTACH/EINVAL.nothing_permitted',
        'IOMMU_TEST_OP_PASID_REPLACE/EINVAL.nothing_permitted',
        'IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE/EINVAL.nothing_permitted',
      ],
      source: 'mm/internal.h:gup_must_unshare; docs/findings/map-without-access-warn.md',
      needs: ['pasid'],
      setup: (t) => withPrivatePage(t, 4),
      cases: {
        attached: (t, all) => {
          t.pasidDetach(all.handle, 0);
          copiesBefore(t, all, t.pasidAttach(all.handle, 0, all.ioas));
        },
        moved: (t, all) => {
          copiesBefore(t, all, t.pasidReplace(all.handle, 0, all.ioas));
        },
        moved_unattached: (t, all) => {
          t.pasidDetach(all.handle, 0);
          copiesBefore(t, all, t.replace(all.handle, all.ioas));
        },
        moved_unattached_as_pasid: (t, all) => {
          t.pasidDetach(all.handle, 0);
          copiesBefore(t, all, t.pasidReplace(all.handle, 0, all.ioas));
        },
        moved_pasid: (t, all) => {
          copiesBefore(t, all, t.pasidReplace(all.handle, 7, all.ioas));
        },
      },
      control: (t, { hwpt }) => t.checkMap(hwpt, A, PRIVATE),
    }),
  ],
);
