/** What kind of mistake a bug was. */
type BugClass =
  | 'API rule'
  | 'arithmetic'
  | 'error path'
  | 'information leak'
  | 'object lifetime'
  | 'pin balance'
  | 'race'
  | 'size'
  | 'state';

/** How a bug whose answers differ is found: planted in the model, by name of the mutant. */
interface Planted {
  readonly mutant: string;
  /** A scenario whose expectations, written by hand, notice it. */
  readonly scenario: string;
  /** The first program of a campaign from seed 1 that meets it, or how many did not. */
  readonly fuzz: { readonly met: number } | { readonly missed: number };
  /** The name of the shortest known program that shows it, in corpus/fixed-bugs. */
  readonly program: string;
}

/** How a bug of memory or of chance is shown on an affected kernel. */
interface Triggered {
  /** What of the suite shows it. */
  readonly feature: string;
  /** The name of a program in corpus/fixed-bugs. */
  readonly program: string;
}

/** A bug that iommufd had. */
export interface FixedBug {
  /** Its number in the project's list. */
  readonly number: number;
  /** What was wrong, as half a sentence. */
  readonly says: string;
  readonly kind: BugClass;
  /** The commit that fixed it, if known, and the CVE. */
  readonly fix: string;
  /** Kernels that had it. */
  readonly kernels: string;
  readonly shown: Planted | Triggered;
}

const REPLACE = 'IOMMU_TEST_OP_ACCESS_REPLACE_IOAS';

/** Public history of bugs, each with what of this suite shows it. Versions and commits are those of the CVE records and of the fixes. */
export const FIXED_BUGS: readonly FixedBug[] = [
  {
    number: 1,
    says: 'the test driver compared the pages behind an address plus a length that wrapped',
    kind: 'arithmetic',
    fix: 'fd8c1a4aee97, CVE-2023-53327',
    kernels: '6.2, 6.3',
    shown: {
      mutant: 'IOMMU_TEST_OP_MD_CHECK_MAP/EINVAL.uptr_wrap:drop',
      scenario: 'mock/check_map:range,misaligned',
      fuzz: { met: 30 },
      program: 'check-map-wraps',
    },
  },
  {
    number: 2,
    says: 'memory that wraps past the end of the address space could be mapped, and pinning it made the kernel warn',
    kind: 'arithmetic',
    fix: 'e4395701330f, CVE-2023-54239',
    kernels: '6.2',
    shown: {
      mutant: 'IOMMU_IOAS_MAP/EOVERFLOW.user_va_wrap:drop',
      scenario: 'ioas/map:range,memory_wraps',
      fuzz: { met: 23 },
      program: 'mapped-memory-wraps',
    },
  },
  {
    number: 3,
    says: 'unmapping beside an access unpinned more pages than were mapped',
    kind: 'pin balance',
    fix: '727c28c1cef2, CVE-2023-53630',
    kernels: '6.2',
    shown: {
      mutant: 'IOMMU_IOAS_UNMAP/OK:unpins_beside_accesses',
      scenario: 'ioas/tiers:middle_of_a_huge_page',
      fuzz: { met: 647 },
      program: 'unpins-beside-accesses',
    },
  },
  {
    number: 4,
    says: 'an area that was cut stayed in the tree of those that hold pages for a domain',
    kind: 'state',
    fix: 'e7250ab7ca49, CVE-2023-52801',
    kernels: '6.2 to 6.6',
    shown: {
      mutant: 'VFIO_IOMMU_UNMAP_DMA/OK:keeps_cut_area',
      scenario: 'vfio/cut_huge:huge_pages,at_odd_places',
      fuzz: { met: 31 },
      program: 'keeps-cut-area',
    },
  },
  {
    number: 5,
    says: 'attaching a device to a page table put that on the list of its IOAS again',
    kind: 'state',
    fix: 'b4ff830eca09, CVE-2023-54043',
    kernels: '6.2',
    shown: {
      mutant: 'IOMMU_TEST_OP_MOCK_DOMAIN/OK:lists_page_table_twice',
      scenario: 'mock/domain:detach,and_others_come',
      fuzz: { met: 132 },
      program: 'lists-page-table-twice',
    },
  },
  {
    number: 6,
    says: 'VFIO_IOMMU_GET_INFO told user space what was on the stack where the struct has its padding',
    kind: 'information leak',
    fix: 'b3551ead6163',
    kernels: '6.2',
    shown: {
      mutant: 'VFIO_IOMMU_GET_INFO/OK:tells_stack',
      scenario: 'vfio/get_info:room,for_the_struct',
      fuzz: { met: 804 },
      program: 'tells-stack',
    },
  },
  {
    number: 7,
    says: 'the test driver decoded an IOVA by the IOAS of an access that another thread was moving, and so had none',
    kind: 'race',
    fix: 'cf7c2789822d, CVE-2024-26785',
    kernels: '6.6, 6.7',
    shown: { feature: 'lanes: the kernel crashes', program: 'syzkaller-iova-race' },
  },
  {
    number: 8,
    says: 'an access that an IOAS refused had lost its number in the list of the old one, and was not found there again',
    kind: 'error path',
    fix: 'aeb004c0cd69, CVE-2024-26786',
    kernels: '6.6, 6.7',
    shown: {
      mutant: `${REPLACE}/EADDRINUSE.alignment:forgets_list_id`,
      scenario: 'access/replace:refused',
      fuzz: { met: 32 },
      program: 'forgets-list-id',
    },
  },
  {
    number: 9,
    says: 'mock devices were named by how many there were, so that a new one met the name of one that was left',
    kind: 'object lifetime',
    fix: 'fde372df96af',
    kernels: '6.6, 6.7',
    shown: {
      mutant: 'IOMMU_TEST_OP_MOCK_DOMAIN/OK:numbers_by_count',
      scenario: 'mock/domain:detach,and_others_come',
      fuzz: { met: 2 },
      program: 'numbers-by-count',
    },
  },
  {
    number: 10,
    says: 'areas could be mapped that permit neither reading nor writing',
    kind: 'API rule',
    fix: '“Do not allow creating areas without READ or WRITE”',
    kernels: '6.2 to 6.10',
    shown: {
      mutant: 'IOMMU_IOAS_MAP/EINVAL.no_access:drop',
      scenario: 'ioas/map:flags,access',
      fuzz: { met: 51 },
      program: 'map-without-access',
    },
  },
  {
    number: 11,
    says: 'a fault queue that could not be made was freed twice, by its file and by the call',
    kind: 'error path',
    fix: 'af7f4780514f',
    kernels: '6.11',
    shown: {
      feature: 'fail-nth, on a kernel with KASAN: a use after free',
      program: 'fault-queue-out-of-memory',
    },
  },
  {
    number: 12,
    says: 'aligning the start of a hole near 2^64 led to 0, so that a mapping could lie on another, or on a reserved range',
    kind: 'arithmetic',
    fix: 'b42497e3c0e7, CVE-2025-38688',
    kernels: '6.2 to 6.16',
    shown: {
      mutant: 'IOMMU_IOAS_MAP/OK:alignment_wraps',
      scenario: 'ioas/used_placement:reserved,no_domain',
      fuzz: { met: 692 },
      program: 'alignment-wraps',
    },
  },
  {
    number: 13,
    says: 'an event queue that was given up was freed before its file, which is released later, had let go of it',
    kind: 'race',
    fix: '4e034bf045b1, CVE-2025-39966',
    kernels: '6.11 to 6.16',
    shown: {
      feature: 'structs that cannot be written back, on a kernel with KASAN: a use after free',
      program: 'event-queue-abort',
    },
  },
  {
    number: 14,
    says: 'reading events took the size of a pointer for that of a header, which writes behind the buffer where pointers have 32 bits',
    kind: 'size',
    fix: 'be93d186ae88, CVE-2026-64293',
    kernels: '6.15 to 7.1',
    shown: {
      mutant: 'veventq_read/OK:counts_header_as_pointer',
      scenario: 'event/veventq_file:read,counts',
      fuzz: { met: 234 },
      program: 'counts-header-as-pointer',
    },
  },
  {
    number: 15,
    says: 'changing who pays met an area of another thread whose pages were not there yet',
    kind: 'race',
    fix: 'd616de490ec0, CVE-2026-80817',
    kernels: '6.13 to 7.2',
    shown: { feature: 'lanes: the kernel crashes', program: 'change-process-race' },
  },
  {
    number: 16,
    says: 'the test driver reported a fault by an attachment of a PASID that another thread was undoing',
    kind: 'race',
    fix: '8c07df7cdfcf',
    kernels: 'up to 7.2',
    shown: { feature: 'lanes, on a kernel with KASAN: a use after free', program: 'fault-pasid-race' },
  },
];
