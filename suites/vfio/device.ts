import { APERTURE_START as A } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';
import { DEVICE, attach, bind, detach, openDevice, openGroup } from './files_set_up.js';

const BIND = 'VFIO_DEVICE_BIND_IOMMUFD';

/** VFIO_DEVICE_BIND_FLAG_TOKEN. Source: linux/vfio.h. */
const TOKEN = 1;

/** No number of a descriptor that anybody has. */
const NO_FD = 0x3fff_ffff;

/** VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, which the sample device does not have. */
const HOT_RESET_INFO = 0x3b70;

export const vfioDevice = suite(
  'vfio/device',
  'A device of VFIO without an IOMMU: bound to an iommufd it has an access.',
  [
    scenario('bind,refused', {
      doc: 'Flags and a negative number decide first, then who has the device, then the descriptor, then the answer; a refused device can be bound.',
      covers: [
        `${BIND}/EINVAL.flags`,
        `${BIND}/EINVAL.token`,
        `${BIND}/EINVAL.iommufd`,
        `${BIND}/EBUSY.group`,
        `${BIND}/EINVAL.bound`,
        `${BIND}/EBADF.iommufd`,
        `${BIND}/EBADFD.iommufd`,
        `${BIND}/EINVAL.opened`,
        `${BIND}/EFAULT.out_devid`,
      ],
      source: 'linux/vfio.h, VFIO_DEVICE_BIND_IOMMUFD',
      setup: (t) => {
        openDevice(t);
      },
      cases: {
        flags: (t) => {
          bind(t, { flags: 2 }).fails('EINVAL');
          bind(t);
        },
        token: (t) => {
          bind(t, { flags: TOKEN }).fails('EINVAL');
          bind(t);
        },
        negative: (t) => bind(t, { iommufd: -1 }).fails('EINVAL'),
        closed: (t) => {
          t.open('other');
          t.close('other');
          bind(t, { iommufd: { fd: 'other' } }).fails('EINVAL');
        },
        no_descriptor: (t) => {
          bind(t, { iommufd: NO_FD }).fails('EBADF');
          bind(t);
        },
        file_of_memory: (t) => bind(t, { iommufd: { fd: t.memfd('m', 1n) } }).fails('EBADFD'),
        device_itself: (t) => bind(t, { iommufd: { fd: DEVICE } }).fails('EBADFD'),
        group_is_open: (t) => {
          openGroup(t);
          bind(t).fails('EBUSY');
          t.close('g');
          bind(t);
        },
        group_before_descriptor: (t) => {
          openGroup(t);
          bind(t, { iommufd: NO_FD }).fails('EBUSY');
          bind(t, { flags: 2 }).fails('EINVAL');
          bind(t, { iommufd: -1 }).fails('EINVAL');
        },
        group_before_token: {
          needs: ['pasid'],
          body: (t) => {
            openGroup(t);
            bind(t, { flags: TOKEN }).fails('EBUSY');
          },
        },
        token_before_descriptor: (t) => bind(t, { flags: TOKEN, iommufd: NO_FD }).fails('EINVAL'),
        bound: (t) => {
          bind(t);
          bind(t).fails('EINVAL');
          bind(t, { iommufd: NO_FD }).fails('EINVAL');
        },
        bound_through_another_open: (t) => {
          openDevice(t, 'd2');
          bind(t, {}, 'd2');
          bind(t).fails('EINVAL');
          bind(t, { iommufd: NO_FD }).fails('EBADF');
          t.close('d2');
          bind(t);
        },
        unwritable: (t) => {
          bind(t, {}, DEVICE, { at: 'sealed' }).fails('EFAULT');
          bind(t);
        },
        other_file_before_other_open: (t) => {
          openDevice(t, 'd2');
          bind(t, {}, 'd2');
          bind(t, { iommufd: { fd: t.memfd('m', 1n) } }).fails('EBADFD');
        },
        bound_before_unwritable: (t) => {
          openDevice(t, 'd2');
          bind(t, {}, 'd2');
          bind(t, {}, DEVICE, { at: 'sealed' }).fails('EINVAL');
        },
      },
      control: (t) => bind(t),
    }),
    scenario('bind,struct', {
      doc: 'argsz says at least 16 bytes, which must be there; kernels with tokens take the rest of a longer struct, which must be 0 beyond what they know.',
      covers: [
        'envelope/EINVAL.argsz',
        'envelope/EINVAL.size',
        'envelope/E2BIG.tail',
        'envelope/EFAULT.struct',
      ],
      source: 'linux/vfio.h, VFIO_DEVICE_BIND_IOMMUFD; drivers/vfio/device_cdev.c',
      setup: (t) => {
        openDevice(t);
      },
      cases: {
        argsz_0: (t) => bind(t, { argsz: 0 }).fails('EINVAL'),
        argsz_15: (t) => bind(t, { argsz: 15 }).fails('EINVAL'),
        argsz_16: (t) => bind(t, { argsz: 16 }),
        no_struct: (t) => bind(t, {}, DEVICE, { at: 'hole' }).fails('EFAULT'),
        no_size: (t) => bind(t, {}, DEVICE, { at: { edge: 3 } }).fails('EFAULT'),
        short_and_cut: {
          needs: ['pasid'],
          body: (t) => bind(t, { argsz: 15 }, DEVICE, { at: { edge: 15 } }).fails('EINVAL'),
        },
        cut: (t) => bind(t, {}, DEVICE, { at: { edge: 15 } }).fails('EFAULT'),
        token_cut: {
          needs: ['pasid'],
          body: (t) => bind(t, {}, DEVICE, { at: { edge: 23 } }).fails('EFAULT'),
        },
        tail: {
          needs: ['pasid'],
          body: (t) => bind(t, {}, DEVICE, { tail: { bytes: 8, value: 1 } }).fails('E2BIG'),
        },
        zero_tail: (t) => bind(t, {}, DEVICE, { tail: { bytes: 8, value: 0 } }),
      },
      control: (t) => bind(t),
    }),
    scenario('unbound', {
      doc: 'A device that is not bound takes nothing but BIND_IOMMUFD: all else is EINVAL.',
      covers: [
        'envelope/EINVAL.unbound',
        'read/EINVAL.unbound',
        'write/EINVAL.unbound',
        'mmap/EINVAL.vfio_device',
      ],
      source: 'linux/vfio.h, VFIO_DEVICE_BIND_IOMMUFD',
      setup: (t) => {
        openDevice(t);
        return t.ioas();
      },
      cases: {
        attach: (t, ioas) => attach(t, ioas).fails('EINVAL'),
        attach_without_struct: (t, ioas) => attach(t, ioas, { at: 'hole' }).fails('EINVAL'),
        detach: (t) => detach(t).fails('EINVAL'),
        call_of_iommufd: (t, ioas) => t.destroy(ioas, DEVICE).fails('EINVAL'),
        call_that_is_none: (t) => detach(t, { command: HOT_RESET_INFO }).fails('EINVAL'),
        read: (t) => t.read(DEVICE, 4).fails('EINVAL'),
        read_at: (t) => t.read(DEVICE, 4, { offset: 0n }).fails('EINVAL'),
        write: (t) => t.write(DEVICE, [0]).fails('EINVAL'),
        mmap: (t) => t.mmapFile(DEVICE, 0n, 1n).fails('EINVAL'),
        through_another_open: (t, ioas) => {
          openDevice(t, 'd2');
          bind(t, {}, 'd2');
          attach(t, ioas).fails('EINVAL');
        },
      },
      control: (t, ioas) => {
        bind(t);
        attach(t, ioas);
      },
    }),
    scenario('bound', {
      doc: 'The access has the next id, is busy and keeps the iommufd; closing the device is what unbinds it.',
      covers: [
        `${BIND}/OK`,
        'envelope/ENOTTY.vfio',
        'mmap/EINVAL.vfio_device',
        'open_vfio_group/EBUSY.bound',
        'open_vfio_device/OK',
      ],
      source: 'linux/vfio.h, VFIO_DEVICE_BIND_IOMMUFD',
      without: { shifted_ids: 'the ids are what is tested' },
      setup: (t) => {
        openDevice(t);
        bind(t).ok({ out_devid: 1 });
      },
      cases: {
        busy: (t) => {
          t.destroy(1).fails('EBUSY');
          t.close(DEVICE);
          t.destroy(1).fails('ENOENT');
        },
        no_ioas: (t) => t.map(1, { iova: A }).fails('ENOENT'),
        id_is_free_again: (t) => {
          t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 2 });
          t.close(DEVICE);
          t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 1 });
        },
        bound_again: (t) => {
          t.close(DEVICE);
          openDevice(t, 'd2');
          bind(t, {}, 'd2').ok({ out_devid: 1 });
        },
        to_another: (t) => {
          t.close(DEVICE);
          t.open('h');
          t.ioas('h');
          openDevice(t, 'd2');
          bind(t, { iommufd: { fd: 'h' } }, 'd2').ok({ out_devid: 2 });
        },
        kept_by_a_duplicate: (t) => {
          t.dup('d2', DEVICE);
          t.close(DEVICE);
          t.destroy(1).fails('EBUSY');
          t.close('d2');
          t.destroy(1).fails('ENOENT');
        },
        keeps_the_iommufd: (t) => {
          const ioas = t.ioas();
          t.map(ioas, { iova: A });
          t.mockDomain(ioas);
          t.close('f');
          t.counters(1);
          t.close(DEVICE);
          t.counters(0);
        },
        group: (t) => {
          openGroup(t).fails('EBUSY');
          t.close(DEVICE);
          openGroup(t, 'g2');
        },
        opened_twice: (t) => {
          openDevice(t, 'd2');
          detach(t);
        },
        call_of_iommufd: (t) => t.destroy(1, DEVICE).fails('ENOTTY'),
        call_that_is_none: (t) => detach(t, { command: HOT_RESET_INFO }).fails('ENOTTY'),
        mmap: (t) => t.mmapFile(DEVICE, 0n, 1n).fails('EINVAL'),
      },
      control: (t) => detach(t),
    }),
  ],
);
