import { PAGE_SIZE } from '../base/u64.js';
import type { Frame } from './physical_memory.js';

/** In place of a byte of which nothing is known. */
const UNKNOWN = -1;
/** In place of one of which nothing will be known either when the page has been cleared for sure, as it may have been before. */
const UNSURE = -2;

/** What is known of a page that is not cleared before somebody looks at it. */
interface Uncleared {
  /** Whether somebody may have looked. */
  readonly isExposed: boolean;
  /** Whether it held anything else than 0 before. */
  readonly hasLost: boolean;
}

/**
 * What is known of the bytes of pages: those that a program gets are 0, those that are there before it hold what other programs
 * have left, until something is written to them. Pages that fallocate() makes hold what their last owner has left; the first who
 * looks at them by an address, or as a file, has them cleared, whatever has been written to them.
 */
export class PageContents {
  readonly #pages = new Map<Frame, Int16Array>();
  readonly #uncleared = new Map<Frame, Uncleared>();
  /** Of pages as they are, where somebody has asked. */
  readonly #texts = new Map<Frame, string>();
  #oldBelow: Frame = 0;
  /** New pages that hold what old ones do. */
  readonly #oldCopies = new Set<Frame>();
  /** Whether they change without the model seeing it, so that nothing is ever known of them. */
  isHidden = false;
  /** How often something has been written or cleared. */
  writes = 0;

  /** Says that the pages up to a number are not new. */
  forgetBelow(frame: Frame): void {
    this.#oldBelow = frame;
  }

  /**
   * Some bytes of a page; undefined if one of them is not known.
   * @param isLookedAt whether whoever reads them looks at the page, so that it is cleared before
   */
  read(frame: Frame, offset: number, count: number, isLookedAt = false): Uint8Array | undefined {
    if (this.isHidden) return undefined;
    if (!this.#pages.has(frame)) return this.#isOld(frame) && count > 0 ? undefined : new Uint8Array(count);
    const page = isLookedAt ? this.#cleared(frame) : this.#page(frame);
    const bytes = page.subarray(offset, offset + count);
    return bytes.some((byte) => byte < 0) ? undefined : Uint8Array.from(bytes);
  }

  write(frame: Frame, offset: number, bytes: Uint8Array): void {
    if (this.isHidden) return;
    const page = this.#page(frame);
    const state = this.#uncleared.get(frame);
    if (state?.isExposed === true) page.set(Int16Array.from(bytes, unsureUnlessZero), offset);
    else page.set(bytes, offset);
    if (state?.isExposed === false && bytes.some((byte) => byte !== 0)) {
      this.#uncleared.set(frame, { isExposed: false, hasLost: true });
    }
    this.#put(frame, page);
  }

  /** Clears bytes of a page up to an offset. */
  zero(frame: Frame, start: number, end: number): void {
    this.write(frame, start, new Uint8Array(end - start));
  }

  /** A page becomes what another one is. */
  copy(from: Frame, to: Frame): void {
    if (this.isHidden) return;
    this.#texts.delete(to);
    const page = this.#pages.get(from);
    if (page !== undefined) this.#pages.set(to, page.slice());
    else {
      this.#pages.delete(to);
      if (this.#isOld(from)) this.#oldCopies.add(to);
      else this.#oldCopies.delete(to);
    }
  }

  /** Says that a page was made by fallocate(). */
  leaveUncleared(frame: Frame): void {
    this.#uncleared.set(frame, { isExposed: false, hasLost: false });
    this.#put(frame, unknownPage());
  }

  /** Says that a page may be looked at from now on, by calls of which the model does not say whether they do. */
  expose(frame: Frame): void {
    const state = this.#uncleared.get(frame);
    if (state === undefined || state.isExposed) return;
    this.#uncleared.set(frame, { ...state, isExposed: true });
    this.#put(frame, unknownPage());
  }

  /** Says that a page is looked at: it is cleared unless it was before. Source: mm/shmem.c:shmem_get_folio_gfp. */
  clear(frame: Frame): void {
    if (!this.#uncleared.has(frame)) return;
    this.#put(frame, this.#cleared(frame));
    this.#uncleared.delete(frame);
  }

  /** All that is known of pages, as a text that is the same for the same. */
  describe(): string {
    const pages = [...this.#pages].sort(([one], [two]) => one - two);
    return pages
      .map(([frame, page]) => {
        const { isExposed, hasLost } = this.#uncleared.get(frame) ?? {};
        return [frame, isExposed, hasLost, this.#described(frame, page)].join();
      })
      .join(';');
  }

  #described(frame: Frame, page: Int16Array): string {
    const known = this.#texts.get(frame);
    if (known !== undefined) return known;
    const text = describePage(page);
    this.#texts.set(frame, text);
    return text;
  }

  /** Whether there is a page that is not cleared before somebody looks at it. */
  get hasUncleared(): boolean {
    return this.#uncleared.size > 0;
  }

  /** Whether what was written to a page is lost as soon as somebody looks at it, if not before. */
  hasLost(frame: Frame): boolean {
    return this.#uncleared.get(frame)?.hasLost === true;
  }

  /** What a page holds when it is looked at. */
  #cleared(frame: Frame): Int16Array {
    const state = this.#uncleared.get(frame);
    const page = this.#page(frame);
    if (state === undefined) return page;
    return page.map((byte) => (state.isExposed && byte === UNSURE ? UNKNOWN : 0));
  }

  #page(frame: Frame): Int16Array {
    const initial = this.#isOld(frame) ? UNKNOWN : 0;
    return this.#pages.get(frame) ?? new Int16Array(Number(PAGE_SIZE)).fill(initial);
  }

  /** Whether a page held what other programs have left when it was last untouched. */
  #isOld(frame: Frame): boolean {
    return frame < this.#oldBelow || this.#oldCopies.has(frame);
  }

  #put(frame: Frame, page: Int16Array): void {
    this.#pages.set(frame, page);
    this.#texts.delete(frame);
    this.writes += 1;
  }
}

/** The bytes of a page, as runs of the same one. */
function describePage(page: Int16Array): string {
  const runs: string[] = [];
  for (let at = 0; at < page.length;) {
    const byte = page[at];
    const start = at;
    while (at < page.length && page[at] === byte) at++;
    runs.push(`${String(byte)}x${String(at - start)}`);
  }
  return runs.join(' ');
}

function unknownPage(): Int16Array {
  return new Int16Array(Number(PAGE_SIZE)).fill(UNKNOWN);
}

/** A byte that is written to a page that may be cleared later: 0 is so for sure only then. */
function unsureUnlessZero(byte: number): number {
  return byte === 0 ? UNKNOWN : UNSURE;
}
