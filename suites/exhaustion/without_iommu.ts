import { PERHAPS_WITHOUT_IOMMU } from '../../models/ioctls/test/mock_domain.js';
import type { Reference } from '../../models/program/program.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import { APERTURE_START as A, P } from '../harness/constants.js';
import type { ExpectedStep } from '../harness/expected_step.js';
import { scenario, suite } from '../harness/scenario.js';
import { SWEPT } from './sweep.js';

/** Allocations of MOCK_DOMAIN among which are all of those whose failing leaves the device without an IOMMU. */
const ROUNDS = 40;

/** Further than an IOMMU of the mock translates, and further than the first levels of the page table that takes its place. */
const FAR = 1n << 50n;

/**
 * Makes a device as often as it has allocations, each of which fails in turn: there is no device then, one with an IOMMU, or one
 * without.
 * @param use what is done meanwhile, and undone
 */
function withEachDevice(
  t: ScenarioBuilder,
  ioas: Reference,
  use: (device: ExpectedStep, round: number) => void,
): void {
  for (let round = 1; round <= ROUNDS; round++) {
    const device = t.failing(round, () => t.mockDomain(ioas));
    use(device, round);
    t.destroy(device.out('out_stdev_id')).orFails('ENOENT');
  }
}

function askAddress(t: ScenarioBuilder, ioas: Reference, iova: bigint, length: bigint): ExpectedStep {
  return t.ioctl('IOMMU_IOAS_NOIOMMU_GET_PA', { ioas_id: ioas, iova, length });
}

export const exhaustionWithoutIommu = suite(
  'exhaustion/without_iommu',
  'Devices that have got no IOMMU for lack of memory, which 7.3 takes for devices that need none.',
  [
    scenario('devices', {
      doc: 'Such a device has a page table that nothing reads: it reaches everywhere, and tells the physical addresses of what is mapped. A device with an IOMMU tells none, and does not reach as far.',
      covers: ['IOMMU_IOAS_NOIOMMU_GET_PA/EOPNOTSUPP.not_noiommu'],
      source: 'linux/iommufd.h, IOMMU_IOAS_NOIOMMU_GET_PA; device.c:iommufd_device_is_noiommu',
      ...SWEPT,
      gaps: [...SWEPT.gaps, 19],
      untold: PERHAPS_WITHOUT_IOMMU,
      needs: [...SWEPT.needs, 'noiommu'],
      without: { ...SWEPT.without, probed: 'the device may have no IOMMU, of which nothing is known' },
      setup: (t) => {
        const ioas = t.ioas();
        t.map(ioas, { iova: A, length: 3n * P });
        return ioas;
      },
      cases: {
        addresses: (t, ioas) => {
          withEachDevice(t, ioas, () => {
            askAddress(t, ioas, A + 1n, 1n).orFails('EOPNOTSUPP');
            askAddress(t, ioas, A, 2n * P).orFails('EOPNOTSUPP');
            askAddress(t, ioas, A + P, 4n * P).orFails('EOPNOTSUPP');
          });
        },
        far: (t, ioas) => {
          withEachDevice(t, ioas, () => {
            t.map(ioas, { iova: FAR }).orFails('EINVAL');
            t.unmap(ioas, FAR, P).orFails('ENOENT');
          });
        },
        page_tables: (t, ioas) => {
          withEachDevice(t, ioas, (device, round) => {
            const alloc = t
              .failing(1 + (round % 6), () => t.hwptAlloc(device.out('out_idev_id'), ioas))
              .orFails('ENOENT');
            t.destroy(alloc.out('out_hwpt_id')).orFails('ENOENT');
          });
        },
      },
      control: (t, ioas) => {
        t.mockDomain(ioas);
        askAddress(t, ioas, A, P).fails('EOPNOTSUPP');
      },
    }),
  ],
);
