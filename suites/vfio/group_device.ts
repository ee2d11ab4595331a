import { APERTURE_START as A } from '../harness/constants.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import { scenario, suite } from '../harness/scenario.js';
import { BUFFER } from '../../models/program/arena.js';
import {
  DEVICE,
  DEVICE_NAME,
  GROUP,
  bind,
  getDeviceFd,
  getStatus,
  openDevice,
  openGroup,
  setContainer,
  unsetContainer,
} from './files_set_up.js';
import { clearCompat, setCompat } from './set_up.js';

const GET = 'VFIO_GROUP_GET_DEVICE_FD';
const BIND = 'VFIO_DEVICE_BIND_IOMMUFD';
const ATTACH = 'VFIO_DEVICE_ATTACH_IOMMUFD_PT';
const DETACH = 'VFIO_DEVICE_DETACH_IOMMUFD_PT';

/** The compatible IOAS that SET_CONTAINER makes, and the access that the first open makes then. */
const IOAS = 1;
const ACCESS = 2;

/** A group with an iommufd, and a compatible IOAS in that. */
function withContainer(t: ScenarioBuilder): void {
  openGroup(t);
  setContainer(t);
}

export const vfioGroupDevice = suite(
  'vfio/group_device',
  'A device of VFIO that is opened through its group: it is bound and attached from the start.',
  [
    scenario('open,refused', {
      doc: 'The name decides before the container, that before the compatible IOAS, that before its areas; a refused device can be opened.',
      covers: [
        `${GET}/EFAULT.name`,
        `${GET}/EINVAL.name`,
        `${GET}/ENODEV.name`,
        `${GET}/EINVAL.container`,
        `${GET}/ENODEV.compat`,
        `${GET}/EADDRINUSE.alignment`,
      ],
      source: 'linux/vfio.h, VFIO_GROUP_GET_DEVICE_FD',
      setup: withContainer,
      cases: {
        no_name: (t) => getDeviceFd(t, { at: 'hole' }).fails('EFAULT'),
        name_cut: (t) => getDeviceFd(t, { at: { edge: DEVICE_NAME.length } }).fails('EFAULT'),
        name_at_the_end_of_memory: (t) => getDeviceFd(t, { at: { edge: DEVICE_NAME.length + 1 } }),
        name_that_cannot_be_written: (t) => getDeviceFd(t, { at: 'sealed' }),
        name_without_end: (t) => getDeviceFd(t, { name: 'a'.repeat(40) }).fails('EINVAL'),
        name_without_end_cut: (t) =>
          getDeviceFd(t, { name: 'a'.repeat(40), at: { edge: 40 } }).fails('EFAULT'),
        empty: (t) => getDeviceFd(t, { name: '' }).fails('ENODEV'),
        beginning_of_it: (t) => getDeviceFd(t, { name: DEVICE_NAME.slice(0, -1) }).fails('ENODEV'),
        more_than_it: (t) => getDeviceFd(t, { name: `${DEVICE_NAME}0` }).fails('ENODEV'),
        another_device: (t) => getDeviceFd(t, { name: DEVICE_NAME.replace('1', '2') }).fails('ENODEV'),
        no_container: (t) => {
          unsetContainer(t);
          getDeviceFd(t, { name: '' }).fails('ENODEV');
          getDeviceFd(t, { label: 'd2', at: 'hole' }).fails('EFAULT');
          getDeviceFd(t, { label: 'd3' }).fails('EINVAL');
          setContainer(t);
          getDeviceFd(t, { label: 'd4' });
        },
        no_compatible_ioas: (t) => {
          const ioas = t.ioas();
          clearCompat(t);
          getDeviceFd(t).fails('ENODEV');
          setCompat(t, ioas);
          getDeviceFd(t, { label: 'd2' });
        },
        areas_within_pages: (t) => {
          const ioas = t.ioas();
          t.map(ioas, { iova: A + 0x800n, length: 0x800n, va: BUFFER.start + 0x800n });
          setCompat(t, ioas);
          getDeviceFd(t).fails('EADDRINUSE');
          t.ranges(ioas, 1).ok({ out_iova_alignment: 1n });
          t.unmap(ioas, A + 0x800n, 0x800n);
          getDeviceFd(t, { label: 'd2' });
        },
      },
      control: (t) => getDeviceFd(t),
    }),
    scenario('open,bound', {
      doc: 'The first open makes an access with the next id and attaches it to the compatible IOAS; further ones make none, and the last that closes unbinds.',
      covers: [`${GET}/OK`],
      source: 'linux/vfio.h, VFIO_GROUP_GET_DEVICE_FD',
      without: { shifted_ids: 'the ids are what is tested' },
      setup: (t) => {
        withContainer(t);
        getDeviceFd(t);
      },
      cases: {
        attached: (t) => {
          t.destroy(IOAS).fails('EBUSY');
          t.destroy(ACCESS).fails('EBUSY');
          t.ranges(IOAS, 1).ok({ out_iova_alignment: 0x1000n });
          t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 3 });
        },
        closed: (t) => {
          t.close(DEVICE);
          t.destroy(ACCESS).fails('ENOENT');
          t.ranges(IOAS, 1).ok({ out_iova_alignment: 1n });
          t.destroy(IOAS);
        },
        duplicate: (t) => {
          t.dup('d2', DEVICE);
          t.close(DEVICE);
          t.destroy(ACCESS).fails('EBUSY');
          t.close('d2');
          t.destroy(ACCESS).fails('ENOENT');
        },
        opened_again: (t) => {
          t.close(DEVICE);
          getDeviceFd(t, { label: 'd2' });
          t.destroy(ACCESS).fails('EBUSY');
        },
        opened_twice: (t) => {
          getDeviceFd(t, { label: 'd2' });
          t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 3 });
          t.close(DEVICE);
          t.destroy(ACCESS).fails('EBUSY');
          t.close('d2');
          t.destroy(ACCESS).fails('ENOENT');
        },
        second_open_closes_first: (t) => {
          getDeviceFd(t, { label: 'd2' });
          t.close('d2');
          t.destroy(ACCESS).fails('EBUSY');
        },
        second_open_needs_no_ioas: (t) => {
          clearCompat(t);
          getDeviceFd(t, { label: 'd2' });
          t.destroy(IOAS).fails('EBUSY');
        },
        second_open_needs_a_container: (t) => {
          unsetContainer(t);
          getDeviceFd(t, { label: 'd2' }).fails('EINVAL');
          t.destroy(ACCESS).fails('EBUSY');
        },
        second_open_of_another_container: (t) => {
          unsetContainer(t);
          t.open('h');
          setContainer(t, { fd: 'h' });
          getDeviceFd(t, { label: 'd2' });
          t.ioctl('IOMMU_IOAS_ALLOC', {}, { file: 'h' }).ok({ out_ioas_id: 2 });
          t.close(DEVICE);
          t.destroy(ACCESS).fails('EBUSY');
          t.close('d2');
          t.destroy(ACCESS).fails('ENOENT');
        },
        group_closed_first: (t) => {
          t.close(GROUP);
          t.destroy(ACCESS).fails('EBUSY');
          t.close(DEVICE);
          t.destroy(ACCESS).fails('ENOENT');
        },
        group_opened_again: (t) => {
          t.close(GROUP);
          openGroup(t, 'g2');
          getDeviceFd(t, { file: 'g2', label: 'd2' }).fails('EINVAL');
          setContainer(t, { fd: 'f' }, 'g2');
          getDeviceFd(t, { file: 'g2', label: 'd3' });
          t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 3 });
        },
        keeps_the_iommufd: (t) => {
          t.map(IOAS, { iova: A });
          t.mockDomain(IOAS);
          unsetContainer(t);
          t.close('f');
          t.counters(1);
          t.close(DEVICE);
          t.counters(0);
        },
        closed_by_exec: (t) => {
          t.fork('p');
          t.close(DEVICE);
          t.destroy(ACCESS).fails('EBUSY');
          t.exec('p');
          t.destroy(ACCESS).fails('ENOENT');
        },
        status: (t) => getStatus(t).ok({ flags: 3 }),
      },
      control: (t) => getDeviceFd(t, { label: 'd2' }),
    }),
    scenario('open,beside_the_node', {
      doc: 'What the group has opened cannot be bound, attached or detached, and nobody else can bind the device.',
      covers: [
        `${BIND}/EINVAL.group_file`,
        `${BIND}/EINVAL.opened`,
        'envelope/ENOTTY.vfio',
        'mmap/EINVAL.vfio_device',
        'mmap/EPERM.no_exec',
      ],
      source: 'linux/vfio.h, VFIO_DEVICE_BIND_IOMMUFD, VFIO_DEVICE_ATTACH_IOMMUFD_PT',
      setup: (t) => {
        withContainer(t);
        getDeviceFd(t);
      },
      cases: {
        bind: (t) => bind(t).fails('EINVAL'),
        bind_what_is_none: (t) => bind(t, { iommufd: 0x3fff_ffff }).fails('EINVAL'),
        bind_without_struct: (t) => bind(t, {}, DEVICE, { at: 'hole' }).fails('EFAULT'),
        bind_without_group: (t) => {
          t.close(GROUP);
          bind(t).fails('EINVAL');
        },
        bind_node: (t) => {
          openDevice(t, 'd2');
          bind(t, {}, 'd2').fails('EBUSY');
        },
        bind_node_without_group: (t) => {
          openDevice(t, 'd2');
          t.close(GROUP);
          bind(t, {}, 'd2').fails('EINVAL');
          t.close(DEVICE);
          bind(t, {}, 'd2');
        },
        attach: (t) => t.ioctl(ATTACH, { pt_id: IOAS }, { file: DEVICE }).fails('ENOTTY'),
        attach_without_struct: (t) => t.ioctl(ATTACH, {}, { file: DEVICE, at: 'hole' }).fails('ENOTTY'),
        detach: (t) => t.ioctl(DETACH, {}, { file: DEVICE }).fails('ENOTTY'),
        call_of_iommufd: (t) => t.destroy(IOAS, DEVICE).fails('ENOTTY'),
        call_of_the_group: (t) => getDeviceFd(t, { label: 'd2', file: DEVICE }).fails('ENOTTY'),
        mmap: (t) => t.mmapFile(DEVICE, 0n, 1n).fails('EINVAL'),
        mmap_to_execute: (t) =>
          t.mmapFile(DEVICE, 0n, 1n, { access: 'rwx' }).fails({ '7.3': 'EPERM', '6.12': 'EINVAL' }),
      },
      control: (t) => getDeviceFd(t, { label: 'd2' }),
    }),
  ],
);
