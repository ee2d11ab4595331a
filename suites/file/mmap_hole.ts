import { SCRATCH } from '../../models/program/arena.js';
import type { Reference } from '../../models/program/program.js';
import type { VfioNode } from '../../models/program/vfio_nodes.js';
import { makeAccess } from '../access/set_up.js';
import { dmabuf } from '../dmabuf/set_up.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import type { ExpectedErrno, ExpectedStep } from '../harness/expected_step.js';
import { scenario, suite } from '../harness/scenario.js';

/** O_RDONLY and O_WRONLY of a dma-buf. */
const [READ_ONLY, WRITE_ONLY] = [0, 1];

interface Place {
  /** With a device, so that memory that is not there cannot be mapped. */
  readonly ioas: Reference;
}

/** A case in which a mapping is refused: nothing is there afterwards. */
function refused(errno: ExpectedErrno, map: (t: ScenarioBuilder, place: Place) => ExpectedStep) {
  return (t: ScenarioBuilder, place: Place): void => {
    map(t, place).fails(errno);
    t.map(place.ioas, { va: SCRATCH.start }).fails('EFAULT');
  };
}

/** The same of kernels that have dma-bufs. */
function refusedOfDmabuf(...args: Parameters<typeof refused>) {
  return { needs: ['dmabuf'] as const, body: refused(...args) };
}

/** The same of kernels that have a device of VFIO. */
function refusedOfVfio(errno: ExpectedErrno, node: VfioNode) {
  const body = refused(errno, (t) => {
    t.openVfio('v', node);
    return t.mmapFile('v', 0n, 1n);
  });
  return { needs: ['vfio_device'] as const, body };
}

export const fileMmapHole = suite(
  'file/mmap_hole',
  'mmap() at an address that is taken: programs unmap what is there first, so that a refused mapping leaves a hole.',
  [
    scenario('refused', {
      doc: 'Whatever a mapping is refused for, what was there before is gone.',
      covers: [
        'mmap/EBADF.file',
        'mmap/EACCES.access',
        'mmap/ENODEV.no_method',
        'mmap/EPERM.no_exec',
        'mmap/ENODEV.anonymous',
        'mmap/EINVAL.private',
        'mmap/EPERM.exec',
        'mmap/ENXIO.region',
        'mmap/EACCES.dmabuf_access',
        'mmap/EPERM.dmabuf_exec',
        'mmap/EINVAL.dmabuf',
        'mmap/ENODEV.vfio_group',
        'mmap/EINVAL.vfio_device',
      ],
      setup: (t) => {
        const ioas = t.ioas();
        t.mockDomain(ioas);
        return { ioas };
      },
      cases: {
        closed: refused('EBADF', (t) => {
          t.open('g');
          t.close('g');
          return t.mmapFile('g', 0n, 1n);
        }),
        opened_for_reading: refused('EACCES', (t) => t.mmapFile(t.open('g', 'ro'), 0n, 1n)),
        private: refused({ '7.3': 'EINVAL', '6.12': 'ENODEV' }, (t) =>
          t.mmapFile('f', 0n, 1n, { isPrivate: true }),
        ),
        executable: refused({ '7.3': 'EPERM', '6.12': 'ENODEV' }, (t) =>
          t.mmapFile('f', 0n, 1n, { access: 'rwx' }),
        ),
        no_region: refused({ '7.3': 'ENXIO', '6.12': 'ENODEV' }, (t) => t.mmapFile('f', 0n, 1n)),
        access: refused('ENODEV', (t, { ioas }) => t.mmapFile(makeAccess(t, 'a', ioas), 0n, 1n)),
        executable_access: refused({ '7.3': 'EPERM', '6.12': 'ENODEV' }, (t, { ioas }) =>
          t.mmapFile(makeAccess(t, 'a', ioas), 0n, 1n, { access: 'rwx' }),
        ),
        group_of_vfio: refusedOfVfio('ENODEV', 'vfio_group'),
        device_of_vfio: refusedOfVfio('EINVAL', 'vfio_device'),
        dmabuf: refusedOfDmabuf('EINVAL', (t) => {
          dmabuf(t, 'd', 0x1000);
          return t.mmapFile('d', 0n, 1n, { isPrivate: true });
        }),
        executable_dmabuf: refusedOfDmabuf('EPERM', (t) => {
          dmabuf(t, 'd', 0x1000);
          return t.mmapFile('d', 0n, 1n, { access: 'rwx' });
        }),
        dmabuf_for_reading: refusedOfDmabuf('EACCES', (t) => {
          dmabuf(t, 'd', 0x1000, { open_flags: READ_ONLY });
          return t.mmapFile('d', 0n, 1n);
        }),
        dmabuf_for_writing: refusedOfDmabuf('EACCES', (t) => {
          dmabuf(t, 'd', 0x1000, { open_flags: WRITE_ONLY });
          return t.mmapFile('d', 0n, 1n, { access: 'ro' });
        }),
      },
      control: (t, { ioas }) => t.map(ioas, { va: SCRATCH.start }),
    }),
  ],
);
