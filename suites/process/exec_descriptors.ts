import { makeAccess } from '../access/set_up.js';
import { dmabuf, revoke } from '../dmabuf/set_up.js';
import { deviceWithQueue, fault, faultQueue, record } from '../event/set_up.js';
import { APERTURE_START as A } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';

const CHILD = 'child';

const KNOWN_IDS = 'records name the device by its id, which is stated';

export const processExecDescriptors = suite(
  'process/exec_descriptors',
  'exec() and descriptors: those that are marked close, which the kernel does to some that it makes.',
  [
    scenario('descriptors,survive', {
      doc: 'Descriptors survive exec() unless they are marked; the mark is one of the descriptor, not of the file.',
      covers: ['exec/OK', 'cloexec/OK', 'cloexec/EBADF.file', 'envelope/EBADF.file'],
      setup: (t) => {
        t.fork(CHILD);
      },
      cases: {
        opened: (t) => {
          t.exec(CHILD);
          t.by(CHILD, () => t.ioas());
          t.ioas();
        },
        marked: (t) => {
          t.by(CHILD, () => t.cloexec('f'));
          t.exec(CHILD);
          t.by(CHILD, () => t.ioctl('IOMMU_IOAS_ALLOC', {}).fails('EBADF'));
          t.ioas();
        },
        marked_in_the_parent: (t) => {
          t.cloexec('f');
          t.exec(CHILD);
          t.by(CHILD, () => t.ioas());
        },
        inherited_mark: (t) => {
          t.cloexec('f');
          t.fork('second');
          t.exec('second');
          t.by('second', () => t.ioctl('IOMMU_IOAS_ALLOC', {}).fails('EBADF'));
        },
        mark_taken_back: (t) => {
          t.by(CHILD, () => {
            t.cloexec('f');
            t.cloexec('f', false);
          });
          t.exec(CHILD);
          t.by(CHILD, () => t.ioas());
        },
        copy_is_not_marked: (t) => {
          t.by(CHILD, () => {
            t.cloexec('f');
            t.dup('g');
          });
          t.exec(CHILD);
          t.by(CHILD, () => {
            t.ioas('g');
            t.close().fails('EBADF');
          });
        },
        last_descriptor: (t) => {
          const ioas = t.ioas();
          t.mockDomain(ioas);
          t.map(ioas, { iova: A });
          t.by(CHILD, () => t.cloexec('f'));
          t.close();
          t.counters(1);
          t.exec(CHILD);
          t.counters(0);
        },
        closed: (t) => {
          t.close();
          t.cloexec('f').fails('EBADF');
          t.cloexec('f', false).fails('EBADF');
        },
      },
      control: (t) => {
        t.exec(CHILD);
      },
    }),
    scenario('descriptors,of_calls', {
      doc: 'The kernel marks the descriptors of queues and accesses that it makes; that of a dma-buf is marked if the caller says so.',
      covers: ['exec/OK', 'IOMMU_FAULT_QUEUE_ALLOC/OK', 'IOMMU_TEST_OP_CREATE_ACCESS/OK'],
      source: 'eventq.c:iommufd_eventq_init; selftest.c:iommufd_test_create_access; dma-buf.c:dma_buf_fd',
      setup: (t) => {
        t.fork(CHILD);
      },
      cases: {
        fault_queue: (t) => {
          t.by(CHILD, () => faultQueue(t, 'q'));
          t.exec(CHILD);
          t.by(CHILD, () => t.close('q').fails('EBADF'));
        },
        queue_can_be_destroyed: (t) => {
          const queue = t.by(CHILD, () => faultQueue(t, 'q').out('out_fault_id'));
          t.destroy(queue).fails('EBUSY');
          t.exec(CHILD);
          t.destroy(queue);
        },
        access: (t) => {
          const ioas = t.ioas();
          t.by(CHILD, () => makeAccess(t, 'a', ioas));
          t.destroy(ioas).fails('EBUSY');
          t.exec(CHILD);
          t.by(CHILD, () => t.close('a').fails('EBADF'));
          t.destroy(ioas);
        },
        access_that_is_kept: (t) => {
          const ioas = t.ioas();
          t.by(CHILD, () => {
            makeAccess(t, 'a', ioas);
            t.cloexec('a', false);
          });
          t.exec(CHILD);
          t.destroy(ioas).fails('EBUSY');
          t.by(CHILD, () => t.close('a'));
          t.destroy(ioas);
        },
        dma_buf: {
          needs: ['dmabuf'],
          body: (t) => {
            t.by(CHILD, () => dmabuf(t, 'd', 0x1000));
            t.exec(CHILD);
            t.by(CHILD, () => revoke(t, 'd', 1).fails('EBADF'));
          },
        },
        dma_buf_without_the_flag: {
          needs: ['dmabuf'],
          body: (t) => {
            t.by(CHILD, () => dmabuf(t, 'd', 0x1000, { open_flags: 2 }));
            t.exec(CHILD);
            t.by(CHILD, () => revoke(t, 'd', 1));
          },
        },
        file_of_memory: (t) => {
          t.by(CHILD, () => t.memfd('m', 1n));
          t.exec(CHILD);
          t.by(CHILD, () => t.close('m'));
        },
      },
      control: (t) => {
        t.exec(CHILD);
      },
    }),
    scenario('descriptors,queue_is_kept', {
      doc: 'A queue whose descriptor survives is read and answered by the program that comes.',
      covers: ['fault_read/OK', 'fault_write/OK', 'exec/OK'],
      without: { shifted_ids: KNOWN_IDS },
      setup: (t) => {
        const all = deviceWithQueue(t);
        t.fork(CHILD);
        t.by(CHILD, () => t.cloexec('q', false));
        fault(t, all.device, { grpid: 2, perm: 3 });
        t.exec(CHILD);
        return all;
      },
      cases: {
        answered: (t) => {
          t.by(CHILD, () => {
            t.read('q', 40).reads(...record(1, { grpid: 2, perm: 3 }));
            t.write('q', [1, 0]).returns(8);
          });
        },
      },
      control: (t) => t.by(CHILD, () => t.read('q', 40).reads(...record(1, { grpid: 2, perm: 3 }))),
    }),
  ],
);
