/**
 * Mutants that no program can tell from the original, with the reason. A reason states why two rules never apply at once, or why
 * it makes no difference when they do; `suites/self/mutants.spec.ts` holds each against random programs.
 */

const FIRST_DECIDES = 'one pass over the range finds the first obstacle, so only one of the two applies';
const FILL =
  'pages are pinned, mapped and charged area by area, and the first failure decides: only one applies';
const NO_TARGET = 'without the object there is nothing to ask the second question of';
const NO_FILE = 'a closed descriptor is of no file that the second question could be asked of';
const WRAPPED = 'no area is looked for in a range that wraps';
const OTHER_FILE = 'they are rules of different kinds of files';
const EMPTY_NEVER_WRAPS = 'an empty range does not wrap';

const NOTHING_BEFORE =
  'the first chunk of the one area is what cannot be pinned, so that nothing was pinned before it';
const NOT_PRIVATE = 'pages of a file itself are pinned, of which nobody gets a copy';

const OTHER_OP = 'they are rules of different operations';

/** Where the kernel maps files. */
const FILE_SWAP = 'EINVAL.file_pages:swap:EFAULT.user_memory';

const FILL_SWAPS = [
  'EFAULT.user_memory:swap:EOVERFLOW.user_memory_end',
  'EOVERFLOW.user_memory_end:swap:ENOMEM.memlock',
];

const NEW_DOMAIN = 'a page table that is there needs no new domain';

const ATTACH_SWAPS: Readonly<Record<string, string>> = {
  'ENOENT.target:swap:EINVAL.target_type': NO_TARGET,
  'EADDRINUSE.aperture:swap:EINVAL.file_pages': FILL,
};

/** Of an IOAS they attach a page table first and fill it then. */
const ATTACHING = [
  'IOMMU_TEST_OP_MOCK_DOMAIN',
  'IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS',
  'IOMMU_TEST_OP_PASID_ATTACH',
];

/** Of an IOAS they fill a page table first and move to it then. */
const MOVING = ['IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE', 'IOMMU_TEST_OP_PASID_REPLACE'];

const ONLY_IOAS = 'only an IOAS has areas';

/** By mutant name. */
export const EQUIVALENT_MUTANTS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    'IOMMU_TEST_OP_ACCESS_RW/EFAULT.source:swap:EINVAL.length_zero': 'no bytes can always be read',
    'IOMMU_TEST_OP_ACCESS_RW/EINVAL.length_zero:swap:EOVERFLOW.wrap': EMPTY_NEVER_WRAPS,
    'IOMMU_TEST_OP_ACCESS_RW/EOVERFLOW.wrap:swap:EPERM.protection': 'a range that wraps is not looked at',
    'IOMMU_TEST_OP_ACCESS_RW/EPERM.protection:swap:EINVAL.dmabuf': FIRST_DECIDES,
    'IOMMU_TEST_OP_ACCESS_RW/EINVAL.file_pages:swap:EFAULT.user_memory': FIRST_DECIDES,
    'IOMMU_TEST_OP_ACCESS_RW/EFAULT.user_memory:swap:EOVERFLOW.user_memory_end': FIRST_DECIDES,
    'IOMMU_TEST_OP_ACCESS_RW/EOVERFLOW.user_memory_end:swap:ENOENT.hole': FIRST_DECIDES,
    'IOMMU_TEST_OP_ACCESS_RW/EPERM.protection:swap:EFAULT.user_memory': FIRST_DECIDES,
    'envelope/EBADF.file:swap:ENOTTY.file': NO_FILE,
    'read/EBADF.file:swap:ESPIPE.offset': NO_FILE,
    'write/EBADF.file:swap:ESPIPE.offset': NO_FILE,
    'write/ESPIPE.offset:swap:EBADF.access':
      'where files cannot be mapped, what has no positions is open for writing',
    'truncate/EBADF.file:swap:EINVAL.kind': NO_FILE,
    'mmap/EBADF.file:swap:EACCES.access': NO_FILE,
    'envelope/ENOTTY.number:swap:EFAULT.vfio_struct': 'a command of VFIO is not one of no table',
    'envelope/EINVAL.argsz:swap:EFAULT.size': 'the one is of commands of VFIO, the other of all others',
    'VFIO_SET_IOMMU/ENODEV.compat_ioas:swap:EINVAL.mapped': NO_TARGET,
    'VFIO_IOMMU_GET_INFO/ENODEV.compat_ioas:swap:EFAULT.info': NO_TARGET,
    'VFIO_IOMMU_UNMAP_DMA/EINVAL.all_of_range:swap:EINVAL.cut': 'what unmaps everything cuts nothing',
    'VFIO_IOMMU_UNMAP_DMA/EINVAL.size_zero:swap:EOVERFLOW.wrap': EMPTY_NEVER_WRAPS,
    'VFIO_IOMMU_UNMAP_DMA/EOVERFLOW.wrap:swap:ENOENT.straddles':
      'what an area straddles is a range, and one that wraps is none',
    'envelope/ENOTTY.command:swap:EINVAL.size': 'a number that is no command has no size',
    'envelope/EINVAL.size:swap:E2BIG.tail': 'a struct that is too short has no tail',
    'envelope/E2BIG.tail:swap:EFAULT.tail': FIRST_DECIDES,
    'IOMMU_DESTROY/ENOENT.object:swap:EBUSY.users': NO_TARGET,
    'IOMMU_IOAS_ALLOW_IOVAS/EFAULT.allowed_iovas:swap:EINVAL.range_order': FIRST_DECIDES,
    'IOMMU_IOAS_COPY/EINVAL.length_zero:swap:EOVERFLOW.src_wrap': EMPTY_NEVER_WRAPS,
    'IOMMU_IOAS_COPY/ENOENT.dst_ioas:swap:EINVAL.length_alignment': NO_TARGET,
    'IOMMU_IOAS_COPY/ENOSPC.no_hole:swap:EINVAL.iova_alignment':
      'the one is of automatic, the other of fixed placement',
    'IOMMU_IOAS_COPY/EPERM.not_writeable:swap:EINVAL.page_offset': FIRST_DECIDES,
    'IOMMU_IOAS_COPY/ENXIO.misaligned_slice:swap:EINVAL.file_pages': FILL,
    'IOMMU_IOAS_COPY/EINVAL.misaligned_slice:swap:EFAULT.user_memory': FILL,
    'IOMMU_IOAS_IOVA_RANGES/ENOENT.ioas:swap:EFAULT.allowed_iovas': NO_TARGET,
    'IOMMU_IOAS_IOVA_RANGES/EFAULT.allowed_iovas:swap:EFAULT.respond':
      'both answer EFAULT, and the elements before the unwritable one are written either way',
    'IOMMU_IOAS_MAP/ENOSPC.no_hole:swap:EINVAL.iova_alignment':
      'the one is of automatic, the other of fixed placement',
    ...reasonsFor(['IOMMU_IOAS_MAP', 'VFIO_IOMMU_MAP_DMA'], {
      'EOVERFLOW.user_va_wrap:swap:EINVAL.length_zero': EMPTY_NEVER_WRAPS,
      'EINVAL.user_va_alignment:swap:EOVERFLOW.page_count':
        'pages cannot be counted only from an offset within the page that no alignment above 1 leaves to so long a range',
      'EOVERFLOW.page_count:swap:EFAULT.user_memory':
        'memory is pinned only where there is a domain, and its aperture refuses so long a range before',
    }),
    'IOMMU_IOAS_UNMAP/EOVERFLOW.length_max:swap:EINVAL.length_zero': 'a length is not both',
    'IOMMU_IOAS_UNMAP/EINVAL.length_zero:swap:EOVERFLOW.wrap': EMPTY_NEVER_WRAPS,
    ...reasonsFor(['IOMMU_IOAS_UNMAP', 'VFIO_IOMMU_UNMAP_DMA'], {
      'EBUSY.locked:swap:ENOENT.straddles': FIRST_DECIDES,
    }),
    'VFIO_IOMMU_UNMAP_DMA/EOVERFLOW.wrap:swap:EBUSY.locked': WRAPPED,
    ...reasonsFor(['IOMMU_HW_QUEUE_ALLOC'], {
      'EINVAL.length_zero:swap:EOVERFLOW.wrap': EMPTY_NEVER_WRAPS,
      'ERANGE.length:swap:ENOMEM.length': 'the one is of ranges that the other is not of',
      'EINVAL.misaligned:swap:EPERM.protection': FIRST_DECIDES,
      'EPERM.protection:swap:EINVAL.dmabuf': FIRST_DECIDES,
      'EINVAL.dmabuf:swap:ENOENT.hole': FIRST_DECIDES,
      'ENOENT.hole:swap:EFAULT.not_consecutive': 'only what could be pinned is compared',
      'EINVAL.index:swap:EEXIST.index': 'no queue has an index that there is not',
    }),
    'IOMMU_IOAS_UNMAP/ENOENT.straddles:swap:ENOENT.empty':
      'both answer ENOENT, and where both apply there is no area below the straddling one to remove',
    'IOMMU_OPTION/EOPNOTSUPP.rlimit_object:swap:ENOENT.ioas': 'they are rules of different options',
    'IOMMU_OPTION/EOPNOTSUPP.op:swap:EPERM.resource': 'an unknown operation is not SET',
    'IOMMU_TEST_OP_ADD_RESERVED/EINVAL.length_zero:swap:EOVERFLOW.wrap': EMPTY_NEVER_WRAPS,
    'IOMMU_TEST_OP_ADD_RESERVED/ENOENT.ioas:swap:EADDRINUSE.range': NO_TARGET,
    'IOMMU_TEST_OP_MD_CHECK_MAP/EFAULT.uptr:swap:EINVAL.translation': FIRST_DECIDES,
    'IOMMU_TEST_OP_MD_CHECK_MAP/ENOENT.hwpt:swap:EOVERFLOW.uptr_end': NO_TARGET,
    'IOMMU_TEST_OP_MD_CHECK_MAP/EOVERFLOW.uptr_end:swap:EFAULT.uptr': FIRST_DECIDES,
    'IOMMU_TEST_OP_MD_CHECK_REFS/EFAULT.uptr:swap:EIO.refs': FIRST_DECIDES,
    ...reasonsFor(['IOMMU_VFIO_IOAS'], {
      'EOPNOTSUPP.op:swap:ENODEV.compat_ioas': OTHER_OP,
      'ENODEV.compat_ioas:swap:ENOENT.ioas': OTHER_OP,
      'ENOENT.ioas:swap:EFAULT.respond': OTHER_OP,
    }),
    'IOMMU_HWPT_ALLOC/EINVAL.target_type:swap:EOPNOTSUPP.paging_flags': 'they are rules of different targets',
    'IOMMU_HWPT_ALLOC/EINVAL.data_size:swap:EFAULT.data': FIRST_DECIDES,
    'IOMMU_HWPT_ALLOC/EFAULT.data:swap:EOPNOTSUPP.pagetable_type': 'data that cannot be read names no format',
    'IOMMU_HWPT_ALLOC/EOPNOTSUPP.pagetable_type:swap:EADDRINUSE.alignment':
      'without a format there is no domain to add',
    'IOMMU_HWPT_ALLOC/EFAULT.data:swap:EADDRINUSE.alignment':
      'where paging page tables take no data, the one is of nested, the other of paging ones',
    'IOMMU_HWPT_ALLOC/ENOMEM.memlock:swap:ENOENT.fault':
      'where paging page tables have no fault queue, the one is of paging, the other of nested ones',
    'IOMMU_HWPT_ALLOC/ENOENT.fault:leaves_nothing':
      'where paging page tables have no fault queue, it is of nested ones, which pin nothing',
    'IOMMU_GET_HW_INFO/EFAULT.data:swap:EFAULT.respond':
      'both answer EFAULT, and the buffer is filled as far as memory reaches either way',
    'IOMMU_HWPT_SET_DIRTY_TRACKING/ENOENT.hwpt:swap:EOPNOTSUPP.no_dirty_bits': NO_TARGET,
    'IOMMU_HWPT_GET_DIRTY_BITMAP/EINVAL.length_zero:swap:EOVERFLOW.wrap': EMPTY_NEVER_WRAPS,
    'IOMMU_TEST_OP_DIRTY/ENOENT.hwpt:swap:EINVAL.not_tracking': NO_TARGET,
    'IOMMU_TEST_OP_DIRTY/EFAULT.bitmap:swap:EFAULT.respond':
      'both answer EFAULT, and a bitmap that cannot be read makes no page dirty',
    ...reasonsFor(['IOMMU_IOAS_MAP', 'VFIO_IOMMU_MAP_DMA'], {
      'EOVERFLOW.user_memory_end:leaves_nothing': NOTHING_BEFORE,
    }),
    ...reasonsFor(['IOMMU_IOAS_MAP_FILE'], {
      'EINVAL.file_pages:leaves_nothing': NOT_PRIVATE,
      'ENOMEM.memlock:leaves_nothing': NOT_PRIVATE,
    }),
    'IOMMU_HWPT_INVALIDATE/ENOMEM.requests:leaves_nothing': 'what is written back is what was there',
    'IOMMU_HWPT_INVALIDATE/ENOENT.hwpt:swap:EINVAL.target_type': NO_TARGET,
    'IOMMU_HWPT_INVALIDATE/EINVAL.target_type:swap:ENOMEM.requests':
      'only a vIOMMU, which is a target of the right type, can be given too many requests',
    'IOMMU_HWPT_INVALIDATE/EINVAL.entry_len:swap:EFAULT.request': FIRST_DECIDES,
    'IOMMU_HWPT_INVALIDATE/EFAULT.request:swap:EOPNOTSUPP.request_flags': FIRST_DECIDES,
    ...reasonsFor(['IOMMU_HWPT_INVALIDATE'], {
      'EFAULT.request:swap:E2BIG.request': FIRST_DECIDES,
      'E2BIG.request:swap:EOPNOTSUPP.request_flags': FIRST_DECIDES,
      'EOPNOTSUPP.request_flags:swap:EINVAL.entry': FIRST_DECIDES,
    }),
    'IOMMU_VIOMMU_ALLOC/ENOENT.hwpt:swap:EINVAL.parent': NO_TARGET,
    'IOMMU_VDEVICE_ALLOC/ENOENT.device:swap:EEXIST.device': NO_TARGET,
    'IOMMU_VEVENTQ_ALLOC/ENOENT.viommu:swap:EEXIST.type': NO_TARGET,
    'fault_read/ESPIPE.count:swap:EINVAL.count': 'a count of 0 is a multiple',
    'fault_read/EINVAL.count:swap:EFAULT.buffer': 'nothing is written where nothing is asked for',
    'fault_write/EINVAL.code:swap:EINVAL.cookie':
      'both answer EINVAL, and a cookie is not looked for behind a bad code',
    'fault_write/EFAULT.response:swap:EINVAL.code': 'an answer that cannot be read has no code',
    ...reasonsFor(['mmap'], {
      'EACCES.access:swap:EPERM.no_exec': OTHER_FILE,
      'ENODEV.anonymous:swap:EINVAL.private': OTHER_FILE,
    }),
    'IOMMU_IOAS_NOIOMMU_GET_PA/ENOENT.ioas:drop':
      'without the IOAS there is no area either, and both answer ENOENT',
    'IOMMU_TEST_OP_DEV_CHECK_CACHE/ENOENT.device:swap:EINVAL.cache': NO_TARGET,
    ...reasonsFor(['IOMMU_TEST_OP_CREATE_ACCESS', 'IOMMU_TEST_OP_ACCESS_REPLACE_IOAS'], {
      'ENOENT.ioas:swap:EADDRINUSE.alignment': NO_TARGET,
    }),
    ...reasonsFor(['IOMMU_TEST_OP_ACCESS_PAGES'], {
      'EBADFD.access:swap:EOPNOTSUPP.no_pin': NO_FILE,
      'EINVAL.length_zero:swap:EOVERFLOW.wrap': EMPTY_NEVER_WRAPS,
      'EOVERFLOW.wrap:swap:EINVAL.misaligned': WRAPPED,
      'EINVAL.misaligned:swap:EPERM.protection': FIRST_DECIDES,
      'EPERM.protection:swap:EINVAL.dmabuf': FIRST_DECIDES,
      'EPERM.protection:swap:EFAULT.user_memory': FIRST_DECIDES,
      'EINVAL.file_pages:swap:EFAULT.user_memory': FIRST_DECIDES,
      'EFAULT.user_memory:swap:EOVERFLOW.user_memory_end': FIRST_DECIDES,
      'EOVERFLOW.user_memory_end:swap:ENOMEM.memlock': FIRST_DECIDES,
      'ENOMEM.memlock:swap:ENOENT.hole': FIRST_DECIDES,
      'ENOENT.hole:swap:EOVERFLOW.uptr_end': 'only what could be pinned is compared',
      'EOVERFLOW.uptr_end:swap:EFAULT.uptr': FIRST_DECIDES,
      'EFAULT.uptr:swap:EBADE.page': FIRST_DECIDES,
    }),
    'mmap/EACCES.access:swap:EPERM.no_exec': OTHER_FILE,
    'mmap/ENODEV.anonymous:swap:EINVAL.private': OTHER_FILE,
    'IOMMU_TEST_OP_MOCK_DOMAIN/EINVAL.target_type:swap:ENOENT.vdevice': NO_TARGET,
    ...reasonsFor(['IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', 'IOMMU_TEST_OP_PASID_ATTACH', ...MOVING], {
      'EINVAL.dirty_domain:swap:ENOENT.vdevice': 'the one is of paging, the other of nested page tables',
    }),
    ...reasonsFor(ATTACHING, { 'ENOENT.vdevice:swap:EADDRINUSE.alignment': NEW_DOMAIN }),
    'IOMMU_TEST_OP_MD_CHECK_IOTLB/ENOENT.hwpt:swap:EINVAL.iotlb': NO_TARGET,
    ...reasonsFor(['IOMMU_TEST_OP_MOCK_DOMAIN', ...MOVING], {
      'EINVAL.target_type:swap:EADDRINUSE.alignment': ONLY_IOAS,
    }),
    'IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS/EINVAL.dirty_domain:swap:EADDRINUSE.alignment': NEW_DOMAIN,
    'IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE/ENOMEM.memlock:swap:EINVAL.dirty_domain': NEW_DOMAIN,
    'IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE/EINVAL.pasids_attached:swap:EINVAL.dirty_domain': NEW_DOMAIN,
    'IOMMU_TEST_OP_PASID_REPLACE/EINVAL.without_alloc_pasid:swap:EINVAL.dirty_domain': NEW_DOMAIN,
    'IOMMU_TEST_OP_PASID_REPLACE/ENOENT.vdevice:swap:ENOMEM.failing_pasid':
      'the one is of the device itself, the other of PASID 1024',
    ...reasonsFor(['IOMMU_TEST_OP_PASID_CHECK_HWPT'], {
      'ENOENT.device:swap:EINVAL.attached': NO_TARGET,
      'EINVAL.attached:swap:ENOENT.hwpt': 'hwpt_id is 0 or not',
      'ENOENT.hwpt:swap:EINVAL.hwpt_type': NO_TARGET,
      'EINVAL.hwpt_type:drop':
        'what is no page table is not what the PASID is attached to, and both answer EINVAL',
    }),
    ...reasonsFor(
      [
        'IOMMU_IOAS_MAP',
        'IOMMU_IOAS_COPY',
        'VFIO_IOMMU_MAP_DMA',
        'IOMMU_HWPT_ALLOC',
        ...ATTACHING,
        ...MOVING,
      ],
      Object.fromEntries(FILL_SWAPS.map((swap) => [swap, FILL])),
    ),
    ...reasonsFor(['VFIO_IOMMU_MAP_DMA', 'IOMMU_HWPT_ALLOC', ...ATTACHING, ...MOVING], {
      'ENOMEM.memlock:swap:EINVAL.nothing_permitted': FILL,
    }),
    ...reasonsFor([...ATTACHING, ...MOVING], ATTACH_SWAPS),
    ...reasonsFor(
      [
        'IOMMU_HWPT_ALLOC',
        'IOMMU_TEST_OP_MOCK_DOMAIN',
        'IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS',
        'IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE',
      ],
      { 'EADDRINUSE.aperture:swap:EFAULT.user_memory': FILL },
    ),
    'IOMMU_HWPT_ALLOC/EADDRINUSE.aperture:swap:EINVAL.file_pages': FILL,
    ...reasonsFor(['IOMMU_IOAS_COPY', 'IOMMU_HWPT_ALLOC', ...ATTACHING, ...MOVING], { [FILE_SWAP]: FILL }),
    ...reasonsFor(['IOMMU_IOAS_MAP_FILE'], {
      'EINVAL.length_zero:swap:EOVERFLOW.start_wrap': EMPTY_NEVER_WRAPS,
      'EBADF.fd:swap:EINVAL.dmabuf_end': NO_FILE,
      'EINVAL.length_limit:swap:ENODEV.dmabuf_revoked': 'so long a range goes beyond the end of any dma-buf',
      'ENOSPC.no_hole:swap:EINVAL.iova_alignment': 'the one is of automatic, the other of fixed placement',
      'EINVAL.start_alignment:swap:EOVERFLOW.page_count':
        'pages cannot be counted only from an offset within the page that no alignment above 1 leaves to so long a range',
      'EOVERFLOW.page_count:swap:EINVAL.file_pages':
        'pages are asked for only where there is a domain, and its aperture refuses so long a range before',
      'EINVAL.file_pages:swap:ENOMEM.memlock': FILL,
    }),
    'VFIO_IOMMU_UNMAP_DMA/EOPNOTSUPP.cut_dmabuf:swap:EINVAL.cut': FIRST_DECIDES,
    'VFIO_IOMMU_UNMAP_DMA/EINVAL.all_of_range:swap:EOPNOTSUPP.cut_dmabuf': 'where all goes nothing is cut',
    'IOMMU_IOAS_NOIOMMU_GET_PA/ENOENT.area:swap:EINVAL.dmabuf_revoked':
      'without an area there is no dma-buf that was revoked',
    'IOMMU_TEST_OP_DMABUF_REVOKE/EBADF.fd:swap:EINVAL.kind': NO_FILE,
    'mmap/ENXIO.region:swap:ENODEV.vfio_group': OTHER_FILE,
    'mmap/ENODEV.vfio_group:swap:EINVAL.vfio_device': OTHER_FILE,
    'mmap/EINVAL.vfio_device:swap:EACCES.dmabuf_access': OTHER_FILE,
    'envelope/ENOTTY.file:swap:EINVAL.unbound': OTHER_FILE,
    'VFIO_DEVICE_BIND_IOMMUFD/EBUSY.group:swap:EINVAL.bound':
      'the group of a device that is bound by itself cannot be opened',
    'VFIO_GROUP_GET_DEVICE_FD/EFAULT.name:swap:EINVAL.name':
      'a name that is longer than a page has been read',
    'VFIO_GROUP_GET_DEVICE_FD/EINVAL.name:swap:ENODEV.name': 'a name without end is none',
    'VFIO_GROUP_GET_DEVICE_FD/EINVAL.container:swap:ENODEV.compat': NO_TARGET,
    'VFIO_GROUP_GET_DEVICE_FD/ENODEV.compat:swap:EADDRINUSE.alignment': NO_TARGET,
    'VFIO_DEVICE_BIND_IOMMUFD/EBADF.iommufd:swap:EBADFD.iommufd': NO_FILE,
    'VFIO_DEVICE_ATTACH_IOMMUFD_PT/ENOENT.ioas:swap:EADDRINUSE.alignment': NO_TARGET,
  }),
);

function reasonsFor(
  calls: readonly string[],
  reasons: Readonly<Record<string, string>>,
): Record<string, string> {
  const entries = calls.flatMap((call) =>
    Object.entries(reasons).map(([swap, why]) => [`${call}/${swap}`, why]),
  );
  return Object.fromEntries(entries) as Record<string, string>;
}
