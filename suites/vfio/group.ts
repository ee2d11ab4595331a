import { APERTURE_START as A } from '../harness/constants.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import { scenario, suite } from '../harness/scenario.js';
import {
  GROUP,
  bind,
  getStatus,
  openDevice,
  openGroup,
  setContainer,
  unsetContainer,
} from './files_set_up.js';
import { compatIoas } from './set_up.js';

const SET = 'VFIO_GROUP_SET_CONTAINER';
const UNSET = 'VFIO_GROUP_UNSET_CONTAINER';
const STATUS = 'VFIO_GROUP_GET_STATUS';

/** IOMMU_VFIO_IOAS_GET and CLEAR. Source: iommufd.h. */
const GET = 0;
const CLEAR = 2;

/** VFIO_GROUP_FLAGS_VIABLE, and CONTAINER_SET with it. Source: linux/vfio.h. */
const VIABLE = 1;
const SET_AND_VIABLE = 3;

/** No number of a descriptor that anybody has. */
const NO_FD = 0x3fff_ffff;

/** A number that none of VFIO's files has a command under. Source: linux/vfio.h, where spapr's containers and streams of migration use it. */
const NO_COMMAND = 0x3b79;

const compat = (t: ScenarioBuilder) => t.ioctl('IOMMU_VFIO_IOAS', { op: GET });

export const vfioGroup = suite('vfio/group', 'A group of VFIO with an iommufd in the place of a container.', [
  scenario('open', {
    doc: 'A group is open once at a time, and not while its device is bound by itself.',
    covers: ['open_vfio_group/EBUSY.open', 'open_vfio_group/EBUSY.bound', 'open_vfio_group/OK'],
    source: 'linux/vfio.h',
    setup: () => undefined,
    cases: {
      twice: (t) => {
        openGroup(t);
        openGroup(t, 'g2').fails('EBUSY');
        t.close(GROUP);
        openGroup(t, 'g3');
      },
      duplicate: (t) => {
        openGroup(t);
        t.dup('g2', GROUP);
        t.close(GROUP);
        openGroup(t, 'g3').fails('EBUSY');
        t.close('g2');
        openGroup(t, 'g4');
      },
      device_is_bound: (t) => {
        openDevice(t);
        bind(t);
        openGroup(t).fails('EBUSY');
      },
      device_is_open: (t) => {
        openDevice(t);
        openGroup(t);
      },
    },
    control: (t) => openGroup(t),
  }),
  scenario('container,refused', {
    doc: 'The number decides before what the group has, and that before what the number is of.',
    covers: [
      `${SET}/EBADF.container`,
      `${SET}/EINVAL.set`,
      `${SET}/EBADFD.container`,
      `${UNSET}/EINVAL.unset`,
    ],
    source: 'linux/vfio.h, VFIO_GROUP_SET_CONTAINER',
    setup: (t) => {
      openGroup(t);
    },
    cases: {
      no_descriptor: (t) => setContainer(t, NO_FD).fails('EBADF'),
      negative: (t) => setContainer(t, -1).fails('EBADF'),
      closed: (t) => {
        t.open('h');
        t.close('h');
        setContainer(t, { fd: 'h' }).fails('EBADF');
      },
      file_of_memory: (t) => {
        setContainer(t, { fd: t.memfd('m', 1n) }).fails('EBADFD');
        unsetContainer(t).fails('EINVAL');
        compat(t).fails('ENODEV');
      },
      group_itself: (t) => setContainer(t, { fd: GROUP }).fails('EBADFD'),
      set: (t) => {
        setContainer(t);
        setContainer(t).fails('EINVAL');
        setContainer(t, NO_FD).fails('EBADF');
        setContainer(t, { fd: t.memfd('m', 1n) }).fails('EINVAL');
      },
      no_struct: (t) => t.ioctl(SET, {}, { file: GROUP, at: 'hole' }).fails('EFAULT'),
      struct_cut: (t) => t.ioctl(SET, {}, { file: GROUP, at: { edge: 3 } }).fails('EFAULT'),
      not_set: (t) => unsetContainer(t).fails('EINVAL'),
      unset: (t) => {
        setContainer(t);
        unsetContainer(t);
        unsetContainer(t).fails('EINVAL');
        setContainer(t);
      },
    },
    control: (t) => setContainer(t),
  }),
  scenario('container,ioas', {
    doc: 'An iommufd without a compatible IOAS gets one; it stays when the group lets go, and is destroyed as any.',
    covers: [`${SET}/OK`, `${UNSET}/OK`],
    source: 'core.md 3.9; linux/vfio.h, VFIO_GROUP_SET_CONTAINER',
    without: { shifted_ids: 'the ids are what is tested' },
    setup: (t) => {
      openGroup(t);
    },
    cases: {
      made: (t) => {
        compat(t).fails('ENODEV');
        setContainer(t);
        compat(t).ok({ ioas_id: 1 });
        t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 2 });
      },
      there_already: (t) => {
        t.ioas();
        compatIoas(t);
        setContainer(t);
        compat(t).ok({ ioas_id: 2 });
        t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 3 });
      },
      cleared: (t) => {
        setContainer(t);
        t.ioctl('IOMMU_VFIO_IOAS', { op: CLEAR });
        unsetContainer(t);
        setContainer(t);
        compat(t).ok({ ioas_id: 2 });
      },
      stays: (t) => {
        setContainer(t);
        unsetContainer(t);
        compat(t).ok({ ioas_id: 1 });
        setContainer(t);
        compat(t).ok({ ioas_id: 1 });
      },
      destroyed: (t) => {
        setContainer(t);
        t.destroy(1);
        compat(t).fails('ENODEV');
        unsetContainer(t);
      },
      empty: (t) => {
        setContainer(t);
        t.ranges(1, 1).ok({ num_iovas: 1, out_iova_alignment: 1n });
      },
      another_iommufd: (t) => {
        t.open('h');
        t.ioas('h');
        setContainer(t, { fd: 'h' });
        compat(t).fails('ENODEV');
        t.ioctl('IOMMU_VFIO_IOAS', { op: GET }, { file: 'h' }).ok({ ioas_id: 2 });
      },
    },
    control: (t) => setContainer(t),
  }),
  scenario('container,kept', {
    doc: 'The group keeps the iommufd until it lets go of it or is closed.',
    covers: [`${SET}/OK`, `${UNSET}/OK`],
    source: 'linux/vfio.h, VFIO_GROUP_UNSET_CONTAINER',
    setup: (t) => {
      openGroup(t);
      setContainer(t);
      const ioas = t.ioas();
      t.map(ioas, { iova: A });
      t.mockDomain(ioas);
      t.counters(1);
    },
    cases: {
      closed: (t) => {
        t.close('f');
        t.counters(1);
        t.close(GROUP);
        t.counters(0);
      },
      unset: (t) => {
        t.close('f');
        unsetContainer(t);
        t.counters(0);
      },
      unset_before: (t) => {
        unsetContainer(t);
        t.counters(1);
        t.close('f');
        t.counters(0);
      },
      group_closed_first: (t) => {
        t.close(GROUP);
        t.counters(1);
        t.close('f');
        t.counters(0);
      },
    },
    control: (t) => unsetContainer(t),
  }),
  scenario('status', {
    doc: 'A group with its device alone is viable, and tells whether it has an iommufd.',
    covers: [
      `${STATUS}/OK`,
      `${STATUS}/EFAULT.status`,
      'envelope/EFAULT.vfio_struct',
      'envelope/EINVAL.argsz',
    ],
    source: 'linux/vfio.h, VFIO_GROUP_GET_STATUS',
    setup: (t) => {
      openGroup(t);
    },
    cases: {
      without: (t) => getStatus(t).ok({ flags: VIABLE }),
      with_container: (t) => {
        setContainer(t);
        getStatus(t).ok({ flags: SET_AND_VIABLE });
        unsetContainer(t);
        getStatus(t).ok({ flags: VIABLE });
      },
      argsz_7: (t) => t.ioctl(STATUS, { argsz: 7 }, { file: GROUP }).fails('EINVAL'),
      longer: (t) => getStatus(t, { tail: { bytes: 8, value: 0x5a } }).ok({ flags: VIABLE }),
      struct_cut: (t) => getStatus(t, { at: { edge: 7 } }).fails('EFAULT'),
      unwritable: (t) => getStatus(t, { at: 'sealed' }).fails('EFAULT'),
    },
    control: (t) => getStatus(t),
  }),
  scenario('other_calls', {
    doc: 'A group has four calls, and nothing to read, write or map.',
    covers: [
      'envelope/ENOTTY.vfio',
      'mmap/ENODEV.vfio_group',
      'read/EINVAL.no_method',
      'write/EINVAL.no_method',
    ],
    source: 'linux/vfio.h',
    setup: (t) => {
      openGroup(t);
      return t.ioas();
    },
    cases: {
      of_iommufd: (t, ioas) => t.destroy(ioas, GROUP).fails('ENOTTY'),
      of_a_device: (t) => bind(t, {}, GROUP).fails('ENOTTY'),
      none: (t) => getStatus(t, { command: NO_COMMAND }).fails('ENOTTY'),
      on_an_iommufd: (t) => t.ioctl(STATUS, {}).fails('ENOTTY'),
      on_a_file_of_memory: (t) => t.ioctl(STATUS, {}, { file: t.memfd('m', 1n) }).fails('ENOTTY'),
      read: (t) => t.read(GROUP, 4).fails('EINVAL'),
      write: (t) => t.write(GROUP, [0]).fails('EINVAL'),
      mmap: (t) => t.mmapFile(GROUP, 0n, 1n).fails('ENODEV'),
    },
    control: (t) => getStatus(t),
  }),
]);
