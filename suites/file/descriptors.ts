import { SCRATCH } from '../../models/program/arena.js';
import { scenario, suite } from '../harness/scenario.js';

/** Events of a file that has no poll operation: IN, OUT, RDNORM, WRNORM. */
const ALWAYS_READY = 0x145;

export const fileDescriptors = suite(
  'file/descriptors',
  'What can be done with a descriptor of an iommufd beside ioctl(): dup, close, read, write, poll, O_RDONLY.',
  [
    scenario('closed', {
      doc: 'Nothing can be done with a closed descriptor.',
      covers: [
        'close/EBADF.file',
        'dup/EBADF.file',
        'read/EBADF.file',
        'write/EBADF.file',
        'truncate/EBADF.file',
        'mmap/EBADF.file',
        'poll/OK',
      ],
      setup: (t) => {
        t.close();
      },
      cases: {
        close: (t) => t.close().fails('EBADF'),
        dup: (t) => t.step({ do: 'dup', file: 'f', label: 'g' }).fails('EBADF'),
        read: (t) => t.read('f', 8).fails('EBADF'),
        write: (t) => t.write('f', [0]).fails('EBADF'),
        truncate: (t) => t.step({ do: 'truncate', file: 'f', bytes: 0n }).fails('EBADF'),
        mmap: (t) => t.mmapFile('f', 0x1000n, 2n).fails('EBADF'),
      },
      control: (t) => t.poll('f').returns(0),
    }),
    scenario('no_methods', {
      doc: 'An iommufd cannot be read, written or truncated, and is always ready to poll; a descriptor for reading refuses writing as such.',
      covers: [
        'read/EINVAL.no_method',
        'write/EINVAL.no_method',
        'write/EBADF.access',
        'truncate/EINVAL.kind',
        'poll/OK',
      ],
      source: 'core.md 1.4',
      setup: () => undefined,
      cases: {
        read: (t) => t.read('f', 8).fails('EINVAL'),
        read_nothing: (t) => t.read('f', 0).fails('EINVAL'),
        read_at_hole: (t) => t.read('f', 8, { at: 'hole' }).fails('EINVAL'),
        pread: (t) => t.read('f', 8, { offset: 0n }).fails('EINVAL'),
        write: (t) => t.write('f', [0]).fails('EINVAL'),
        pwrite: (t) => t.write('f', [0], { offset: 8n }).fails('EINVAL'),
        opened_for_reading: (t) => {
          const other = t.open('r', 'ro');
          t.read(other, 8).fails('EINVAL');
          t.write(other, [0]).fails('EBADF');
          t.write(other, [0], { offset: 0n }).fails('EBADF');
        },
        truncate: (t) => t.step({ do: 'truncate', file: 'f', bytes: 0x1000n }).fails('EINVAL'),
      },
      control: (t) => t.poll('f').returns(ALWAYS_READY),
    }),
    scenario('dup,same_file', {
      doc: 'A duplicate is the same file: it sees the same objects, and the file lives until the last descriptor goes.',
      covers: ['dup/OK', 'close/OK'],
      source: 'core.md 2.6',
      setup: (t) => ({ ioas: t.ioas(), other: t.dup('g') }),
      cases: {
        same_objects: (t, { ioas, other }) => t.destroy(ioas, other),
        outlives_the_first: (t, { ioas, other }) => {
          t.mockDomain(ioas);
          t.map(ioas, { iova: 0x100_0000n });
          t.counters(1);
          t.close();
          t.counters(1);
          t.destroy(ioas, other).fails('EBUSY');
          t.close(other);
          t.counters(0);
        },
      },
      control: (t, { other }) => {
        t.close(other);
        t.ioas();
      },
    }),
    scenario('read_only', {
      doc: 'The mode of the descriptor does not matter to ioctls.',
      covers: ['IOMMU_IOAS_ALLOC/OK', 'IOMMU_IOAS_MAP/OK'],
      source: 'core.md 1.1',
      setup: (t) => t.open('g', 'ro'),
      cases: {
        map_writable: (t, file) => {
          const ioas = t.ioas(file);
          t.ioctl(
            'IOMMU_IOAS_MAP',
            { flags: 6, ioas_id: ioas, user_va: SCRATCH.start, length: 0x1000n },
            { file },
          );
        },
        destroy: (t, file) => t.destroy(t.ioas(file), file),
      },
      control: (t, file) => t.ioas(file),
    }),
    scenario('ioctl,other_files', {
      doc: 'The ioctls of iommufd mean nothing to other files, whatever their argument.',
      covers: ['envelope/ENOTTY.file'],
      setup: (t) => t.memfd('m', 1n),
      cases: {
        alloc: (t, file) => t.ioctl('IOMMU_IOAS_ALLOC', {}, { file }).fails('ENOTTY'),
        null_pointer: (t, file) => t.ioctl('IOMMU_IOAS_ALLOC', {}, { file, at: 'null' }).fails('ENOTTY'),
      },
      control: (t) => t.ioas(),
    }),
    scenario('memory_protection', {
      doc: 'mprotect() of a range with a hole changes what lies before it.',
      covers: ['mprotect/ENOMEM.hole', 'mprotect/OK', 'truncate/OK', 'mremap/EFAULT.hole', 'mremap/OK'],
      setup: (t) => {
        const ioas = t.ioas();
        t.mockDomain(ioas);
        return ioas;
      },
      cases: {
        hole: (t, ioas) => {
          t.munmap(SCRATCH.start + 0x1000n, 1n);
          t.mprotect(SCRATCH.start, 3n, 'ro').fails('ENOMEM');
          t.map(ioas, { va: SCRATCH.start }).fails('EFAULT');
          t.map(ioas, { va: SCRATCH.start + 0x2000n });
        },
        starts_in_hole: (t, ioas) => {
          t.munmap(SCRATCH.start, 1n);
          t.mprotect(SCRATCH.start, 3n, 'none').fails('ENOMEM');
          t.map(ioas, { va: SCRATCH.start + 0x1000n });
        },
        back_again: (t, ioas) => {
          t.mprotect(SCRATCH.start, 2n, 'none');
          t.map(ioas, { va: SCRATCH.start, access: 'r' }).fails('EFAULT');
          t.mprotect(SCRATCH.start, 1n, 'rw');
          t.map(ioas, { va: SCRATCH.start });
        },
        moved: (t, ioas) => {
          t.map(ioas, { va: SCRATCH.start, iova: 0x200_0000n });
          t.mremap(SCRATCH.start, 1n, 1n, SCRATCH.start + 0x8000n);
          t.checkRefs(SCRATCH.start + 0x8000n, 1);
          t.map(ioas, { va: SCRATCH.start }).fails('EFAULT');
        },
        moved_from_a_hole: (t) => {
          t.munmap(SCRATCH.start, 1n);
          t.mremap(SCRATCH.start, 1n, 1n, SCRATCH.start + 0x8000n).fails('EFAULT');
        },
        file_ends: (t, ioas) => {
          t.memfd('m', 2n);
          t.mmapFile('m', 0n, 2n);
          t.step({ do: 'truncate', file: 'm', bytes: 0x1000n });
          t.map(ioas, { va: SCRATCH.start, length: 0x2000n }).fails('EFAULT');
          t.map(ioas, { va: SCRATCH.start });
        },
      },
      control: (t, ioas) => t.map(ioas, { va: SCRATCH.start }),
    }),
  ],
);
