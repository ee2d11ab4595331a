import type { Defect } from '../framework/design.js';

/** What is wrong with the posting of November 2025 and the exporter below it. */
export const DMABUF_DEFECTS: readonly Defect[] = [
  {
    id: 'D4.1',
    says: 'iommufd attaches to a buffer and does not pin it, though it cannot follow a move',
    breaks: ['pins_balance'],
    source: '4/8 of 28 Oct and 4/9 of 8 Nov 2025; iommufd: Add dma_buf_pin(), 24 Jan 2026',
  },
  {
    id: 'D4.2',
    says: 'a buffer that is offered again stays unmapped where it was, and nothing says so',
    breaks: ['domains_agree'],
    source: '3/9 and 4/9 of 8 Nov 2025',
  },
  {
    id: 'D4.3',
    says: 'buffers of several ranges work for every importer but iommufd',
    breaks: ['as_documented'],
    source: '1/9 of 8 Nov 2025; RFC 24/26 of 18 Feb 2026',
  },
  {
    id: 'D4.4',
    says: 'a raw physical address is mapped for devices that cannot reach it',
    breaks: ['access_within_grant'],
    source: '1/9 of 8 Nov 2025',
    shownBy: ['IOMMU_IOAS_MAP_FILE', 'IOMMU_IOAS_COPY', 'attach'],
  },
  {
    id: 'D4.5',
    says: 'revocation is tested before the number of ranges: whether a buffer is refused for good depends on its state',
    breaks: ['as_documented'],
    source: '1/9 of 8 Nov 2025',
  },
  {
    id: 'D4.6',
    says: 'a second page table is filled from the first one, which no longer knows that it shows MMIO',
    breaks: ['domains_agree'],
    source: '6/9 of 8 Nov 2025',
  },
  {
    id: 'D4.8',
    says: 'areas are unmapped without a look at whether a revocation has done so',
    breaks: ['no_message_by_user'],
    source: 'Re: 0/9, 14 Nov 2025',
  },
  {
    id: 'D4.9',
    says: 'the test exporter leaks what it has allocated when the file cannot be made',
    breaks: ['charges_equal_pins', 'failure_changes_nothing'],
    source: 'Re: 9/9, 8 Nov 2025',
    shownBy: ['IOMMU_TEST_OP_DMABUF_GET'],
  },
  {
    id: 'D4.10',
    says: 'the offset in a page of where a slice begins counts twice',
    breaks: ['domains_agree'],
    source: 'Re: [PATCH v2], 20/21 Nov 2025',
  },
  {
    id: 'D4.11',
    says: 'a revocation does not wait until importers have let go',
    breaks: ['revoked_is_unmapped'],
    source: 'vfio: Wait for dma-buf invalidation to complete, v3 6/7 of 20 Jan to v7 4/8 of 31 Jan 2026',
  },
  {
    id: 'D4.12',
    says: 'importers that cannot be told of a revocation may attach',
    breaks: ['revoked_is_unmapped'],
    source: '[PATCH v5 7/8], 24 Jan 2026',
  },
  {
    id: 'D4.15',
    says: 'a closing device is disabled before its buffers are taken away',
    breaks: ['access_within_grant', 'revoked_is_unmapped'],
    source: 'vfio/pci: Clean up DMABUFs before disabling function, 27 Feb 2026',
    isRace: true,
  },
  {
    id: 'D4.16',
    says: 'nothing tells whether an iommufd can map buffers: an old one fails like a malformed call, or not at all',
    breaks: ['errno_tells', 'as_documented'],
    source: 'Re: 0/9, 13 to 17 Nov 2025',
  },
];

/** Defects of other versions of the series, each of which a design of its own has. */
export const OTHER_DEFECTS = {
  /** It was asked about and is in Linux 7.3.4. */
  reach: {
    id: 'D4.4',
    says: 'a raw physical address is mapped for devices that cannot reach it',
    breaks: ['access_within_grant'],
    source: 'vfio/pci/vfio_pci_dmabuf.c:vfio_pci_dma_buf_iommufd_map',
    shownBy: ['IOMMU_IOAS_MAP_FILE', 'IOMMU_IOAS_COPY', 'attach'],
  },
  unlock: {
    id: 'D4.7',
    says: 'the path of a failed tracking unlocks what is not locked',
    breaks: ['defined_result'],
    source: '4/8 of 28 Oct 2025, review of 5 Nov 2025',
  },
  unpin: {
    id: 'D4.13',
    says: 'pages are unpinned without the reservation lock',
    breaks: ['no_message_by_user'],
    source: 'iommufd: take dma_resv lock before dma_buf_unpin(), 26 May 2026',
  },
  doublePut: {
    id: 'D4.14',
    says: 'the cleanup of a closing device drops a reference that the revocation before it has dropped',
    breaks: ['defined_result'],
    source: 'vfio/pci: Fix vfio_pci_dma_buf_cleanup() double-put, 16 Apr 2026',
  },
  copies: {
    id: 'D4.17',
    says: 'areas that are copied are not tracked, so that a revocation leaves them',
    breaks: ['revoked_is_unmapped', 'access_within_grant', 'domains_agree'],
    source: 'asked for by 2/9 of 8 Nov 2025',
  },
  triggers: {
    id: 'D4.18',
    says: 'only MEMORY and resets of the function revoke, and neither D3 nor a reset of the bus',
    breaks: ['revoked_is_unmapped', 'access_within_grant'],
    source: 'exporter series v1 to v9, Jul to Nov 2025',
  },
} as const satisfies Record<string, Defect>;
