import type { Pause } from '../framework/locks.js';
import { removeAttachment } from './importer_calls.js';
import { reservationLock } from './revoke.js';
import {
  type AddressSpace,
  type Area,
  type Attachment,
  type Domain,
  ENTRY_BYTES,
  type Pages,
  type Seen,
} from './state.js';
import { entriesOf } from './view.js';
import { PAGE_SIZE, isAligned } from '../../base/u64.js';

/** Whether page tables can show an area. */
export function isAlignedForDomains({
  iova,
  length,
  offset,
}: Pick<Area, 'iova' | 'length' | 'offset'>): boolean {
  return [iova, length, offset].every((value) => isAligned(value, ENTRY_BYTES));
}

/** Makes page tables show an area; what is revoked is only tracked. */
export function fillDomains(c: Seen, area: Area, domains: Iterable<Domain>): void {
  const { pages } = area;
  const isReadBack = pages.tracked.size > 0 && !pages.isDead;
  for (const domain of domains) {
    pages.tracked.add({ area, domain });
    if (pages.isDead) continue;
    const kind = isReadBack && c.has('D4.6') ? 'RAM' : 'MMIO';
    const into = area.offset % PAGE_SIZE;
    const misplaced = into !== 0n && c.has('D4.10') ? into : 0n;
    for (const at of entriesOf(area)) {
      domain.table.set(area.iova + at, { area, byte: area.offset + at + misplaced, kind });
    }
  }
}

/** Takes an area out of page tables. */
export function unfillDomains(c: Seen, area: Area, domains: Iterable<Domain>): void {
  const { pages } = area;
  for (const domain of domains) {
    for (const track of pages.tracked) {
      if (track.area === area && track.domain === domain) pages.tracked.delete(track);
    }
    if (pages.isDead && c.has('D4.8')) c.prints('WARNING: what a revocation has unmapped is unmapped again');
    if (!pages.isDead) {
      for (const [iova, entry] of domain.table) if (entry.area === area) domain.table.delete(iova);
    }
  }
}

/** Adds an area that shows pages from a byte of the buffer on. */
export function addArea(space: AddressSpace, area: Area): void {
  space.areas.add(area);
  area.pages.areas += 1;
}

/** Removes an area; with the last one of its pages these go. */
export function* removeArea(c: Seen, space: AddressSpace, area: Area): Generator<Pause, void> {
  unfillDomains(c, area, space.domains);
  space.areas.delete(area);
  area.pages.areas -= 1;
  if (area.pages.areas === 0) yield* releasePages(c, area.attachment);
}

/** iopt_release_pages: unpins, detaches and lets go of the buffer. */
export function* releasePages(c: Seen, attachment: Attachment): Generator<Pause, void> {
  const lock = reservationLock(attachment.buffer);
  if (attachment.pins > 0 && c.has('D4.13')) {
    c.prints(`WARNING: ${lock} is not held`);
    unpin(attachment);
  } else {
    yield* c.lock(lock);
    unpin(attachment);
    c.unlock(lock);
  }
  removeAttachment(c, attachment);
}

function unpin(attachment: Attachment): void {
  attachment.pins = 0;
  if (attachment.pages !== undefined) attachment.pages.isImported = false;
}

/** The area that has a range whole. */
export function areaAround({ areas }: AddressSpace, iova: bigint, length: bigint): Area | undefined {
  return [...areas].find((area) => area.iova <= iova && iova + length <= area.iova + area.length);
}

/** Areas that a range of `length` ≥ 1 bytes touches, in the order of addresses. */
export function areasTouching({ areas }: AddressSpace, iova: bigint, length: bigint): Area[] {
  return [...areas]
    .filter((area) => area.iova < iova + length && iova < area.iova + area.length)
    .sort((one, two) => (one.iova < two.iova ? -1 : 1));
}

export function newPages(start: bigint, isWritable: boolean): Pages {
  return {
    start,
    isWritable,
    isImported: false,
    isDead: false,
    isExpected: false,
    tracked: new Set(),
    areas: 0,
  };
}
