import { PAGE_SIZE } from '../base/u64.js';
import type { Frame } from './physical_memory.js';

/** In place of a byte of which nothing is known. */
const UNKNOWN = -1;

/**
 * What is known of the bytes of pages: those that a program gets are 0, those that are there before it hold what other programs
 * have left, until something is written to them.
 */
export class PageContents {
  readonly #pages = new Map<Frame, Int16Array>();
  #oldBelow: Frame = 0;
  /** Whether they change without the model seeing it, so that nothing is ever known of them. */
  isHidden = false;
  /** How often something has been written. */
  writes = 0;

  /** Says that the pages up to a number are not new. */
  forgetBelow(frame: Frame): void {
    this.#oldBelow = frame;
  }

  /** Some bytes of a page; undefined if one of them is not known. */
  read(frame: Frame, offset: number, count: number): Uint8Array | undefined {
    if (this.isHidden) return undefined;
    const bytes = this.#page(frame).subarray(offset, offset + count);
    return bytes.includes(UNKNOWN) ? undefined : Uint8Array.from(bytes);
  }

  write(frame: Frame, offset: number, bytes: Uint8Array): void {
    if (this.isHidden) return;
    const page = this.#page(frame);
    page.set(bytes, offset);
    this.#pages.set(frame, page);
    this.writes += 1;
  }

  /** A page becomes what another one is. */
  copy(from: Frame, to: Frame): void {
    if (this.isHidden) return;
    if (from >= this.#oldBelow && !this.#pages.has(from)) this.#pages.delete(to);
    else this.#pages.set(to, this.#page(from).slice());
  }

  #page(frame: Frame): Int16Array {
    const initial = frame < this.#oldBelow ? UNKNOWN : 0;
    return this.#pages.get(frame) ?? new Int16Array(Number(PAGE_SIZE)).fill(initial);
  }
}
