import type { Row } from './row.js';
import {
  ALLOC,
  ATTACH,
  ATTACH_MERGED,
  BIND,
  BIND_MERGED,
  DESTROY,
  FREE,
  IOAS,
  RFC11,
} from './seed1_steps.js';

/** Rows about ids, structs, errno and numbers. */
export const seed1Handles: readonly Row[] = [
  {
    id: 'S1-01',
    title: 'free of an unknown id',
    source: RFC11,
    defects: ['D1.1'],
    proposal: { steps: [{ call: 'IOMMU_IOASID_FREE', args: { ioasid: 5 }, gives: 'NULL dereference' }] },
    merged: {
      steps: [
        { call: 'IOMMU_DESTROY', args: { id: 0 }, gives: 'ENOENT' },
        { call: 'IOMMU_DESTROY', args: { id: 77 }, gives: 'ENOENT' },
        { call: 'IOMMU_DESTROY', args: { id: 0xffff_ffff }, gives: 'ENOENT' },
      ],
    },
  },
  {
    id: 'S1-02',
    title: 'double free',
    source: RFC11,
    defects: ['D1.2'],
    proposal: {
      steps: [ALLOC, { ...FREE, gives: 'uninitialised value' }, { ...FREE, gives: 'NULL dereference' }],
    },
    merged: { steps: [IOAS, { ...DESTROY, gives: 0 }, { ...DESTROY, gives: 'ENOENT' }] },
  },
  {
    id: 'S1-03',
    title: 'value of a successful free',
    source: RFC11,
    defects: ['D1.3'],
    proposal: { steps: [ALLOC, { ...FREE, gives: 'uninitialised value' }] },
    merged: { steps: [IOAS, { ...DESTROY, gives: 0 }] },
  },
  {
    id: 'S1-04',
    title: 'first handle, and which is given next',
    source: 'Re: [RFC 11/20], 22/23 Sep 2021',
    defects: ['D1.4'],
    proposal: {
      steps: [
        ALLOC,
        { call: 'IOMMU_IOASID_ALLOC', gives: 1 },
        { ...FREE, gives: 'uninitialised value' },
        { call: 'IOMMU_IOASID_ALLOC', gives: 0 },
      ],
    },
    merged: {
      steps: [
        IOAS,
        { call: 'IOMMU_IOAS_ALLOC', gives: { out_ioas_id: 2 } },
        { ...DESTROY, gives: 0 },
        { call: 'IOMMU_IOAS_ALLOC', gives: { out_ioas_id: 1 } },
      ],
    },
  },
  {
    id: 'S1-05',
    title: 'every id is taken',
    noKernel: 'takes 2^31 objects',
    source: 'Re: [RFC 11/20], 23 Sep 2021',
    defects: ['D1.13', 'D1.14'],
    proposal: { steps: [{ call: 'fill_ids' }, { call: 'IOMMU_IOASID_ALLOC', gives: 'EBUSY' }] },
    merged: { steps: [{ call: 'fill_ids', gives: 'ENOMEM' }, IOAS] },
  },
  {
    id: 'S1-06',
    title: 'short struct',
    source: RFC11,
    defects: [],
    proposal: {
      steps: [
        { call: 'IOMMU_IOASID_ALLOC', args: { argsz: 8 }, gives: 'EINVAL' },
        { call: 'IOMMU_IOASID_ALLOC', args: { argsz: 0 }, gives: 'EINVAL' },
      ],
    },
    merged: {
      steps: [
        { call: 'IOMMU_IOAS_ALLOC', args: { size: 8 }, gives: 'EINVAL' },
        { call: 'IOMMU_IOAS_ALLOC', args: { size: 0 }, gives: 'EINVAL' },
      ],
    },
  },
  {
    id: 'S1-07',
    title: 'longer struct',
    source: 'Re: [RFC 10/20], 22 Sep 2021',
    defects: ['D1.10'],
    proposal: {
      steps: [
        { call: 'IOMMU_IOASID_ALLOC', args: { argsz: 4096, tail: 'zero' }, gives: 0 },
        { call: 'IOMMU_IOASID_ALLOC', args: { argsz: 4096, tail: 'garbage' }, gives: 1 },
      ],
    },
    merged: {
      steps: [
        { call: 'IOMMU_IOAS_ALLOC', args: { size: 64, tail: 'zero' }, gives: { out_ioas_id: 1 } },
        { call: 'IOMMU_IOAS_ALLOC', args: { size: 64, tail: 'garbage' }, gives: 'E2BIG' },
      ],
    },
  },
  {
    id: 'S1-08',
    title: 'unknown flag',
    source: RFC11,
    defects: ['D1.11'],
    proposal: { steps: [{ call: 'IOMMU_IOASID_ALLOC', args: { flags: 0x80 }, gives: 'EINVAL' }] },
    merged: { steps: [{ call: 'IOMMU_IOAS_ALLOC', args: { flags: 1 }, gives: 'EOPNOTSUPP' }] },
  },
  {
    id: 'S1-09',
    title: 'required flag missing',
    source: RFC11,
    defects: [],
    proposal: { steps: [{ call: 'IOMMU_IOASID_ALLOC', args: { flags: 0 }, gives: 'EINVAL' }] },
    merged: { steps: [{ call: 'IOMMU_IOAS_ALLOC', args: { flags: 0 }, gives: { out_ioas_id: 1 } }] },
  },
  {
    id: 'S1-10',
    title: 'NULL pointer',
    source: RFC11,
    defects: [],
    proposal: {
      steps: [
        { call: 'IOMMU_IOASID_ALLOC', args: { place: 'unreadable' }, gives: 'EFAULT' },
        { call: 'IOMMU_IOASID_FREE', args: { ioasid: 0, place: 'unreadable' }, gives: 'EFAULT' },
      ],
    },
    merged: {
      steps: [
        { call: 'IOMMU_IOAS_ALLOC', args: { place: 'unreadable' }, gives: 'EFAULT' },
        { call: 'IOMMU_DESTROY', args: { id: 1, place: 'unreadable' }, gives: 'EFAULT' },
      ],
    },
  },
  {
    id: 'S1-12',
    title: 'unknown ioctl',
    source: 'review of [RFC 01/20], 21 Sep 2021',
    defects: ['D1.13', 'D1.15'],
    proposal: {
      steps: [
        { call: 'ioctl', args: { nr: 'unknown' }, gives: 'EINVAL' },
        { call: 'ioctl', args: { nr: 'IOASID_ALLOC', coded: 'as_documented' }, gives: 'EINVAL' },
        { call: 'ioctl', args: { nr: 'IOASID_ALLOC', coded: 'otherwise' }, gives: 'EINVAL' },
      ],
    },
    merged: {
      steps: [
        { call: 'ioctl', args: { nr: 'unknown' }, gives: 'ENOTTY' },
        { call: 'ioctl', args: { nr: 'IOAS_ALLOC', coded: 'otherwise' }, gives: 'ENOTTY' },
      ],
    },
  },
  {
    id: 'S1-13',
    title: 'number clash with VFIO',
    source: '[RFC 12/20], 19 Sep 2021',
    defects: ['D1.16'],
    proposal: { steps: [{ call: 'ioctl', gives: 0 }] },
    merged: { steps: [{ call: 'ioctl', args: { nr: 'GET_API_VERSION' }, gives: 0 }] },
  },
  {
    id: 'S1-14',
    title: 'free with an attached device',
    source: '[RFC 11/20] and [RFC 14/20], 19 Sep 2021',
    defects: [],
    proposal: { steps: [ALLOC, BIND, ATTACH, { ...FREE, gives: 'EBUSY' }] },
    merged: {
      steps: [
        IOAS,
        BIND_MERGED,
        ATTACH_MERGED,
        { ...DESTROY, gives: 'EBUSY' },
        { call: 'IOMMU_DESTROY', args: { id: { ref: 'd.out_devid' } }, gives: 'EBUSY' },
      ],
    },
  },
  {
    id: 'S1-18',
    title: 'handle of another file',
    source: 'Re: [RFC 11/20], 22 Sep 2021',
    defects: ['D1.1'],
    proposal: {
      steps: [
        { call: 'open', as: 'f', gives: 4 },
        ALLOC,
        { call: 'IOMMU_MAP_DMA', args: { fd: { ref: 'f' }, ioasid: { ref: 'a' } }, gives: 'EINVAL' },
        {
          call: 'IOMMU_IOASID_FREE',
          args: { fd: { ref: 'f' }, ioasid: { ref: 'a' } },
          gives: 'NULL dereference',
        },
      ],
    },
    merged: {
      steps: [
        { call: 'open', as: 'f', gives: 4 },
        IOAS,
        {
          call: 'IOMMU_IOAS_MAP',
          args: { fd: { ref: 'f' }, ioas_id: { ref: 'a.out_ioas_id' } },
          gives: 'ENOENT',
        },
        { call: 'IOMMU_DESTROY', args: { fd: { ref: 'f' }, id: { ref: 'a.out_ioas_id' } }, gives: 'ENOENT' },
      ],
    },
  },
  {
    id: 'S1-19',
    title: 'unwritable answer',
    source: 'derived from [RFC 11/20]',
    defects: [],
    proposal: { absent: 'no answer is written: the id is what the ioctl returns' },
    merged: {
      steps: [{ call: 'IOMMU_IOAS_ALLOC', args: { place: 'unwritable' }, gives: 'EFAULT' }, IOAS],
    },
  },
  {
    id: 'S1-20',
    title: 'capability query',
    source: '[RFC 12/20], 19 Sep 2021, and its review of 22 Sep 2021',
    defects: [],
    proposal: {
      steps: [
        { call: 'IOMMU_CHECK_EXTENSION', args: { value: 0 }, gives: 0 },
        { call: 'IOMMU_CHECK_EXTENSION', args: { value: 1 }, gives: 1 },
        { call: 'IOMMU_CHECK_EXTENSION', args: { value: 2 }, gives: 0 },
      ],
    },
    merged: { absent: 'only the compatibility calls have one; kernels show it' },
  },
  {
    id: 'S1-36',
    title: 'unknown commands do not log',
    source: 'review of [RFC 01/20], 21 Sep 2021',
    defects: ['D1.13'],
    proposal: { steps: [{ call: 'ioctl', args: { nr: 'unknown' }, gives: 'EINVAL' }] },
    merged: { steps: [{ call: 'ioctl', args: { nr: 'unknown' }, gives: 'ENOTTY' }] },
  },
];
