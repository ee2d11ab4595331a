import type { PlayStep } from './row.js';

/** Subjects of the postings. */
export const PRIVATE_MAP = '[PATCH 1/9] vfio/pci: Add vfio_pci_dma_buf_iommufd_map(), 8 Nov 2025';
export const PAGES_PATCH = '[PATCH 2/9] iommufd: Add DMABUF to iopt_pages, 8 Nov 2025';
export const REVOKE_PATCH = '[PATCH 4/9], 8 Nov 2025';
export const MAP_FILE_PATCH = '[PATCH 8/9] iommufd: Accept a DMABUF through IOMMU_IOAS_MAP_FILE, 8 Nov 2025';
export const SELFTEST_PATCH = '[PATCH 9/9], 8 Nov 2025';
export const EXPORTER_SERIES = 'exporter series v1 to v9, Jul to Nov 2025';

/** Of rows of which the postings say nothing. */
export const NOT_SAID = { absent: 'the posting does not say' } as const;

export const EXPORT: PlayStep = { call: 'VFIO_DEVICE_FEATURE_DMA_BUF' };
/** The device `near` is attached to `i` from the start. */
export const ATTACH_AGAIN: PlayStep = { call: 'attach', args: { device: 'near' } };
export const ATTACH_SECOND: PlayStep = { call: 'attach' };
export const MAP: PlayStep = { call: 'IOMMU_IOAS_MAP_FILE' };
export const MAP_ELSEWHERE: PlayStep = { call: 'IOMMU_IOAS_MAP_FILE', args: { iova: 0x2_0000n } };
export const UNMAP: PlayStep = { call: 'IOMMU_IOAS_UNMAP', gives: { length: 0x1000n } };
export const MEMORY_OFF: PlayStep = { call: 'write_command' };
export const MEMORY_ON: PlayStep = { call: 'write_command', args: { memory: 'on' } };
export const IMPORT: PlayStep = { call: 'dma_buf_dynamic_attach' };
export const TEST_REVOKE: PlayStep = { call: 'IOMMU_TEST_OP_DMABUF_REVOKE' };
