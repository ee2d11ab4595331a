import type { Defect } from '../framework/design.js';

const MMAP = 'PATCH 1/2, vfio_iommu_type1_mmap_pages';
const MUNMAP = 'PATCH 1/2, vfio_iommu_type1_munmap_pages';
const REVIEW = 'Re: [PATCH 1/2] vfio: add mmap/munmap API for page hinting, 7 Jan 2020';

/** What is wrong with the two patches of January 2020. */
export const PAGE_HINTING_DEFECTS: readonly Defect[] = [
  {
    id: 'D3.1',
    says: 'the page that mmap_pages maps is not pinned',
    breaks: ['pins_balance', 'no_unmapped_while_mmapped'],
    source: MMAP,
  },
  {
    id: 'D3.2',
    says: 'munmap_pages uncharges locked pages, mmap_pages charges none',
    breaks: ['charges_equal_pins', 'no_message_by_user', 'release_leaves_nothing'],
    source: `${MMAP} and munmap_pages`,
  },
  {
    id: 'D3.3',
    says: 'munmap_pages empties the first domain only, and the others translate on',
    breaks: [
      'revoked_is_unmapped',
      'domains_agree',
      'pins_balance',
      'charges_equal_pins',
      'no_unmapped_while_mmapped',
    ],
    source: MUNMAP,
  },
  {
    id: 'D3.4',
    says: 'mmap_pages drops what the first domain has, and then fails at the second, which still has it',
    breaks: ['failure_changes_nothing', 'pins_balance', 'charges_equal_pins', 'no_message_by_user'],
    source: MMAP,
  },
  {
    id: 'D3.5',
    says: 'the size is not looked at: 100 bytes are 0 pages, 6144 are not aligned, and 1 TiB is a page',
    breaks: [
      'unknown_input_refused',
      'failure_changes_nothing',
      'no_message_by_user',
      'destroy_is_local',
      'access_within_grant',
      'charges_equal_pins',
    ],
    source: 'PATCH 1/2, page_size of both functions',
  },
  {
    id: 'D3.6',
    says: 'a chunk need only overlap a mapping of the user, and takes from the neighbours what it does not overlap',
    breaks: ['destroy_is_local', 'access_within_grant', 'failure_changes_nothing', 'no_message_by_user'],
    source: 'PATCH 1/2, vfio_find_dma',
  },
  {
    id: 'D3.7',
    says: 'page 0 is refused, of the device’s addresses and of the host',
    breaks: ['as_documented'],
    source: 'PATCH 1/2, !user_pfn and !pfn',
  },
  {
    id: 'D3.8',
    says: 'an IOMMU page that is larger than the chunk goes as a whole, and is unpinned from the chunk on',
    breaks: [
      'as_documented',
      'pins_balance',
      'charges_equal_pins',
      'revoked_is_unmapped',
      'release_leaves_nothing',
    ],
    source: MUNMAP,
  },
  {
    id: 'D3.9',
    says: 'how much was unmapped is not looked at',
    breaks: ['as_documented', 'revoked_is_unmapped'],
    source: MUNMAP,
  },
  {
    id: 'D3.10',
    says: 'the access that the caller asks for is not limited by what the user has granted',
    breaks: ['access_within_grant', 'unknown_input_refused'],
    source: MMAP,
  },
  {
    id: 'D3.11',
    says: 'holes are not recorded: a new domain, and a chunk that is partly a hole, meet them unprepared',
    breaks: [
      'no_message_by_user',
      'domains_agree',
      'failure_changes_nothing',
      'pins_balance',
      'charges_equal_pins',
      'access_within_grant',
      'revoked_is_unmapped',
    ],
    source: 'PATCH 1/2 and vfio_iommu_replay',
  },
  {
    id: 'D3.12',
    says: 'pages that a mediated device has pinned go without a word to it',
    breaks: ['revoked_is_unmapped', 'charges_equal_pins', 'release_leaves_nothing'],
    source: MUNMAP,
  },
  {
    id: 'D3.13',
    says: 'dma_find takes negative numbers, looks at the first page only, and writes nothing when it finds nothing',
    breaks: ['unknown_input_refused', 'as_documented', 'defined_result'],
    source: 'PATCH 1/2, vfio_iommu_type1_dma_find',
  },
  {
    id: 'D3.14',
    says: 'KVM calls munmap_pages, which takes a mutex, under a spinlock, which nothing initialises',
    breaks: ['defined_result'],
    source: 'PATCH 2/2 (KVM)',
    isRace: true,
  },
  {
    id: 'D3.15',
    says: 'KVM counts pages in an int, and its loop ends only at exactly 0',
    breaks: ['defined_result', 'as_documented'],
    source: 'PATCH 2/2 (KVM)',
  },
  {
    id: 'D3.16',
    says: 'KVM answers 0 and goes on, whatever VFIO has answered',
    breaks: ['as_documented'],
    source: 'PATCH 2/2 (KVM)',
  },
  {
    id: 'D3.17',
    says: 'munmap_pages takes the first domain of a container that has none',
    breaks: ['defined_result'],
    source: MUNMAP,
  },
  {
    id: 'D3.18',
    says: 'munmap_pages of what is gone answers 0, and UNMAP_DMA reports as unmapped what was gone before',
    breaks: ['as_documented'],
    source: MUNMAP,
  },
  {
    id: 'D3.19',
    says: 'another module changes what the user has mapped, and the user cannot know',
    breaks: ['domains_agree'],
    source: REVIEW,
  },
  {
    id: 'D3.20',
    says: 'a helper of one file is not static',
    breaks: ['as_documented'],
    source: 'report of the build robot, 10 Jan 2020, vfio_iommu_iova_to_phys',
    unseen: 'a warning of the build; the function does the same',
  },
];
