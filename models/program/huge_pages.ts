import { HUGE, HUGE_PAGES_MAX, HUGE_PAGE_BYTES } from './arena.js';
import type { MmapStep, Step } from './program.js';

/** Steps that may take huge pages. */
const TAKING: ReadonlySet<Step['do']> = new Set(['memfd', 'mmap', 'truncate']);

/**
 * What a program does with huge pages. They lie in a part of the address space of their own, where nothing else is mapped, and are
 * mapped, protected and unmapped whole. A program takes no more than are reserved for it, so that there are always enough.
 */
export class HugePages {
  /** Labels of files of huge pages. */
  readonly #files = new Set<string>();
  #taken = 0n;

  /** @param fail says what is wrong with a step */
  constructor(private readonly fail: (problem: string) => never) {}

  /** Whether a step keeps to the rules. */
  check(step: Step): void {
    if (!TAKING.has(step.do)) return;
    const bytes = this.#bytesTaken(step);
    if (bytes % HUGE_PAGE_BYTES !== 0n) this.fail('huge pages are taken whole');
    if (this.#taken + bytes > BigInt(HUGE_PAGES_MAX) * HUGE_PAGE_BYTES)
      this.fail(`the program takes more than ${String(HUGE_PAGES_MAX)} huge pages`);
    if (step.do === 'mmap') this.#checkMapping(step);
  }

  /** Takes what a step may take. */
  take(step: Step): void {
    if (TAKING.has(step.do)) this.#taken += this.#bytesTaken(step);
    if (step.do === 'memfd' && step.huge === true) this.#files.add(step.label);
    if ((step.do === 'dup' || step.do === 'pass') && this.#files.has(step.file)) this.#files.add(step.label);
  }

  #checkMapping(step: MmapStep): void {
    const { start, bytes, huge, file, offset, isPrivate } = step;
    const isOfHugePages = this.#isOfHugePages(step);
    if (isOfHugePages !== liesInHuge(start, bytes))
      this.fail('huge pages are mapped whole in the region for them, and nothing else is');
    if (huge === true && file !== undefined) this.fail('a file has huge pages or not, however it is mapped');
    if (isOfHugePages && isPrivate === true) this.fail('huge pages are shared');
    if (isOfHugePages && (offset ?? 0n) % HUGE_PAGE_BYTES !== 0n) this.fail('huge pages are mapped whole');
  }

  /** The most bytes of huge pages that a step takes; a file may grow when it is mapped. */
  #bytesTaken(step: Step): bigint {
    const takes =
      step.do === 'memfd'
        ? step.huge === true
        : step.do === 'mmap'
          ? this.#isOfHugePages(step)
          : step.do === 'truncate' && this.#files.has(step.file);
    return takes && 'bytes' in step ? BigInt(step.bytes) : 0n;
  }

  #isOfHugePages({ huge, file }: Pick<MmapStep, 'huge' | 'file'>): boolean {
    return huge === true || (file !== undefined && this.#files.has(file));
  }
}

/** Whether a range is whole pages of the region for huge ones. */
export function liesInHuge(start: bigint, bytes: bigint): boolean {
  const isInside = start >= HUGE.start && start + bytes <= HUGE.start + HUGE.bytes;
  return isInside && start % HUGE_PAGE_BYTES === 0n && bytes % HUGE_PAGE_BYTES === 0n && bytes > 0n;
}
