import type { Scalar } from '../../models/program/program.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import { limitMemory, unlimitMemoryAtLast } from '../mock/temporary_memory.js';
import { APERTURE_START as A, P } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';

const SWEEP_BYTES = 0x800n;

/** Copies half a page from every 511th address, from a page before an area to a page behind it. */
function sweep(
  t: ScenarioBuilder,
  ids: { readonly src: Scalar; readonly dst: Scalar },
  length: bigint,
): void {
  t.map(ids.src, { iova: A, length });
  for (let from = A - P; from < A + 17n * P; from += 511n) {
    const copy = t.copy({ ...ids, from, length: SWEEP_BYTES });
    if (from >= A && from + SWEEP_BYTES <= A + length) t.unmap(ids.dst, copy.out('dst_iova'), SWEEP_BYTES);
    else copy.fails('ENOENT');
  }
}

export const ioasCopySweep = suite(
  'ioas/copy_sweep',
  'IOMMU_IOAS_COPY from addresses of every kind, as the kernel’s own tests do it.',
  [
    scenario('source,every_511th_address', {
      doc: 'Of half a page at every 511th address around an area, what lies inside can be copied, whether the area has a domain or not.',
      covers: ['IOMMU_IOAS_COPY/OK', 'IOMMU_IOAS_COPY/ENOENT.src_range'],
      kselftest: [
        'iommufd_ioas.no_domain.copy_sweep',
        'iommufd_ioas.mock_domain.copy_sweep',
        'iommufd_ioas.two_mock_domain.copy_sweep',
        'iommufd_ioas.mock_domain_limit.copy_sweep',
      ],
      setup: (t) => ({ src: t.ioas(), dst: t.ioas() }),
      cases: {
        odd_length: (t, ids) => {
          sweep(t, ids, 16n * P - 1n);
        },
        with_device: (t, ids) => {
          t.mockDomain(ids.src);
          sweep(t, ids, 16n * P);
        },
        with_two_devices: (t, ids) => {
          t.mockDomain(ids.src);
          t.mockDomain(ids.src);
          sweep(t, ids, 16n * P);
        },
        with_device_and_limit: (t, ids) => {
          limitMemory(t, 16);
          t.mockDomain(ids.src);
          sweep(t, ids, 16n * P);
        },
      },
      putBack: unlimitMemoryAtLast,
      control: (t, ids) => {
        t.map(ids.src, { iova: A, length: 16n * P });
        t.copy({ ...ids, from: A, length: SWEEP_BYTES });
      },
    }),
  ],
);
