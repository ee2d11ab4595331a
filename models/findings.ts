/** What is wrong where a kernel does not do what it says. */
export type FindingKind =
  /** User space can make the kernel warn. */
  | 'warning'
  /** Memory is read, written or mapped that is not meant to be. */
  | 'memory'
  /** Something is counted or reported wrongly. */
  | 'counter'
  /** A failing call leaves something behind. */
  | 'leftover'
  /** What is not allowed is not refused, or what is allowed is. */
  | 'unchecked'
  /** The header says something else. */
  | 'documentation'
  /** The mock or the kernel's own tests do not do what they say. */
  | 'selftest';

/** A place where a kernel contradicts its documentation, its header, its own tests or common sense. */
export interface Finding {
  /** One sentence, as the index has it. */
  readonly title: string;
  readonly kind: FindingKind;
  /** Profiles of the kernels that have it. */
  readonly kernels: readonly string[];
  /** How a program shows it, as half a sentence. */
  readonly shows: string;
  /** That a kernel is not to be trusted any more after a program that shows it, whose last answers the model can tell or not. */
  readonly spoilsKernel?: 'told' | 'untold';
  /** Whether a call that shows it may not return. */
  readonly hangs?: boolean;
}

const BOTH = ['7.3', '6.12'] as const;
const RECENT = ['7.3'] as const;

/** The kernel findings; each has a page in docs/findings and a program in corpus/findings of its name. */
export const FINDINGS = {
  'dirty-bitmap-is-relative': {
    title: 'The formula by which the header finds the bit of an IOVA is wrong for most ranges.',
    kind: 'documentation',
    kernels: BOTH,
    shows: 'which bit of the bitmap is set',
  },
  'dirty-bits-behind-bitmap': {
    title: 'GET_DIRTY_BITMAP writes behind the end of the bitmap.',
    kind: 'memory',
    kernels: RECENT,
    shows: 'a byte behind the bitmap is written',
  },
  'dirty-bits-lost': {
    title:
      'GET_DIRTY_BITMAP answers 0 although it could not write the bitmap, and the pages are clean afterwards.',
    kind: 'counter',
    kernels: BOTH,
    shows: 'success, and a second read reports nothing',
  },
  'dirty-leaf-cleaned-unreported': {
    title: 'GET_DIRTY_BITMAP cleans a dirty leaf that begins before the range, and does not report it.',
    kind: 'counter',
    kernels: RECENT,
    shows: 'no bit is set, neither by this read nor by the next',
  },
  'map-page-count-warn': {
    title: 'A fixed mapping of more pages than can be counted makes the kernel warn.',
    kind: 'warning',
    kernels: BOTH,
    shows: 'EOVERFLOW with a warning in iopt_insert_area',
  },
  'map-without-access-warn': {
    title: 'A mapping of VFIO that permits nothing makes the kernel warn when a domain is to take it.',
    kind: 'warning',
    kernels: RECENT,
    shows: 'EINVAL with a warning in amdv1_mock_map_range',
  },
  'pasids-outlive-device': {
    title:
      'A mock device that goes while PASIDs of it are attached leaves an object that points to freed memory.',
    kind: 'memory',
    kernels: RECENT,
    shows: 'four warnings, and a report of KASAN',
    spoilsKernel: 'untold',
  },
  'unfill-reads-unmapped': {
    title: 'Removing an area from a domain looks up IOVAs that it has just unmapped.',
    kind: 'warning',
    kernels: ['6.12'],
    shows: 'a warning in mock_domain_iova_to_phys, if the pages lie side by side',
  },
  'unfill-leaks-huge-pages': {
    title:
      'With temporary arrays of one element, a domain that goes leaves huge pages pinned and unpins page frame 0.',
    kind: 'memory',
    kernels: BOTH,
    shows: 'a warning for each page, and a pool of huge pages that runs out',
    spoilsKernel: 'told',
  },
  'copy-maps-behind-slice': {
    title:
      'COPY of unaligned slices makes an IOAS without large pages map physical memory behind them, for as long as there is any.',
    kind: 'memory',
    kernels: BOTH,
    shows: 'the call does not return in time, with a warning in batch_to_domain',
    spoilsKernel: 'untold',
    hangs: true,
  },
  'gone-payer-hangs': {
    title:
      'What a process that is gone has locked is never relieved, and who maps what is left of its pages once more hangs.',
    kind: 'memory',
    kernels: RECENT,
    shows: 'the call does not return, with a warning in __up_read',
    spoilsKernel: 'untold',
    hangs: true,
  },
  'gone-payer-warns': {
    title:
      'Memory that a process had locked makes the kernel warn when it is to be pinned or read after the process is gone.',
    kind: 'warning',
    kernels: BOTH,
    shows: 'EFAULT, or any answer, with a warning in pfn_reader_destroy, which 6.12 has in pfn_reader_first',
  },
  'viommu-invalidate-warn': {
    title: 'HWPT_INVALIDATE of many requests on a vIOMMU of the mock makes the kernel warn.',
    kind: 'warning',
    kernels: RECENT,
    shows: 'ENOMEM with a warning in __alloc_frozen_pages_noprof, the first time',
  },
  'unmap-fails-halfway': {
    title: 'An UNMAP that fails has unmapped the areas below the one that it fails at, and does not say so.',
    kind: 'leftover',
    kernels: BOTH,
    shows: 'ENOENT, and the first area is gone',
  },
  'fault-keeps-effect': {
    title: 'Calls whose answer cannot be written back are EFAULT and have taken effect.',
    kind: 'leftover',
    kernels: BOTH,
    shows: 'EFAULT, and what was asked for is done',
  },
  'one-iova-refused': {
    title: 'ALLOW_IOVAS refuses a range of one IOVA.',
    kind: 'unchecked',
    kernels: BOTH,
    shows: 'EINVAL',
  },
  'reserved-not-checked': {
    title: 'Members that must be 0 by the header may be anything.',
    kind: 'documentation',
    kernels: BOTH,
    shows: 'success',
  },
  'copy-takes-any-range': {
    title: 'COPY takes any mapped range, while the header wants one that was mapped as a whole.',
    kind: 'documentation',
    kernels: BOTH,
    shows: 'success',
  },
  'rlimit-mode-is-of-file': {
    title: 'RLIMIT_MODE is a global option by the header, and one of the file in truth.',
    kind: 'documentation',
    kernels: BOTH,
    shows: 'another file still has the default',
  },
  'hw-info-takes-flag': {
    title: 'The flags of GET_HW_INFO must be 0 by the header, and need not.',
    kind: 'documentation',
    kernels: RECENT,
    shows: 'success with a flag',
  },
  'mmap-made-executable': {
    title: 'A region that must not be mapped executable is made so by mprotect().',
    kind: 'unchecked',
    kernels: RECENT,
    shows: 'EPERM of mmap(), success of mprotect()',
  },
  'pasid-attach-unchecked': {
    title: 'The mock attaches a PASID to page tables that it refuses the device itself.',
    kind: 'selftest',
    kernels: RECENT,
    shows: 'success',
  },
  'invalidate-all-checks-entry': {
    title: 'The mock looks at the entry of a request that invalidates all, which its header says is ignored.',
    kind: 'selftest',
    kernels: BOTH,
    shows: 'EINVAL',
  },
  'hw-queue-frees-index-0': {
    title: 'Destroying any HW queue of the mock frees index 0, and no other index is ever free again.',
    kind: 'selftest',
    kernels: RECENT,
    shows: 'EEXIST for an index without a queue, success for one that has a queue',
  },
  'map-file-takes-any-file': {
    title: 'MAP_FILE takes a file of any kind as long as no device is attached.',
    kind: 'unchecked',
    kernels: RECENT,
    shows: 'success, and EINVAL for who attaches the first device',
  },
  'map-file-pins-uncleared': {
    title:
      'MAP_FILE pins pages that fallocate() made as they are: what others left can be read there, what is written is lost.',
    kind: 'memory',
    kernels: RECENT,
    shows: 'bytes that were written through an area are 0 after the first look at the file',
  },
  'map-file-keeps-itself': {
    title: 'An iommufd that maps itself is never released, nor is what it has pinned.',
    kind: 'memory',
    kernels: RECENT,
    shows: 'pages stay pinned when all who knew of them have exited',
  },
  'dmabuf-get-returns-0': {
    title: 'The test operation DMABUF_GET makes a descriptor and returns 0 instead of its number.',
    kind: 'selftest',
    kernels: RECENT,
    shows: 'success that returns 0',
  },
  'fault-cookie-zero': {
    title: 'A refused answer to cookie 0 makes 0 a cookie, which a later fault is then given.',
    kind: 'counter',
    kernels: BOTH,
    shows: 'a fault with the cookie 0',
  },
  'change-process-counters': {
    title:
      'CHANGE_PROCESS does not move pinned_vm of pages that are charged to nobody, nor what a process paid that is gone.',
    kind: 'counter',
    kernels: RECENT,
    shows: 'VmPin of about 2^64 bytes after an unmap',
  },
} as const satisfies Readonly<Record<string, Finding>>;

export type FindingId = keyof typeof FINDINGS;

/** Every finding by its name. */
export const FINDING_IDS = Object.keys(FINDINGS) as readonly FindingId[];

export function findingById(id: FindingId): Finding {
  return FINDINGS[id];
}

/** Whether a profile's kernels have a finding. */
export function hasFinding(profile: { readonly id: string }, id: FindingId): boolean {
  return findingById(id).kernels.includes(profile.id);
}
