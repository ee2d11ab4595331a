import { scenario, suite } from '../harness/scenario.js';
import { READABLE, WRITABLE, deviceWithQueue, fault, faultQueue, record } from './set_up.js';

/** Bytes of a fault, and of an answer. */
const FAULT = 40;
const ANSWER = 8;

export const eventFaultFile = suite(
  'event/fault_file',
  'Reading faults from the file of a fault queue, answering them, poll, and what the file does not take.',
  [
    scenario('file,refused', {
      doc: 'The file has no positions, no ioctls, no mappings and no size.',
      covers: [
        'fault_read/ESPIPE.offset',
        'fault_write/ESPIPE.offset',
        'mmap/ENODEV.anonymous',
        'mmap/EPERM.no_exec',
        'envelope/ENOTTY.file',
        'truncate/EINVAL.kind',
      ],
      gaps: [39],
      source: 'device.md 3',
      setup: (t) => {
        faultQueue(t);
      },
      cases: {
        pread: (t) => t.read('q', FAULT, { offset: 0n }).fails('ESPIPE'),
        pread_nothing: (t) => t.read('q', 0, { offset: 0n }).fails('ESPIPE'),
        pwrite: (t) => t.write('q', [1, 0], { offset: 0n }).fails('ESPIPE'),
        pwrite_bad_code: (t) => t.write('q', [1, 2], { offset: 8n }).fails('ESPIPE'),
        ioctl: (t) => t.ioctl('IOMMU_IOAS_ALLOC', {}, { file: 'q' }).fails('ENOTTY'),
        ioctl_null: (t) => t.ioctl('IOMMU_IOAS_ALLOC', {}, { file: 'q', at: 'null' }).fails('ENOTTY'),
        mmap: (t) => t.mmapFile('q', 0n, 1n).fails('ENODEV'),
        mmap_private: (t) => t.mmapFile('q', 0n, 1n, { isPrivate: true }).fails('ENODEV'),
        mmap_read_only: (t) => t.mmapFile('q', 0x1000n, 1n, { access: 'ro' }).fails('ENODEV'),
        mmap_executable: (t) =>
          t.mmapFile('q', 0n, 1n, { access: 'rwx' }).fails({ '7.3': 'EPERM', '6.12': 'ENODEV' }),
        truncate: (t) => t.step({ do: 'truncate', file: 'q', bytes: 0n }).fails('EINVAL'),
      },
      control: (t) => t.read('q', FAULT).returns(0),
    }),
    scenario('read,counts', {
      doc: 'A count that is no multiple of a record is ESPIPE; no room for the first record is EINVAL; an empty queue reads 0.',
      covers: ['fault_read/ESPIPE.count', 'fault_read/EINVAL.count', 'fault_read/OK'],
      gaps: [39],
      source: 'device.md 3.1, 9 H',
      setup: deviceWithQueue,
      cases: {
        empty: (t) => t.read('q', FAULT).returns(0),
        empty_nothing: (t) => t.read('q', 0).returns(0),
        empty_odd: (t) => t.read('q', 39).fails('ESPIPE'),
        one_byte: (t) => t.read('q', 1).fails('ESPIPE'),
        empty_at_hole: (t) => t.read('q', FAULT, { at: 'hole' }).returns(0),
        odd: (t, { device }) => {
          fault(t, device);
          t.read('q', 41).fails('ESPIPE');
        },
        nothing: (t, { device }) => {
          fault(t, device);
          t.read('q', 0).fails('EINVAL');
          t.read('q', FAULT).reads(...record(1));
        },
        nothing_at_hole: (t, { device }) => {
          fault(t, device);
          t.read('q', 0, { at: 'hole' }).fails('EINVAL');
        },
        more_than_there_is: (t, { device }) => {
          fault(t, device);
          t.read('q', 4 * FAULT).reads(...record(1));
        },
      },
      control: (t, { device }) => {
        fault(t, device);
        t.read('q', FAULT).reads(...record(1));
        t.read('q', FAULT).returns(0);
      },
    }),
    scenario('read,records', {
      doc: 'A record tells what the device asked for, who it is, and the cookie: the lowest free number from 1.',
      covers: ['fault_read/OK', 'IOMMU_TEST_OP_TRIGGER_IOPF/OK'],
      gaps: [39],
      source: 'device.md 3.1',
      setup: deviceWithQueue,
      cases: {
        members: (t, { device }) => {
          const request = { pasid: 1, grpid: 2, perm: 5, addr: 0x1234_5678n };
          fault(t, device, request);
          t.read('q', FAULT).reads(...record(1, request));
        },
        unfiltered: (t, { device }) => {
          fault(t, device, { grpid: 0xffff_ffff, perm: 0xffff_ffff, addr: 0xffff_ffff_ffff_ffffn });
          t.read('q', FAULT).reads(2, 3, 0, 0xffff_ffff, 0xffff_ffff, 0, 0xffff_ffff, 0xffff_ffff, 0, 1);
        },
        in_order: (t, { device }) => {
          for (const grpid of [7, 5, 6]) fault(t, device, { grpid });
          t.read('q', FAULT).reads(...record(1, { grpid: 7 }));
          t.read('q', 2 * FAULT).reads(...record(2, { grpid: 5 }), ...record(3, { grpid: 6 }));
        },
        same_group_twice: (t, { device }) => {
          fault(t, device, { grpid: 7 });
          fault(t, device, { grpid: 7 });
          t.read('q', 2 * FAULT).reads(...record(1, { grpid: 7 }), ...record(2, { grpid: 7 }));
        },
        room_for_some: (t, { device }) => {
          for (const grpid of [1, 2, 3]) fault(t, device, { grpid });
          t.read('q', 2 * FAULT).reads(...record(1, { grpid: 1 }), ...record(2, { grpid: 2 }));
          t.read('q', 2 * FAULT).reads(...record(3, { grpid: 3 }));
        },
        cookie_again: (t, { device }) => {
          for (const grpid of [1, 2, 3]) fault(t, device, { grpid });
          t.read('q', 2 * FAULT).reads(...record(1, { grpid: 1 }), ...record(2, { grpid: 2 }));
          t.write('q', [1, 0]).returns(ANSWER);
          t.read('q', FAULT).reads(...record(1, { grpid: 3 }));
        },
        by_duplicate: (t, { device }) => {
          t.dup('r', 'q');
          fault(t, device, { grpid: 1 });
          t.read('r', FAULT).reads(...record(1, { grpid: 1 }));
          t.write('q', [1, 0]).returns(ANSWER);
        },
      },
      control: (t, { device }) => {
        fault(t, device, { perm: 1 });
        t.read('q', FAULT).reads(...record(1, { perm: 1 }));
      },
    }),
    scenario('read,unwritable', {
      doc: 'A fault that cannot be handed over stays first in the queue, and its cookie is free again.',
      covers: ['fault_read/EFAULT.buffer'],
      gaps: [39],
      source: 'device.md 3.1',
      setup: (t) => {
        const all = deviceWithQueue(t);
        fault(t, all.device, { grpid: 1 });
        fault(t, all.device, { grpid: 2 });
        return all;
      },
      cases: {
        hole: (t) => {
          t.read('q', FAULT, { at: 'hole' }).fails('EFAULT');
          t.read('q', FAULT).reads(...record(1, { grpid: 1 }));
        },
        read_only: (t) => t.read('q', FAULT, { at: 'sealed' }).fails('EFAULT'),
        null_pointer: (t) => t.read('q', FAULT, { at: 'null' }).fails('EFAULT'),
        last_byte: (t) => {
          t.read('q', FAULT, { at: { edge: 39 } })
            .fails('EFAULT')
            .leaves(...record(1, { grpid: 1 }));
          t.read('q', FAULT).reads(...record(1, { grpid: 1 }));
        },
        second: (t) => {
          t.read('q', 2 * FAULT, { at: { edge: 40 } }).reads(...record(1, { grpid: 1 }));
          t.read('q', FAULT).reads(...record(2, { grpid: 2 }));
        },
        second_in_part: (t) => {
          t.read('q', 2 * FAULT, { at: { edge: 60 } })
            .returns(FAULT)
            .leaves(...record(1, { grpid: 1 }), ...record(2, { grpid: 2 }).slice(0, 5));
          t.poll('q').returns(READABLE | WRITABLE);
          t.write('q', [2, 0]).fails('EINVAL');
          t.read('q', FAULT).reads(...record(2, { grpid: 2 }));
        },
      },
      control: (t) =>
        t
          .read('q', 2 * FAULT, { at: { edge: 80 } })
          .reads(...record(1, { grpid: 1 }), ...record(2, { grpid: 2 })),
    }),
    scenario('write,refused', {
      doc: 'A count that is no multiple of an answer is ESPIPE; a code or a cookie that does not exist is EINVAL.',
      covers: [
        'fault_write/ESPIPE.count',
        'fault_write/EFAULT.response',
        'fault_write/EINVAL.code',
        'fault_write/EINVAL.cookie',
      ],
      gaps: [40],
      source: 'device.md 3.1, 9 H',
      setup: (t) => {
        const all = deviceWithQueue(t);
        fault(t, all.device);
        t.read('q', FAULT).reads(...record(1));
        return all;
      },
      cases: {
        one_byte: (t) => t.write('q', [1, 0], { bytes: 1 }).fails('ESPIPE'),
        odd: (t) => t.write('q', [1, 0, 1]).fails('ESPIPE'),
        odd_at_hole: (t) => t.write('q', [1, 0], { bytes: 4, at: 'hole' }).fails('ESPIPE'),
        hole: (t) => t.write('q', [1, 0], { at: 'hole' }).fails('EFAULT'),
        null_pointer: (t) => t.write('q', [1, 0], { at: 'null' }).fails('EFAULT'),
        cut: (t) => t.write('q', [1, 0], { at: { edge: 7 } }).fails('EFAULT'),
        code: (t) => {
          t.write('q', [1, 2]).fails('EINVAL');
          t.write('q', [1, 0]).returns(ANSWER);
        },
        code_high: (t) => t.write('q', [1, 0x8000_0000]).fails('EINVAL'),
        cookie_zero: (t) => t.write('q', [0, 0]).fails('EINVAL'),
        cookie_unknown: (t) => t.write('q', [2, 0]).fails('EINVAL'),
        cookie_all_ones: (t) => t.write('q', [0xffff_ffff, 0]).fails('EINVAL'),
        code_and_cookie: (t) => t.write('q', [2, 2]).fails('EINVAL'),
        answered: (t) => {
          t.write('q', [1, 1]).returns(ANSWER);
          t.write('q', [1, 0]).fails('EINVAL');
        },
        never_read: (t, { device }) => {
          fault(t, device);
          t.write('q', [2, 0]).fails('EINVAL');
        },
      },
      control: (t) => t.write('q', [1, 0]).returns(ANSWER),
    }),
    scenario('write,batches', {
      doc: 'Answers are taken until one is not good; those before it count.',
      covers: ['fault_write/OK'],
      gaps: [40],
      source: 'device.md 3.1',
      setup: (t) => {
        const all = deviceWithQueue(t);
        for (const grpid of [1, 2, 3]) fault(t, all.device, { grpid });
        const records = [1, 2, 3].flatMap((grpid) => record(grpid, { grpid }));
        t.read('q', 3 * FAULT).reads(...records);
        return all;
      },
      cases: {
        nothing: (t) => t.write('q', []).returns(0),
        any_order: (t) => t.write('q', [3, 0, 1, 1, 2, 0]).returns(3 * ANSWER),
        bad_code_second: (t) => {
          t.write('q', [1, 0, 2, 2, 3, 0]).returns(ANSWER);
          t.write('q', [1, 0]).fails('EINVAL');
          t.write('q', [2, 0, 3, 0]).returns(2 * ANSWER);
        },
        bad_cookie_third: (t) => {
          t.write('q', [1, 0, 2, 0, 4, 0]).returns(2 * ANSWER);
          t.write('q', [3, 0]).returns(ANSWER);
        },
        same_twice: (t) => t.write('q', [2, 0, 2, 0]).returns(ANSWER),
        cut_in_second: (t) => {
          t.write('q', [1, 0, 2, 0], { at: { edge: 12 } }).returns(ANSWER);
          t.write('q', [2, 0]).returns(ANSWER);
        },
      },
      control: (t) => t.write('q', [1, 0, 2, 1]).returns(2 * ANSWER),
    }),
    scenario('write,cookie_zero', {
      doc: 'An answer to cookie 0 is refused, and yet makes 0 a cookie if a fault waits for its answer: a flaw of the kernel.',
      covers: ['fault_write/EINVAL.cookie'],
      source: 'docs/findings/fault-cookie-zero.md',
      setup: (t) => {
        const all = deviceWithQueue(t);
        fault(t, all.device, { grpid: 1 });
        return all;
      },
      cases: {
        while_one_waits: (t, { device }) => {
          t.read('q', FAULT).reads(...record(1, { grpid: 1 }));
          t.write('q', [0, 0]).fails('EINVAL');
          fault(t, device, { grpid: 2 });
          t.read('q', FAULT).reads(...record(0, { grpid: 2 }));
          t.write('q', [0, 0]).returns(ANSWER);
          t.write('q', [0, 0]).fails('EINVAL');
          t.write('q', [1, 0]).returns(ANSWER);
          fault(t, device, { grpid: 3 });
          fault(t, device, { grpid: 4 });
          t.read('q', 2 * FAULT).reads(...record(0, { grpid: 3 }), ...record(1, { grpid: 4 }));
        },
        bad_code: (t, { device }) => {
          t.read('q', FAULT).reads(...record(1, { grpid: 1 }));
          t.write('q', [0, 2]).fails('EINVAL');
          fault(t, device, { grpid: 2 });
          t.read('q', FAULT).reads(...record(2, { grpid: 2 }));
        },
        while_none_waits: (t, { device }) => {
          t.write('q', [0, 0]).fails('EINVAL');
          t.read('q', FAULT).reads(...record(1, { grpid: 1 }));
          t.write('q', [1, 0, 0, 0]).returns(ANSWER);
          fault(t, device, { grpid: 2 });
          t.read('q', FAULT).reads(...record(1, { grpid: 2 }));
        },
        behind_a_good_one: (t, { device }) => {
          fault(t, device, { grpid: 2 });
          t.read('q', 2 * FAULT).reads(...record(1, { grpid: 1 }), ...record(2, { grpid: 2 }));
          t.write('q', [1, 0, 0, 0]).returns(ANSWER);
          fault(t, device, { grpid: 3 });
          t.read('q', FAULT).reads(...record(0, { grpid: 3 }));
        },
      },
      control: (t) => t.read('q', FAULT).reads(...record(1, { grpid: 1 })),
    }),
    scenario('poll', {
      doc: 'The file can always be written to, and be read while a fault has not been.',
      covers: ['fault_poll/OK'],
      gaps: [39],
      source: 'device.md 3.1',
      setup: deviceWithQueue,
      cases: {
        waiting: (t, { device }) => {
          fault(t, device);
          t.poll('q').returns(READABLE | WRITABLE);
        },
        read: (t, { device }) => {
          fault(t, device);
          t.read('q', FAULT).reads(...record(1));
          t.poll('q').returns(WRITABLE);
        },
        one_of_two_read: (t, { device }) => {
          fault(t, device);
          fault(t, device);
          t.read('q', FAULT).reads(...record(1));
          t.poll('q').returns(READABLE | WRITABLE);
        },
      },
      control: (t) => t.poll('q').returns(WRITABLE),
    }),
  ],
);
