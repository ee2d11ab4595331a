import type { Reference } from '../../models/program/program.js';
import { BUFFER } from '../../models/program/arena.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import { APERTURE_START as A, P, U64_MAX } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';
import {
  SHUFFLED,
  TYPE1,
  clearCompat,
  compatIoas,
  mapDma,
  setIommu,
  unmapAllDma,
  unmapDma,
} from './set_up.js';

/** Sixteen pages, each mapped by itself. */
function mapPages(t: ScenarioBuilder): void {
  for (let page = 0n; page < 16n; page++) mapDma(t, { iova: A + page * P, vaddr: BUFFER.start + page * P });
}

/** Areas of one page and of two pages, side by side. */
function twoAreas(t: ScenarioBuilder): Reference {
  const ioas = compatIoas(t);
  mapDma(t, { iova: 0x1000n });
  mapDma(t, { iova: 0x2000n, size: 2n * P });
  return ioas;
}

export const vfioUnmapDma = suite(
  'vfio/unmap_dma',
  'VFIO_IOMMU_UNMAP_DMA with large pages, as TYPE1v2 has it: areas go whole or not at all. Cutting is in vfio/cut.',
  [
    scenario('struct,refused', {
      doc: 'What is wrong with the struct comes before the missing IOAS; none of these answers writes it back.',
      covers: [
        'envelope/EFAULT.vfio_struct',
        'envelope/EINVAL.argsz',
        'VFIO_IOMMU_UNMAP_DMA/EINVAL.flags',
        'VFIO_IOMMU_UNMAP_DMA/ENODEV.compat_ioas',
        'VFIO_IOMMU_UNMAP_DMA/EINVAL.all_of_range',
      ],
      source: 'core.md vector 17',
      kselftest: ['iommufd.unmap_cmd'],
      gaps: [56],
      seeds: ['S2-57'],
      setup: (t) => compatIoas(t),
      cases: {
        null_pointer: (t) => unmapDma(t, P, P, {}, { at: 'null' }).fails('EFAULT'),
        last_byte_missing: (t) => unmapDma(t, P, P, {}, { at: { edge: 23 } }).fails('EFAULT'),
        argsz_1: (t) => unmapDma(t, P, P, { argsz: 1 }).fails('EINVAL'),
        argsz_23: (t) => unmapDma(t, P, P, { argsz: 23 }).fails('EINVAL'),
        dirty_bitmap: (t) => unmapDma(t, P, P, { flags: 1 }).fails('EINVAL'),
        vaddr: (t) => unmapDma(t, P, P, { flags: 4 }).fails('EINVAL'),
        flag_31: (t) => unmapDma(t, P, P, { flags: 0x8000_0000 }).fails('EINVAL'),
        all_and_dirty_bitmap: (t) => unmapDma(t, 0n, 0n, { flags: 3 }).fails('EINVAL'),
        no_ioas: (t) => {
          clearCompat(t);
          unmapDma(t, P, P).fails('ENODEV');
        },
        no_ioas_bad_flags: (t) => {
          clearCompat(t);
          unmapDma(t, P, P, { flags: 1 }).fails('EINVAL');
        },
        no_ioas_all_of_range: (t) => {
          clearCompat(t);
          unmapAllDma(t, 0n, P).fails('ENODEV');
        },
        all_with_iova: (t) => unmapAllDma(t, P).fails('EINVAL'),
        all_with_size: (t) => unmapAllDma(t, 0n, U64_MAX).fails('EINVAL'),
        all_of_range_is_not_written_back: (t) =>
          unmapDma(t, 0n, P, { flags: 2 }, { at: 'sealed' }).fails('EINVAL'),
      },
      control: (t) => unmapAllDma(t),
    }),
    scenario('range,refused', {
      doc: 'An empty range and one that wraps are refused, and unlike anywhere else the struct is written back: nothing was unmapped.',
      covers: ['VFIO_IOMMU_UNMAP_DMA/EINVAL.size_zero', 'VFIO_IOMMU_UNMAP_DMA/EOVERFLOW.wrap'],
      seeds: ['S3-20'],
      source: 'core.md 3.14',
      gaps: [56],
      setup: (t) => {
        compatIoas(t);
        mapDma(t, { iova: P });
      },
      cases: {
        empty: (t) => unmapDma(t, P, 0n).fails('EINVAL', { argsz: 24, iova: P, size: 0n }),
        empty_at_end: (t) => unmapDma(t, U64_MAX, 0n).fails('EINVAL', { size: 0n }),
        wraps: (t) => unmapDma(t, U64_MAX, 2n).fails('EOVERFLOW', { iova: U64_MAX, size: 0n }),
        wraps_around: (t) => unmapDma(t, P, U64_MAX).fails('EOVERFLOW', { size: 0n }),
        wraps_before_straddling: (t) => unmapDma(t, P + 1n, U64_MAX).fails('EOVERFLOW', { size: 0n }),
      },
      control: (t) => unmapDma(t, P, P).ok({ size: P }),
    }),
    scenario('range,unmapped', {
      doc: 'Areas that lie in the range go, gaps are fine, and so is that there is nothing: size says how much went.',
      covers: ['VFIO_IOMMU_UNMAP_DMA/OK'],
      seeds: ['S2-57', 'S3-14'],
      source: 'core.md vector 17',
      kselftest: ['vfio_compat_mock_domain.map'],
      setup: (t) => {
        const ioas = compatIoas(t);
        mapDma(t, { iova: 0x1000n });
        mapDma(t, { iova: 0x4000n, size: 2n * P });
        return ioas;
      },
      cases: {
        nothing_there: (t) => unmapDma(t, 0x2000n, P).ok({ size: 0n }),
        nothing_in_an_empty_ioas: (t) => {
          compatIoas(t);
          unmapDma(t, 0n, P).ok({ size: 0n });
        },
        both_with_gaps: (t, ioas) => {
          unmapDma(t, 0n, 0x10000n).ok({ iova: 0n, size: 3n * P });
          t.map(ioas, { iova: 0n, length: 0x10000n });
        },
        up_to_the_end: (t) => unmapDma(t, 1n, U64_MAX).ok({ size: 3n * P }),
        last_byte_of_space: (t) => {
          mapDma(t, { iova: U64_MAX, size: 1n });
          unmapDma(t, U64_MAX, 1n).ok({ size: 1n });
        },
        all: (t) => unmapAllDma(t).ok({ flags: 2, size: 3n * P }),
        all_of_nothing: (t) => {
          unmapAllDma(t);
          unmapAllDma(t).ok({ size: 0n });
        },
        room_behind: (t) =>
          unmapDma(t, 0x1000n, P, {}, { tail: { bytes: 8, value: 0xff } }).ok({ argsz: 32, size: P }),
        native_is_stricter: (t, ioas) => t.unmap(ioas, 0x2000n, P).fails('ENOENT'),
      },
      control: (t) => unmapDma(t, 0x1000n, P).ok({ size: P }),
    }),
    scenario('range,straddles', {
      doc: 'An area that only partly lies in the range is ENOENT. Those below it are gone, and size tells.',
      covers: ['VFIO_IOMMU_UNMAP_DMA/ENOENT.straddles'],
      seeds: ['S2-57', 'S3-03'],
      source: 'core.md 4.6',
      setup: twoAreas,
      cases: {
        middle: (t) => unmapDma(t, 0x2800n, 0x10n).fails('ENOENT', { iova: 0x2800n, size: 0n }),
        begins_before: (t) => unmapDma(t, 0x3000n, P).fails('ENOENT', { size: 0n }),
        ends_after: (t, ioas) => {
          unmapDma(t, 0n, 0x3000n).fails('ENOENT', { iova: 0n, size: P });
          t.map(ioas, { iova: 0x1000n });
          unmapDma(t, 0x2000n, 2n * P).ok({ size: 2n * P });
        },
        begins_before_another: (t) => {
          unmapDma(t, 0x1001n, 0x3000n).fails('ENOENT', { size: 0n });
          unmapAllDma(t).ok({ size: 3n * P });
        },
      },
      control: (t) => unmapDma(t, 0x1000n, 3n * P).ok({ size: 3n * P }),
    }),
    scenario('response,unmap_done', {
      doc: 'Where the struct cannot be written back the answer is EFAULT, whatever the unmap itself would have answered, and the unmap is done.',
      covers: ['VFIO_IOMMU_UNMAP_DMA/EFAULT.respond'],
      source: 'core.md 3.0',
      setup: twoAreas,
      cases: {
        unmapped: (t, ioas) => {
          unmapDma(t, 0x1000n, P, {}, { at: 'sealed' }).fails('EFAULT');
          t.map(ioas, { iova: 0x1000n });
        },
        all: (t) => {
          unmapDma(t, 0n, 0n, { flags: 2 }, { at: 'sealed' }).fails('EFAULT');
          unmapAllDma(t).ok({ size: 0n });
        },
        instead_of_empty: (t) => unmapDma(t, P, 0n, {}, { at: 'sealed' }).fails('EFAULT'),
        instead_of_wrap: (t) => unmapDma(t, U64_MAX, 2n, {}, { at: 'sealed' }).fails('EFAULT'),
        instead_of_straddling: (t, ioas) => {
          unmapDma(t, 0n, 0x3000n, {}, { at: 'sealed' }).fails('EFAULT');
          t.map(ioas, { iova: 0x1000n });
        },
        nothing_there: (t) => unmapDma(t, 0x10_0000n, P, {}, { at: 'sealed' }).fails('EFAULT'),
      },
      control: (t) => unmapDma(t, 0x1000n, P).ok({ size: P }),
    }),
    scenario('memory,unpinned', {
      doc: 'What goes is unpinned and no longer translated.',
      covers: ['VFIO_IOMMU_UNMAP_DMA/OK'],
      needs: ['iommufd_test'],
      kselftest: ['vfio_compat_mock_domain.map', 'vfio_compat_mock_domain.simple_close'],
      setup: (t) => {
        const hwpt = t.mockDomain(compatIoas(t)).out('out_hwpt_id');
        mapPages(t);
        t.counters(16);
        return hwpt;
      },
      cases: {
        one_by_one: (t, hwpt) => {
          for (const [done, page] of SHUFFLED.entries()) {
            unmapDma(t, A + page * P, P).ok({ size: P });
            t.counters(15 - done);
          }
          t.checkMap(hwpt, A, BUFFER.start).fails('EINVAL');
        },
        one_by_one_without_large_pages: (t) => {
          unmapAllDma(t);
          setIommu(t, TYPE1);
          mapPages(t);
          for (const page of SHUFFLED) unmapDma(t, A + page * P, P).ok({ size: P });
          t.counters(0);
        },
        closed: (t) => {
          t.close();
          t.counters(0);
        },
        closed_without_large_pages: (t) => {
          unmapAllDma(t);
          setIommu(t, TYPE1);
          mapPages(t);
          t.close();
          t.counters(0);
        },
        some: (t, hwpt) => {
          unmapDma(t, A + 4n * P, 4n * P).ok({ size: 4n * P });
          t.checkMap(hwpt, A, BUFFER.start, 4n * P);
          t.checkMap(hwpt, A + 4n * P, BUFFER.start + 4n * P).fails('EINVAL');
          t.checkMap(hwpt, A + 8n * P, BUFFER.start + 8n * P, 8n * P);
        },
      },
      control: (t) => {
        unmapAllDma(t).ok({ size: 16n * P });
        t.counters(0);
      },
    }),
  ],
);
