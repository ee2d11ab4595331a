/**
 * Mutants that scenarios kill and a campaign of 20,000 programs from seed 1 does not find, with the reason: what a program would have
 * to come to. A campaign of another seed, or of a generator that has changed, misses some others.
 */

const TWO_IOASES =
  'the source has to be mapped in one IOAS while another has no place for it; programs that leave only the end of the address space mostly have one IOAS';
const BOTH_AT_ONCE =
  'the order of the two rules shows only where both object at once, which no program came to';
const SLICES =
  'the second of two areas side by side has to lie askew, in an IOAS without a device, and one copy has to take both to an IOAS with one';
const COPIED_WITHIN_A_PAGE =
  'only a copy of several areas puts one off the alignment of pages in an IOAS that needs it; its source must not need it';
const SLOW_PATH =
  'all of an area at the end of the address space has to be read by the slow path, or by another process';
const NO_ANSWER =
  'the IOAS of containers has to be asked for where there is one, with a struct that cannot be written';
const LESS_TO_LOCK = 'a process that may lock less than is charged has to take the charges of a file over';
const PAGE_COUNT =
  'the length has to be near 2^64 and the address within the first page; the kernel warns of such, so that they are drawn rarely';
const LOCKED_BY_VFIO = 'a hardware queue has to use an area of the IOAS of containers';
const CUT_FILE = 'a device with flags has to be made on an IOAS with a file that was cut';

const COPIED_PAGE =
  'the pages that were pinned have to be of a private mapping of a file that nobody has written to, and be looked at afterwards beside the file';
const HOLE_SEEN = 'memory has to be there before, and be asked for afterwards';
const READ_BACK = 'what a write has changed before it met the obstacle has to be read back';
const PART_FITS =
  'a part of what is answered has to fit before memory ends; where programs let it end, nothing does';
const AREAS_BELOW =
  'an area below the one that is in the way has to lie in the range, and be asked for afterwards';
const CUT_AT_THE_END =
  'the end of the range has to cut an area that can be cut, and both pieces be told apart';
const INDEX_0 = 'the queue that could not be told has to be of index 0, or its index be asked for again';

/** By mutant name. */
export const MISSED_MUTANTS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    'IOMMU_IOAS_COPY/EINVAL.length_alignment:swap:EOVERFLOW.automatic_length': BOTH_AT_ONCE,
    'IOMMU_IOAS_COPY/EOVERFLOW.automatic_length:swap:EINVAL.automatic_alignment': BOTH_AT_ONCE,
    'IOMMU_IOAS_COPY/EINVAL.automatic_alignment:drop': TWO_IOASES,
    'IOMMU_IOAS_COPY/EINVAL.automatic_alignment:swap:ENOSPC.no_hole': TWO_IOASES,
    'IOMMU_IOAS_COPY/EINVAL.page_offset:swap:ENXIO.misaligned_slice': SLICES,
    'IOMMU_IOAS_COPY/ENXIO.misaligned_slice:drop': SLICES,
    'IOMMU_IOAS_COPY/ENXIO.misaligned_slice:errno:EINVAL': SLICES,
    'IOMMU_IOAS_COPY/ENOMEM.memlock:swap:EFAULT.respond': BOTH_AT_ONCE,
    'IOMMU_VFIO_IOAS/EFAULT.respond:drop': NO_ANSWER,
    'IOMMU_VFIO_IOAS/EFAULT.respond:errno:EINVAL': NO_ANSWER,
    'IOMMU_HWPT_ALLOC/EINVAL.nothing_permitted:swap:ENOENT.fault': BOTH_AT_ONCE,
    'IOMMU_HWPT_INVALIDATE/EOPNOTSUPP.reserved:swap:EINVAL.requests': BOTH_AT_ONCE,
    'IOMMU_HW_QUEUE_ALLOC/EOPNOTSUPP.type:swap:ERANGE.length': BOTH_AT_ONCE,
    'IOMMU_HW_QUEUE_ALLOC/EINVAL.misaligned:drop': COPIED_WITHIN_A_PAGE,
    'IOMMU_HW_QUEUE_ALLOC/EINVAL.misaligned:errno:EFAULT': COPIED_WITHIN_A_PAGE,
    'IOMMU_HW_QUEUE_ALLOC/EFAULT.repeated:swap:EINVAL.index': BOTH_AT_ONCE,
    'IOMMU_HW_QUEUE_ALLOC/EEXIST.index:swap:EIO.previous': BOTH_AT_ONCE,
    'IOMMU_HW_QUEUE_ALLOC/EIO.previous:swap:EFAULT.respond': BOTH_AT_ONCE,
    'IOMMU_IOAS_CHANGE_PROCESS/ENOMEM.memlock:drop': LESS_TO_LOCK,
    'IOMMU_IOAS_CHANGE_PROCESS/ENOMEM.memlock:errno:EINVAL': LESS_TO_LOCK,
    'IOMMU_IOAS_NOIOMMU_GET_PA/EINVAL.length_zero:swap:EOVERFLOW.iova_max': BOTH_AT_ONCE,
    'VFIO_IOMMU_MAP_DMA/EOVERFLOW.page_count:drop': PAGE_COUNT,
    'VFIO_IOMMU_MAP_DMA/EOVERFLOW.page_count:errno:EINVAL': PAGE_COUNT,
    'VFIO_IOMMU_UNMAP_DMA/EBUSY.locked:drop': LOCKED_BY_VFIO,
    'VFIO_IOMMU_UNMAP_DMA/EBUSY.locked:errno:EINVAL': LOCKED_BY_VFIO,
    'IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS/EINVAL.file_pages:drop': CUT_FILE,
    'IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS/EINVAL.file_pages:errno:EFAULT': CUT_FILE,
    'IOMMU_TEST_OP_ACCESS_PAGES/EOVERFLOW.user_memory_end:drop': COPIED_WITHIN_A_PAGE,
    'IOMMU_TEST_OP_ACCESS_PAGES/EOVERFLOW.user_memory_end:errno:EINVAL': COPIED_WITHIN_A_PAGE,
    'IOMMU_TEST_OP_ACCESS_RW/EOVERFLOW.user_memory_end:drop': SLOW_PATH,
    'IOMMU_TEST_OP_ACCESS_RW/EOVERFLOW.user_memory_end:errno:EINVAL': SLOW_PATH,
    'IOMMU_TEST_OP_PASID_ATTACH/EINVAL.nothing_permitted:swap:EFAULT.respond': BOTH_AT_ONCE,
    'IOMMU_TEST_OP_PASID_REPLACE/ENOMEM.failing_pasid:swap:EFAULT.respond': BOTH_AT_ONCE,
    'fault_write/ESPIPE.count:swap:EFAULT.response': BOTH_AT_ONCE,
    'IOMMU_IOAS_COPY/EINVAL.file_pages:leaves_nothing': COPIED_PAGE,
    'IOMMU_IOAS_COPY/EFAULT.user_memory:leaves_nothing': COPIED_PAGE,
    'IOMMU_IOAS_COPY/EOVERFLOW.user_memory_end:leaves_nothing': COPIED_PAGE,
    'IOMMU_IOAS_COPY/ENOMEM.memlock:leaves_nothing': COPIED_PAGE,
    'IOMMU_IOAS_IOVA_RANGES/EFAULT.allowed_iovas:leaves_nothing': PART_FITS,
    'IOMMU_IOAS_MAP/EFAULT.user_memory:leaves_nothing': COPIED_PAGE,
    'IOMMU_IOAS_MAP/ENOMEM.memlock:leaves_nothing': COPIED_PAGE,
    'IOMMU_IOAS_UNMAP/EBUSY.locked:leaves_nothing': AREAS_BELOW,
    'IOMMU_HWPT_ALLOC/EINVAL.file_pages:leaves_nothing': COPIED_PAGE,
    'IOMMU_HWPT_ALLOC/EFAULT.user_memory:leaves_nothing': COPIED_PAGE,
    'IOMMU_HWPT_ALLOC/EOVERFLOW.user_memory_end:leaves_nothing': COPIED_PAGE,
    'IOMMU_HWPT_ALLOC/ENOMEM.memlock:leaves_nothing': COPIED_PAGE,
    'IOMMU_HW_QUEUE_ALLOC/EFAULT.respond:leaves_nothing': INDEX_0,
    'VFIO_IOMMU_MAP_DMA/EFAULT.user_memory:leaves_nothing': COPIED_PAGE,
    'VFIO_IOMMU_MAP_DMA/ENOMEM.memlock:leaves_nothing': COPIED_PAGE,
    'VFIO_IOMMU_UNMAP_DMA/EOPNOTSUPP.cut_dmabuf:leaves_nothing': CUT_AT_THE_END,
    'VFIO_IOMMU_UNMAP_DMA/EINVAL.cut:leaves_nothing': CUT_AT_THE_END,
    'VFIO_IOMMU_UNMAP_DMA/EINVAL.size_zero:leaves_nothing': CUT_AT_THE_END,
    'VFIO_IOMMU_UNMAP_DMA/EBUSY.locked:leaves_nothing': LOCKED_BY_VFIO,
    'IOMMU_TEST_OP_MOCK_DOMAIN/EINVAL.file_pages:leaves_nothing': COPIED_PAGE,
    'IOMMU_TEST_OP_MOCK_DOMAIN/EFAULT.user_memory:leaves_nothing': COPIED_PAGE,
    'IOMMU_TEST_OP_MOCK_DOMAIN/EOVERFLOW.user_memory_end:leaves_nothing': COPIED_PAGE,
    'IOMMU_TEST_OP_MOCK_DOMAIN/ENOMEM.memlock:leaves_nothing': COPIED_PAGE,
    'IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE/EINVAL.file_pages:leaves_nothing': COPIED_PAGE,
    'IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE/EFAULT.user_memory:leaves_nothing': COPIED_PAGE,
    'IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE/EOVERFLOW.user_memory_end:leaves_nothing': COPIED_PAGE,
    'IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE/ENOMEM.memlock:leaves_nothing': COPIED_PAGE,
    'IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS/EINVAL.file_pages:leaves_nothing': COPIED_PAGE,
    'IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS/EFAULT.user_memory:leaves_nothing': COPIED_PAGE,
    'IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS/EOVERFLOW.user_memory_end:leaves_nothing': COPIED_PAGE,
    'IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS/ENOMEM.memlock:leaves_nothing': COPIED_PAGE,
    'IOMMU_TEST_OP_ACCESS_PAGES/EINVAL.file_pages:leaves_nothing': COPIED_PAGE,
    'IOMMU_TEST_OP_ACCESS_PAGES/EFAULT.user_memory:leaves_nothing': COPIED_PAGE,
    'IOMMU_TEST_OP_ACCESS_PAGES/EOVERFLOW.user_memory_end:leaves_nothing': COPIED_PAGE,
    'IOMMU_TEST_OP_ACCESS_PAGES/ENOMEM.memlock:leaves_nothing': COPIED_PAGE,
    'IOMMU_TEST_OP_ACCESS_PAGES/EOVERFLOW.uptr_end:leaves_nothing': COPIED_PAGE,
    'IOMMU_TEST_OP_ACCESS_PAGES/EFAULT.uptr:leaves_nothing': COPIED_PAGE,
    'IOMMU_TEST_OP_ACCESS_PAGES/EBADE.page:leaves_nothing': COPIED_PAGE,
    'IOMMU_TEST_OP_ACCESS_RW/EPERM.protection:leaves_nothing': READ_BACK,
    'IOMMU_TEST_OP_ACCESS_RW/EINVAL.dmabuf:leaves_nothing': READ_BACK,
    'IOMMU_TEST_OP_ACCESS_RW/EINVAL.file_pages:leaves_nothing': READ_BACK,
    'IOMMU_TEST_OP_ACCESS_RW/EFAULT.user_memory:leaves_nothing': READ_BACK,
    'IOMMU_TEST_OP_ACCESS_RW/EOVERFLOW.user_memory_end:leaves_nothing': READ_BACK,
    'IOMMU_TEST_OP_ACCESS_RW/ENOENT.hole:leaves_nothing': READ_BACK,
    'IOMMU_TEST_OP_ACCESS_RW/EFAULT.destination:leaves_nothing': PART_FITS,
    'IOMMU_TEST_OP_SET_TEMP_MEMORY_LIMIT/OK:does_nothing':
      'how many pages are handled at a time shows at the very end of the address space, or by what a failing write leaves',
    'IOMMU_TEST_OP_PASID_ATTACH/EINVAL.file_pages:leaves_nothing': COPIED_PAGE,
    'IOMMU_TEST_OP_PASID_ATTACH/EFAULT.user_memory:leaves_nothing': COPIED_PAGE,
    'IOMMU_TEST_OP_PASID_ATTACH/EOVERFLOW.user_memory_end:leaves_nothing': COPIED_PAGE,
    'IOMMU_TEST_OP_PASID_ATTACH/ENOMEM.memlock:leaves_nothing': COPIED_PAGE,
    'IOMMU_TEST_OP_PASID_REPLACE/EINVAL.file_pages:leaves_nothing': COPIED_PAGE,
    'IOMMU_TEST_OP_PASID_REPLACE/EFAULT.user_memory:leaves_nothing': COPIED_PAGE,
    'IOMMU_TEST_OP_PASID_REPLACE/EOVERFLOW.user_memory_end:leaves_nothing': COPIED_PAGE,
    'IOMMU_TEST_OP_PASID_REPLACE/ENOMEM.memlock:leaves_nothing': COPIED_PAGE,
    'fault_read/EFAULT.buffer:leaves_nothing': PART_FITS,
    'veventq_read/EFAULT.buffer:leaves_nothing': PART_FITS,
    'mmap/EBADF.file:leaves_nothing': HOLE_SEEN,
    'mmap/EACCES.access:leaves_nothing': HOLE_SEEN,
    'mmap/EPERM.no_exec:leaves_nothing': HOLE_SEEN,
    'mmap/ENODEV.anonymous:leaves_nothing': HOLE_SEEN,
    'mmap/EINVAL.private:leaves_nothing': HOLE_SEEN,
    'mmap/EPERM.exec:leaves_nothing': HOLE_SEEN,
    'mmap/EACCES.dmabuf_access:leaves_nothing': HOLE_SEEN,
    'mmap/EPERM.dmabuf_exec:leaves_nothing': HOLE_SEEN,
    'mmap/EINVAL.dmabuf:leaves_nothing': HOLE_SEEN,
    'mprotect/ENOMEM.hole:leaves_nothing': HOLE_SEEN,
  }),
);
