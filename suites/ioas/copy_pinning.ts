import { BUFFER, FROZEN, HOLE } from '../../models/program/arena.js';
import { APERTURE_START as A, P, U64_MAX } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';

export const ioasCopyPinning = suite(
  'ioas/copy_pinning',
  'IOMMU_IOAS_COPY with domains: copies share the pins of the memory. Areas of files and dma-bufs are not covered yet.',
  [
    scenario('pins,shared', {
      doc: 'Copies share the pins of the memory: it is pinned once, until the last area with a domain goes.',
      covers: ['IOMMU_IOAS_COPY/OK'],
      source: 'core.md 5.1',
      seeds: ['S2-02'],
      setup: (t) => {
        const src = t.ioas();
        const dst = t.ioas();
        const hwpt = t.mockDomain(dst).out('out_hwpt_id');
        t.map(src, { iova: A, length: 4n * P });
        t.counters(0);
        return { src, dst, hwpt };
      },
      cases: {
        into_a_domain: (t, ids) => {
          t.copy({ ...ids, from: A, iova: A, length: 2n * P });
          t.counters(2);
          t.checkMap(ids.hwpt, A, BUFFER.start, 2n * P);
          t.unmap(ids.dst, A, 2n * P);
          t.counters(0);
        },
        overlapping_copies: (t, ids) => {
          t.copy({ ...ids, from: A, iova: A, length: 3n * P });
          t.copy({ ...ids, from: A + P, iova: A + 0x10000n, length: 3n * P });
          t.counters(4);
          t.checkRefs(BUFFER.start, 1, 4n * P);
          t.unmap(ids.dst, A, 3n * P);
          t.counters(3);
          t.checkMap(ids.hwpt, A + 0x10000n, BUFFER.start + P, 3n * P);
        },
        source_gone: (t, ids) => {
          t.copy({ ...ids, from: A, iova: A, length: 4n * P });
          t.destroy(ids.src);
          t.counters(4);
          t.checkMap(ids.hwpt, A, BUFFER.start, 4n * P);
        },
        both_with_domains: (t, ids) => {
          t.copy({ ...ids, from: A, iova: A, length: 4n * P });
          t.mockDomain(ids.src);
          t.counters(4);
          t.unmap(ids.dst, A, 4n * P);
          t.counters(4);
          t.unmap(ids.src, A, 4n * P);
          t.counters(0);
        },
      },
      control: (t, ids) => t.copy({ ...ids, from: A, iova: A, length: 4n * P }),
    }),
    scenario('memory,refused', {
      doc: 'A copy into an IOAS with a domain pins: memory that cannot be is EFAULT, beyond the limit ENOMEM.',
      covers: [
        'IOMMU_IOAS_COPY/EFAULT.user_memory',
        'IOMMU_IOAS_COPY/ENOMEM.memlock',
        'IOMMU_IOAS_COPY/EOVERFLOW.user_memory_end',
      ],
      seeds: ['S2-07'],
      setup: (t) => {
        t.process({ drop: ['CAP_IPC_LOCK'], memlock: 2n * P });
        const src = t.ioas();
        const dst = t.ioas();
        t.mockDomain(dst);
        t.map(src, { iova: A, length: 4n * P });
        t.map(src, { iova: A + 0x10000n, va: HOLE });
        t.map(src, { iova: A + 0x20000n, va: FROZEN.start });
        t.map(src, { iova: A + 0x30000n, va: U64_MAX - P + 1n, length: 0x800n });
        return { src, dst };
      },
      cases: {
        unmapped: (t, ids) => t.copy({ ...ids, from: A + 0x10000n }).fails('EFAULT'),
        pinned_as_the_original_asks: (t, ids) =>
          t.copy({ ...ids, from: A + 0x20000n, access: 'r' }).fails('EFAULT'),
        end_of_space: (t, ids) => t.copy({ ...ids, from: A + 0x30000n, length: 0x800n }).fails('EOVERFLOW'),
        over_the_limit: (t, ids) => t.copy({ ...ids, from: A, length: 3n * P }).fails('ENOMEM'),
        limit_before_response: (t, ids) => {
          const args = {
            flags: 3 | 4,
            dst_ioas_id: ids.dst,
            src_ioas_id: ids.src,
            length: 3n * P,
            dst_iova: A,
            src_iova: A,
          };
          t.ioctl('IOMMU_IOAS_COPY', args, { at: 'sealed' }).fails('ENOMEM');
        },
        same_pages_again: (t, ids) => {
          t.copy({ ...ids, from: A, length: 2n * P, iova: A });
          t.copy({ ...ids, from: A, length: 2n * P, iova: A + 0x10000n }).ok();
          t.counters(2);
        },
      },
      control: (t, ids) => t.copy({ ...ids, from: A, length: 2n * P }),
    }),
  ],
);
