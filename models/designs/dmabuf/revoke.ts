import { PAUSE, type Pause } from '../framework/locks.js';
import { type Attachment, type Buffer, type Seen, attachmentsOf } from './state.js';

/** Keeps accesses to the BARs and what takes them away apart. */
export const MEMORY_LOCK = 'memory_lock of the device';

/** The lock under which a buffer is mapped, pinned and revoked. */
export function reservationLock({ name }: Buffer): string {
  return `the reservation lock of ${name}`;
}

/**
 * vfio_pci_dma_buf_move: takes all buffers of the device away from their importers, or offers them again. The caller holds the
 * memory lock.
 */
export function* moveBuffers(c: Seen, isRevoked: boolean): Generator<Pause, void> {
  for (const buffer of [...c.state.buffers]) {
    if (!buffer.isListed || buffer.isRevoked === isRevoked) continue;
    yield* c.lock(reservationLock(buffer));
    if (isRevoked) {
      buffer.isRevoked = true;
      invalidate(c, buffer);
      yield* waitForImporters(c, buffer);
    } else {
      buffer.isRevoked = false;
      offerAgain(c, buffer);
    }
    c.unlock(reservationLock(buffer));
  }
}

/** Tells importers that their addresses are no good any more; iommufd unmaps at once. */
export function invalidate(c: Seen, buffer: Buffer): void {
  for (const { pages } of attachmentsOf(c.state, buffer)) {
    if (pages === undefined || pages.isDead) continue;
    for (const { area, domain } of pages.tracked) {
      for (const [iova, entry] of domain.table) if (entry.area === area) domain.table.delete(iova);
    }
    pages.isDead = true;
  }
  for (const { pages } of attachmentsOf(c.state, buffer)) if (pages !== undefined) pages.isExpected = false;
}

/** Importers that do DMA let go in their own time, those that cannot be told never. */
function* waitForImporters(c: Seen, buffer: Buffer): Generator<Pause, void> {
  const mapped = attachmentsOf(c.state, buffer).filter(({ isMapped }) => isMapped);
  const deaf = mapped.filter(({ hasInvalidate }) => !hasInvalidate);
  if (deaf.length > 0 && c.has('D4.12')) return;
  if (mapped.length === 0 || c.has('D4.11')) return;
  yield PAUSE;
  for (const attachment of mapped) unmapImporter(attachment);
}

/** An importer gives its addresses back. */
export function unmapImporter(attachment: Attachment): void {
  if (!attachment.isMapped) return;
  attachment.isMapped = false;
  attachment.buffer.mappings -= 1;
}

/** Areas that a revocation has emptied stay empty; the question is who knows. */
function offerAgain(c: Seen, buffer: Buffer): void {
  for (const { pages } of attachmentsOf(c.state, buffer)) {
    if (pages?.isDead === true && c.has('D4.2')) pages.isExpected = true;
  }
}

/** vfio_pci_dma_buf_cleanup: the device lets go of its buffers. */
export function* cleanUpBuffers(c: Seen): Generator<Pause, void> {
  const { buffers, device } = c.state;
  const revoked = [...buffers].find(({ isListed, isRevoked }) => isListed && isRevoked);
  if (revoked !== undefined && c.has('D4.14')) {
    c.undefined(
      'D4.14',
      'underflow',
      `the reference of ${revoked.name} on its mappings is dropped a second time, and its end waited for`,
    );
  }
  yield* moveBuffers(c, true);
  for (const buffer of buffers) {
    if (!buffer.isListed) continue;
    buffer.isListed = false;
    device.registrations -= 1;
  }
}
