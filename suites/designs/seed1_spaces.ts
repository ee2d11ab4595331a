import type { Row } from './row.js';
import {
  ALLOC,
  ATTACH,
  ATTACH_MERGED,
  BIND,
  BIND_MERGED,
  DESTROY,
  DETACH,
  DETACH_MERGED,
  FREE,
  IOAS,
  MAP,
  MAP_MERGED,
} from './seed1_steps.js';

const NO_RANGES = 'the series has no ranges';
const ON_KERNELS = 'ranges and automatic IOVAs are those of the reference model; kernels show it';

/** Where only the merged interface has what a row is about. */
function onKernels(id: string, title: string, source: string, defects: Row['defects'] = []): Row {
  return { id, title, source, defects, proposal: { absent: NO_RANGES }, merged: { absent: ON_KERNELS } };
}

/** Rows about address spaces: widths, mappings, ranges, and calls that race. The last is ours, as of seed1_devices.ts. */
export const seed1Spaces: readonly Row[] = [
  {
    id: 'S1-11',
    title: 'width 0, 64, 2^32 - 1',
    source: '[RFC 11/20] and [RFC 17/20], 19 Sep 2021',
    defects: ['D1.12'],
    proposal: {
      steps: [
        { call: 'IOMMU_IOASID_ALLOC', args: { addr_width: 0 }, gives: 'EINVAL' },
        { call: 'IOMMU_IOASID_ALLOC', args: { addr_width: 0xffff_ffff }, gives: 0 },
        { call: 'IOMMU_IOASID_ALLOC', args: { addr_width: 64 }, as: 'a', gives: 1 },
        BIND,
        { ...ATTACH, gives: 'overflow' },
      ],
    },
    merged: { absent: 'there is no width; ranges take its place (S1-27, S1-28)' },
  },
  {
    id: 'S1-15',
    title: 'free against a running map (race)',
    source: 'review of [RFC 01/20], 21 Sep 2021',
    defects: ['D1.8'],
    proposal: {
      steps: [
        ALLOC,
        { ...MAP, lane: 'A', gives: 'EINVAL' },
        { ...FREE, lane: 'B', gives: ['uninitialised value', 'EBUSY'] },
      ],
      breaks: ['D1.8', 'D1.25'],
    },
    merged: {
      steps: [
        IOAS,
        { ...MAP_MERGED, lane: 'A', gives: ['OK', 'ENOENT'] },
        { ...DESTROY, lane: 'B', gives: 0 },
      ],
    },
  },
  {
    id: 'S1-16',
    title: 'use before publication (race)',
    source: 'reviews of [RFC 07/20] and [RFC 11/20], 21 Sep 2021',
    defects: ['D1.5', 'D1.6'],
    proposal: {
      steps: [
        BIND,
        { ...ALLOC, lane: 'A' },
        {
          call: 'VFIO_DEVICE_ATTACH_IOASID',
          args: { ioasid: 0 },
          lane: 'B',
          gives: ['OK', 'EINVAL', 'use after free'],
        },
        {
          call: 'IOMMU_IOASID_FREE',
          args: { ioasid: 0 },
          lane: 'C',
          gives: ['uninitialised value', 'EBUSY', 'NULL dereference', 'underflow'],
        },
      ],
      breaks: ['D1.1', 'D1.5', 'D1.6'],
    },
    merged: {
      steps: [
        BIND_MERGED,
        { call: 'IOMMU_IOAS_ALLOC', lane: 'A', gives: { out_ioas_id: 2 } },
        { call: 'VFIO_DEVICE_ATTACH_IOMMUFD_PT', args: { pt_id: 2 }, lane: 'B', gives: ['OK', 'ENOENT'] },
        { call: 'IOMMU_DESTROY', args: { id: 2 }, lane: 'C', gives: ['OK', 'EBUSY', 'ENOENT'] },
      ],
    },
  },
  {
    id: 'S1-25',
    title: 'mappings survive the last detach',
    source: '[RFC 14/20] and [RFC 18/20]; Re: [RFC 14/20], 23 Sep 2021',
    defects: ['D1.23', 'D1.24'],
    proposal: {
      steps: [ALLOC, BIND, ATTACH, MAP, DETACH, { ...DETACH, gives: 0 }, ATTACH],
    },
    merged: { steps: [IOAS, BIND_MERGED, ATTACH_MERGED, MAP_MERGED, DETACH_MERGED, ATTACH_MERGED] },
  },
  {
    id: 'S1-26',
    title: 'map before attach',
    source: '[RFC 18/20], 19 Sep 2021',
    defects: ['D1.25'],
    proposal: { steps: [ALLOC, { ...MAP, gives: 'EINVAL' }] },
    merged: { steps: [IOAS, { ...MAP_MERGED, gives: 0 }] },
  },
  onKernels('S1-27', 'ranges of an empty space', 'Re: [RFC 11/20], 1..14 Oct 2021'),
  onKernels('S1-28', 'ranges follow devices', 'Re: [RFC 11/20], 11 Oct 2021'),
  onKernels('S1-29', 'request satisfied or refused', 'Re: [RFC 11/20], 13/14 Oct 2021'),
  onKernels('S1-30', 'request after attach', 'Re: [RFC 11/20], 14 Oct 2021'),
  onKernels('S1-31', 'kernel-chosen address', 'Re: [RFC 11/20], 11..18 Oct 2021'),
  onKernels('S1-32', 'automatic address never 0', 'v4 09/17 review, 14..16 Nov 2022'),
  onKernels('S1-33', 'several windows (no power of two)', 'Re: [RFC 11/20], 1 Oct 2021', ['D1.12']),
  {
    id: 'S1-34',
    title: 'last page of the aperture',
    source: '[RFC 17/20], 19 Sep 2021',
    defects: ['D1.12'],
    proposal: {
      steps: [
        { call: 'IOMMU_IOASID_ALLOC', args: { addr_width: 13 }, as: 'a', gives: 0 },
        BIND,
        ATTACH,
        { call: 'IOMMU_MAP_DMA', args: { ioasid: { ref: 'a' }, iova: 0n }, gives: 0 },
        { call: 'IOMMU_MAP_DMA', args: { ioasid: { ref: 'a' }, iova: 0x1000n }, gives: 'EINVAL' },
      ],
    },
    merged: {
      steps: [
        IOAS,
        {
          call: 'IOMMU_IOAS_MAP',
          args: { ioas_id: { ref: 'a.out_ioas_id' }, iova: (1n << 48n) - 0x1000n },
          gives: 0,
        },
      ],
    },
  },
  {
    id: 'S1-35',
    title: 'object type confusion',
    source: '[RFC 15/20], 19 Sep 2021',
    defects: [],
    proposal: {
      steps: [BIND, { call: 'VFIO_DEVICE_ATTACH_IOASID', args: { ioasid: 0 }, gives: 'EINVAL' }],
    },
    merged: {
      steps: [
        { ...BIND_MERGED, gives: { out_devid: 1 } },
        { call: 'VFIO_DEVICE_ATTACH_IOMMUFD_PT', args: { pt_id: 1 }, gives: 'EINVAL' },
        { call: 'IOMMU_IOAS_MAP', args: { ioas_id: 1 }, gives: 'ENOENT' },
      ],
    },
  },
  {
    id: 'S1-38',
    title: 'bind and information in parallel (race)',
    noKernel: 'takes a device of VFIO',
    source: 'review of [RFC 07/20], 21 Sep 2021, and of [RFC 10/20], 22 Sep 2021',
    defects: ['D1.20', 'D1.22'],
    proposal: {
      steps: [
        { ...BIND, args: { dev_cookie: 0 }, lane: 'A' },
        { call: 'device_close', lane: 'A' },
        {
          call: 'IOMMU_DEVICE_GET_INFO',
          args: { dev_cookie: 0 },
          lane: 'B',
          gives: ['OK', 'EINVAL', 'NULL dereference', 'use after free'],
        },
      ],
      breaks: ['D1.20', 'D1.22', 'D1.26'],
    },
    merged: {
      steps: [
        { ...BIND_MERGED, lane: 'A' },
        { call: 'device_close', lane: 'A' },
        { call: 'IOMMU_GET_HW_INFO', args: { dev_id: 1 }, lane: 'B', gives: ['OK', 'ENOENT'] },
      ],
    },
  },
];
