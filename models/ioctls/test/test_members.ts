import { MOCK_DEVICE_FLAGS, PASID_FAILING } from '../../hardware/mock_device.js';
import {
  bitmap64,
  count32,
  data64,
  fdS32,
  fd32,
  flags32,
  granule64,
  id32,
  iova64,
  length32,
  length64,
  number32,
  u32,
  u64,
  userVa64,
} from '../../layout/field.js';
import { SYZKALLER_IOVA } from '../syzkaller.js';

/** Operations of IOMMU_TEST_CMD. Source: iommufd_test.h, enum. */
export const TEST_OPS = {
  ADD_RESERVED: 1,
  MOCK_DOMAIN: 2,
  MD_CHECK_MAP: 3,
  MD_CHECK_REFS: 4,
  CREATE_ACCESS: 5,
  DESTROY_ACCESS_PAGES: 6,
  ACCESS_PAGES: 7,
  ACCESS_RW: 8,
  SET_TEMP_MEMORY_LIMIT: 9,
  MOCK_DOMAIN_REPLACE: 10,
  ACCESS_REPLACE_IOAS: 11,
  MOCK_DOMAIN_FLAGS: 12,
  DIRTY: 13,
  MD_CHECK_IOTLB: 14,
  TRIGGER_IOPF: 15,
  DEV_CHECK_CACHE: 16,
  TRIGGER_VEVENT: 17,
  PASID_ATTACH: 18,
  PASID_REPLACE: 19,
  PASID_DETACH: 20,
  PASID_CHECK_HWPT: 21,
  DMABUF_GET: 22,
  DMABUF_REVOKE: 23,
} as const;

/** What a descriptor permits, and whether exec() closes it: O_WRONLY, O_RDWR, O_CLOEXEC. Source: asm-generic/fcntl.h. */
export const DMABUF_OPEN_FLAGS = { WRONLY: 0x1, RDWR: 0x2, CLOEXEC: 0x8_0000 } as const;

/** Flags of CREATE_ACCESS. Source: iommufd_test.h, MOCK_FLAGS_ACCESS_CREATE_*. */
export const CREATE_ACCESS_FLAGS = { NEEDS_PIN_PAGES: 1 } as const;

/** Flags of ACCESS_PAGES. Source: iommufd_test.h, MOCK_FLAGS_ACCESS_*. */
export const ACCESS_PAGES_FLAGS = { WRITE: 1, SYZ: SYZKALLER_IOVA } as const;

/** Flags of ACCESS_RW. Source: iommufd_test.h, MOCK_ACCESS_RW_*, MOCK_FLAGS_ACCESS_SYZ. */
export const ACCESS_RW_FLAGS = { WRITE: 1, SLOW_PATH: 4, SYZ: SYZKALLER_IOVA } as const;

/** Page tables that a device can be attached to. */
const HWPT = ['HWPT_PAGING', 'HWPT_NESTED'] as const;

/** None, ordinary ones, the one whose moves fail, the last of a device that has any, and the first that none has. */
const PASIDS = [0, 0, 1, 1, 1, 2, 2, PASID_FAILING, PASID_FAILING, 0xf_ffff, 0x10_0000, 0xffff_ffff];

const pasid32 = () => number32('the PASID; 0 is the device itself', PASIDS);

/** The union of struct iommu_test_cmd. */
export const TEST_MEMBERS = {
  add_reserved: {
    start: iova64('first byte to reserve'),
    length: length64('bytes to reserve'),
  },
  mock_domain: {
    out_stdev_id: id32(['SELFTEST'], 'out'),
    out_hwpt_id: id32(HWPT, 'out'),
    out_idev_id: id32(['DEVICE'], 'out'),
  },
  mock_domain_flags: {
    out_stdev_id: id32(['SELFTEST'], 'out'),
    out_hwpt_id: id32(HWPT, 'out'),
    out_idev_id: id32(['DEVICE'], 'out'),
    dev_flags: flags32(MOCK_DEVICE_FLAGS),
  },
  check_map: {
    iova: iova64('first IOVA to translate'),
    length: length64('bytes to compare'),
    uptr: userVa64('the memory that should be behind it'),
  },
  mock_domain_replace: {
    pt_id: id32(['IOAS', ...HWPT], 'inout'),
  },
  create_access: {
    out_access_fd: fd32(['access'], 'out'),
    flags: flags32(CREATE_ACCESS_FLAGS),
  },
  destroy_access_pages: {
    access_pages_id: u32('number of the item'),
  },
  access_pages: {
    flags: flags32(ACCESS_PAGES_FLAGS),
    out_access_pages_id: u32('number of the new item', 'out'),
    iova: iova64('first IOVA to pin'),
    length: length64('bytes to pin'),
    uptr: userVa64('the memory that should be behind it; 0: whatever is'),
  },
  access_rw: {
    iova: iova64('first IOVA to copy from or to'),
    length: length64('bytes to copy'),
    uptr: data64('where they go, or come from', 'inout'),
    flags: flags32(ACCESS_RW_FLAGS),
  },
  memory_limit: {
    limit: number32('bytes that one temporary array may take', [11, 12, 16, 32, 4096, 65536]),
  },
  access_replace_ioas: {
    ioas_id: id32(['IOAS']),
  },
  check_iotlb: {
    iotlb_id: u32('entry of the IOTLB'),
    iotlb: u32('the value that it should have'),
  },
  check_dev_cache: {
    cache_id: u32('entry of the cache'),
    cache: u32('the value that it should have'),
  },
  trigger_iopf: {
    dev_id: id32(['DEVICE']),
    pasid: pasid32(),
    grpid: u32('group of page requests'),
    perm: flags32({ READ: 1, WRITE: 2, EXEC: 4, PRIV: 8 }),
    addr: iova64('where the device met no translation'),
  },
  trigger_vevent: {
    dev_id: id32(['DEVICE']),
  },
  check_refs: {
    length: length64('bytes of memory to look at'),
    uptr: userVa64('the memory'),
    refs: count32('pins that each page should have'),
  },
  pasid_attach: {
    pasid: pasid32(),
    pt_id: id32(['IOAS', ...HWPT], 'inout'),
  },
  pasid_replace: {
    pasid: pasid32(),
    pt_id: id32(['IOAS', ...HWPT], 'inout'),
  },
  pasid_detach: {
    pasid: pasid32(),
  },
  pasid_check: {
    pasid: pasid32(),
    hwpt_id: id32(HWPT),
  },
  dirty: {
    flags: u32('unused'),
    iova: iova64('first IOVA'),
    length: length64('bytes'),
    page_size: granule64('bytes per bit'),
    uptr: bitmap64('the bitmap', 'in'),
    out_nr_dirty: u64('bits that were set', 'out'),
  },
  dmabuf_get: {
    length: length32('bytes of the buffer, rounded up to pages'),
    open_flags: flags32(DMABUF_OPEN_FLAGS),
  },
  dmabuf_revoke: {
    dmabuf_fd: fdS32(['dmabuf'], 'the buffer'),
    revoked: u32('whether it is revoked or offered again'),
  },
} as const;

export type TestMember = keyof typeof TEST_MEMBERS;
