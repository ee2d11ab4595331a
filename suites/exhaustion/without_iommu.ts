import { BUFFER } from '../../models/program/arena.js';
import type { Reference } from '../../models/program/program.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import { APERTURE_START as A, P } from '../harness/constants.js';
import type { ExpectedStep } from '../harness/expected_step.js';
import { scenario, suite } from '../harness/scenario.js';
import { NEST_PARENT } from '../hwpt/set_up.js';
import { SWEPT } from './sweep.js';

/** Allocations of MOCK_DOMAIN among which are, on any kernel, all whose failing leaves the device without an IOMMU. */
const ROUNDS = 100;

/** Further than an IOMMU of the mock translates, and further than the first levels of the page table that takes its place. */
const FAR = 1n << 50n;

/** Says what steps that use a device answer, where that is not what they were written to. */
interface Answers {
  /** That there is none. */
  notMade?(this: void): void;
  withIommu?(this: void): void;
  withoutIommu?(this: void): void;
}

/** Makes a device for each of its first allocations, which fails meanwhile, and takes it away again. */
function withEachDevice(
  t: ScenarioBuilder,
  ioas: Reference,
  use: (device: ExpectedStep, round: number) => Answers,
): void {
  for (let round = 1; round <= ROUNDS; round++) {
    const device = t.failing(round, () => t.mockDomain(ioas));
    const { notMade, withIommu, withoutIommu } = use(device, round);
    const end = t.destroy(device.out('out_stdev_id'));
    t.either({
      // With ENOMEM, or the error of what iommufd lets fail for its own tests.
      not_made: () => {
        notMade?.();
        end.fails('ENOENT');
      },
      with_iommu: () => {
        device.ok();
        withIommu?.();
      },
      without_iommu: () => {
        device.ok();
        withoutIommu?.();
      },
    });
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
      doc: 'Such a device has a page table that no hardware reads: it reaches everywhere, and tells physical addresses. A device with an IOMMU does neither. Another device attaches beside it by a page table of its own; one that replaces its page table by such an IOAS is refused.',
      covers: [
        'IOMMU_IOAS_NOIOMMU_GET_PA/EOPNOTSUPP.not_noiommu',
        'IOMMU_GET_HW_INFO/OK',
        'IOMMU_HWPT_ALLOC/OK',
        'IOMMU_TEST_OP_MD_CHECK_MAP/OK',
      ],
      source: 'linux/iommufd.h, IOMMU_IOAS_NOIOMMU_GET_PA; device.c:iommufd_device_is_noiommu',
      ...SWEPT,
      gaps: [...SWEPT.gaps, 19],
      untold: 'whether a device has an IOMMU whose memory for one may be what was made to fail',
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
            const byte = askAddress(t, ioas, A + 1n, 1n);
            const rest = askAddress(t, ioas, A + 3n * P - 1n, 4n * P);
            // Whether pages lie side by side in memory nobody knows.
            const pages = askAddress(t, ioas, A, 3n * P);
            const refused = () => {
              for (const step of [byte, rest, pages]) step.fails('EOPNOTSUPP');
            };
            return {
              notMade: refused,
              withIommu: refused,
              withoutIommu: () => {
                byte.ok({ length: 1n });
                rest.ok({ length: 1n });
              },
            };
          });
        },
        far: (t, ioas) => {
          withEachDevice(t, ioas, () => {
            const map = t.map(ioas, { iova: FAR });
            const unmap = t.unmap(ioas, FAR, P);
            return {
              withIommu: () => {
                map.fails('EINVAL');
                unmap.fails('ENOENT');
              },
            };
          });
        },
        abilities: (t, ioas) => {
          withEachDevice(t, ioas, (device) => {
            const info = t.ioctl('IOMMU_GET_HW_INFO', { dev_id: device.out('out_idev_id') });
            const parent = t.hwptAlloc(device.out('out_idev_id'), ioas, { flags: NEST_PARENT });
            const gone = t.destroy(parent.out('out_hwpt_id'));
            const check = t.checkMap(device.out('out_hwpt_id'), A, BUFFER.start);
            return {
              notMade: () => {
                for (const step of [info, parent, gone, check]) step.fails('ENOENT');
              },
              withoutIommu: () => {
                for (const step of [info, parent]) step.fails('EOPNOTSUPP');
                gone.fails('ENOENT');
                check.fails('EINVAL');
              },
            };
          });
        },
        beside_another: (t, ioas) => {
          const home = t.ioas();
          const other = t.mockDomain(home).out('out_stdev_id');
          withEachDevice(t, ioas, () => {
            const joins = t.replace(other, ioas);
            t.replace(other, home);
            const third = t.mockDomain(ioas);
            t.destroy(third.out('out_stdev_id'));
            return {
              withoutIommu: () => {
                joins.fails('ENODEV');
              },
            };
          });
        },
        page_tables: (t, ioas) => {
          withEachDevice(t, ioas, (device, round) => {
            const device_id = device.out('out_idev_id');
            const alloc = t.failing(1 + (round % 12), () => t.hwptAlloc(device_id, ioas));
            t.destroy(alloc.out('out_hwpt_id')).orFails('ENOENT');
            return {
              notMade: () => {
                alloc.fails('ENOENT');
              },
            };
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
