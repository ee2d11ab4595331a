import { PAGE_SIZE } from '../base/u64.js';
import type { Frame, PhysicalMemory } from './physical_memory.js';

/**
 * The pages of a private mapping of a file that are the process's own. A page of the file is copied before it is written to or
 * pinned, even to be read. Source: mm/internal.h:gup_must_unshare; mm/memory.c:do_wp_page.
 */
export class PrivateCopies {
  /** By the page of the file: one that the file has lost takes its copy along. */
  readonly #copies = new Map<Frame, Frame>();
  /** Numbers of copies that are not made yet. */
  readonly #reserved = new Map<Frame, Frame>();

  constructor(private readonly physical: PhysicalMemory) {}

  /** What the process sees of a page of the file. */
  seen(page: Frame): Frame {
    return this.#copies.get(page) ?? page;
  }

  /** What it will see once the page is copied. Changes nothing that anybody sees. */
  copyOf(page: Frame): Frame {
    const known = this.#copies.get(page) ?? this.#reserved.get(page);
    if (known !== undefined) return known;
    const copy = this.physical.takeFrames(PAGE_SIZE);
    this.#reserved.set(page, copy);
    return copy;
  }

  /** Copies a page of the file, which is looked at by that. */
  copy(page: Frame): void {
    if (this.#copies.has(page)) return;
    const copy = this.copyOf(page);
    this.physical.contents.clear(page);
    this.physical.contents.copy(page, copy);
    this.#copies.set(page, copy);
  }

  /** The copies of a process that is made: pages of its own. */
  fork(): PrivateCopies {
    const child = new PrivateCopies(this.physical);
    for (const [page, copy] of this.#copies) child.#copies.set(page, this.#twin(copy));
    return child;
  }

  #twin(copy: Frame): Frame {
    const twin = this.physical.takeFrames(PAGE_SIZE);
    this.physical.contents.copy(copy, twin);
    return twin;
  }
}
