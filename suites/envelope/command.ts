import { scenario, suite } from '../harness/scenario.js';

/** Type ';' with number 0x96: a hole of the table that CONFIG_IOMMUFD_TEST stretches to 0xA0. */
const HOLE_COMMAND = 0x3b96;

export const envelopeCommand = suite(
  'envelope/command',
  'The ioctl number: which are known, and what is looked at before an unknown one is refused.',
  [
    scenario('number,outside_table', {
      doc: 'Numbers below 0x80 and beyond the table are refused with ENOTTY; the pointer is not looked at.',
      covers: ['envelope/ENOTTY.number'],
      gaps: [2],
      kselftest: ['iommufd.cmd_fail'],
      seeds: ['S1-12', 'S1-36', 'S2-63'],
      setup: (t) => t.ioas(),
      cases: {
        below: (t) => t.ioctl('IOMMU_IOAS_ALLOC', {}, { command: 0x3b7f }).fails('ENOTTY'),
        beyond: (t) => t.ioctl('IOMMU_IOAS_ALLOC', {}, { command: 0x3ba1 }).fails('ENOTTY'),
        zero: (t) => t.ioctl('IOMMU_IOAS_ALLOC', {}, { command: 0 }).fails('ENOTTY'),
        dirty_pages_of_vfio: (t) => t.ioctl('IOMMU_IOAS_ALLOC', {}, { command: 0x3b75 }).fails('ENOTTY'),
        bad_pointer: (t) => t.ioctl('IOMMU_IOAS_ALLOC', {}, { command: 0x3b7f, at: 'null' }).fails('ENOTTY'),
        bad_pointer_beyond: (t) =>
          t.ioctl('IOMMU_IOAS_ALLOC', {}, { command: 0x3bff, at: 'hole' }).fails('ENOTTY'),
      },
      control: (t) => t.ioctl('IOMMU_IOAS_ALLOC', {}),
    }),
    scenario('number,hole_in_table', {
      doc: 'A number inside the table that names no command is refused with ENOTTY, but only after `size` was read: a bad pointer answers EFAULT.',
      covers: ['envelope/ENOTTY.command', 'envelope/EFAULT.size'],
      gaps: [2],
      needs: ['iommufd_test'],
      setup: (t) => t.ioas(),
      cases: {
        good_pointer: (t) => t.ioctl('IOMMU_IOAS_ALLOC', {}, { command: HOLE_COMMAND }).fails('ENOTTY'),
        null_pointer: (t) =>
          t.ioctl('IOMMU_IOAS_ALLOC', {}, { command: HOLE_COMMAND, at: 'null' }).fails('EFAULT'),
        unmapped_pointer: (t) =>
          t.ioctl('IOMMU_IOAS_ALLOC', {}, { command: HOLE_COMMAND, at: 'hole' }).fails('EFAULT'),
        half_a_size: (t) =>
          t.ioctl('IOMMU_IOAS_ALLOC', {}, { command: HOLE_COMMAND, at: { edge: 2 } }).fails('EFAULT'),
      },
      control: (t) => t.ioctl('IOMMU_IOAS_ALLOC', {}),
    }),
    scenario('number,direction_bits', {
      doc: 'Commands are _IO: a number with direction, size or another type in it is not the command, although its low byte is.',
      covers: ['envelope/ENOTTY.command'],
      gaps: [2],
      seeds: ['S1-12'],
      setup: (t) => t.ioas(),
      cases: {
        read: (t) => t.ioctl('IOMMU_IOAS_ALLOC', {}, { command: 0x8000_3b81 }).fails('ENOTTY'),
        write_with_size: (t) => t.ioctl('IOMMU_IOAS_ALLOC', {}, { command: 0x400c_3b81 }).fails('ENOTTY'),
        other_type: (t) => t.ioctl('IOMMU_IOAS_ALLOC', {}, { command: 0x3c81 }).fails('ENOTTY'),
        other_type_bad_pointer: (t) =>
          t.ioctl('IOMMU_IOAS_ALLOC', {}, { command: 0x3c81, at: 'null' }).fails('EFAULT'),
      },
      control: (t) => t.ioctl('IOMMU_IOAS_ALLOC', {}, { command: 0x3b81 }),
    }),
    scenario('number,added_since_6_12', {
      doc: 'Command 0x95 is the last of 7.3. 6.12 ends at 0x8E; with CONFIG_IOMMUFD_TEST its table has a hole there, which reads `size` first.',
      covers: ['envelope/ENOTTY.command', 'envelope/EFAULT.size', 'envelope/EINVAL.size'],
      needs: ['iommufd_test'],
      setup: (t) => t.ioas(),
      cases: {
        bad_pointer: (t) => t.ioctl('IOMMU_IOAS_ALLOC', {}, { command: 0x3b95, at: 'null' }).fails('EFAULT'),
        test_hole: (t) => t.ioctl('IOMMU_IOAS_ALLOC', {}, { command: 0x3b9f }).fails('ENOTTY'),
      },
      control: (t) => t.ioctl('IOMMU_IOAS_ALLOC', {}),
    }),
    scenario('file,closed', {
      doc: 'On a closed file every call answers EBADF, whatever the pointer.',
      covers: ['envelope/EBADF.file'],
      kselftest: ['iommufd.simple_close'],
      setup: (t) => t.open('g'),
      cases: {
        good_pointer: (t) => {
          t.close('g');
          t.ioctl('IOMMU_IOAS_ALLOC', {}, { file: 'g' }).fails('EBADF');
        },
        bad_pointer: (t) => {
          t.close('g');
          t.ioctl('IOMMU_IOAS_ALLOC', {}, { file: 'g', at: 'null' }).fails('EBADF');
        },
        unknown_number: (t) => {
          t.close('g');
          t.ioctl('IOMMU_IOAS_ALLOC', {}, { file: 'g', command: 0x3b7f }).fails('EBADF');
        },
      },
      control: (t) => t.ioctl('IOMMU_IOAS_ALLOC', {}, { file: 'g' }),
    }),
  ],
);
