import type { Design } from './framework/design.js';
import { dmabufMerged, dmabufPlanted } from './dmabuf/merged.js';
import { dmabufPrivate } from './dmabuf/proposal.js';
import { ioasidMerged } from './ioasid/merged.js';
import { ioasidRfc } from './ioasid/proposal.js';
import { ioptPagesMerged, ioptPagesPlanted } from './iopt_pages/merged.js';
import { ioptPagesRfc } from './iopt_pages/proposal.js';
import { mmapMerged, mmapOpen, mmapV1, mmapV3, mmapV4, mmapV5 } from './mmap/merged.js';
import { mmapV2 } from './mmap/proposal.js';
import { pageHinting } from './page_hinting/proposal.js';
import { pageHintingReviewed } from './page_hinting/reviewed.js';

/** The only registry of designs; a proposal stands before what became of it. */
export const DESIGNS: readonly Design[] = [
  mmapV2,
  mmapMerged,
  mmapV1,
  mmapV3,
  mmapV4,
  mmapV5,
  mmapOpen,
  ioasidRfc,
  ioasidMerged,
  ioptPagesRfc,
  ioptPagesMerged,
  ...ioptPagesPlanted,
  pageHinting,
  pageHintingReviewed,
  dmabufPrivate,
  dmabufMerged,
  ...dmabufPlanted,
];

export function designByName(name: string): Design | undefined {
  return DESIGNS.find((design) => design.name === name);
}
