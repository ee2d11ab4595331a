import { BUFFER } from '../../models/program/arena.js';
import { NO_SUCH_ID } from '../harness/builder.js';
import { APERTURE_START as A, P } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';
import { NEEDS_PIN_PAGES, makeAccess, pin } from './set_up.js';

const CREATE = 'IOMMU_TEST_OP_CREATE_ACCESS';

export const accessCreate = suite(
  'access/create',
  'CREATE_ACCESS, and what an access does to its IOAS, its iommufd and the ids while its descriptor is open.',
  [
    scenario('refused', {
      doc: 'Unknown flags, then the IOAS, then its areas, then the answer decide; nothing stays of a refused access.',
      covers: [
        `${CREATE}/EOPNOTSUPP.flags`,
        `${CREATE}/ENOENT.ioas`,
        `${CREATE}/EADDRINUSE.alignment`,
        `${CREATE}/EFAULT.respond`,
      ],
      source: 'mock.md 3, op 5',
      gaps: [3, 49],
      seeds: ['S2-18'],
      setup: (t) => {
        const ioas = t.ioas();
        t.map(ioas, { iova: 0x800n, length: 0x800n, va: BUFFER.start + 0x800n });
        return ioas;
      },
      cases: {
        flags: (t, ioas) => t.ioctl(CREATE, { id: ioas, flags: 2 }, { fd: 'a' }).fails('EOPNOTSUPP'),
        flags_before_ioas: (t) =>
          t.ioctl(CREATE, { id: NO_SUCH_ID, flags: 0x1_0000 }, { fd: 'a' }).fails('EOPNOTSUPP'),
        no_ioas: (t) => t.ioctl(CREATE, { id: NO_SUCH_ID }, { fd: 'a' }).fails('ENOENT'),
        other_type: (t) => {
          const other = t.ioas();
          const handle = t.mockDomain(other).out('out_stdev_id');
          t.ioctl(CREATE, { id: handle }, { fd: 'a' }).fails('ENOENT');
        },
        areas_within_pages: (t, ioas) => {
          t.ioctl(CREATE, { id: ioas, flags: NEEDS_PIN_PAGES }, { fd: 'a' }).fails('EADDRINUSE');
          // The id of the refused access is free again.
          t.ioas();
          t.destroy(ioas);
        },
        areas_before_answer: (t, ioas) =>
          t
            .ioctl(CREATE, { id: ioas, flags: NEEDS_PIN_PAGES }, { fd: 'a', at: 'sealed' })
            .fails('EADDRINUSE'),
        no_answer: (t, ioas) => {
          t.ioctl(CREATE, { id: ioas }, { fd: 'a', at: 'sealed' }).fails('EFAULT');
          t.destroy(ioas);
        },
      },
      control: (t, ioas) => makeAccess(t, 'a', ioas, { flags: 0 }),
    }),
    scenario('alignment', {
      doc: 'An access that pins raises the alignment of its IOAS to a page until it goes; one that does not pin leaves it.',
      covers: [`${CREATE}/OK`],
      source: 'core.md 4.2',
      gaps: [49],
      setup: (t) => t.ioas(),
      cases: {
        pins: (t, ioas) => {
          makeAccess(t, 'a', ioas);
          t.ranges(ioas, 1).ok({ out_iova_alignment: 0x1000n });
          t.map(ioas, { iova: 0x800n, length: 0x800n, va: BUFFER.start + 0x800n }).fails('EINVAL');
          t.close('a');
          t.ranges(ioas, 1).ok({ out_iova_alignment: 1n });
          t.map(ioas, { iova: 0x800n, length: 0x800n, va: BUFFER.start + 0x800n });
        },
        over_a_domain: (t, ioas) => {
          t.mockDomain(ioas);
          t.ranges(ioas, 1).ok({ out_iova_alignment: 0x800n });
          makeAccess(t, 'a', ioas);
          t.ranges(ioas, 1).ok({ out_iova_alignment: 0x1000n });
          t.close('a');
          t.ranges(ioas, 1).ok({ out_iova_alignment: 0x800n });
        },
        one_of_two_goes: (t, ioas) => {
          makeAccess(t, 'a', ioas);
          makeAccess(t, 'b', ioas);
          t.close('a');
          t.ranges(ioas, 1).ok({ out_iova_alignment: 0x1000n });
        },
        before_a_device: (t, ioas) => {
          makeAccess(t, 'a', ioas);
          const handle = t.mockDomain(ioas).out('out_stdev_id');
          t.destroy(handle);
          t.ranges(ioas, 1).ok({ out_iova_alignment: 0x1000n });
        },
      },
      control: (t, ioas) => {
        makeAccess(t, 'a', ioas, { flags: 0 });
        t.ranges(ioas, 1).ok({ out_iova_alignment: 1n });
      },
    }),
    scenario('holds_ioas', {
      doc: 'The IOAS of an access cannot be destroyed before the descriptor of the access is closed.',
      covers: [`${CREATE}/OK`, 'IOMMU_DESTROY/EBUSY.users'],
      source: 'core.md 2.3',
      gaps: [53],
      setup: (t) => {
        const ioas = t.ioas();
        return { ioas, access: makeAccess(t, 'a', ioas, { flags: 0 }) };
      },
      cases: {
        busy: (t, { ioas }) => t.destroy(ioas).fails('EBUSY'),
        second_descriptor: (t, { ioas, access }) => {
          t.dup('b', access);
          t.close(access);
          t.destroy(ioas).fails('EBUSY');
          t.close('b');
          t.destroy(ioas);
        },
      },
      control: (t, { ioas, access }) => {
        t.close(access);
        t.destroy(ioas);
      },
    }),
    scenario('descriptor', {
      doc: 'The descriptor of an access has no operations: it cannot be read, written, truncated or mapped, and is always ready to poll.',
      covers: [
        'mmap/EPERM.no_exec',
        'mmap/ENODEV.anonymous',
        'read/ESPIPE.offset',
        'write/ESPIPE.offset',
        'read/EINVAL.no_method',
        'write/EINVAL.no_method',
      ],
      source: 'selftest.c: iommfd_test_staccess_fops',
      setup: (t) => makeAccess(t, 'a', t.ioas()),
      cases: {
        read: (t, access) => t.read(access, 8).fails('EINVAL'),
        pread: (t, access) => t.read(access, 8, { offset: 0n }).fails('ESPIPE'),
        write: (t, access) => t.write(access, [0]).fails('EINVAL'),
        pwrite: (t, access) => t.write(access, [0], { offset: 8n }).fails('ESPIPE'),
        truncate: (t, access) => t.step({ do: 'truncate', file: access, bytes: P }).fails('EINVAL'),
        mmap: (t, access) => t.mmapFile(access, 0n, 1n).fails('ENODEV'),
        mmap_private: (t, access) => t.mmapFile(access, 0n, 1n, { isPrivate: true }).fails('ENODEV'),
        mmap_exec: (t, access) =>
          t.mmapFile(access, 0n, 1n, { access: 'rwx' }).fails({ '7.3': 'EPERM', '6.12': 'ENODEV' }),
        ioctl: (t, access) => t.ioctl('IOMMU_IOAS_ALLOC', {}, { file: access }).fails('ENOTTY'),
      },
      control: (t, access) => t.poll(access).returns(0x145),
    }),
    scenario('hidden_id', {
      doc: 'The access takes an id of its iommufd that nobody is told and that user space cannot destroy.',
      covers: [`${CREATE}/OK`, 'IOMMU_DESTROY/EBUSY.users'],
      source: 'mock.md 4.6; core.md 2.3',
      gaps: [6],
      setup: (t) => {
        const ioas = t.ioas();
        makeAccess(t, 'a', ioas, { flags: 0 });
        return ioas;
      },
      cases: {
        skipped: (t) => t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 3 }),
        busy: (t) => t.destroy(2).fails('EBUSY'),
        no_ioas: (t) => t.map(2).fails('ENOENT'),
        free_again: (t) => {
          t.close('a');
          t.destroy(2).fails('ENOENT');
          t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 2 });
        },
      },
      control: (t, ioas) => t.map(ioas),
    }),
    scenario('holds_iommufd', {
      doc: 'The descriptor of an access keeps its iommufd open: objects and pins live until it is closed as well.',
      covers: [`${CREATE}/OK`, 'close/OK'],
      source: 'core.md 2.6',
      gaps: [8],
      setup: (t) => {
        const ioas = t.ioas();
        const access = makeAccess(t, 'a', ioas);
        t.map(ioas, { iova: A, length: 2n * P });
        pin(t, access, A);
        return { ioas, access };
      },
      cases: {
        access_last: (t, { ioas, access }) => {
          t.mockDomain(ioas);
          t.counters(2);
          t.close();
          t.counters(2);
          t.close(access);
          t.counters(0);
          t.open('g');
          t.ioctl(
            'IOMMU_TEST_OP_MD_CHECK_REFS',
            { length: 2n * P, uptr: BUFFER.start, refs: 0 },
            { file: 'g' },
          );
        },
        access_first: (t, { access }) => {
          t.counters(1);
          t.close(access);
          t.counters(0);
          t.close();
        },
      },
      control: (t) => {
        t.counters(1);
      },
    }),
  ],
);
