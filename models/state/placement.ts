import {
  PAGE_SIZE,
  U64_MAX,
  alignUp,
  isAligned,
  lowestSetBit,
  minU64,
  pageOffset,
  rangeWraps,
  roundUpToPowerOfTwo,
} from '../base/u64.js';
import { type Range, clipRanges, findInGaps, mergeRanges } from '../base/ranges.js';
import type { IoPagetable } from './io_pagetable.js';

/** Where MAP and COPY ask to put an area. */
export interface PlacementRequest {
  readonly isFixed: boolean;
  /** The IOVA of a fixed request; an automatic one ignores it. */
  readonly iova: bigint;
  readonly length: bigint;
  /** Address of the memory, whose alignment an automatic IOVA preserves. */
  readonly address: bigint;
}

/** Where automatic placement looks when nothing confines it: all but the first and the last page. */
const AUTOMATIC_SPACE: Range = { start: PAGE_SIZE, last: U64_MAX - PAGE_SIZE };

/** ULONG_MAX / 2: an automatic request asks for fewer bytes. */
const AUTOMATIC_MAX = U64_MAX / 2n;

/**
 * The answers to each question the kernel asks of a placement, every one on its own, so that each can be a rule. Without an
 * IOAS, and for an empty length, each answer is "no objection".
 * Source: io_pagetable.c:iopt_check_iova, iopt_alloc_iova.
 */
export class Placement {
  #found: bigint | undefined | 'not searched' = 'not searched';

  constructor(
    readonly table: IoPagetable | undefined,
    readonly request: PlacementRequest,
    /** HPAGE_SIZE with transparent huge pages, else PAGE_SIZE: the largest alignment automatic placement keeps. */
    private readonly alignmentMax: bigint,
  ) {}

  /** The requested or found IOVA; undefined where automatic placement finds none. */
  get iova(): bigint | undefined {
    if (this.request.isFixed) return this.request.iova;
    if (this.#found === 'not searched') this.#found = this.#search();
    return this.#found;
  }

  get isLengthMisaligned(): boolean {
    return this.table !== undefined && !isAligned(this.request.length, this.table.alignment);
  }

  get isTooLongForAutomatic(): boolean {
    return !this.request.isFixed && this.request.length >= AUTOMATIC_MAX;
  }

  get isAutomaticAlignmentTooSmall(): boolean {
    return (
      !this.request.isFixed &&
      this.table !== undefined &&
      this.request.length > 0n &&
      this.#automaticAlignment() < this.table.alignment
    );
  }

  get hasNoHole(): boolean {
    return (
      !this.request.isFixed &&
      this.table !== undefined &&
      this.request.length > 0n &&
      !this.isTooLongForAutomatic &&
      this.iova === undefined
    );
  }

  get isFixedMisaligned(): boolean {
    return this.#fixedTable !== undefined && !isAligned(this.request.iova, this.#fixedTable.alignment);
  }

  get isFixedWrapping(): boolean {
    return (
      this.request.isFixed && this.request.length > 0n && rangeWraps(this.request.iova, this.request.length)
    );
  }

  get isFixedReserved(): boolean {
    return this.#fixedTable?.isReserved(this.#fixedRange) ?? false;
  }

  get isFixedOccupied(): boolean {
    return this.#fixedTable?.hasAreaIn(this.#fixedRange) ?? false;
  }

  get #fixedTable(): IoPagetable | undefined {
    return this.request.isFixed && this.request.length > 0n ? this.table : undefined;
  }

  get #fixedRange(): Range {
    const { iova, length } = this.request;
    return { start: iova, last: minU64(iova + length - 1n, U64_MAX) };
  }

  #automaticAlignment(): bigint {
    const { address, length } = this.request;
    let alignment = roundUpToPowerOfTwo(length);
    if (address !== 0n) alignment = minU64(alignment, lowestSetBit(address));
    return minU64(alignment, this.alignmentMax);
  }

  /** First fit, ascending, through the allowed windows and the holes that areas and reservations leave in them. */
  #search(): bigint | undefined {
    const { table } = this;
    if (table === undefined) return undefined;
    const { address, length } = this.request;
    const alignment = this.#automaticAlignment();
    const offset = pageOffset(address);
    const windows =
      table.allowed.length === 0
        ? [AUTOMATIC_SPACE]
        : clipRanges(mergeRanges(table.allowed), AUTOMATIC_SPACE);
    const busy = occupiedRanges(table);
    for (const { start: first, last } of windows) {
      const start = fit(first, last, length, alignment, offset);
      if (start === undefined) continue;
      const iova = findInGaps(busy, { start, last }, (from, to) => fit(from, to, length, alignment, offset));
      if (iova !== undefined) return iova;
    }
    return undefined;
  }
}

function occupiedRanges(table: IoPagetable): readonly Range[] {
  const { areas, reserved } = table;
  return reserved.length === 0 ? areas : mergeRanges([...areas, ...reserved]);
}

/**
 * Where a span takes `length` bytes at an alignment. The page offset is or-ed in, not added, and a span must be longer than one
 * byte: so the kernel counts. Source: io_pagetable.c:__alloc_iova_check_range.
 */
function fit(
  start: bigint,
  last: bigint,
  length: bigint,
  alignment: bigint,
  offset: bigint,
): bigint | undefined {
  const aligned = alignUp(start, alignment);
  if (aligned > U64_MAX) return undefined;
  const iova = aligned | offset;
  return iova < last && last - iova >= length - 1n ? iova : undefined;
}
