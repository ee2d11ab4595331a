import type { IommufdFile } from './iommufd_file.js';
import type { OpenFileBase } from './open_file.js';
import type { DmaBufSource } from './page_source.js';
import { isRevoked as isImportRevoked } from './pages.js';
import type { Frame } from './physical_memory.js';

/** A dma-buf of the mock: memory of the kernel, physically contiguous. Source: selftest.c:iommufd_test_dma_buf. */
export class DmaBuf implements OpenFileBase {
  readonly kind = 'dmabuf';
  references = 0;
  /** Whether new imports are refused. */
  isRevoked = false;
  readonly imports = new Set<DmaBufSource>();

  constructor(
    readonly bytes: bigint,
    readonly firstFrame: Frame,
    /** Whether the descriptor permits read() and mmap() to read. */
    readonly isReadable: boolean,
    /** Whether it permits write() and writable mappings. */
    readonly isWritable: boolean,
  ) {}
}

/**
 * Revokes or offers a buffer again. Either way what was imported before leaves every page table for good.
 * Source: selftest.c:iommufd_test_dmabuf_revoke, pages.c:iopt_revoke_notify.
 */
export function revokeDmaBuf(buffer: DmaBuf, isRevoked: boolean, contexts: readonly IommufdFile[]): void {
  buffer.isRevoked = isRevoked;
  for (const source of buffer.imports) source.isRevoked = true;
  for (const { objects } of contexts) {
    for (const object of objects.objects) {
      if (object.type !== 'IOAS') continue;
      const { areas, domains } = object.table;
      const revoked = areas.filter(({ pages }) => isImportRevoked(pages));
      for (const area of revoked) for (const domain of domains) domain.unmap(area);
    }
  }
}
