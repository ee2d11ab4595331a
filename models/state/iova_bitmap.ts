import type { Range } from '../base/ranges.js';
import { PAGE_SIZE, lowestSetBit, minU64, pageOffset, wrapU64 } from '../base/u64.js';
import type { CallMemory } from './call_memory.js';

const BITS_PER_BYTE = 8n;

/** Pages of the bitmap that are pinned at a time: as many as a page holds pointers. Source: iova_bitmap.c:iova_bitmap_get. */
const WINDOW_PAGES_MAX = PAGE_SIZE / 8n;

/** The part of the bitmap that is pinned. */
interface Window {
  /** Address of its first page. */
  readonly address: bigint;
  readonly pages: bigint;
  /** Offset of the first bit of interest in the first page, in bits. */
  readonly bitOffset: bigint;
  /** The IOVA of that bit. */
  readonly iova: bigint;
  /** Bytes of IOVAs from there on that the kernel takes for covered. */
  readonly length: bigint;
}

/**
 * struct iova_bitmap: a bitmap of user space, with one bit for so many bytes of a range of IOVAs. It is pinned piece by piece when
 * there is a bit to set, and what cannot be pinned is passed over in silence. Source: iova_bitmap.c.
 */
export class IovaBitmap {
  readonly #bytesPerBit: bigint;
  /** Bytes of the bitmap: `mapped_total_index`. */
  readonly #bytes: bigint;
  #window: Window | undefined;

  /** @param pageSize not 0; its lowest bit counts */
  constructor(
    private readonly memory: CallMemory,
    private readonly range: Range,
    pageSize: bigint,
    private readonly data: bigint,
  ) {
    this.#bytesPerBit = lowestSetBit(pageSize);
    this.#bytes = this.#byteOf(range.last - range.start) + 1n;
  }

  /** iova_bitmap_set: what does not begin in the range is left out, what ends behind it is not cut off. */
  set({ start, last }: Range): void {
    let iova = start;
    for (;;) {
      const window = this.#windowFor(iova, last);
      if (window === undefined) return;
      const first = this.#bitOf(iova, window);
      const final = this.#bitOf(last, window);
      const end = window.pages * PAGE_SIZE * BITS_PER_BYTE;
      this.#setBits(window.address, first, minU64(final, end - 1n));
      if (final < end) return;
      iova = last + 1n - (final - end + 1n) * this.#bytesPerBit;
    }
  }

  #windowFor(iova: bigint, last: bigint): Window | undefined {
    const window = this.#window;
    if (window !== undefined && iova >= window.iova && last < window.iova + window.length) return window;
    const index = this.#byteOf(wrapU64(iova - this.range.start));
    if (index >= this.#bytes) return undefined;
    return (this.#window = this.#pin(index));
  }

  /** Pins from a byte of the bitmap on; it may be less than was asked for. */
  #pin(index: bigint): Window | undefined {
    const { start, last } = this.range;
    const address = wrapU64(this.data + index);
    const offset = pageOffset(address);
    const wanted = (this.#bytes - index + PAGE_SIZE - 1n) / PAGE_SIZE + (offset === 0n ? 0n : 1n);
    const asked = minU64(wanted, WINDOW_PAGES_MAX);
    const firstPage = address - offset;
    const pages = BigInt(this.memory.writableBytes(firstPage, Number(asked * PAGE_SIZE))) / PAGE_SIZE;
    if (pages === 0n) return undefined;
    const bytes = minU64(this.#bytes - index, pages * PAGE_SIZE - offset);
    const iova = start + index * BITS_PER_BYTE * this.#bytesPerBit;
    const length = minU64(bytes * BITS_PER_BYTE * this.#bytesPerBit, last - iova + 1n);
    return { address: firstPage, pages, bitOffset: offset * BITS_PER_BYTE, iova, length };
  }

  #setBits(address: bigint, first: bigint, last: bigint): void {
    for (let byte = first / BITS_PER_BYTE; byte <= last / BITS_PER_BYTE; byte++) {
      const from = byte === first / BITS_PER_BYTE ? Number(first % BITS_PER_BYTE) : 0;
      const to = byte === last / BITS_PER_BYTE ? Number(last % BITS_PER_BYTE) : 7;
      const mask = (0xff << from) & (0xff >> (7 - to));
      const old = this.memory.byteAt(address + byte);
      this.memory.write(address + byte, Uint8Array.of(old | mask));
    }
  }

  /** The byte of the bitmap for an offset from the start of the range. */
  #byteOf(offset: bigint): bigint {
    return offset / this.#bytesPerBit / BITS_PER_BYTE;
  }

  #bitOf(iova: bigint, window: Window): bigint {
    return (iova - window.iova) / this.#bytesPerBit + window.bitOffset;
  }
}
