import { BUFFER, FROZEN, HOLE, NO_ACCESS, SCRATCH } from '../../models/program/arena.js';
import { APERTURE_START as A, P, U64_MAX } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';
import { dmabuf } from '../dmabuf/set_up.js';
import { SYZ, WRITE, makeAccess, pin, unpin } from './set_up.js';

const PAGES = 'IOMMU_TEST_OP_ACCESS_PAGES';
const DESTROY = 'IOMMU_TEST_OP_DESTROY_ACCESS_PAGES';

/** A number that no descriptor has. */
const NO_SUCH_FD = 0x3fff_ffff;

const MIB = 1n << 20n;

export const accessPages = suite(
  'access/pages',
  'ACCESS_PAGES and DESTROY_ACCESS_PAGES: what is refused in which order, and the numbers of items.',
  [
    scenario('refused,order', {
      doc: 'The length, the flags, the descriptor, whether it pins, and the range are looked at in this order.',
      covers: [
        `${PAGES}/ENOMEM.length`,
        `${PAGES}/EOPNOTSUPP.flags`,
        `${PAGES}/EBADFD.access`,
        `${PAGES}/EOPNOTSUPP.no_pin`,
        `${PAGES}/EINVAL.length_zero`,
        `${PAGES}/EOVERFLOW.wrap`,
      ],
      source: 'mock.md 3, op 7',
      gaps: [50],
      seeds: ['S2-30'],
      setup: (t) => {
        const ioas = t.ioas();
        t.map(ioas, { iova: A, length: 4n * P });
        return { access: makeAccess(t, 'a', ioas), idle: makeAccess(t, 'b', ioas, { flags: 0 }) };
      },
      cases: {
        too_long: (t, { access }) => pin(t, access, A, 16n * MIB + 1n).fails('ENOMEM'),
        longest: (t, { access }) => pin(t, access, A, 16n * MIB).fails('ENOENT'),
        length_before_flags: (t, { access }) => pin(t, access, A, U64_MAX, { flags: 2 }).fails('ENOMEM'),
        flags: (t, { access }) => pin(t, access, A, P, { flags: 4 }).fails('EOPNOTSUPP'),
        flags_before_descriptor: (t) =>
          t.ioctl(PAGES, { id: NO_SUCH_FD, flags: 2, length: P }).fails('EOPNOTSUPP'),
        no_descriptor: (t) => t.ioctl(PAGES, { id: NO_SUCH_FD, iova: A, length: P }).fails('EBADFD'),
        descriptor_before_range: (t) => t.ioctl(PAGES, { id: NO_SUCH_FD }).fails('EBADFD'),
        iommufd: (t) => pin(t, 'f', A).fails('EBADFD'),
        memory_file: (t) => pin(t, t.memfd('m', 1n), A).fails('EBADFD'),
        closed: (t, { access }) => {
          t.close(access);
          pin(t, access, A).fails('EBADFD');
        },
        does_not_pin: (t, { idle }) => pin(t, idle, A).fails('EOPNOTSUPP'),
        does_not_pin_before_range: (t, { idle }) => pin(t, idle, A, 0n).fails('EOPNOTSUPP'),
        nothing: (t, { access }) => pin(t, access, A, 0n).fails('EINVAL'),
        nothing_at_the_end: (t, { access }) => pin(t, access, U64_MAX, 0n).fails('EINVAL'),
        wraps: (t, { access }) => pin(t, access, U64_MAX - P + 1n, P + 1n).fails('EOVERFLOW'),
        ends_at_the_end: (t, { access }) => pin(t, access, U64_MAX - P + 1n, P).fails('ENOENT'),
      },
      control: (t, { access }) => pin(t, access, A),
    }),
    scenario('refused,areas', {
      doc: 'Area by area: pages have to begin where the range does, then the permission, then the memory; a hole comes last. Nothing stays pinned.',
      covers: [
        `${PAGES}/EINVAL.misaligned`,
        `${PAGES}/EPERM.protection`,
        `${PAGES}/EFAULT.user_memory`,
        `${PAGES}/ENOENT.hole`,
      ],
      source: 'core.md 5.7',
      gaps: [10, 50],
      seeds: ['S2-30'],
      setup: (t) => {
        const ioas = t.ioas();
        const access = makeAccess(t, 'a', ioas);
        t.map(ioas, { iova: A, length: 2n * P });
        t.map(ioas, { iova: A + 2n * P, va: BUFFER.start + 8n * P, access: 'r' });
        t.map(ioas, { iova: A + 3n * P, va: HOLE });
        t.map(ioas, { iova: A + 0x10000n, va: BUFFER.start + 9n * P, access: 'w' });
        t.map(ioas, { iova: A + 0x20000n, va: FROZEN.start });
        t.map(ioas, { iova: A + 0x30000n, va: U64_MAX - 2n * P + 1n, length: P });
        return { ioas, access };
      },
      cases: {
        within_a_page: (t, { access }) => pin(t, access, A + 0x800n, 0x800n).fails('EINVAL'),
        within_a_page_before_permission: (t, { access }) =>
          pin(t, access, A + 2n * P + 1n, 1n, { flags: WRITE }).fails('EINVAL'),
        ends_within_a_page: (t, { access }) => {
          pin(t, access, A, P + 1n);
          t.counters(2);
        },
        write_to_readable: (t, { access }) => pin(t, access, A + 2n * P, P, { flags: WRITE }).fails('EPERM'),
        read_of_writeable: (t, { access }) => pin(t, access, A + 0x10000n).fails('EPERM'),
        write_to_writeable: (t, { access }) => pin(t, access, A + 0x10000n, P, { flags: WRITE }),
        second_area_not_permitted: (t, { access }) => {
          pin(t, access, A, 3n * P, { flags: WRITE }).fails('EPERM');
          t.counters(0);
        },
        permission_before_memory: (t, { ioas, access }) => {
          t.map(ioas, { iova: A + 0x40000n, va: HOLE, access: 'r' });
          pin(t, access, A + 0x40000n, P, { flags: WRITE }).fails('EPERM');
        },
        no_memory: (t, { access }) => {
          pin(t, access, A, 4n * P).fails('EFAULT');
          t.counters(0);
          t.checkRefs(BUFFER.start, 0, 2n * P);
        },
        memory_before_hole: (t, { access }) => pin(t, access, A + 3n * P, 2n * P).fails('EFAULT'),
        pinned_as_mapped: (t, { access }) => pin(t, access, A + 0x20000n).fails('EFAULT'),
        kernel_memory: (t, { access }) => pin(t, access, A + 0x30000n).fails('EFAULT'),
        hole_first: (t, { access }) => pin(t, access, A - P, 2n * P).fails('ENOENT'),
        hole_between: (t, { ioas, access }) => {
          t.unmap(ioas, A + 3n * P, P);
          pin(t, access, A, 4n * P).fails('ENOENT');
          t.counters(0);
        },
      },
      control: (t, { access }) => pin(t, access, A, 3n * P),
    }),
    scenario('refused,copied_areas', {
      doc: 'Only a copy of several areas puts one off the alignment of pages; where it begins a page of the memory, it can be pinned.',
      covers: [`${PAGES}/EINVAL.misaligned`, `${PAGES}/EOVERFLOW.user_memory_end`, `${PAGES}/EBADE.page`],
      source: 'core.md 3.6; mm/gup.c:gup_fast_fallback',
      gaps: [50],
      setup: (t) => {
        const source = t.ioas();
        const ioas = t.ioas();
        t.map(source, { iova: A, length: 1n });
        t.map(source, { iova: A + 1n, va: U64_MAX - P + 1n, length: P - 1n });
        t.map(source, { iova: A + 0x10000n, length: 1n });
        t.map(source, { iova: A + 0x10001n, va: BUFFER.start + P, length: 2n * P - 1n });
        const access = makeAccess(t, 'a', ioas);
        t.copy({ src: source, dst: ioas, from: A, iova: A });
        t.copy({ src: source, dst: ioas, from: A + 0x10000n, iova: A + 0x10000n, length: 2n * P });
        return access;
      },
      cases: {
        goes_on_within_a_page: (t, access) => pin(t, access, A + 0x10000n, 2n).fails('EINVAL'),
        end_of_space: (t, access) => pin(t, access, A + 1n, P - 1n).fails('EOVERFLOW'),
        begins_within_a_page: (t, access) => pin(t, access, A + 0x10000n + P, P).fails('EINVAL'),
        offset_is_taken_off_the_address: (t, access) =>
          pin(t, access, A + 0x10001n, P - 1n, { uptr: BUFFER.start + P + 1n }),
        fewer_pages_than_iovas_touch: (t, access) =>
          pin(t, access, A + 0x10001n, P, { uptr: BUFFER.start + P + 1n }).fails('EBADE'),
      },
      control: (t, access) => pin(t, access, A + 0x10001n, P),
    }),
    scenario('refused,files', {
      doc: 'Pages of files of memory are pinned as far as the file goes; those of dma-bufs never are, which counts after the permission.',
      covers: [`${PAGES}/EINVAL.dmabuf`, `${PAGES}/EINVAL.file_pages`],
      source: 'core.md 5.5, 5.6',
      seeds: ['S4-13'],
      gaps: [50, 55],
      needs: ['map_file', 'dmabuf'],
      setup: (t) => {
        const ioas = t.ioas();
        t.memfd('m', 2n);
        t.mapFile(ioas, 'm', { iova: A, length: 4n * P });
        dmabuf(t, 'd', 0x2000);
        t.mapFile(ioas, 'd', { iova: A + 0x10000n, length: P, access: 'r' });
        return { ioas, access: makeAccess(t, 'a', ioas) };
      },
      cases: {
        dmabuf: (t, { access }) => pin(t, access, A + 0x10000n).fails('EINVAL'),
        dmabuf_not_permitted: (t, { access }) =>
          pin(t, access, A + 0x10000n, P, { flags: WRITE }).fails('EPERM'),
        dmabuf_before_hole: (t, { access }) => pin(t, access, A + 0x10000n, 2n * P).fails('EINVAL'),
        beyond_the_file: (t, { access }) => {
          pin(t, access, A, 3n * P).fails('EINVAL');
          t.counters(0);
        },
        beyond_the_file_before_hole: (t, { access }) => pin(t, access, A, 5n * P).fails('EINVAL'),
        file_and_more: (t, { ioas, access }) => {
          t.unmap(ioas, A, 4n * P);
          t.mapFile(ioas, 'm', { iova: A, length: 2n * P });
          t.map(ioas, { iova: A + 2n * P });
          pin(t, access, A, 3n * P);
          t.counters(3);
        },
        seen_through_a_mapping: (t, { access }) => {
          t.mmapFile('m', 0n, 2n);
          pin(t, access, A, 2n * P, { uptr: SCRATCH.start });
        },
        cut_short_behind_the_pin: (t, { access }) => {
          pin(t, access, A, 2n * P);
          t.step({ do: 'truncate', file: 'm', bytes: 0n });
          pin(t, access, A, P);
          t.counters(2);
        },
      },
      control: (t, { access }) => {
        pin(t, access, A, 2n * P);
        t.counters(2);
      },
    }),
    scenario('compared', {
      doc: 'The pinned pages have to be those behind the address now; 0 asks for no comparison. Nothing stays pinned of what differs.',
      covers: [`${PAGES}/EBADE.page`, `${PAGES}/EFAULT.uptr`, `${PAGES}/EOVERFLOW.uptr_end`, `${PAGES}/OK`],
      source: 'mock.md 3, op 7',
      gaps: [50],
      setup: (t) => {
        const ioas = t.ioas();
        t.map(ioas, { iova: A, va: SCRATCH.start, length: 4n * P });
        return makeAccess(t, 'a', ioas);
      },
      cases: {
        other_page: (t, access) => {
          pin(t, access, A, P, { uptr: SCRATCH.start + P }).fails('EBADE');
          t.counters(0);
        },
        second_page_differs: (t, access) => {
          t.mmap(SCRATCH.start + P, 1n, 'rw');
          t.map({ ref: 's1.out_ioas_id' }, { iova: A + 0x10000n, va: SCRATCH.start, length: 2n * P });
          pin(t, access, A + 0x10000n, 2n * P, { uptr: SCRATCH.start + P }).fails('EBADE');
        },
        remapped_behind_the_pin: (t, access) => {
          pin(t, access, A, 2n * P, { uptr: SCRATCH.start });
          t.mmap(SCRATCH.start + P, 1n, 'rw');
          pin(t, access, A, 2n * P, { uptr: SCRATCH.start }).fails('EBADE');
          pin(t, access, A, P, { uptr: SCRATCH.start });
        },
        hole: (t, access) => pin(t, access, A, P, { uptr: HOLE }).fails('EFAULT'),
        not_readable: (t, access) => pin(t, access, A, P, { uptr: NO_ACCESS.start }).fails('EFAULT'),
        difference_before_hole: (t, access) => {
          t.munmap(SCRATCH.start + 5n * P, 1n);
          pin(t, access, A, 2n * P, { uptr: SCRATCH.start + 4n * P }).fails('EBADE');
        },
        hole_behind_the_same_page: (t, access) => {
          pin(t, access, A, 2n * P);
          t.munmap(SCRATCH.start + P, 1n);
          pin(t, access, A, 2n * P, { uptr: SCRATCH.start }).fails('EFAULT');
        },
        end_of_space: (t, access) => pin(t, access, A, P, { uptr: U64_MAX - P + 1n }).fails('EOVERFLOW'),
        within_the_page: (t, access) => pin(t, access, A, P, { uptr: SCRATCH.start + 0x123n }),
      },
      control: (t, access) => pin(t, access, A, 4n * P, { uptr: SCRATCH.start }),
    }),
    scenario('items', {
      doc: 'Items are numbered from 0 for each access, and no number is given twice, not even one that could not be told.',
      covers: [
        `${PAGES}/OK`,
        `${PAGES}/EFAULT.respond`,
        `${DESTROY}/OK`,
        `${DESTROY}/EBADFD.access`,
        `${DESTROY}/ENOENT.item`,
      ],
      source: 'mock.md 3, ops 6 and 7',
      gaps: [3, 50],
      setup: (t) => {
        const ioas = t.ioas();
        t.map(ioas, { iova: A, length: 4n * P });
        return { ioas, access: makeAccess(t, 'a', ioas) };
      },
      cases: {
        no_item: (t, { access }) => unpin(t, access, 0).fails('ENOENT'),
        no_access: (t) => t.ioctl(DESTROY, { id: NO_SUCH_FD, access_pages_id: 0 }).fails('EBADFD'),
        iommufd: (t) => unpin(t, 'f', 0).fails('EBADFD'),
        twice: (t, { access }) => {
          pin(t, access, A);
          unpin(t, access, 0);
          unpin(t, access, 0).fails('ENOENT');
        },
        of_the_other: (t, { ioas, access }) => {
          const other = makeAccess(t, 'b', ioas);
          pin(t, access, A).ok({ out_access_pages_id: 0 });
          unpin(t, other, 0).fails('ENOENT');
          pin(t, other, A).ok({ out_access_pages_id: 0 });
        },
        after_a_gap: (t, { access }) => {
          pin(t, access, A).ok({ out_access_pages_id: 0 });
          pin(t, access, A).ok({ out_access_pages_id: 1 });
          unpin(t, access, 1);
          pin(t, access, A).ok({ out_access_pages_id: 2 });
        },
        refused_takes_none: (t, { access }) => {
          pin(t, access, A + 4n * P).fails('ENOENT');
          pin(t, access, A, P, { uptr: HOLE }).fails('EFAULT');
          pin(t, access, A).ok({ out_access_pages_id: 0 });
        },
        untold_takes_one: (t, { access }) => {
          t.ioctl(PAGES, { id: { fd: access }, iova: A, length: P }, { at: 'sealed' }).fails('EFAULT');
          t.counters(0);
          unpin(t, access, 0).fails('ENOENT');
          pin(t, access, A).ok({ out_access_pages_id: 1 });
        },
        difference_before_answer: (t, { access }) =>
          t
            .ioctl(
              PAGES,
              { id: { fd: access }, iova: A, length: P, uptr: BUFFER.start + P },
              { at: 'sealed' },
            )
            .fails('EBADE'),
        through_another_iommufd: (t, { access }) => {
          t.open('g');
          t.ioctl(PAGES, { id: { fd: access }, iova: A, length: P }, { file: 'g' });
          t.ioctl(DESTROY, { id: { fd: access }, access_pages_id: 0 }, { file: 'g' });
          t.counters(0);
        },
      },
      control: (t, { access }) => {
        pin(t, access, A).ok({ out_access_pages_id: 0 });
        unpin(t, access, 0);
        t.counters(0);
      },
    }),
    scenario('fuzzer_iova', {
      doc: 'With the flag for fuzzers the IOVA is the number of an area and an offset; without such an area it is 0.',
      covers: [`${PAGES}/OK`, `${PAGES}/ENOENT.hole`],
      source: 'mock.md 11',
      gaps: [54],
      setup: (t) => {
        const ioas = t.ioas();
        t.map(ioas, { iova: A, length: 2n * P });
        t.map(ioas, { iova: A + 0x10000n, va: BUFFER.start + 8n * P, length: 2n * P });
        return { ioas, access: makeAccess(t, 'a', ioas) };
      },
      cases: {
        second_area: (t, { access }) =>
          pin(t, access, 1n, P, { flags: SYZ, uptr: BUFFER.start + 8n * P }).ok({ iova: 1n }),
        offset: (t, { access }) =>
          pin(t, access, (P << 32n) | 1n, P, { flags: SYZ, uptr: BUFFER.start + 9n * P }),
        no_such_area: (t, { access }) => pin(t, access, 2n, P, { flags: SYZ }).fails('ENOENT'),
        no_such_area_but_0: (t, { ioas, access }) => {
          t.map(ioas, { iova: 0n, va: BUFFER.start + 4n * P });
          pin(t, access, 9n, P, { flags: SYZ, uptr: BUFFER.start + 4n * P });
        },
        beyond_the_area: (t, { access }) =>
          pin(t, access, (2n * P) << 32n, P, { flags: SYZ }).fails('ENOENT'),
        not_without_flag: (t, { access }) => pin(t, access, 1n, P).fails('ENOENT'),
      },
      control: (t, { access }) => pin(t, access, 0n, P, { flags: SYZ | WRITE, uptr: BUFFER.start }),
    }),
  ],
);
