import type { Defect } from '../framework/design.js';

/**
 * What is wrong with v2. The table of the discussion goes up to D0.21 (and has no D0.16); from D0.22 on, the numbers stand for what
 * rows S0-27, S0-42 and S0-43 say beyond it.
 */
export const MMAP_DEFECTS: readonly Defect[] = [
  {
    id: 'D0.1',
    says: 'a region is freed, and its pages with it, while processes have it mapped',
    breaks: ['no_unmapped_while_mmapped', 'defined_result'],
    source: 'v2 13/22; the review of 28 Apr 2025',
  },
  {
    id: 'D0.2',
    says: 'each region takes eight pages of offsets, the bytes of a pointer, whatever its size',
    breaks: ['window_rule'],
    source: 'v2 13/22, iommufd_ctx_alloc_mmap; Re: v2 13/22, 29 Apr 2025',
  },
  {
    id: 'D0.3',
    says: 'an offset inside a region maps its first page',
    breaks: ['window_rule'],
    source: 'v2 13/22, iommufd_fops_mmap; Re: v4 14/23, 15 May 2025',
  },
  {
    id: 'D0.4',
    says: 'a part of a region can be mapped',
    breaks: ['window_rule'],
    source: 'v2 13/22, iommufd_fops_mmap; Re: v2 13/22, 8 May 2025',
  },
  {
    id: 'D0.5',
    says: 'the first cookie is 0, which also says that there is none',
    breaks: ['zero_is_no_handle', 'destroy_is_local'],
    source: 'v2 13/22 and 14/22',
  },
  {
    id: 'D0.7',
    says: 'base and size may end beyond the last page of the machine',
    breaks: ['defined_result'],
    source: 'v2 13/22, iommufd_ctx_alloc_mmap',
  },
  {
    id: 'D0.8',
    says: 'whoever calls frees whatever region a number is in, and no region is as good as one',
    breaks: ['handle_dies_once', 'destroy_is_local'],
    source: 'v2 13/22, iommufd_ctx_free_mmap',
  },
  {
    id: 'D0.9',
    says: 'mmap() uses the record that it has looked up without a lock or a reference',
    breaks: ['defined_result'],
    source: 'v2 13/22 to v9, iommufd_fops_mmap',
    isRace: true,
  },
  {
    id: 'D0.12',
    says: 'a mapping that may not be executed can be made executable afterwards',
    breaks: ['access_within_grant'],
    source: 'v2 13/22, iommufd_fops_mmap; open in 7.3.4',
  },
  {
    id: 'D0.13',
    says: 'MMIO is mapped like memory, with the encryption bit where memory is encrypted',
    breaks: ['as_documented'],
    source: 'v2 13/22, iommufd_fops_mmap; Re: v4 14/23, 16 May 2025',
  },
  {
    id: 'D0.14',
    says: 'the tree is not destroyed with the file, nor what is left in it',
    breaks: ['release_leaves_nothing'],
    source: 'v2 13/22, iommufd_fops_release',
  },
  {
    id: 'D0.15',
    says: 'mappings that are cut or inherited are not followed',
    breaks: ['no_unmapped_while_mmapped', 'defined_result'],
    source: 'v2 13/22; v3 14/23, 2 May 2025',
  },
  {
    id: 'D0.17',
    says: 'the address 0 of a guest is refused',
    breaks: ['as_documented'],
    source: 'v2 10/22; Re: v5 14/29, 30/31 May 2025',
  },
  {
    id: 'D0.18',
    says: 'the array of pages has room for the length alone, and memory may begin at the end of a page',
    breaks: ['defined_result'],
    source: 'v2 10/22; Re: v4 11/23, 15 May 2025',
  },
  {
    id: 'D0.19',
    says: 'the driver is told the page of a queue, and not the byte',
    breaks: ['domains_agree'],
    source: 'v2 10/22 to v8; v8 14/29 review, 9 Jul 2025',
  },
  {
    id: 'D0.20',
    says: 'an array as large as user space says is allocated before anything is looked up',
    breaks: ['no_message_by_user'],
    source: 'v2 10/22; Re: v6 10/25, 16 Jun 2025',
  },
  {
    id: 'D0.21',
    says: 'UNMAP of memory that a queue has pinned tries a hundred times, warns and fails with EDEADLK',
    breaks: ['no_message_by_user'],
    source: 'v2 10/22; Re: v4 11/23, 15..20 May 2025',
  },
  {
    id: 'D0.22',
    says: 'VIOMMU_ALLOC that cannot answer leaves its region in the tree',
    breaks: ['failure_changes_nothing'],
    source: 'v2 14/22, mock_viommu_init',
  },
  {
    id: 'D0.23',
    says: 'an allocation of a queue that cannot answer leaves its memory pinned',
    breaks: ['pins_balance', 'failure_changes_nothing'],
    source: 'v2 10/22; Re: v5 14/29, 31 May 2025',
  },
];

/** v3 counts mappings, late. */
export const V3_DEFECTS: readonly Defect[] = [
  {
    id: 'D0.10',
    says: 'the owner of a region is held after the remap, and not before',
    breaks: ['no_unmapped_while_mmapped', 'defined_result'],
    source: 'v3 14/23, 2 May 2025',
    isRace: true,
  },
];

/** What v4 has of its own. */
export const V4_DEFECTS: readonly Defect[] = [
  {
    id: 'D0.6',
    says: 'the mock frees its region only if the cookie is not 0, and the first one is',
    breaks: ['zero_is_no_handle', 'no_unmapped_while_mmapped', 'defined_result'],
    source: 'v4 15/23, 9 May 2025',
  },
  {
    id: 'D0.11',
    says: 'lengths are computed in 32 bits, and the start is not compared',
    breaks: ['as_documented', 'window_rule'],
    source: 'v4 14/23, 9 May 2025; its review of 15 May 2025',
  },
];

/** Queues with an access of their own. */
export const V5_DEFECTS: readonly Defect[] = [
  {
    id: 'D0.24',
    says: 'the access of a queue has the file open, which the release of the file would end',
    breaks: ['release_leaves_nothing'],
    source: 'before v6 07/25, 15 Jun 2025',
  },
];

/** What 7.3.4 has kept. */
export const OPEN_DEFECTS: readonly Defect[] = [
  {
    id: 'D0.7',
    says: 'base and size may end beyond the last page of the machine: drivers are trusted',
    breaks: ['defined_result'],
    source: 'driver.c:_iommufd_alloc_mmap',
  },
  {
    id: 'D0.8',
    says: 'a cookie inside a region frees it, and one of somebody else frees it with a warning',
    breaks: ['handle_dies_once', 'destroy_is_local', 'no_message_by_user'],
    source: 'driver.c:_iommufd_destroy_mmap',
  },
  {
    id: 'D0.12',
    says: 'a mapping that may not be executed can be made executable afterwards (K5)',
    breaks: ['access_within_grant'],
    source: 'main.c:iommufd_fops_mmap',
  },
];
