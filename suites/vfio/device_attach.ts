import { BUFFER } from '../../models/program/arena.js';
import { NO_SUCH_ID, type ScenarioBuilder } from '../harness/builder.js';
import { APERTURE_START as A, P } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';
import { DEVICE, attach, bind, detach, openDevice } from './files_set_up.js';

const ATTACH = 'VFIO_DEVICE_ATTACH_IOMMUFD_PT';
const DETACH = 'VFIO_DEVICE_DETACH_IOMMUFD_PT';

/** VFIO_DEVICE_ATTACH_PASID. Source: linux/vfio.h. */
const PASID = 1;

const bound = (t: ScenarioBuilder) => {
  openDevice(t);
  return bind(t).out('out_devid');
};

export const vfioDeviceAttach = suite(
  'vfio/device_attach',
  'A bound device of VFIO without an IOMMU, which is attached to one IOAS at a time.',
  [
    scenario('attach,refused', {
      doc: 'Flags decide before the id, the id before areas; a device that is refused stays attached.',
      covers: [
        `${ATTACH}/EINVAL.flags`,
        `${ATTACH}/ENOENT.ioas`,
        `${ATTACH}/EADDRINUSE.alignment`,
        `${DETACH}/EINVAL.flags`,
        'envelope/EFAULT.vfio_struct',
        'envelope/EINVAL.argsz',
      ],
      source: 'linux/vfio.h, VFIO_DEVICE_ATTACH_IOMMUFD_PT',
      setup: (t) => {
        const id = bound(t);
        const ioas = t.ioas();
        const other = t.ioas();
        t.map(other, { iova: 0x800n, length: 0x800n, va: BUFFER.start + 0x800n });
        attach(t, ioas);
        return { id, ioas, other };
      },
      cases: {
        flags: (t, { ioas }) => t.ioctl(ATTACH, { flags: 2, pt_id: ioas }, { file: DEVICE }).fails('EINVAL'),
        flags_before_id: (t) =>
          t.ioctl(ATTACH, { flags: 2, pt_id: NO_SUCH_ID }, { file: DEVICE }).fails('EINVAL'),
        flags_of_detach: (t, { ioas }) => {
          t.ioctl(DETACH, { flags: 2 }, { file: DEVICE }).fails('EINVAL');
          t.destroy(ioas).fails('EBUSY');
        },
        argsz_11: (t, { ioas }) =>
          t.ioctl(ATTACH, { argsz: 11, pt_id: ioas }, { file: DEVICE }).fails('EINVAL'),
        argsz_12: (t, { ioas }) => t.ioctl(ATTACH, { argsz: 12, pt_id: ioas }, { file: DEVICE }),
        argsz_of_detach: (t) => {
          t.ioctl(DETACH, { argsz: 7 }, { file: DEVICE }).fails('EINVAL');
          t.ioctl(DETACH, { argsz: 8 }, { file: DEVICE });
        },
        struct_cut: (t, { ioas }) => attach(t, ioas, { at: { edge: 11 } }).fails('EFAULT'),
        struct_cut_of_detach: (t) => detach(t, { at: { edge: 7 } }).fails('EFAULT'),
        no_ioas: (t, { ioas }) => {
          attach(t, NO_SUCH_ID).fails('ENOENT');
          t.destroy(ioas).fails('EBUSY');
        },
        page_table: (t, { ioas }) => attach(t, t.mockDomain(ioas).out('out_hwpt_id')).fails('ENOENT'),
        access_itself: (t, { id }) => attach(t, id).fails('ENOENT'),
        ioas_of_another_file: (t) => {
          t.open('h');
          t.ioas('h');
          t.ioas('h');
          t.ioas('h');
          attach(t, t.ioas('h')).fails('ENOENT');
        },
        areas_within_pages: (t, { ioas, other }) => {
          attach(t, other).fails('EADDRINUSE');
          t.ranges(other, 1).ok({ out_iova_alignment: 1n });
          t.ranges(ioas, 1).ok({ out_iova_alignment: 0x1000n });
          t.destroy(ioas).fails('EBUSY');
          t.destroy(other);
        },
      },
      control: (t, { other }) => {
        t.unmap(other, 0x800n, 0x800n);
        attach(t, other);
      },
    }),
    scenario('attach,pasid', {
      doc: 'The sample device has no PASIDs, which comes before the id.',
      covers: [`${ATTACH}/EOPNOTSUPP.pasid`, `${DETACH}/EOPNOTSUPP.pasid`],
      source: 'linux/vfio.h, VFIO_DEVICE_ATTACH_PASID',
      needs: ['pasid'],
      setup: (t) => {
        bound(t);
        return t.ioas();
      },
      cases: {
        attach: (t, ioas) =>
          t.ioctl(ATTACH, { flags: PASID, pt_id: ioas, pasid: 1 }, { file: DEVICE }).fails('EOPNOTSUPP'),
        before_the_id: (t) =>
          t.ioctl(ATTACH, { flags: PASID, pt_id: NO_SUCH_ID }, { file: DEVICE }).fails('EOPNOTSUPP'),
        without_its_member: (t, ioas) =>
          t.ioctl(ATTACH, { argsz: 12, flags: PASID, pt_id: ioas }, { file: DEVICE }).fails('EOPNOTSUPP'),
        detach: (t) => t.ioctl(DETACH, { flags: PASID, pasid: 1 }, { file: DEVICE }).fails('EOPNOTSUPP'),
        unknown_as_well_of_detach: (t) => t.ioctl(DETACH, { flags: 3 }, { file: DEVICE }).fails('EINVAL'),
        unknown_as_well: (t, ioas) =>
          t.ioctl(ATTACH, { flags: 3, pt_id: ioas }, { file: DEVICE }).fails('EINVAL'),
      },
      control: (t, ioas) => attach(t, ioas),
    }),
    scenario('attach,moves', {
      doc: 'One IOAS is held and aligned to pages at a time; detaching twice is nothing; closing detaches.',
      covers: [`${ATTACH}/OK`, `${DETACH}/OK`],
      source: 'linux/vfio.h, VFIO_DEVICE_ATTACH_IOMMUFD_PT',
      setup: (t) => {
        bound(t);
        const ioas = t.ioas();
        const other = t.ioas();
        attach(t, ioas);
        return { ioas, other };
      },
      cases: {
        held: (t, { ioas }) => {
          t.destroy(ioas).fails('EBUSY');
          detach(t);
          t.destroy(ioas);
        },
        users_move: (t, { ioas, other }) => {
          attach(t, other);
          t.destroy(ioas);
          t.destroy(other).fails('EBUSY');
        },
        alignment_moves: (t, { ioas, other }) => {
          t.ranges(ioas, 1).ok({ out_iova_alignment: 0x1000n });
          attach(t, other);
          t.ranges(ioas, 1).ok({ out_iova_alignment: 1n });
          t.ranges(other, 1).ok({ out_iova_alignment: 0x1000n });
          detach(t);
          t.ranges(other, 1).ok({ out_iova_alignment: 1n });
        },
        again: (t, { ioas }) => {
          attach(t, ioas);
          detach(t);
          t.destroy(ioas);
        },
        detached_twice: (t, { ioas }) => {
          detach(t);
          detach(t);
          attach(t, ioas);
        },
        closed: (t, { ioas }) => {
          t.close(DEVICE);
          t.ranges(ioas, 1).ok({ out_iova_alignment: 1n });
          t.destroy(ioas);
        },
        pins_nothing: (t, { ioas }) => {
          t.map(ioas, { iova: A, length: 2n * P });
          t.counters(0);
          t.unmap(ioas, A, 2n * P);
        },
        beside_a_domain: (t, { ioas, other }) => {
          t.map(ioas, { iova: A, length: 2n * P });
          t.mockDomain(ioas);
          t.counters(2);
          attach(t, other);
          t.counters(2);
          t.unmap(ioas, A, 2n * P);
          t.counters(0);
        },
      },
      control: (t, { other }) => attach(t, other),
    }),
    scenario('attach,unwritable', {
      doc: 'A device whose answer cannot be written is detached, from what it had been attached to as well.',
      covers: [`${ATTACH}/EFAULT.pt_id`],
      source: 'linux/vfio.h, VFIO_DEVICE_ATTACH_IOMMUFD_PT',
      without: { shifted_ids: 'memory that cannot be written holds no id of an earlier step' },
      setup: (t) => {
        openDevice(t);
        bind(t).ok({ out_devid: 1 });
        t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 2 });
        t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 3 });
      },
      cases: {
        first: (t) => {
          attach(t, 2, { at: 'sealed' }).fails('EFAULT');
          t.destroy(2);
        },
        move: (t) => {
          attach(t, 2);
          attach(t, 3, { at: 'sealed' }).fails('EFAULT');
          t.destroy(2);
          t.destroy(3);
        },
        same: (t) => {
          attach(t, 2);
          attach(t, 2, { at: 'sealed' }).fails('EFAULT');
          t.destroy(2);
        },
        attached_anew: (t) => {
          attach(t, 2, { at: 'sealed' }).fails('EFAULT');
          attach(t, 3);
          t.destroy(3).fails('EBUSY');
        },
        written: (t) => attach(t, 3).ok({ pt_id: 3 }),
        areas_before_answer: (t) => {
          t.map(3, { iova: 0x800n, length: 0x800n, va: BUFFER.start + 0x800n });
          attach(t, 2);
          attach(t, 3, { at: 'sealed' }).fails('EADDRINUSE');
          t.destroy(2).fails('EBUSY');
        },
        id_before_answer: (t) => attach(t, NO_SUCH_ID, { at: 'sealed' }).fails('ENOENT'),
      },
      control: (t) => attach(t, 2),
    }),
  ],
);
