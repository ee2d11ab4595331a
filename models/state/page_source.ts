import { PAGE_SIZE } from '../base/u64.js';
import type { DmaBuf } from './dma_buf.js';
import type { OpenFile } from './open_file.js';
import type { Frame } from './physical_memory.js';

/** Where the bytes of a mapping come from. Source: io_pagetable.h, enum iopt_address_type. */
export type PageSource = UserSource | FileSource | DmaBufSource;

/** The address space of the process that mapped it; the origin of its pages is an address. */
export interface UserSource {
  readonly kind: 'user';
}

export const USER_MEMORY: UserSource = { kind: 'user' };

/** A file, of whatever kind until pages are pinned; the origin of the pages is an offset. */
export class FileSource {
  readonly kind = 'file';

  /** @param put takes a reference of the file away */
  constructor(
    readonly file: OpenFile,
    private readonly put: (file: OpenFile) => void,
  ) {}

  /**
   * The frame of the page at an offset; undefined where it cannot be pinned: only a file of memory has pages, and each must lie
   * wholly below the end of the file. Source: mm/gup.c:memfd_pin_folios.
   */
  frameAt(offset: bigint): Frame | undefined {
    const { file } = this;
    if (file.kind !== 'memfd' || offset + PAGE_SIZE > file.bytes) return undefined;
    return file.frameAt(Number(offset / PAGE_SIZE));
  }

  hold(): void {
    this.file.references += 1;
  }

  release(): void {
    this.put(this.file);
  }
}

/** One import of a dma-buf: what one mapping attaches, and a revocation kills for good. Source: pages.c:iopt_map_dmabuf. */
export class DmaBufSource {
  readonly kind = 'dmabuf';
  isRevoked = false;

  /** @param put takes a reference of the file away */
  constructor(
    readonly file: DmaBuf,
    private readonly put: (file: DmaBuf) => void,
  ) {}

  frameAt(offset: bigint): Frame {
    return this.file.firstFrame + Number(offset / PAGE_SIZE);
  }

  hold(): void {
    this.file.references += 1;
    this.file.imports.add(this);
  }

  release(): void {
    this.file.imports.delete(this);
    this.put(this.file);
  }
}
