import { NO_SUCH_ID, type ScenarioBuilder } from '../harness/builder.js';
import { APERTURE_START as A, P, U64_MAX } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';

/** Two IOASes; the first maps four pages at 0x10000. */
function twoIoases(t: ScenarioBuilder) {
  const src = t.ioas();
  const dst = t.ioas();
  t.map(src, { iova: 0x10000n, length: 4n * P });
  return { src, dst, from: 0x10000n };
}

export const ioasCopy = suite(
  'ioas/copy',
  'IOMMU_IOAS_COPY: arguments, source ranges, permissions, placement. Pins have their own file; areas of files and dma-bufs are not covered yet.',
  [
    scenario('flags,unknown', {
      doc: 'Any bit besides FIXED_IOVA, WRITEABLE and READABLE is EOPNOTSUPP; neither direction is EINVAL.',
      covers: ['IOMMU_IOAS_COPY/EOPNOTSUPP.flags', 'IOMMU_IOAS_COPY/EINVAL.no_access'],
      gaps: [5, 12],
      seeds: ['S2-38'],
      setup: twoIoases,
      cases: {
        bit_3: (t, ids) => t.copy({ ...ids, args: { flags: 0xe } }).fails('EOPNOTSUPP'),
        bit_31: (t, ids) => t.copy({ ...ids, args: { flags: 0x8000_0006 } }).fails('EOPNOTSUPP'),
        no_access: (t, ids) => t.copy({ ...ids, access: 'none' }).fails('EINVAL'),
      },
      control: (t, ids) => t.copy(ids),
    }),
    scenario('range,all_ones', {
      doc: 'length, src_iova or dst_iova of 2^64 - 1 is EOVERFLOW, the last even where it is not used.',
      covers: [
        'IOMMU_IOAS_COPY/EOVERFLOW.length_max',
        'IOMMU_IOAS_COPY/EOVERFLOW.src_iova_max',
        'IOMMU_IOAS_COPY/EOVERFLOW.dst_iova_max',
      ],
      gaps: [12],
      seeds: ['S2-38'],
      setup: twoIoases,
      cases: {
        length: (t, ids) => t.copy({ ...ids, length: U64_MAX }).fails('EOVERFLOW'),
        length_from_zero: (t, ids) => t.copy({ ...ids, from: 0n, length: U64_MAX }).fails('EOVERFLOW'),
        source: (t, ids) => t.copy({ ...ids, from: U64_MAX, length: 1n }).fails('EOVERFLOW'),
        destination: (t, ids) => t.copy({ ...ids, iova: U64_MAX, length: 1n }).fails('EOVERFLOW'),
        destination_unused: (t, ids) => t.copy({ ...ids, args: { dst_iova: U64_MAX } }).fails('EOVERFLOW'),
      },
      control: (t, ids) => t.copy(ids),
    }),
    scenario('range,bad', {
      doc: 'An empty length is EINVAL, a source that wraps EOVERFLOW.',
      covers: ['IOMMU_IOAS_COPY/EINVAL.length_zero', 'IOMMU_IOAS_COPY/EOVERFLOW.src_wrap'],
      seeds: ['S2-38'],
      setup: twoIoases,
      cases: {
        empty: (t, ids) => t.copy({ ...ids, length: 0n }).fails('EINVAL'),
        wraps: (t, ids) => t.copy({ ...ids, from: U64_MAX - 1n, length: P }).fails('EOVERFLOW'),
      },
      control: (t, ids) => t.copy({ ...ids, length: 1n }),
    }),
    scenario('target,no_ioas', {
      doc: 'A source or a destination that is no IOAS is ENOENT.',
      covers: ['IOMMU_IOAS_COPY/ENOENT.src_ioas', 'IOMMU_IOAS_COPY/ENOENT.dst_ioas'],
      seeds: ['S2-38'],
      setup: twoIoases,
      cases: {
        no_source: (t, ids) => t.copy({ ...ids, src: 0 }).fails('ENOENT'),
        source_never_used: (t, ids) => t.copy({ ...ids, src: NO_SUCH_ID }).fails('ENOENT'),
        no_destination: (t, ids) => t.copy({ ...ids, dst: 0 }).fails('ENOENT'),
        destination_destroyed: (t, ids) => {
          t.destroy(ids.dst);
          t.copy(ids).fails('ENOENT');
        },
      },
      control: (t, ids) => t.copy(ids),
    }),
    scenario('source,must_be_mapped', {
      doc: 'Each byte of the source range must be mapped; any part of an area will do.',
      covers: ['IOMMU_IOAS_COPY/ENOENT.src_range'],
      seeds: ['S2-34', 'S2-35'],
      setup: twoIoases,
      cases: {
        nothing_there: (t, ids) => t.copy({ ...ids, from: 0x20000n }).fails('ENOENT'),
        begins_before: (t, ids) => t.copy({ ...ids, from: 0xffffn, length: 2n }).fails('ENOENT'),
        ends_after: (t, ids) => t.copy({ ...ids, from: 0x13fffn, length: 2n }).fails('ENOENT'),
        around: (t, ids) => t.copy({ ...ids, from: 0xf000n, length: 0x8000n }).fails('ENOENT'),
        gap: (t, ids) => {
          t.map(ids.src, { iova: 0x15000n });
          t.copy({ ...ids, from: 0x13000n, length: 0x3000n }).fails('ENOENT');
        },
        one_byte: (t, ids) => t.copy({ ...ids, from: 0x12345n, length: 1n }).ok(),
        a_part: (t, ids) => t.copy({ ...ids, from: 0x11000n, length: 0x2000n }).ok(),
      },
      control: (t, ids) => t.copy({ ...ids, length: 4n * P }),
    }),
    scenario('source,several_areas', {
      doc: 'A range over touching areas makes one area for each of them, back to back.',
      covers: ['IOMMU_IOAS_COPY/OK'],
      source: 'core.md 3.6',
      gaps: [12],
      seeds: ['S2-34'],
      setup: (t) => {
        const ids = twoIoases(t);
        t.map(ids.src, { iova: 0x14000n, length: 2n * P });
        return ids;
      },
      cases: {
        two_areas: (t, ids) => {
          t.copy({ ...ids, iova: 0x50000n, length: 6n * P }).ok({ dst_iova: 0x50000n });
          t.unmap(ids.dst, 0x50000n, 4n * P).ok({ length: 0x4000n });
          t.unmap(ids.dst, 0x54000n, 2n * P).ok({ length: 0x2000n });
        },
        parts_of_both: (t, ids) => {
          t.copy({ ...ids, from: 0x13800n, iova: 0x50800n, length: 0x1000n }).ok();
          t.unmap(ids.dst, 0x50800n, 0x800n).ok({ length: 0x800n });
          t.unmap(ids.dst, 0x51000n, 0x800n).ok({ length: 0x800n });
        },
      },
      control: (t, ids) => t.copy({ ...ids, length: 4n * P }),
    }),
    scenario('permission,write', {
      doc: 'WRITEABLE needs memory that was mapped WRITEABLE; READABLE needs nothing.',
      covers: ['IOMMU_IOAS_COPY/EPERM.not_writeable'],
      seeds: ['S2-37', 'S3-10'],
      gaps: [12],
      setup: (t) => {
        const src = t.ioas();
        const dst = t.ioas();
        t.map(src, { iova: 0x10000n, access: 'r' });
        t.map(src, { iova: 0x20000n, access: 'w' });
        return { src, dst };
      },
      cases: {
        write_of_read_only: (t, ids) => t.copy({ ...ids, from: 0x10000n, access: 'w' }).fails('EPERM'),
        both_of_read_only: (t, ids) => t.copy({ ...ids, from: 0x10000n, access: 'rw' }).fails('EPERM'),
        read_of_write_only: (t, ids) => t.copy({ ...ids, from: 0x20000n, access: 'r' }).ok(),
        both_of_write_only: (t, ids) => t.copy({ ...ids, from: 0x20000n, access: 'rw' }).ok(),
        second_area: (t, ids) => {
          t.map(ids.src, { iova: 0x1f000n, access: 'r' });
          t.copy({ ...ids, from: 0x1f000n, length: 2n * P, access: 'w' }).fails('EPERM');
          t.unmap(ids.dst, 0n, U64_MAX).ok({ length: 0n });
        },
        copy_of_a_copy: (t, ids) => {
          t.copy({ ...ids, from: 0x20000n, iova: 0x1000n, access: 'r' });
          t.copy({ src: ids.dst, dst: ids.dst, from: 0x1000n, iova: 0x2000n, access: 'w' }).ok();
        },
      },
      control: (t, ids) => t.copy({ ...ids, from: 0x10000n, access: 'r' }),
    }),
    scenario('placement,fixed', {
      doc: 'A fixed destination obeys the rules of MAP: alignment, wrap, reservations, areas.',
      covers: [
        'IOMMU_IOAS_COPY/EINVAL.iova_alignment',
        'IOMMU_IOAS_COPY/EOVERFLOW.iova_wrap',
        'IOMMU_IOAS_COPY/EINVAL.iova_reserved',
        'IOMMU_IOAS_COPY/EEXIST.area',
        'IOMMU_IOAS_COPY/EINVAL.length_alignment',
      ],
      gaps: [12],
      kselftest: ['iommufd_ioas.no_domain.copy_area'],
      seeds: ['S2-36'],
      setup: (t) => {
        const ids = twoIoases(t);
        t.setOption('HUGE_PAGES', 0n, ids.dst);
        t.map(ids.dst, { iova: 0x40000n });
        t.reserve(ids.dst, 0x80000n, 0x1000n);
        return ids;
      },
      cases: {
        at_zero: (t, ids) => t.copy({ ...ids, iova: 0n, access: 'w' }).ok({ dst_iova: 0n }),
        beside_itself: (t, ids) => t.copy({ ...ids, dst: ids.src, iova: 0x20000n, access: 'w' }).ok(),
        misaligned: (t, ids) => t.copy({ ...ids, iova: 0x1800n }).fails('EINVAL'),
        misaligned_length: (t, ids) => t.copy({ ...ids, iova: 0x1000n, length: 0x800n }).fails('EINVAL'),
        wraps: (t, ids) => t.copy({ ...ids, iova: U64_MAX - P + 1n, length: 2n * P }).fails('EOVERFLOW'),
        reserved: (t, ids) => t.copy({ ...ids, iova: 0x80000n }).fails('EINVAL'),
        occupied: (t, ids) => t.copy({ ...ids, iova: 0x40000n }).fails('EEXIST'),
        onto_itself: (t, ids) => t.copy({ ...ids, dst: ids.src, iova: 0x10000n }).fails('EEXIST'),
      },
      control: (t, ids) => t.copy({ ...ids, iova: 0x41000n }).ok({ dst_iova: 0x41000n }),
    }),
    scenario('placement,automatic', {
      doc: 'An automatic destination keeps the alignment of the memory behind the source, not of the source IOVA.',
      covers: [
        'IOMMU_IOAS_COPY/ENOSPC.no_hole',
        'IOMMU_IOAS_COPY/EINVAL.automatic_alignment',
        'IOMMU_IOAS_COPY/EOVERFLOW.automatic_length',
      ],
      gaps: [12],
      setup: (t) => {
        const ids = twoIoases(t);
        t.map(ids.src, { iova: 0n, va: 0n, length: 0x1000n });
        return ids;
      },
      cases: {
        whole: (t, ids) => t.copy({ ...ids, length: 4n * P }).ok({ dst_iova: 0x4000n }),
        second_page: (t, ids) => t.copy({ ...ids, from: 0x11000n, length: 2n * P }).ok({ dst_iova: 0x1000n }),
        odd_offset: (t, ids) => t.copy({ ...ids, from: 0x10123n, length: 1n }).ok({ dst_iova: 0x1123n }),
        no_hole: (t, ids) => {
          t.allow(ids.dst, [[0n, 0xfffn]]);
          t.copy(ids).fails('ENOSPC');
        },
        alignment: (t, ids) => {
          t.setOption('HUGE_PAGES', 0n, ids.dst);
          t.copy({ ...ids, from: 0x10800n, length: P }).fails('EINVAL');
        },
        too_long: (t) => {
          const src = t.ioas();
          const dst = t.ioas();
          t.map(src, { iova: 0n, va: 0n, length: 1n << 63n });
          t.copy({ src, dst, from: 0n, length: 1n << 63n }).fails('EOVERFLOW');
        },
      },
      control: (t, ids) => t.copy(ids).ok({ dst_iova: 0x1000n }),
    }),
    scenario('placement,offset_in_page', {
      doc: 'The part of the page at which a source begins must be a multiple of the alignment of the destination.',
      covers: ['IOMMU_IOAS_COPY/EINVAL.page_offset'],
      setup: (t) => {
        const ids = twoIoases(t);
        t.mockDomain(ids.dst);
        return ids;
      },
      cases: {
        odd: (t, ids) => t.copy({ ...ids, from: 0x10400n, iova: A, length: 0x800n }).fails('EINVAL'),
        half: (t, ids) => t.copy({ ...ids, from: 0x10800n, iova: A, length: 0x800n }).ok(),
        area_before_offset: (t, ids) => {
          t.copy({ ...ids, iova: A });
          t.copy({ ...ids, from: 0x10400n, iova: A, length: 0x800n }).fails('EEXIST');
        },
      },
      control: (t, ids) => t.copy({ ...ids, iova: A }),
    }),
    scenario('slices,misaligned', {
      doc: 'Only the first of several source areas is checked for alignment; the domain refuses a later one that is misaligned, and nothing stays.',
      covers: ['IOMMU_IOAS_COPY/ENXIO.misaligned_slice', 'IOMMU_IOAS_COPY/EINVAL.misaligned_slice'],
      source: 'core.md 3.6',
      setup: (t) => {
        const src = t.ioas();
        const dst = t.ioas();
        t.mockDomain(dst);
        t.map(src, { iova: 0x10000n, length: 0x400n });
        t.map(src, { iova: 0x10400n, va: 0x100_0040_1000n, length: 0xc00n });
        t.map(src, { iova: 0x20000n, length: 0x800n });
        t.map(src, { iova: 0x20800n, length: 0x800n });
        return { src, dst };
      },
      cases: {
        refused: (t, ids) => {
          t.copy({ ...ids, from: 0x10000n, iova: A, length: 0x1000n }).fails({
            '7.3': 'ENXIO',
            '6.12': 'EINVAL',
          });
          t.counters(0);
          t.unmap(ids.dst, 0n, U64_MAX).ok({ length: 0n });
        },
        offset_first: (t, ids) => t.copy({ ...ids, from: 0x10200n, iova: A, length: 0x800n }).fails('EINVAL'),
        response_last: (t, ids) => {
          const args = {
            flags: 7,
            dst_ioas_id: ids.dst,
            src_ioas_id: ids.src,
            length: 0x1000n,
            dst_iova: A,
            src_iova: 0x10000n,
          };
          t.ioctl('IOMMU_IOAS_COPY', args, { at: 'sealed' }).fails({ '7.3': 'ENXIO', '6.12': 'EINVAL' });
        },
      },
      control: (t, ids) => t.copy({ ...ids, from: 0x20000n, iova: A, length: 0x1000n }),
    }),
    scenario('order,arguments', {
      doc: 'Checks come in the order: flags, ranges, access, source IOAS, length, source range, destination IOAS, placement, permission.',
      covers: [
        'IOMMU_IOAS_COPY/ENOENT.src_ioas',
        'IOMMU_IOAS_COPY/ENOENT.dst_ioas',
        'IOMMU_IOAS_COPY/EEXIST.area',
      ],
      source: 'core.md 3.6 and 10',
      gaps: [12],
      setup: twoIoases,
      cases: {
        flags_before_length: (t, ids) =>
          t.copy({ ...ids, args: { flags: 8, length: U64_MAX } }).fails('EOPNOTSUPP'),
        destination_before_access: (t, ids) =>
          t.copy({ ...ids, access: 'none', iova: U64_MAX }).fails('EOVERFLOW'),
        access_before_source: (t, ids) => t.copy({ ...ids, src: 0, access: 'none' }).fails('EINVAL'),
        source_before_length: (t, ids) => t.copy({ ...ids, src: 0, length: 0n }).fails('ENOENT'),
        length_before_destination: (t, ids) => t.copy({ ...ids, dst: 0, length: 0n }).fails('EINVAL'),
        wrap_before_range: (t, ids) => t.copy({ ...ids, from: U64_MAX - 1n }).fails('EOVERFLOW'),
        wrap_before_destination: (t, ids) =>
          t.copy({ ...ids, dst: 0, from: U64_MAX - 1n }).fails('EOVERFLOW'),
        destination_before_alignment: (t, ids) => {
          t.setOption('HUGE_PAGES', 0n, ids.dst);
          t.copy({ ...ids, dst: 0, length: 1n }).fails('ENOENT');
        },
        area_before_permission: (t, ids) => {
          t.map(ids.src, { iova: 0x20000n, access: 'r' });
          t.map(ids.dst, { iova: 0x20000n });
          t.copy({ ...ids, from: 0x20000n, iova: 0x20000n, access: 'w' }).fails('EEXIST');
        },
        range_before_alignment: (t, ids) => {
          t.setOption('HUGE_PAGES', 0n, ids.dst);
          t.copy({ ...ids, from: 0x50000n, length: 1n }).fails('ENOENT');
        },
      },
      control: (t, ids) => t.copy(ids),
    }),
    scenario('order,placement', {
      doc: 'The destination is checked like that of MAP, and permission before the offset within the page of the same source area.',
      covers: ['IOMMU_IOAS_COPY/EPERM.not_writeable', 'IOMMU_IOAS_COPY/EINVAL.page_offset'],
      source: 'core.md 3.6 and 4.3',
      setup: (t) => {
        const src = t.ioas();
        const dst = t.ioas();
        t.setOption('HUGE_PAGES', 0n, dst);
        t.map(src, { iova: 0x10000n, length: 4n * P });
        t.map(src, { iova: 0x20000n, va: 0x800n, length: 2n * P, access: 'r' });
        t.map(dst, { iova: 0x10000n });
        t.reserve(dst, 0x11000n, 0x1000n);
        t.reserve(dst, U64_MAX - P + 1n, P);
        t.allow(dst, [[0n, 0xfffn]]);
        return { src, dst };
      },
      cases: {
        multiple_before_length: (t, ids) => {
          t.map(ids.src, { iova: 1n << 32n, va: 0n, length: (1n << 63n) + P });
          t.copy({ ...ids, from: 1n << 32n, length: (1n << 63n) + 1n }).fails('EINVAL');
        },
        length_before_alignment: (t, ids) => {
          t.map(ids.src, { iova: 1n << 32n, va: 0x800n, length: 1n << 63n });
          t.copy({ ...ids, from: 1n << 32n, length: 1n << 63n }).fails('EOVERFLOW');
        },
        alignment_before_hole: (t, ids) => t.copy({ ...ids, from: 0x20000n, access: 'r' }).fails('EINVAL'),
        alignment_before_wrap: (t, ids) =>
          t.copy({ ...ids, from: 0x10000n, iova: U64_MAX - 0x17ffn, length: 2n * P }).fails('EINVAL'),
        wrap_before_reservation: (t, ids) =>
          t.copy({ ...ids, from: 0x10000n, iova: U64_MAX - P + 1n, length: 2n * P }).fails('EOVERFLOW'),
        reservation_before_area: (t, ids) =>
          t.copy({ ...ids, from: 0x10000n, iova: 0x10000n, length: 2n * P }).fails('EINVAL'),
        permission_before_offset: (t, ids) =>
          t.copy({ ...ids, from: 0x20000n, iova: 0x40000n, access: 'w' }).fails('EPERM'),
        offset_before_permission_of_next: (t, ids) => {
          t.map(ids.src, { iova: 0x22000n, access: 'r' });
          t.copy({ ...ids, from: 0x20000n, iova: 0x40000n, length: 3n * P, access: 'r' }).fails('EINVAL');
        },
        area_before_offset: (t, ids) =>
          t.copy({ ...ids, from: 0x20000n, iova: 0x10000n, access: 'r' }).fails('EEXIST'),
      },
      control: (t, ids) => t.copy({ ...ids, from: 0x10000n, iova: 0x40000n }),
    }),
    scenario('order,source_area_by_area', {
      doc: 'With several source areas the first that is refused decides, whatever for.',
      covers: ['IOMMU_IOAS_COPY/EPERM.not_writeable', 'IOMMU_IOAS_COPY/EINVAL.page_offset'],
      source: 'core.md 3.6 row 11',
      setup: (t) => {
        const src = t.ioas();
        const dst = t.ioas();
        t.setOption('HUGE_PAGES', 0n, dst);
        t.map(src, { iova: 0x10000n, va: 0x800n, length: P });
        t.map(src, { iova: 0x11000n, va: 0x2000n, length: P, access: 'r' });
        t.map(src, { iova: 0x12000n, va: 0x3800n, length: P });
        return { src, dst };
      },
      cases: {
        offset_then_permission: (t, ids) =>
          t.copy({ ...ids, from: 0x10000n, iova: 0x40000n, length: 2n * P, access: 'w' }).fails('EINVAL'),
        permission_then_offset: (t, ids) =>
          t.copy({ ...ids, from: 0x11000n, iova: 0x40000n, length: 2n * P, access: 'w' }).fails('EPERM'),
      },
      control: (t, ids) => t.copy({ ...ids, from: 0x11000n, iova: 0x40000n, access: 'r' }),
    }),
    scenario('syzkaller,area_number', {
      doc: 'With CONFIG_IOMMUFD_TEST, flag bit 16 makes src_iova {area number, offset}; both members come back rewritten.',
      covers: ['IOMMU_IOAS_COPY/OK'],
      source: 'core.md 3.6 row 0',
      needs: ['iommufd_test'],
      setup: (t) => {
        const ids = twoIoases(t);
        t.map(ids.src, { iova: 0x30000n });
        return ids;
      },
      cases: {
        second_area: (t, ids) =>
          t
            .copy({ ...ids, iova: 0x1000n, args: { flags: 0x1_0007, src_iova: 1n } })
            .ok({ flags: 7, src_iova: 0x30000n, dst_iova: 0x1000n }),
        with_offset: (t, ids) =>
          t
            .copy({ ...ids, args: { flags: 0x1_0006, src_iova: 0x1000_0000_0000n } })
            .ok({ flags: 6, src_iova: 0x11000n }),
        no_such_area: (t, ids) => t.copy({ ...ids, args: { flags: 0x1_0006, src_iova: 7n } }).fails('ENOENT'),
        no_source: (t, ids) => t.copy({ ...ids, src: 0, args: { flags: 0x1_0006 } }).fails('ENOENT'),
        not_for_map: (t, ids) => t.map(ids.src, { args: { flags: 0x1_0006 } }).fails('EOPNOTSUPP'),
      },
      control: (t, ids) => t.copy(ids),
    }),
  ],
);
