import { present } from '../base/assert.js';
import { isAligned } from '../base/u64.js';
import type { IoPagetable } from './io_pagetable.js';
import { Area } from './pages.js';

/** Why an area is not cut: dma-bufs never are, others only at the alignment of the IOAS, and where no access has pinned pages. */
export type CutRefusal = 'dmabuf' | 'misaligned' | 'pinned';

/**
 * What it takes to cut areas behind some bytes, one after another until one cannot be. Areas are cut only without large pages,
 * so that every area keeps to pages in IOVA and memory alike. Source: io_pagetable.c:iopt_cut_iova, iopt_area_split.
 */
export class CutPlan {
  /** Why the first area that would be cut and is not stays whole; the cuts before it are made. */
  readonly refusal: CutRefusal | undefined;
  readonly #cuts: bigint[] = [];

  /** @param lasts the bytes behind which to cut, in order; where there is no area, or its border, there is nothing to cut */
  constructor(
    readonly table: IoPagetable,
    lasts: readonly bigint[],
  ) {
    for (const last of lasts) {
      this.refusal = this.#add(last);
      if (this.refusal !== undefined) break;
    }
  }

  /** Whether an area goes on behind a byte, once the cuts are made. */
  crosses(last: bigint): boolean {
    const area = this.table.areaAt(last);
    return area !== undefined && area.last > last && !this.#cuts.includes(last);
  }

  /** Makes the cuts, or the first of them. */
  commit(count = this.#cuts.length): void {
    for (const last of this.#cuts.slice(0, count))
      cutArea(this.table, present(this.table.areaAt(last), 'area to cut'), last);
  }

  #add(last: bigint): CutRefusal | undefined {
    const area = this.table.areaAt(last);
    if (area === undefined || this.#isBorder(area, last)) return undefined;
    if (area.pages.source.kind === 'dmabuf') return 'dmabuf';
    if (!isAligned(last + 1n, this.table.alignment)) return 'misaligned';
    if (area.hasAccesses) return 'pinned';
    this.#cuts.push(last);
    return undefined;
  }

  /** The kernel leaves an area alone also if the byte is its first, which is no border to cut behind. */
  #isBorder({ iova, last: end }: Area, last: bigint): boolean {
    return last === iova || last === end || this.#cuts.includes(last) || this.#cuts.includes(last - 1n);
  }
}

/** Both halves show the same pages; what is pinned and mapped stays. */
function cutArea(table: IoPagetable, area: Area, last: bigint): void {
  const next = last + 1n;
  const { pages, protection, startByte } = area;
  const low = new Area(area.iova, last, pages, startByte, protection);
  const high = new Area(next, area.last, pages, startByte + (next - area.iova), protection);
  for (const half of [low, high]) half.hasStorageDomain = area.hasStorageDomain;
  table.replace(area, [low, high]);
  for (const domain of table.domains) domain.cut(area, low, high);
}
