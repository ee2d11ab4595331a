import { BUFFER, SCRATCH } from '../../models/program/arena.js';
import { APERTURE_START as A, P, U64_MAX } from '../harness/constants.js';
import { NO_SUCH_ID } from '../harness/builder.js';
import { scenario, suite } from '../harness/scenario.js';

/** No descriptor of any process. */
const CLOSED = -1;

export const ioasMapFile = suite(
  'ioas/map_file',
  'IOMMU_IOAS_MAP_FILE: arguments, placement, and files of any kind as long as there is no domain. Dma-bufs are in dmabuf/.',
  [
    scenario('arguments,refused', {
      doc: 'Flags, IOVA, length and IOAS are checked as for MAP, then the range of the file, then the descriptor.',
      covers: [
        'IOMMU_IOAS_MAP_FILE/EOPNOTSUPP.flags',
        'IOMMU_IOAS_MAP_FILE/EOVERFLOW.iova_max',
        'IOMMU_IOAS_MAP_FILE/EOVERFLOW.length_max',
        'IOMMU_IOAS_MAP_FILE/EINVAL.no_access',
        'IOMMU_IOAS_MAP_FILE/ENOENT.ioas',
        'IOMMU_IOAS_MAP_FILE/EINVAL.length_zero',
        'IOMMU_IOAS_MAP_FILE/EOVERFLOW.start_wrap',
        'IOMMU_IOAS_MAP_FILE/EBADF.fd',
        'IOMMU_IOAS_MAP_FILE/EINVAL.length_limit',
      ],
      source: 'core.md 3.5',
      gaps: [17],
      seeds: ['S4-02'],
      needs: ['map_file'],
      setup: (t) => ({ ioas: t.ioas(), file: t.memfd('m', 4n) }),
      cases: {
        flags: (t, { ioas, file }) => t.mapFile(ioas, file, { args: { flags: 0xe } }).fails('EOPNOTSUPP'),
        flags_before_iova: (t, { ioas, file }) =>
          t.mapFile(ioas, file, { args: { flags: 8, iova: U64_MAX } }).fails('EOPNOTSUPP'),
        iova_unused: (t, { ioas, file }) =>
          t.mapFile(ioas, file, { args: { iova: U64_MAX } }).fails('EOVERFLOW'),
        length_max: (t, { ioas, file }) => t.mapFile(ioas, file, { length: U64_MAX }).fails('EOVERFLOW'),
        length_before_access: (t, { ioas, file }) =>
          t.mapFile(ioas, file, { length: U64_MAX, access: 'none' }).fails('EOVERFLOW'),
        no_access: (t, { ioas, file }) => t.mapFile(ioas, file, { access: 'none' }).fails('EINVAL'),
        access_before_ioas: (t, { file }) => t.mapFile(NO_SUCH_ID, file, { access: 'none' }).fails('EINVAL'),
        no_ioas: (t, { file }) => t.mapFile(NO_SUCH_ID, file).fails('ENOENT'),
        ioas_before_length: (t, { file }) => t.mapFile(NO_SUCH_ID, file, { length: 0n }).fails('ENOENT'),
        length_zero: (t, { ioas, file }) => t.mapFile(ioas, file, { length: 0n }).fails('EINVAL'),
        length_zero_of_a_closed_file: (t, { ioas, file }) =>
          t.mapFile(ioas, file, { length: 0n, args: { fd: CLOSED } }).fails('EINVAL'),
        wraps: (t, { ioas, file }) =>
          t.mapFile(ioas, file, { start: U64_MAX, length: 2n }).fails('EOVERFLOW'),
        wraps_in_a_closed_file: (t, { ioas, file }) =>
          t.mapFile(ioas, file, { start: U64_MAX, length: 2n, args: { fd: CLOSED } }).fails('EOVERFLOW'),
        closed: (t, { ioas, file }) => {
          t.close(file);
          t.mapFile(ioas, file).fails('EBADF');
        },
        no_descriptor: (t, { ioas, file }) => t.mapFile(ioas, file, { args: { fd: CLOSED } }).fails('EBADF'),
        closed_before_length: (t, { ioas, file }) =>
          t.mapFile(ioas, file, { length: U64_MAX - 1n, args: { fd: CLOSED } }).fails('EBADF'),
        length_limit: (t, { ioas, file }) =>
          t.mapFile(ioas, file, { iova: 0n, length: U64_MAX - P + 1n }).fails('EINVAL'),
      },
      control: (t, { ioas, file }) => t.mapFile(ioas, file, { iova: 0n, length: U64_MAX - P }),
    }),
    scenario('arguments,length_limit_first', {
      doc: 'A length beyond the limit is EINVAL before placement is looked at.',
      covers: ['IOMMU_IOAS_MAP_FILE/EINVAL.length_limit'],
      needs: ['map_file'],
      setup: (t) => ({ ioas: t.ioas(), file: t.memfd('m', 1n) }),
      cases: {
        automatic: (t, { ioas, file }) => t.mapFile(ioas, file, { length: U64_MAX - 1n }).fails('EINVAL'),
        half_of_space: (t, { ioas, file }) =>
          t.mapFile(ioas, file, { length: U64_MAX / 2n }).fails('EOVERFLOW'),
      },
      control: (t, { ioas, file }) => t.mapFile(ioas, file, { length: U64_MAX / 2n - 1n }),
    }),
    scenario('range,page_count', {
      doc: 'As for MAP, a range whose pages cannot be counted is EOVERFLOW, and the kernel warns.',
      covers: ['IOMMU_IOAS_MAP_FILE/EOVERFLOW.page_count'],
      source: 'core.md 3.4 row 11',
      needs: ['map_file'],
      without: {
        zero_tail: 'one warning is enough',
        shifted_ids: 'one warning is enough',
        probed: 'one warning is enough',
      },
      setup: (t) => ({ ioas: t.ioas(), file: t.memfd('m', 1n) }),
      cases: {
        two_bytes_in: (t, { ioas, file }) =>
          t
            .mapFile(ioas, file, { start: 2n, iova: 0n, length: U64_MAX - P })
            .fails('EOVERFLOW')
            .warns('WARNING in iopt_insert_area'),
      },
      control: (t, { ioas, file }) => t.mapFile(ioas, file, { start: 1n, iova: 0n, length: U64_MAX - P }),
    }),
    scenario('placement,fixed', {
      doc: 'A fixed IOVA is refused for the reasons of MAP, the offset in the file standing for the address.',
      covers: [
        'IOMMU_IOAS_MAP_FILE/EINVAL.length_alignment',
        'IOMMU_IOAS_MAP_FILE/EINVAL.iova_alignment',
        'IOMMU_IOAS_MAP_FILE/EOVERFLOW.iova_wrap',
        'IOMMU_IOAS_MAP_FILE/EINVAL.iova_reserved',
        'IOMMU_IOAS_MAP_FILE/EEXIST.area',
        'IOMMU_IOAS_MAP_FILE/EINVAL.start_alignment',
        'IOMMU_IOAS_MAP_FILE/EFAULT.respond',
      ],
      source: 'core.md 3.4 rows 8 to 13',
      gaps: [17],
      needs: ['map_file'],
      setup: (t) => {
        const ioas = t.ioas();
        const file = t.memfd('m', 8n);
        t.mockDomain(ioas);
        t.mapFile(ioas, file, { iova: A + 8n * P });
        return { ioas, file };
      },
      cases: {
        length: (t, { ioas, file }) => t.mapFile(ioas, file, { iova: A, length: 0x400n }).fails('EINVAL'),
        length_of_automatic: (t, { ioas, file }) => t.mapFile(ioas, file, { length: 0xc00n }).fails('EINVAL'),
        length_before_size: (t, { ioas, file }) =>
          t.mapFile(ioas, file, { length: U64_MAX / 2n }).fails('EINVAL'),
        iova: (t, { ioas, file }) => t.mapFile(ioas, file, { iova: A + 0x400n }).fails('EINVAL'),
        iova_before_wrap: (t, { ioas, file }) =>
          t.mapFile(ioas, file, { iova: U64_MAX - 1n, length: P }).fails('EINVAL'),
        wraps: (t, { ioas, file }) =>
          t.mapFile(ioas, file, { iova: U64_MAX - P + 1n, length: 2n * P }).fails('EOVERFLOW'),
        reserved: (t, { ioas, file }) => t.mapFile(ioas, file, { iova: A - P }).fails('EINVAL'),
        reserved_and_occupied: (t, { ioas, file }) =>
          t.mapFile(ioas, file, { iova: A - P, length: 16n * P }).fails('EINVAL'),
        occupied: (t, { ioas, file }) => t.mapFile(ioas, file, { iova: A + 8n * P }).fails('EEXIST'),
        occupied_and_misaligned: (t, { ioas, file }) =>
          t.mapFile(ioas, file, { iova: A + 8n * P, start: 0x400n }).fails('EEXIST'),
        start: (t, { ioas, file }) => t.mapFile(ioas, file, { iova: A, start: 0x400n }).fails('EINVAL'),
        start_misaligned_and_beyond: (t, { ioas, file }) =>
          t.mapFile(ioas, file, { iova: A, start: 8n * P + 0x400n }).fails('EINVAL'),
        half_page: (t, { ioas, file }) =>
          t.mapFile(ioas, file, { iova: A, start: 0x800n, length: 0x800n }).ok({ iova: A }),
        cannot_respond: (t, { ioas, file }) => {
          t.ioctl(
            'IOMMU_IOAS_MAP_FILE',
            { flags: 7, ioas_id: ioas, fd: { fd: file }, length: P, iova: A },
            { at: 'sealed' },
          ).fails('EFAULT');
          t.mapFile(ioas, file, { iova: A }).fails('EEXIST');
          t.counters(2);
        },
        cannot_be_pinned_nor_respond: (t, { ioas, file }) => {
          t.ioctl(
            'IOMMU_IOAS_MAP_FILE',
            { flags: 7, ioas_id: ioas, fd: { fd: file }, start: 8n * P, length: P, iova: A },
            { at: 'sealed' },
          ).fails('EINVAL');
        },
      },
      control: (t, { ioas, file }) => t.mapFile(ioas, file, { iova: A }),
    }),
    scenario('placement,automatic', {
      doc: 'An automatic IOVA keeps the alignment of the offset in the file, and its offset within a page.',
      covers: [
        'IOMMU_IOAS_MAP_FILE/OK',
        'IOMMU_IOAS_MAP_FILE/EOVERFLOW.automatic_length',
        'IOMMU_IOAS_MAP_FILE/EINVAL.automatic_alignment',
        'IOMMU_IOAS_MAP_FILE/ENOSPC.no_hole',
      ],
      source: 'core.md 4.4, verified examples',
      gaps: [17],
      needs: ['map_file', 'thp'],
      setup: (t) => ({ ioas: t.ioas(), file: t.memfd('m', 4n) }),
      cases: {
        offset_zero: (t, { ioas, file }) => {
          t.mapFile(ioas, file, { length: P }).ok({ iova: 0x1000n });
          t.mapFile(ioas, file, { length: 3n * P }).ok({ iova: 0x4000n });
          t.mapFile(ioas, file, { length: 1n }).ok({ iova: 0x2000n });
        },
        second_page: (t, { ioas, file }) =>
          t.mapFile(ioas, file, { start: P, length: 2n * P }).ok({ iova: 0x1000n }),
        third_page: (t, { ioas, file }) =>
          t.mapFile(ioas, file, { start: 2n * P, length: 4n * P }).ok({ iova: 0x2000n }),
        within_a_page: (t, { ioas, file }) => {
          t.mapFile(ioas, file, { start: 0x123n, length: 0x10n }).ok({ iova: 0x1123n });
          t.mapFile(ioas, file, { start: 0x123n, length: 0x10n }).ok({ iova: 0x1133n });
          t.mapFile(ioas, file, { start: 0x123n, length: 0x10n }).ok({ iova: 0x1163n });
        },
        huge_offset: (t, { ioas, file }) =>
          t.mapFile(ioas, file, { start: 1n << 63n, length: 1n << 30n }).ok({ iova: 0x20_0000n }),
        too_long: (t, { ioas, file }) => t.mapFile(ioas, file, { length: U64_MAX / 2n }).fails('EOVERFLOW'),
        too_long_and_misaligned_for_a_domain: (t, { ioas, file }) => {
          t.mockDomain(ioas);
          t.mapFile(ioas, file, { start: 0x400n, length: 1n << 63n }).fails('EOVERFLOW');
        },
        alignment_below_the_domain: (t, { ioas, file }) => {
          t.mockDomain(ioas);
          t.mapFile(ioas, file, { start: 0x400n, length: 0x800n }).fails('EINVAL');
        },
        alignment_before_holes: (t, { ioas, file }) => {
          t.mockDomain(ioas);
          t.mapFile(ioas, file, { start: 0x400n, length: 0x8000_0000n }).fails('EINVAL');
        },
        no_hole: (t, { ioas, file }) => {
          t.allow(ioas, [[0x1_0000n, 0x1_0fffn]]);
          t.mapFile(ioas, file, { length: 2n * P }).fails('ENOSPC');
        },
      },
      control: (t, { ioas, file }) => t.mapFile(ioas, file).ok({ iova: 0x1000n }),
    }),
    scenario('files,any_without_domain', {
      doc: 'Without a domain no page is asked for, so that the kind of file, its size and the offset do not matter.',
      covers: ['IOMMU_IOAS_MAP_FILE/OK', 'IOMMU_TEST_OP_MOCK_DOMAIN/EINVAL.file_pages'],
      source: 'core.md 3.5',
      gaps: [17],
      seeds: ['S4-23'],
      needs: ['map_file'],
      setup: (t) => t.ioas(),
      cases: {
        iommufd: (t, ioas) => {
          const other = t.open('g');
          t.mapFile(ioas, other, { iova: A }).ok({ iova: A });
          t.mockDomain(ioas).fails('EINVAL');
          t.unmap(ioas, A, P).ok({ length: P });
          t.mockDomain(ioas);
        },
        read_only_iommufd: (t, ioas) => t.mapFile(ioas, t.open('g', 'ro'), { iova: A }),
        iommufd_with_domain: (t, ioas) => {
          t.mockDomain(ioas);
          t.mapFile(ioas, t.open('g'), { iova: A }).fails('EINVAL');
        },
        iommufd_outlives_its_descriptor: (t, ioas) => {
          const other = t.open('g');
          const inner = t.ioas(other);
          t.ioctl('IOMMU_TEST_OP_MOCK_DOMAIN', { id: inner }, { file: other });
          t.ioctl(
            'IOMMU_IOAS_MAP',
            { flags: 7, ioas_id: inner, user_va: BUFFER.start, length: P, iova: A },
            { file: other },
          );
          t.mapFile(ioas, other, { iova: 0n });
          t.close(other);
          t.counters(1);
          t.unmap(ioas, 0n, P);
          t.counters(0);
        },
        itself: (t) => {
          const file = t.memfd('m', 1n);
          t.mmapFile(file, 0n, 1n);
          t.fork('child');
          t.by('child', () => {
            t.open('g');
            const pinning = t.ioas('g');
            t.ioctl('IOMMU_TEST_OP_MOCK_DOMAIN', { id: pinning }, { file: 'g' });
            const place = { flags: 7, iova: A, length: P };
            t.ioctl('IOMMU_IOAS_MAP_FILE', { ...place, ioas_id: pinning, fd: { fd: file } }, { file: 'g' });
            t.ioctl(
              'IOMMU_IOAS_MAP_FILE',
              { ...place, ioas_id: t.ioas('g'), fd: { fd: 'g' } },
              { file: 'g' },
            );
            t.close('g');
          });
          t.exit('child');
          t.checkRefs(SCRATCH.start, 1);
        },
        empty: (t, ioas) => {
          t.mapFile(ioas, t.memfd('m', 0n), { iova: A });
          t.mockDomain(ioas).fails('EINVAL');
        },
        beyond_the_end: (t, ioas) => {
          const file = t.memfd('m', 1n);
          t.mapFile(ioas, file, { iova: A, start: 16n * P });
          t.mockDomain(ioas).fails('EINVAL');
        },
        grown_in_time: (t, ioas) => {
          const file = t.memfd('m', 1n);
          t.mapFile(ioas, file, { iova: A, start: 3n * P });
          t.step({ do: 'truncate', file, bytes: 4n * P });
          t.mockDomain(ioas);
          t.counters(1);
        },
        shrunk_in_between: (t, ioas) => {
          const file = t.memfd('m', 4n);
          t.mapFile(ioas, file, { iova: A, length: 4n * P });
          t.step({ do: 'truncate', file, bytes: 4n * P - 1n });
          t.mockDomain(ioas).fails('EINVAL');
          t.counters(0);
        },
        last_byte_of_all_offsets: (t, ioas) => {
          const file = t.memfd('m', 1n);
          t.mapFile(ioas, file, { iova: A, start: U64_MAX - P + 1n, length: P });
          t.mockDomain(ioas).fails('EINVAL');
        },
      },
      control: (t, ioas) => {
        t.mapFile(ioas, t.memfd('m', 1n), { iova: A });
        t.mockDomain(ioas);
      },
    }),
  ],
);
