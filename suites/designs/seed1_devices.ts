import type { Row } from './row.js';
import { ALLOC, ATTACH, ATTACH_MERGED, BIND, BIND_MERGED, IOAS, RFC11 } from './seed1_steps.js';

/** Rows about devices: binding, identity, what is left at the end. The last is ours: the table has none for its defects. */
export const seed1Devices: readonly Row[] = [
  {
    id: 'S1-17',
    title: 'close with objects left',
    source: RFC11,
    defects: ['D1.9'],
    proposal: { steps: [ALLOC, BIND, ATTACH, { call: 'close' }] },
    merged: { steps: [IOAS, BIND_MERGED, ATTACH_MERGED, { call: 'close' }, { call: 'device_close' }] },
  },
  {
    id: 'S1-21',
    title: 'bind: foreign descriptor',
    noKernel: 'takes a device of VFIO',
    source: 'review of [RFC 07/20], 21 Sep 2021',
    defects: ['D1.17'],
    proposal: {
      steps: [
        { call: 'pipe', as: 'p' },
        { call: 'VFIO_DEVICE_BIND_IOMMUFD', args: { iommu_fd: { ref: 'p' } }, gives: 'EINVAL' },
        { call: 'VFIO_DEVICE_BIND_IOMMUFD', args: { iommu_fd: 9 }, gives: 'EINVAL' },
        { call: 'VFIO_DEVICE_BIND_IOMMUFD', args: { iommu_fd: -1 }, gives: 'EINVAL' },
      ],
    },
    merged: {
      steps: [
        { call: 'pipe', as: 'p' },
        { call: 'VFIO_DEVICE_BIND_IOMMUFD', args: { iommufd: { ref: 'p' } }, gives: 'EBADFD' },
        { call: 'VFIO_DEVICE_BIND_IOMMUFD', args: { iommufd: 9 }, gives: 'EBADF' },
        { call: 'VFIO_DEVICE_BIND_IOMMUFD', args: { iommufd: -1 }, gives: 'EINVAL' },
      ],
    },
  },
  {
    id: 'S1-22',
    title: 'bind twice, equal cookies',
    noKernel: 'takes a device of VFIO',
    source: '[RFC 07/20] and [RFC 08/20], 19 Sep 2021',
    defects: ['D1.18', 'D1.19'],
    proposal: {
      steps: [
        BIND,
        { call: 'VFIO_DEVICE_BIND_IOMMUFD', gives: 'EBUSY' },
        { call: 'VFIO_DEVICE_BIND_IOMMUFD', args: { device: 'dev1' }, gives: 'uninitialised value' },
        {
          call: 'VFIO_DEVICE_BIND_IOMMUFD',
          args: { device: 'without_ops', dev_cookie: 8 },
          gives: 'wild pointer',
        },
      ],
    },
    merged: {
      steps: [
        { ...BIND_MERGED, gives: { out_devid: 1 } },
        { call: 'VFIO_DEVICE_BIND_IOMMUFD', gives: 'EINVAL' },
        { call: 'VFIO_DEVICE_BIND_IOMMUFD', args: { device: 'dev1' }, gives: { out_devid: 2 } },
        { call: 'VFIO_DEVICE_BIND_IOMMUFD', args: { device: 'without_ops' }, gives: 'EINVAL' },
      ],
    },
  },
  {
    id: 'S1-23',
    title: 'identity by number',
    noKernel: 'takes a device of VFIO',
    source: '[RFC 08/20] and [RFC 15/20], 19 Sep 2021',
    defects: ['D1.21'],
    proposal: {
      steps: [
        BIND,
        ALLOC,
        { call: 'dup', as: 'n', gives: 4 },
        {
          call: 'VFIO_DEVICE_ATTACH_IOASID',
          args: { iommu_fd: { ref: 'n' }, ioasid: { ref: 'a' } },
          gives: 'EINVAL',
        },
        { call: 'close' },
        { call: 'open', as: 'o', gives: 3 },
        { call: 'IOMMU_IOASID_ALLOC', args: { fd: { ref: 'o' } }, as: 'b', gives: 0 },
        {
          call: 'VFIO_DEVICE_ATTACH_IOASID',
          args: { iommu_fd: { ref: 'o' }, ioasid: { ref: 'b' } },
          gives: 0,
        },
      ],
    },
    merged: {
      steps: [
        BIND_MERGED,
        { call: 'dup', as: 'n', gives: 4 },
        { call: 'close' },
        { call: 'open', as: 'o', gives: 3 },
        { call: 'IOMMU_IOAS_ALLOC', args: { fd: { ref: 'o' } }, as: 'b', gives: { out_ioas_id: 1 } },
        // Id 1 of the iommufd that the device is bound to is the device.
        { call: 'VFIO_DEVICE_ATTACH_IOMMUFD_PT', args: { pt_id: { ref: 'b.out_ioas_id' } }, gives: 'EINVAL' },
        { call: 'IOMMU_IOAS_ALLOC', args: { fd: { ref: 'n' } }, as: 'c', gives: { out_ioas_id: 2 } },
        { call: 'VFIO_DEVICE_ATTACH_IOMMUFD_PT', args: { pt_id: { ref: 'c.out_ioas_id' } }, gives: 0 },
      ],
    },
  },
  {
    id: 'S1-24',
    title: 'arguments before state',
    noKernel: 'takes a device of VFIO',
    source: 'Re: [RFC 08/20], 29/30 Sep 2021',
    defects: ['D1.21'],
    proposal: {
      steps: [
        { call: 'VFIO_DEVICE_BIND_IOMMUFD', args: { device: 'in_container', argsz: 8 }, gives: 'ENOTTY' },
      ],
    },
    merged: {
      steps: [
        { call: 'VFIO_DEVICE_BIND_IOMMUFD', args: { device: 'in_container', argsz: 8 }, gives: 'EINVAL' },
        { call: 'VFIO_DEVICE_BIND_IOMMUFD', args: { device: 'in_container' }, gives: 'EBUSY' },
      ],
    },
  },
  {
    id: 'S1-37',
    title: 'information about a device',
    noKernel: 'takes a device of VFIO',
    source: '[RFC 10/20], 19 Sep 2021, and its review of 22 Sep 2021',
    defects: ['D1.22', 'D1.26'],
    proposal: {
      steps: [
        { ...BIND, args: { device: 'dev1' } },
        { call: 'IOMMU_DEVICE_GET_INFO', gives: 'uninitialised value' },
        { call: 'IOMMU_DEVICE_GET_INFO', args: { dev_cookie: 8 }, gives: 'EINVAL' },
        { call: 'IOMMU_DEVICE_GET_INFO', args: { argsz: 8 }, gives: 'EINVAL' },
        { call: 'device_close', args: { device: 'dev1' } },
        BIND,
        { call: 'IOMMU_DEVICE_GET_INFO', args: { flags: 0xffff_ffff }, gives: { pgsize_bitmap: 0x1000 } },
      ],
    },
    merged: {
      steps: [
        BIND_MERGED,
        { call: 'IOMMU_GET_HW_INFO', args: { dev_id: { ref: 'd.out_devid' } }, gives: 0 },
        { call: 'IOMMU_GET_HW_INFO', args: { dev_id: 8 }, gives: 'ENOENT' },
        {
          call: 'IOMMU_GET_HW_INFO',
          args: { dev_id: { ref: 'd.out_devid' }, flags: 0xffff_ffff },
          gives: 'EOPNOTSUPP',
        },
      ],
    },
  },
];
