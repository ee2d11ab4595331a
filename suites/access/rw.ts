import { BUFFER, FROZEN, HOLE, NO_ACCESS, SCRATCH } from '../../models/program/arena.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import { APERTURE_START as A, P, U64_MAX } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';
import { dmabuf } from '../dmabuf/set_up.js';
import { RW, SLOW, SYZ, WRITE, bytesOf, makeAccess, pin, read, write } from './set_up.js';

/** A number that no descriptor has. */
const NO_SUCH_FD = 0x3fff_ffff;

const MIB = 1n << 20n;

const PATHS = [
  ['mapped', 0],
  ['slow', SLOW],
] as const;

export const accessRw = suite(
  'access/rw',
  'ACCESS_RW: what is refused in which order, and that bytes arrive where they belong on both paths. What memory holds at the start of a program is not known, so programs write first or map new memory.',
  [
    scenario('refused,order', {
      doc: 'The length, the flags, the descriptor, the bytes to write and the range are looked at in this order.',
      covers: [
        `${RW}/ENOMEM.length`,
        `${RW}/EOPNOTSUPP.flags`,
        `${RW}/EBADFD.access`,
        `${RW}/EFAULT.source`,
        `${RW}/EINVAL.length_zero`,
        `${RW}/EOVERFLOW.wrap`,
      ],
      source: 'mock.md 3, op 8',
      gaps: [51],
      setup: (t) => {
        const ioas = t.ioas();
        t.map(ioas, { iova: A, length: 2n * P });
        return makeAccess(t, 'a', ioas, { flags: 0 });
      },
      cases: {
        too_long: (t, access) => read(t, access, A, 0, { length: 16n * MIB + 1n }).fails('ENOMEM'),
        longest: (t, access) => read(t, access, A, 0, { length: 16n * MIB }).fails('ENOENT'),
        length_before_flags: (t, access) =>
          read(t, access, A, 0, { length: U64_MAX, flags: 2 }).fails('ENOMEM'),
        kthread_flag: (t, access) => read(t, access, A, 4, { flags: 2 }).fails('EOPNOTSUPP'),
        flags_before_descriptor: (t) => t.ioctl(RW, { id: NO_SUCH_FD, flags: 8 }).fails('EOPNOTSUPP'),
        no_descriptor: (t) => t.ioctl(RW, { id: NO_SUCH_FD, iova: A, length: 4n }).fails('EBADFD'),
        descriptor_before_source: (t) =>
          t.ioctl(RW, { id: NO_SUCH_FD, iova: A, length: 4n, uptr: HOLE, flags: WRITE }).fails('EBADFD'),
        source: (t, access) => write(t, access, A, [1], { uptr: HOLE }).fails('EFAULT'),
        source_ends: (t, access) =>
          write(t, access, A, [1, 2], { uptr: { words: [1, 2], in: { edge: 4 } } }).fails('EFAULT'),
        source_before_range: (t, access) => write(t, access, U64_MAX, [1], { uptr: HOLE }).fails('EFAULT'),
        nothing: (t, access) => read(t, access, A, 0).fails('EINVAL'),
        nothing_at_the_end: (t, access) => read(t, access, U64_MAX, 0).fails('EINVAL'),
        nothing_to_write: (t, access) => write(t, access, A, [], { uptr: HOLE }).fails('EINVAL'),
        wraps: (t, access) => read(t, access, U64_MAX, 2).fails('EOVERFLOW'),
      },
      control: (t, access) => write(t, access, A, [1, 2]),
    }),
    scenario('bytes', {
      doc: 'What is written is what is read, at every offset, across pages and areas, through either kind of access and on both paths.',
      covers: [`${RW}/OK`],
      source: 'core.md 5.7',
      gaps: [51],
      kselftest: ['iommufd_ioas.no_domain.access_rw', 'iommufd_ioas.no_domain.access_rw_unaligned'],
      setup: (t) => {
        const ioas = t.ioas();
        t.mmap(SCRATCH.start, 4n, 'rw');
        t.map(ioas, { iova: A + 0x800n, va: SCRATCH.start, length: 4n * P });
        return { ioas, access: makeAccess(t, 'a', ioas, { flags: 0 }) };
      },
      cases: {
        new_memory_is_zero: (t, { access }) => read(t, access, A + 0x800n, 8).ok({ uptr: bytesOf(0, 0) }),
        ...Object.fromEntries(
          PATHS.flatMap(([path, flags]) => [
            [
              `within_a_page_${path}`,
              (t: ScenarioBuilder, { access }: { access: string }) => {
                write(t, access, A + 0x900n, [0x11223344, 0x55667788], { flags: WRITE | flags });
                read(t, access, A + 0x901n, 6, { flags }).ok({
                  uptr: Uint8Array.of(0x33, 0x22, 0x11, 0x88, 0x77, 0x66),
                });
              },
            ],
            [
              `across_pages_${path}`,
              (t: ScenarioBuilder, { access }: { access: string }) => {
                write(t, access, A + 0x17fdn, [0x11223344, 0x55667788], { flags: WRITE | flags });
                read(t, access, A + 0x17fcn, 12, { flags }).ok({
                  uptr: Uint8Array.of(0, 0x44, 0x33, 0x22, 0x11, 0x88, 0x77, 0x66, 0x55, 0, 0, 0),
                });
              },
            ],
          ]),
        ),
        one_path_to_the_other: (t, { access }) => {
          write(t, access, A + 0x17fcn, [1, 2], { flags: WRITE | SLOW });
          read(t, access, A + 0x17fcn, 8).ok({ uptr: bytesOf(1, 2) });
          write(t, access, A + 0x27fcn, [3, 4]);
          read(t, access, A + 0x27fcn, 8, { flags: SLOW }).ok({ uptr: bytesOf(3, 4) });
        },
        across_areas: (t, { ioas, access }) => {
          t.map(ioas, { iova: A + 0x4800n, va: BUFFER.start + 0x123n, length: P });
          write(t, access, A + 0x47fcn, [5, 6]);
          read(t, access, A + 0x47fcn, 8, { flags: SLOW }).ok({ uptr: bytesOf(5, 6) });
          read(t, access, A + 0x4800n, 4).ok({ uptr: bytesOf(6) });
        },
        seen_through_a_copy: (t, { ioas, access }) => {
          const other = t.ioas();
          t.copy({ src: ioas, dst: other, from: A + 0x800n, iova: A });
          const second = makeAccess(t, 'b', other);
          write(t, access, A + 0x810n, [7]);
          read(t, second, A + 0x10n, 4).ok({ uptr: bytesOf(7) });
        },
        written_by_another_call: (t, { ioas, access }) => {
          const device = t.mockDomain(ioas).out('out_idev_id');
          write(t, access, A + 0x800n, [1, 2, 3]);
          t.ioctl('IOMMU_GET_HW_INFO', { dev_id: device, data_len: 8, data_uptr: SCRATCH.start });
          read(t, access, A + 0x800n, 12).ok({ uptr: bytesOf(0, 0xdead_beef, 3) });
        },
        full_page: (t, { access }) =>
          read(t, access, A + 0x800n, 0x1000).ok({ uptr: new Uint8Array(0x1000) }),
        through_another_iommufd: (t, { access }) => {
          write(t, access, A + 0x800n, [9]);
          t.open('g');
          const args = { id: { fd: access }, iova: A + 0x800n, length: 4n, uptr: { room: 4 } };
          t.ioctl(RW, args, { file: 'g' }).ok({ uptr: bytesOf(9) });
        },
        struct_is_not_written_back: (t, { access }) =>
          t.ioctl(
            RW,
            { id: { fd: access }, iova: A + 0x800n, length: 4n, uptr: { room: 4 } },
            { at: 'sealed' },
          ),
        fuzzer_iova: (t, { access }) => {
          write(t, access, 0x10n << 32n, [8], { flags: WRITE | SYZ });
          read(t, access, A + 0x810n, 4).ok({ uptr: bytesOf(8) });
          read(t, access, 1n, 4, { flags: SYZ }).fails('ENOENT');
        },
      },
      control: (t, { access }) => {
        write(t, access, A + 0x800n, [1, 2, 3]);
        read(t, access, A + 0x800n, 12).ok({ uptr: bytesOf(1, 2, 3) });
      },
    }),
    scenario('paths', {
      doc: 'The ordinary path follows the addresses, the slow one what is pinned, but for a single page; nothing stays pinned or charged.',
      covers: [`${RW}/OK`],
      source: 'pages.c:iopt_pages_rw_access',
      gaps: [51],
      setup: (t) => {
        const ioas = t.ioas();
        t.mmap(SCRATCH.start, 2n, 'rw');
        t.map(ioas, { iova: A, va: SCRATCH.start, length: 2n * P });
        const access = makeAccess(t, 'a', ioas);
        write(t, access, A + 0xffcn, [1, 2]);
        return { ioas, access };
      },
      cases: {
        remapped_and_pinned: (t, { access }) => {
          pin(t, access, A, 2n * P);
          t.mmap(SCRATCH.start, 2n, 'rw');
          read(t, access, A + 0xffcn, 8).ok({ uptr: bytesOf(0, 0) });
          read(t, access, A + 0xffcn, 8, { flags: SLOW }).ok({ uptr: bytesOf(1, 2) });
          read(t, access, A + 0xffcn, 4, { flags: SLOW }).ok({ uptr: bytesOf(0) });
        },
        remapped_below_a_domain: (t, { ioas, access }) => {
          t.mockDomain(ioas);
          t.mmap(SCRATCH.start, 2n, 'rw');
          read(t, access, A + 0xffcn, 8, { flags: SLOW }).ok({ uptr: bytesOf(1, 2) });
          t.counters(2);
        },
        half_pinned: (t, { access }) => {
          pin(t, access, A, P);
          t.mmap(SCRATCH.start, 2n, 'rw');
          read(t, access, A + 0xffcn, 8, { flags: SLOW }).ok({ uptr: bytesOf(1, 0) });
          t.counters(1);
        },
        unmapped_and_pinned: (t, { access }) => {
          pin(t, access, A, 2n * P);
          t.munmap(SCRATCH.start, 2n);
          read(t, access, A, 8).fails('EFAULT');
          read(t, access, A, 8, { flags: SLOW }).fails('EFAULT');
          read(t, access, A + 0xffcn, 8, { flags: SLOW }).ok({ uptr: bytesOf(1, 2) });
        },
        beyond_the_limit: (t, { ioas }) => {
          t.process({ drop: ['CAP_IPC_LOCK'], memlock: 0n });
          t.map(ioas, { iova: A + 0x10000n, va: SCRATCH.start, length: 2n * P });
          read(t, 'a', A + 0x10ffcn, 8, { flags: SLOW }).ok({ uptr: bytesOf(1, 2) });
          t.counters(0);
        },
      },
      control: (t, { access }) => {
        read(t, access, A + 0xffcn, 8, { flags: SLOW }).ok({ uptr: bytesOf(1, 2) });
        t.counters(0);
        t.checkRefs(SCRATCH.start, 0, 2n * P);
      },
    }),
    scenario('refused,areas', {
      doc: 'Area by area: the permission, then the memory; a hole comes last. A write has changed what lies before, a read gives nothing.',
      covers: [
        `${RW}/EPERM.protection`,
        `${RW}/EFAULT.user_memory`,
        `${RW}/EOVERFLOW.user_memory_end`,
        `${RW}/ENOENT.hole`,
      ],
      source: 'core.md 5.7',
      gaps: [10, 51],
      seeds: ['S2-31'],
      setup: (t) => {
        const ioas = t.ioas();
        t.mmap(SCRATCH.start, 3n, 'rw');
        t.map(ioas, { iova: A, va: SCRATCH.start, length: P });
        t.map(ioas, { iova: A + P, va: SCRATCH.start + P, length: P, access: 'r' });
        t.map(ioas, { iova: A + 0x10000n, va: SCRATCH.start + P, access: 'w' });
        t.map(ioas, { iova: A + 0x20000n, va: FROZEN.start });
        t.map(ioas, { iova: A + 0x30000n, va: NO_ACCESS.start, access: 'r' });
        t.map(ioas, { iova: A + 0x40000n, va: U64_MAX - 2n * P + 1n, length: 0x1800n });
        t.map(ioas, { iova: A + 0x50000n, va: SCRATCH.start, length: 4n * P });
        t.munmap(SCRATCH.start + 3n * P, 1n);
        return { ioas, access: makeAccess(t, 'a', ioas, { flags: 0 }) };
      },
      cases: {
        write_to_readable: (t, { access }) => write(t, access, A + P, [1]).fails('EPERM'),
        read_of_writeable: (t, { access }) => read(t, access, A + 0x10000n, 4).fails('EPERM'),
        write_to_writeable: (t, { access }) => {
          write(t, access, A + 0x10000n, [3]);
          read(t, access, A + P, 4).ok({ uptr: bytesOf(3) });
        },
        second_not_permitted: (t, { access }) => {
          write(t, access, A + 0xffcn, [1, 2]).fails('EPERM');
          read(t, access, A + 0xffcn, 8).ok({ uptr: bytesOf(1, 0) });
        },
        hole_behind: (t, { access }) => {
          write(t, access, A + 0x10ffcn, [1, 2]).fails('ENOENT');
          read(t, access, A + P + 0xffcn, 4).ok({ uptr: bytesOf(1) });
        },
        hole_first: (t, { access }) => write(t, access, A - 4n, [1, 2]).fails('ENOENT'),
        read_gives_nothing: (t, { access }) => read(t, access, A + P + 0xffcn, 8).fails('ENOENT'),
        frozen: (t, { access }) => write(t, access, A + 0x20000n, [1]).fails('EFAULT'),
        frozen_slow: (t, { access }) =>
          write(t, access, A + 0x20000n, [1], { flags: WRITE | SLOW }).fails('EFAULT'),
        not_readable: (t, { access }) => read(t, access, A + 0x30000n, 4).fails('EFAULT'),
        not_readable_slow: (t, { access }) =>
          read(t, access, A + 0x30000n, 4, { flags: SLOW }).fails('EFAULT'),
        kernel_memory: (t, { access }) => read(t, access, A + 0x40000n, 0x1800).fails('EFAULT'),
        end_of_space: (t, { access }) =>
          read(t, access, A + 0x40000n, 0x1800, { flags: SLOW }).fails('EOVERFLOW'),
        memory_before_end_of_space: (t, { ioas, access }) => {
          t.map(ioas, { iova: A + 0x3f000n, va: SCRATCH.start, length: P });
          const words = new Array<number>(0x601).fill(6);
          write(t, access, A + 0x3fffcn, words, { flags: WRITE | SLOW }).fails('EOVERFLOW');
          read(t, access, A + 0x3fffcn, 4).ok({ uptr: bytesOf(6) });
        },
        end_of_space_one_page: (t, { access }) =>
          read(t, access, A + 0x41000n, 4, { flags: SLOW }).fails('EFAULT'),
        memory_ends: (t, { access }) => {
          write(t, access, A + 0x52ffcn, [4, 5]).fails('EFAULT');
          read(t, access, A + 0x52ffcn, 4).ok({ uptr: bytesOf(4) });
        },
        memory_ends_slow: (t, { access }) => {
          write(t, access, A + 0x52ffcn, [4, 5], { flags: WRITE | SLOW }).fails('EFAULT');
          read(t, access, A + 0x52ffcn, 4).ok({ uptr: bytesOf(0) });
        },
        memory_before_destination: (t, { access }) =>
          read(t, access, A + 0x52ffcn, 8, { uptr: HOLE }).fails('EFAULT'),
        hole_before_destination: (t, { access }) =>
          read(t, access, A + 0x1000000n, 8, { uptr: HOLE }).fails('ENOENT'),
      },
      control: (t, { access }) => {
        write(t, access, A, [1, 2]);
        read(t, access, A, 8).ok({ uptr: bytesOf(1, 2) });
      },
    }),
    scenario('destination', {
      doc: 'Bytes that were read are handed over as far as memory reaches.',
      covers: [`${RW}/EFAULT.destination`],
      gaps: [51],
      setup: (t) => {
        const ioas = t.ioas();
        t.map(ioas, { iova: A, length: P });
        const access = makeAccess(t, 'a', ioas, { flags: 0 });
        write(t, access, A, [1, 2]);
        return access;
      },
      cases: {
        hole: (t, access) => read(t, access, A, 8, { uptr: HOLE }).fails('EFAULT'),
        read_only: (t, access) => read(t, access, A, 8, {}, 'sealed').fails('EFAULT'),
        ends: (t, access) => read(t, access, A, 8, {}, { edge: 4 }).fails('EFAULT', { uptr: bytesOf(1) }),
      },
      control: (t, access) => read(t, access, A, 8).ok({ uptr: bytesOf(1, 2) }),
    }),
    scenario('files', {
      doc: 'Files of memory are always reached by pinning, so the file counts and no mapping of it; dma-bufs cannot be.',
      covers: [`${RW}/EINVAL.dmabuf`, `${RW}/EINVAL.file_pages`],
      source: 'core.md 5.5, 5.6',
      seeds: ['S4-13'],
      gaps: [51, 55],
      needs: ['map_file', 'dmabuf'],
      setup: (t) => {
        const ioas = t.ioas();
        t.memfd('m', 2n);
        t.mapFile(ioas, 'm', { iova: A, length: 2n * P });
        t.mapFile(ioas, 'm', { iova: A + 0x20000n, length: 3n * P });
        return { ioas, access: makeAccess(t, 'a', ioas, { flags: 0 }) };
      },
      cases: {
        seen_through_a_mapping: (t, { ioas, access }) => {
          t.mmapFile('m', 0n, 2n);
          t.map(ioas, { iova: A + 0x10000n, va: SCRATCH.start, length: 2n * P });
          write(t, access, A + 0xffcn, [1, 2]);
          read(t, access, A + 0x10ffcn, 8).ok({ uptr: bytesOf(1, 2) });
        },
        beyond_the_end: (t, { access }) => read(t, access, A + 0x22000n, 4).fails('EINVAL'),
        up_to_the_end_and_beyond: (t, { access }) => {
          write(t, access, A + 0x21ffcn, [1, 2]).fails('EINVAL');
          read(t, access, A + 0x21ffcn, 4).ok({ uptr: bytesOf(0) });
        },
        memory_before_the_end: (t, { ioas, access }) => {
          t.mmap(SCRATCH.start, 1n, 'rw');
          t.map(ioas, { iova: A + 0x1f000n, va: SCRATCH.start });
          t.step({ do: 'truncate', file: 'm', bytes: 0n });
          write(t, access, A + 0x1fffcn, [7, 8]).fails('EINVAL');
          read(t, access, A + 0x1fffcn, 4).ok({ uptr: bytesOf(7) });
        },
        memory_before_a_dmabuf: (t, { ioas, access }) => {
          t.mmap(SCRATCH.start, 1n, 'rw');
          t.map(ioas, { iova: A + 0xf000n, va: SCRATCH.start });
          dmabuf(t, 'b', 0x1000);
          t.mapFile(ioas, 'b', { iova: A + 0x10000n });
          write(t, access, A + 0xfffcn, [7, 8]).fails('EINVAL');
          read(t, access, A + 0xfffcn, 4).ok({ uptr: bytesOf(7) });
        },
        cut_short: (t, { access }) => {
          t.step({ do: 'truncate', file: 'm', bytes: P });
          read(t, access, A + P, 4).fails('EINVAL');
        },
        dmabuf: (t, { ioas, access }) => {
          dmabuf(t, 'b', 0x1000);
          t.mapFile(ioas, 'b', { iova: A + 0x10000n, access: 'r' });
          read(t, access, A + 0x10000n, 4).fails('EINVAL');
          write(t, access, A + 0x10000n, [1]).fails('EPERM');
        },
      },
      control: (t, { access }) => {
        write(t, access, A + 0xffcn, [1, 2]);
        read(t, access, A + 0xffcn, 8, { flags: SLOW }).ok({ uptr: bytesOf(1, 2) });
        t.counters(0);
      },
    }),
    scenario('processes', {
      doc: 'Memory of another process is reached while it lives, and afterwards only as far as it is pinned.',
      covers: [`${RW}/OK`, `${RW}/EFAULT.user_memory`],
      source: 'core.md 5.7',
      gaps: [51],
      kselftest: ['iommufd_ioas.mock_domain.fork_gone', 'iommufd_ioas.mock_domain.fork_present'],
      setup: (t) => {
        const ioas = t.ioas();
        t.mmap(SCRATCH.start, 2n, 'rw');
        t.fork('c');
        t.by('c', () => {
          t.mmap(SCRATCH.start, 2n, 'rw');
          t.map(ioas, { iova: A, va: SCRATCH.start, length: 2n * P });
        });
        return { ioas, access: makeAccess(t, 'a', ioas, { flags: 0 }) };
      },
      cases: {
        one_page: (t, { access }) => {
          write(t, access, A + 0x10n, [1]);
          read(t, access, A + 0x10n, 4).ok({ uptr: bytesOf(1) });
        },
        two_pages: (t, { access }) => {
          write(t, access, A + 0xffcn, [1, 2]);
          read(t, access, A + 0xffcn, 8).ok({ uptr: bytesOf(1, 2) });
        },
        not_the_same_memory: (t, { ioas, access }) => {
          t.map(ioas, { iova: A + 0x10000n, va: SCRATCH.start, length: 2n * P });
          write(t, access, A, [1]);
          read(t, access, A + 0x10000n, 4).ok({ uptr: bytesOf(0) });
        },
        gone: (t, { access }) => {
          t.exit('c');
          read(t, access, A, 4).fails('EFAULT');
          read(t, access, A + 0xffcn, 8).fails('EFAULT');
          write(t, access, A, [1]).fails('EFAULT');
        },
        gone_but_pinned: (t, { ioas, access }) => {
          write(t, access, A + 0xffcn, [1, 2]);
          t.mockDomain(ioas);
          t.exit('c');
          read(t, access, A + 0xffcn, 8).ok({ uptr: bytesOf(1, 2) });
          read(t, access, A + 0xffcn, 4).ok({ uptr: bytesOf(1) });
          write(t, access, A, [3]);
          read(t, access, A, 4).ok({ uptr: bytesOf(3) });
        },
      },
      control: (t, { access }) => read(t, access, A, 8).ok({ uptr: bytesOf(0, 0) }),
    }),
  ],
);
