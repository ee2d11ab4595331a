import { BUFFER } from '../../models/program/arena.js';
import type { Reference } from '../../models/program/program.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import { APERTURE_START as A, P, U64_MAX } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';
import { DIRTY_TRACKING, bitmap, read, setTracking, write } from '../hwpt/dirty_pages.js';
import { SHUFFLED, TYPE1, TYPE1V2, compatIoas, mapDma, setIommu, unmapAllDma, unmapDma } from './set_up.js';

/** A compatible IOAS without large pages, a device, and sixteen pages from the start of the aperture on. */
function sixteenPages(t: ScenarioBuilder): { ioas: Reference; hwpt: Reference } {
  const ioas = compatIoas(t);
  setIommu(t, TYPE1);
  const hwpt = t.mockDomain(ioas).out('out_hwpt_id');
  mapDma(t, { iova: A, size: 16n * P });
  t.counters(16);
  return { ioas, hwpt };
}

export const vfioCut = suite(
  'vfio/cut',
  'VFIO_IOMMU_UNMAP_DMA without large pages, as TYPE1 has it: areas are cut at the borders of the range first.',
  [
    scenario('area,in_pieces', {
      doc: 'One area goes page by page in any order; with large pages no piece of it does.',
      covers: ['VFIO_IOMMU_UNMAP_DMA/OK', 'VFIO_IOMMU_UNMAP_DMA/ENOENT.straddles'],
      seeds: ['S2-58', 'S2-61', 'S3-09'],
      needs: ['iommufd_test'],
      kselftest: ['vfio_compat_mock_domain.huge_map'],
      setup: (t) => compatIoas(t),
      cases: {
        type1: (t, ioas) => {
          setIommu(t, TYPE1);
          t.mockDomain(ioas);
          mapDma(t, { iova: A, size: 16n * P });
          for (const [done, page] of SHUFFLED.entries()) {
            unmapDma(t, A + page * P, P).ok({ size: P });
            t.counters(15 - done);
          }
        },
        type1v2: (t, ioas) => {
          setIommu(t, TYPE1V2);
          t.mockDomain(ioas);
          mapDma(t, { iova: A, size: 16n * P });
          for (const page of SHUFFLED) unmapDma(t, A + page * P, P).fails('ENOENT', { size: 0n });
          t.counters(16);
        },
        type1_then_type1v2: (t, ioas) => {
          setIommu(t, TYPE1);
          setIommu(t, TYPE1V2);
          t.mockDomain(ioas);
          mapDma(t, { iova: A, size: 8n * P });
          unmapDma(t, A + 3n * P, 2n * P).ok({ size: 2n * P });
          t.checkRefs(BUFFER.start + 3n * P, 0, 2n * P);
          t.checkRefs(BUFFER.start + 5n * P, 1, 3n * P);
          t.counters(6);
        },
        on_again: (t, ioas) => {
          setIommu(t, TYPE1);
          t.mockDomain(ioas);
          mapDma(t, { iova: A, size: 16n * P });
          t.setOption('HUGE_PAGES', 1n, ioas);
          unmapDma(t, A, P).fails('ENOENT', { size: 0n });
        },
        by_option: (t, ioas) => {
          t.setOption('HUGE_PAGES', 0n, ioas);
          mapDma(t, { iova: A, size: 16n * P });
          unmapDma(t, A + P, P).ok({ size: P });
        },
        native_never_cuts: (t, ioas) => {
          setIommu(t, TYPE1);
          t.map(ioas, { iova: A, length: 16n * P });
          t.unmap(ioas, A, P).fails('ENOENT');
        },
      },
      control: (t) => {
        setIommu(t, TYPE1);
        mapDma(t, { iova: A, size: 16n * P });
        unmapDma(t, A, 16n * P).ok({ size: 16n * P });
      },
    }),
    scenario('area,translated', {
      doc: 'What is left of an area is translated and pinned as before, by every page table, and can be unmapped, copied and cut again.',
      covers: ['VFIO_IOMMU_UNMAP_DMA/OK'],
      needs: ['iommufd_test'],
      source: 'core.md 4.9',
      setup: sixteenPages,
      cases: {
        middle: (t, { hwpt }) => {
          unmapDma(t, A + 4n * P, 4n * P).ok({ size: 4n * P });
          t.checkMap(hwpt, A, BUFFER.start, 4n * P);
          t.checkMap(hwpt, A + 4n * P, BUFFER.start + 4n * P).fails('EINVAL');
          t.checkMap(hwpt, A + 7n * P, BUFFER.start + 7n * P).fails('EINVAL');
          t.checkMap(hwpt, A + 8n * P, BUFFER.start + 8n * P, 8n * P);
          t.checkRefs(BUFFER.start + 4n * P, 0, 4n * P);
          t.checkRefs(BUFFER.start + 8n * P, 1, 8n * P);
          t.counters(12);
        },
        two_page_tables: (t, { ioas }) => {
          const device = t.mockDomain(ioas).out('out_idev_id');
          const second = t.hwptAlloc(device, ioas).out('out_hwpt_id');
          unmapDma(t, A + P, P).ok({ size: P });
          t.checkMap(second, A, BUFFER.start);
          t.checkMap(second, A + P, BUFFER.start + P).fails('EINVAL');
          t.checkMap(second, A + 2n * P, BUFFER.start + 2n * P, 14n * P);
        },
        later_page_table: (t, { ioas }) => {
          unmapDma(t, A + P, P).ok({ size: P });
          const device = t.mockDomain(t.ioas()).out('out_idev_id');
          const second = t.hwptAlloc(device, ioas).out('out_hwpt_id');
          t.checkMap(second, A, BUFFER.start);
          t.checkMap(second, A + 2n * P, BUFFER.start + 2n * P, 14n * P);
        },
        halves_are_areas: (t, { ioas }) => {
          unmapDma(t, A + 4n * P, P).ok({ size: P });
          t.unmap(ioas, A, 4n * P).ok({ length: 4n * P });
          t.unmap(ioas, A + 5n * P, 11n * P).ok({ length: 11n * P });
          t.counters(0);
        },
        mapped_anew: (t, { hwpt }) => {
          unmapDma(t, A + 4n * P, P);
          mapDma(t, { iova: A + 4n * P, vaddr: BUFFER.start + 0x20n * P });
          t.checkMap(hwpt, A + 4n * P, BUFFER.start + 0x20n * P);
          unmapDma(t, A, 16n * P).ok({ size: 16n * P });
        },
        copied: (t, { ioas, hwpt }) => {
          const copy = A + 0x100n * P;
          t.copy({ src: ioas, dst: ioas, from: A, length: 16n * P, iova: copy });
          unmapDma(t, A + P, P).ok({ size: P });
          t.counters(16);
          unmapDma(t, copy + P, P).ok({ size: P });
          t.counters(15);
          t.checkMap(hwpt, copy + 2n * P, BUFFER.start + 2n * P, 14n * P);
        },
        copied_after: (t, { ioas, hwpt }) => {
          unmapDma(t, A + 4n * P, 4n * P);
          const copy = A + 0x100n * P;
          t.copy({ src: ioas, dst: ioas, from: A + 9n * P, length: 2n * P, iova: copy });
          t.checkMap(hwpt, copy, BUFFER.start + 9n * P, 2n * P);
          t.copy({ src: ioas, dst: ioas, from: A + 3n * P, length: 2n * P, iova: copy + 2n * P }).fails(
            'ENOENT',
          );
        },
        device_gone: (t, { ioas }) => {
          unmapDma(t, A + 4n * P, 4n * P);
          const device = t.mockDomain(ioas);
          t.destroy(device.out('out_stdev_id'));
          t.counters(12);
          unmapAllDma(t).ok({ size: 12n * P });
        },
      },
      control: (t, { hwpt }) => t.checkMap(hwpt, A, BUFFER.start, 16n * P),
    }),
    scenario('area,charged', {
      doc: 'A process without privileges gets back what it was charged for the pages that go, and no more.',
      covers: ['VFIO_IOMMU_UNMAP_DMA/OK'],
      seeds: ['S3-06'],
      needs: ['iommufd_test'],
      without: { shifted_ids: 'RLIMIT_MODE is set on a file without objects' },
      setup: (t) => {
        t.setOption('RLIMIT_MODE', 1n);
        const ioas = compatIoas(t);
        setIommu(t, TYPE1);
        t.mockDomain(ioas);
        t.process({ drop: ['CAP_IPC_LOCK'], memlock: 8n * P });
        mapDma(t, { iova: A, size: 8n * P });
        t.counters(8, 8);
      },
      cases: {
        middle: (t) => {
          unmapDma(t, A + 2n * P, 3n * P).ok({ size: 3n * P });
          t.counters(5, 5);
          mapDma(t, { iova: A + 0x100n * P, size: 4n * P }).fails('ENOMEM');
          mapDma(t, { iova: A + 0x100n * P, size: 3n * P });
        },
      },
      control: (t) => {
        unmapAllDma(t).ok({ size: 8n * P });
        t.counters(0);
      },
    }),
    scenario('area,dirty', {
      doc: 'Dirty pages of what is left of an area stay dirty; those of what goes are forgotten.',
      covers: ['VFIO_IOMMU_UNMAP_DMA/OK', 'IOMMU_HWPT_GET_DIRTY_BITMAP/OK'],
      gaps: [57],
      needs: ['iommufd_test'],
      setup: (t) => {
        const ioas = compatIoas(t);
        setIommu(t, TYPE1);
        const device = t.mockDomain(ioas).out('out_idev_id');
        const hwpt = t.hwptAlloc(device, ioas, { flags: DIRTY_TRACKING }).out('out_hwpt_id');
        setTracking(t, hwpt, 1);
        mapDma(t, { iova: A, size: 16n * P });
        // Both halves of pages 1, 5 and 9.
        write(t, hwpt, A, [2, 3, 10, 11, 18, 19]).ok({ out_nr_dirty: 6n });
        return hwpt;
      },
      cases: {
        both_sides: (t, hwpt) => {
          unmapDma(t, A + 4n * P, 4n * P).ok({ size: 4n * P });
          read(t, hwpt, A, { length: 4n * P }).ok({ data: bitmap(4, [2, 3]) });
          read(t, hwpt, A + 8n * P, { length: 8n * P }).ok({ data: bitmap(4, [2, 3]) });
        },
        mapped_anew: (t, hwpt) => {
          unmapDma(t, A + 4n * P, 4n * P);
          mapDma(t, { iova: A + 4n * P, size: 4n * P });
          read(t, hwpt, A, { length: 16n * P }).ok({ data: bitmap(4, [2, 3, 18, 19]) });
        },
      },
      control: (t, hwpt) =>
        read(t, hwpt, A, { length: 16n * P }).ok({ data: bitmap(4, [2, 3, 10, 11, 18, 19]) }),
    }),
    scenario('border,inside_a_page', {
      doc: 'An area is cut between pages only. The end is cut first, and stays cut if the start cannot be; nothing is written.',
      covers: ['VFIO_IOMMU_UNMAP_DMA/EINVAL.cut'],
      source: 'core.md 4.9',
      gaps: [57],
      setup: sixteenPages,
      cases: {
        end: (t) => unmapDma(t, A, 0x1800n).fails('EINVAL'),
        start: (t) => unmapDma(t, A + 0x800n, 0x800n).fails('EINVAL'),
        one_byte: (t) => unmapDma(t, A + 5n * P + 1n, 1n).fails('EINVAL'),
        end_stays_cut: (t, { ioas }) => {
          unmapDma(t, A + 0x800n, 0xf800n).fails('EINVAL');
          unmapDma(t, A + 0x800n, 0x3800n).fails('EINVAL');
          t.unmap(ioas, A + 4n * P, 12n * P).ok({ length: 12n * P });
        },
        before_write_back: (t) => unmapDma(t, A, 0x1800n, {}, { at: 'sealed' }).fails('EINVAL'),
        before_wrap: (t) => unmapDma(t, A + 0x800n, U64_MAX).fails('EINVAL'),
        outside_of_areas: (t) => unmapDma(t, A + 16n * P + 1n, 1n).ok({ size: 0n }),
        start_of_space: (t) => unmapDma(t, 0n, A + P).ok({ size: P }),
      },
      control: (t) => unmapDma(t, A + P, P).ok({ size: P }),
    }),
    scenario('border,first_byte', {
      doc: 'A cut behind the first byte of an area is not even tried, and the area that is left whole is ENOENT then.',
      covers: ['VFIO_IOMMU_UNMAP_DMA/ENOENT.straddles'],
      source: 'core.md 4.9',
      setup: sixteenPages,
      cases: {
        ends_behind_it: (t) => unmapDma(t, A, 1n).fails('ENOENT', { size: 0n }),
        starts_behind_it: (t) => unmapDma(t, A + 1n, 16n * P - 1n).fails('ENOENT', { size: 0n }),
        starts_behind_it_after_a_cut: (t) => {
          unmapDma(t, A + 1n, P - 1n).fails('ENOENT', { size: 0n });
          unmapDma(t, A, P).ok({ size: P });
        },
      },
      control: (t) => unmapDma(t, A, P).ok({ size: P }),
    }),
    scenario('range,refused_after_cutting', {
      doc: 'The range is looked at after the cuts, which stay: an empty one cuts before its IOVA, one that wraps at both borders.',
      covers: ['VFIO_IOMMU_UNMAP_DMA/EINVAL.size_zero', 'VFIO_IOMMU_UNMAP_DMA/EOVERFLOW.wrap'],
      source: 'core.md 4.9, vector 17',
      setup: sixteenPages,
      cases: {
        empty: (t, { ioas }) => {
          unmapDma(t, A + 12n * P, 0n).fails('EINVAL', { size: 0n });
          t.unmap(ioas, A + 12n * P, 4n * P).ok({ length: 4n * P });
        },
        empty_inside_a_page: (t) => unmapDma(t, A + 0x800n, 0n).fails('EINVAL'),
        wraps: (t, { ioas }) => {
          // The end wraps to A + 4 pages - 1.
          unmapDma(t, A + 12n * P, U64_MAX - 8n * P + 1n).fails('EOVERFLOW', { size: 0n });
          t.unmap(ioas, A, 4n * P).ok({ length: 4n * P });
          t.unmap(ioas, A + 12n * P, 4n * P).ok({ length: 4n * P });
          t.unmap(ioas, A + 4n * P, 8n * P).ok({ length: 8n * P });
        },
        wraps_next_to_its_start: (t) => {
          // The end wraps to the byte before the start's: the first cut makes the second one needless.
          unmapDma(t, A + P + 1n, U64_MAX).fails('EOVERFLOW', { size: 0n });
          unmapDma(t, A, P).ok({ size: P });
        },
        written_back_nowhere: (t, { ioas }) => {
          unmapDma(t, A + 12n * P, 0n, {}, { at: 'sealed' }).fails('EFAULT');
          t.unmap(ioas, A + 12n * P, 4n * P).ok({ length: 4n * P });
        },
        all_never_cuts: (t, { ioas }) => {
          unmapAllDma(t, A + P).fails('EINVAL');
          t.unmap(ioas, A, 16n * P).ok({ length: 16n * P });
        },
      },
      control: (t, { ioas }) => t.unmap(ioas, A, 16n * P).ok({ length: 16n * P }),
    }),
  ],
);
