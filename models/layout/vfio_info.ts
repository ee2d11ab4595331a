import type { FieldTable } from './field.js';
import { u16, u32, u64 } from './field.js';
import { type StructLayout, layoutStruct } from './struct.js';

/** The capabilities behind the struct of VFIO_IOMMU_GET_INFO, and what they consist of. Source: linux/vfio.h. */

const HEADER = {
  id: u16('which capability', 'out'),
  version: u16('version of its layout', 'out'),
  next: u32('offset of the next one from the start of the info, or 0', 'out'),
};

export const INFO_CAP_HEADER = layoutStruct(HEADER);

/** A capability whose header is a struct of its own, so that it is aligned as one. */
export const INFO_CAP_DMA_AVAIL = layoutStruct({
  ...HEADER,
  avail: u32('mappings that may still be made', 'out'),
});

/** The ranges follow. */
export const INFO_CAP_IOVA_RANGE = layoutStruct({
  ...HEADER,
  nr_iovas: u32('ranges that follow', 'out'),
  reserved: u32('0', 'out'),
});

export const VFIO_IOVA_RANGE = layoutStruct({
  start: u64('first byte', 'out'),
  end: u64('last byte', 'out'),
});

/** By the name in C. */
export const VFIO_INFO_STRUCTS: Readonly<Record<string, StructLayout<FieldTable>>> = {
  vfio_info_cap_header: INFO_CAP_HEADER,
  vfio_iommu_type1_info_dma_avail: INFO_CAP_DMA_AVAIL,
  vfio_iommu_type1_info_cap_iova_range: INFO_CAP_IOVA_RANGE,
  vfio_iova_range: VFIO_IOVA_RANGE,
};
