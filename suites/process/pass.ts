import { BUFFER } from '../../models/program/arena.js';
import { makeAccess, pin } from '../access/set_up.js';
import { faultQueue } from '../event/set_up.js';
import { APERTURE_START as A, P } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';

const CHILD = 'child';

export const processPass = suite(
  'process/pass',
  'Descriptors sent over a socket (SCM_RIGHTS): what was opened after fork() reaches the other process, as one more descriptor of the same file.',
  [
    scenario('pass,same_file', {
      doc: 'The new descriptor is of the same open file, and has its objects; each of the two keeps it open.',
      covers: ['pass/OK', 'pass/EBADF.file', 'close/OK'],
      setup: (t) => {
        t.fork(CHILD);
        t.open('g');
        const ioas = t.ioas('g');
        return ioas;
      },
      cases: {
        objects_are_there: (t, ioas) => {
          t.pass('g', 'h', CHILD);
          t.by(CHILD, () => t.destroy(ioas, 'h'));
          t.destroy(ioas, 'g').fails('ENOENT');
        },
        to_the_parent: (t) => {
          const ioas = t.by(CHILD, () => {
            t.open('e');
            const made = t.ioas('e');
            t.pass('e', 'h');
            return made;
          });
          t.destroy(ioas, 'h');
        },
        between_children: (t, ioas) => {
          t.fork('second');
          t.open('e');
          t.pass('g', 'h', CHILD);
          t.by(CHILD, () => t.pass('h', 'i', 'second'));
          t.by('second', () => t.destroy(ioas, 'i'));
        },
        to_itself: (t, ioas) => {
          t.pass('g', 'h');
          t.close('g');
          t.destroy(ioas, 'h');
        },
        not_there_before: (t) => {
          t.by(CHILD, () => t.close('g').fails('EBADF'));
        },
        of_the_receiver_alone: (t) => {
          t.pass('g', 'h', CHILD);
          t.close('h').fails('EBADF');
        },
        closed: (t) => {
          t.close('g');
          t.pass('g', 'h', CHILD).fails('EBADF');
          t.by(CHILD, () => t.close('h').fails('EBADF'));
        },
        closed_by_the_sender: (t, ioas) => {
          t.pass('g', 'h', CHILD);
          t.close('g');
          t.by(CHILD, () => t.destroy(ioas, 'h'));
        },
        closed_by_the_receiver: (t, ioas) => {
          t.pass('g', 'h', CHILD);
          t.by(CHILD, () => t.close('h'));
          t.destroy(ioas, 'g');
        },
        survives_exec: (t, ioas) => {
          t.cloexec('g');
          t.pass('g', 'h', CHILD);
          t.exec(CHILD);
          t.by(CHILD, () => t.destroy(ioas, 'h'));
        },
        after_exec: (t, ioas) => {
          t.exec(CHILD);
          t.pass('g', 'h', CHILD);
          t.by(CHILD, () => {
            t.destroy(ioas, 'h');
            t.pass('h', 'i');
          });
          t.ioas('i');
        },
      },
      control: (t) => t.pass('g', 'h', CHILD),
    }),
    scenario('pass,memory_of_the_caller', {
      doc: 'Whoever maps through a descriptor that was passed maps memory of its own and pays; with the last descriptor all is given back.',
      covers: ['pass/OK', 'IOMMU_IOAS_MAP/OK', 'close/OK'],
      source: 'core.md 5.3',
      setup: (t) => {
        t.fork(CHILD);
        t.open('g');
        const ioas = t.ioas('g');
        t.ioctl('IOMMU_TEST_OP_MOCK_DOMAIN', { id: ioas }, { file: 'g' });
        t.pass('g', 'h', CHILD);
        t.by(CHILD, () =>
          t.ioctl(
            'IOMMU_IOAS_MAP',
            { flags: 7, ioas_id: ioas, user_va: BUFFER.start, length: 2n * P, iova: A },
            { file: 'h' },
          ),
        );
        return ioas;
      },
      cases: {
        charged: (t) => {
          t.counters(0);
          t.by(CHILD, () => {
            t.counters(2);
          });
        },
        sender_closes: (t) => {
          t.close('g');
          t.by(CHILD, () => {
            t.counters(2);
            t.close('h');
            t.counters(0);
          });
        },
        receiver_exits: (t, ioas) => {
          t.exit(CHILD);
          t.checkRefs(BUFFER.start, 1, 2n * P);
          t.ioctl('IOMMU_IOAS_UNMAP', { ioas_id: ioas, iova: A, length: 2n * P }, { file: 'g' });
          t.checkRefs(BUFFER.start, 0, 2n * P);
        },
        last_goes_by_exit: (t) => {
          t.close('g');
          t.exit(CHILD);
          t.checkRefs(BUFFER.start, 0, 2n * P);
        },
      },
      control: (t) => t.close('g'),
    }),
    scenario('pass,other_files', {
      doc: 'Descriptors of queues, accesses and files of memory pass as well, and keep open what they keep open.',
      covers: ['pass/OK', 'IOMMU_DESTROY/EBUSY.users'],
      setup: (t) => {
        t.fork(CHILD);
      },
      cases: {
        fault_queue: (t) => {
          const queue = faultQueue(t, 'q').out('out_fault_id');
          t.pass('q', 'r', CHILD);
          t.close('q');
          t.destroy(queue).fails('EBUSY');
          t.by(CHILD, () => t.close('r'));
          t.destroy(queue);
        },
        queue_passed_is_not_marked: (t) => {
          faultQueue(t, 'q');
          t.pass('q', 'r', CHILD);
          t.exec(CHILD);
          t.by(CHILD, () => t.close('r'));
        },
        access: (t) => {
          const ioas = t.ioas();
          t.map(ioas, { iova: A });
          makeAccess(t, 'a', ioas);
          pin(t, 'a', A);
          t.pass('a', 'b', CHILD);
          t.close('a');
          t.counters(1);
          t.by(CHILD, () => t.close('b'));
          t.counters(0);
        },
        file_of_memory: {
          needs: ['map_file'],
          body: (t) => {
            const ioas = t.ioas();
            t.mockDomain(ioas);
            t.memfd('m', 2n);
            t.pass('m', 'n', CHILD);
            t.close('m');
            t.by(CHILD, () => {
              t.mapFile(ioas, 'n', { iova: A, length: 2n * P });
              t.counters(2);
            });
          },
        },
      },
      control: (t) => {
        t.memfd('m', 1n);
        t.pass('m', 'n', CHILD);
      },
    }),
  ],
);
