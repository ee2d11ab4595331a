import { choice, handle, u32 } from '../framework/argument.js';
import { decidedInEffect } from '../framework/call.js';
import { BUFFER } from './export_calls.js';
import { onMachine } from './device_calls.js';
import { reservationLock, unmapImporter } from './revoke.js';
import { type Attachment, BAR0, type Buffer, type Pages, type Seen, putBuffer } from './state.js';
import { attachmentName } from './view.js';

const EXPORTER = 'vfio/pci/vfio_pci_dmabuf.c';
const CORE = 'drivers/dma-buf/dma-buf.c';

const ATTACHMENT = handle('an attachment', ['attachment'], { usual: 1, values: [2, 0] });

/** What an importer brings. */
interface Importer {
  readonly hasInvalidate: boolean;
  /** What iommufd makes of the buffer. */
  readonly pages: Pages | undefined;
}

/** Why the exporter does not take an importer. */
type Refusal = 'EOPNOTSUPP.peer_to_peer' | 'ENODEV.revoked' | 'EOPNOTSUPP.revocable';

/** vfio_pci_dma_buf_attach: whom the exporter takes. */
function refusalOf(
  c: Seen,
  buffer: Buffer,
  importer: { readonly isPeerToPeer: boolean; readonly hasInvalidate: boolean },
): Refusal | undefined {
  if (buffer.exporter !== 'vfio') return undefined;
  if (!importer.isPeerToPeer) return 'EOPNOTSUPP.peer_to_peer';
  if (buffer.isRevoked) return 'ENODEV.revoked';
  if (!importer.hasInvalidate && !c.has('D4.12')) return 'EOPNOTSUPP.revocable';
  return undefined;
}

export function addAttachment({ state }: Seen, buffer: Buffer, importer: Importer): Attachment {
  state.attachmentsMade += 1;
  const { hasInvalidate, pages } = importer;
  const id = state.attachmentsMade;
  const attachment: Attachment = { id, buffer, pages, hasInvalidate, pins: 0, isMapped: false };
  state.attachments.set(id, attachment);
  buffer.references += 1;
  return attachment;
}

export function removeAttachment({ state }: Seen, { id, buffer }: Attachment): void {
  state.attachments.delete(id);
  putBuffer(state, buffer);
}

export const attachImporter = onMachine({
  name: 'dma_buf_dynamic_attach',
  isKernel: true,
  doc: 'Another importer, RDMA for instance, attaches to a buffer, and mostly asks for addresses at once.',
  source: `${CORE}:dma_buf_dynamic_attach, ${EXPORTER}:vfio_pci_dma_buf_attach`,
  makes: [{ kind: 'attachment' }],
  args: {
    fd: BUFFER,
    peer_to_peer: u32('whether it can take addresses of other devices', {
      usual: 1,
      names: { no: 0, yes: 1 },
    }),
    map: u32('whether it asks for addresses', { usual: 1, names: { no: 0, yes: 1 } }),
    invalidate: choice('whether it can be told that its addresses are void', { none: 0, has: 1 }, 'has'),
  },
  rules: [
    {
      id: 'EBADF.fd',
      says: 'the descriptor is not open',
      cite: CORE,
      when: ({ state, args }) => !state.descriptors.has(args.fd),
    },
    {
      id: 'EOPNOTSUPP.peer_to_peer',
      says: 'the importer takes only memory',
      cite: EXPORTER,
      when: decidedInEffect,
    },
    { id: 'ENODEV.revoked', says: 'the buffer is revoked', cite: EXPORTER, when: decidedInEffect },
    {
      id: 'EOPNOTSUPP.revocable',
      says: 'the importer cannot be told',
      cite: EXPORTER,
      when: decidedInEffect,
    },
  ],
  effect: (c) => {
    const { args, state } = c;
    const buffer = state.descriptors.get(args.fd);
    if (buffer === undefined) return c.fail('EBADF.fd');
    const hasInvalidate = args.invalidate === 1;
    const refusal = refusalOf(c, buffer, { isPeerToPeer: args.peer_to_peer === 1, hasInvalidate });
    if (refusal !== undefined) return c.fail(refusal);
    const attachment = addAttachment(c, buffer, { hasInvalidate, pages: undefined });
    if (args.map === 1 && mapRefusalOf(buffer) === undefined) mapBuffer(attachment);
    return attachment.id;
  },
});

interface OnAttachment {
  readonly state: Seen['state'];
  readonly args: { readonly attachment: number };
}

/** Of importers other than iommufd. */
function importerAt({ state, args }: OnAttachment): Attachment | undefined {
  const found = state.attachments.get(args.attachment);
  return found?.pages === undefined ? found : undefined;
}

const NO_SUCH_ATTACHMENT = {
  id: 'EINVAL.attachment',
  says: 'no importer is attached so',
  cite: CORE,
  when: (c: OnAttachment): boolean => importerAt(c) === undefined,
} as const;

/** Why an importer gets no addresses for DMA. */
function mapRefusalOf({ exporter, isRevoked }: Buffer): 'EOPNOTSUPP.exporter' | 'ENODEV.revoked' | undefined {
  if (exporter === 'test') return 'EOPNOTSUPP.exporter';
  return exporter === 'vfio' && isRevoked ? 'ENODEV.revoked' : undefined;
}

function mapBuffer(attachment: Attachment): void {
  attachment.isMapped = true;
  attachment.buffer.mappings += 1;
}

export const mapImporter = onMachine({
  name: 'dma_buf_map_attachment',
  isKernel: true,
  doc: 'The importer asks for addresses for DMA: all ranges of the buffer.',
  source: `${EXPORTER}:vfio_pci_dma_buf_map`,
  args: { attachment: ATTACHMENT },
  rules: [
    NO_SUCH_ATTACHMENT,
    {
      id: 'EBUSY.mapped',
      says: 'it has them',
      cite: 'importers ask once',
      when: (c) => importerAt(c)?.isMapped === true,
    },
    {
      id: 'EOPNOTSUPP.exporter',
      says: 'the exporter for tests has no addresses for DMA',
      cite: 'iommufd/selftest.c:iommufd_test_dma_buf_map',
      when: decidedInEffect,
    },
    { id: 'ENODEV.revoked', says: 'the buffer is revoked', cite: EXPORTER, when: decidedInEffect },
  ],
  *effect(c) {
    const attachment = importerAt(c);
    if (attachment === undefined) return c.fail('EINVAL.attachment');
    const { buffer } = attachment;
    yield* c.lock(reservationLock(buffer));
    const refusal = mapRefusalOf(buffer);
    if (refusal === undefined) mapBuffer(attachment);
    c.unlock(reservationLock(buffer));
    return refusal === undefined ? buffer.ranges.length : c.fail(refusal);
  },
});

export const detachImporter = onMachine({
  name: 'dma_buf_detach',
  isKernel: true,
  doc: 'The importer stops its DMA and lets go of the buffer.',
  source: `${CORE}:dma_buf_detach, ${EXPORTER}:vfio_pci_dma_buf_unmap`,
  args: { attachment: ATTACHMENT },
  destroys: ({ attachment }) => attachmentName(attachment),
  rules: [NO_SUCH_ATTACHMENT],
  effect: (c) => {
    const attachment = importerAt(c);
    if (attachment === undefined) return;
    unmapImporter(attachment);
    removeAttachment(c, attachment);
  },
});

/** What the private interconnect answers: an address, or why there is none. */
type PrivateAnswer = bigint | 'EOPNOTSUPP.exporter' | 'ENODEV.revoked' | 'EOPNOTSUPP.ranges';

/** vfio_pci_dma_buf_iommufd_map: the one physical range of a buffer. The caller holds the reservation lock. */
export function privateAddress(c: Seen, buffer: Buffer): PrivateAnswer {
  const { exporter, isRevoked, ranges } = buffer;
  const [range] = ranges;
  if (exporter === 'foreign') return 'EOPNOTSUPP.exporter';
  if (isRevoked) {
    if (ranges.length !== 1 && c.has('D4.5')) {
      c.contradicts('a buffer of several ranges is refused for good or for now, as the state decides');
    }
    return 'ENODEV.revoked';
  }
  if (range === undefined || ranges.length > 1) {
    if (c.has('D4.3')) c.contradicts('a buffer of several ranges works for any importer but iommufd');
    return 'EOPNOTSUPP.ranges';
  }
  return BAR0.start + range.start;
}

export const PRIVATE_RULES = [
  {
    id: 'EOPNOTSUPP.exporter',
    says: 'the exporter has no private way',
    cite: `${EXPORTER}:vfio_pci_dma_buf_iommufd_map`,
    when: decidedInEffect,
  },
  {
    id: 'ENODEV.revoked',
    says: 'the buffer is revoked',
    cite: `${EXPORTER}:vfio_pci_dma_buf_iommufd_map`,
    when: decidedInEffect,
  },
  {
    id: 'EOPNOTSUPP.ranges',
    says: 'the buffer has more than one range',
    cite: `${EXPORTER}:vfio_pci_dma_buf_iommufd_map`,
    when: decidedInEffect,
  },
] as const;

export const iommufdMap = onMachine({
  name: 'vfio_pci_dma_buf_iommufd_map',
  isKernel: true,
  doc: 'The private interconnect: tells where the one range of a buffer lies.',
  source: '[PATCH 1/9] vfio/pci: Add vfio_pci_dma_buf_iommufd_map(), 8 Nov 2025',
  args: { attachment: ATTACHMENT },
  rules: [
    {
      ...NO_SUCH_ATTACHMENT,
      when: ({ state, args }) => !state.attachments.has(args.attachment),
    },
    ...PRIVATE_RULES,
  ],
  *effect(c) {
    const attachment = c.state.attachments.get(c.args.attachment);
    if (attachment === undefined) return c.fail('EINVAL.attachment');
    const lock = reservationLock(attachment.buffer);
    yield* c.lock(lock);
    const answer = privateAddress(c, attachment.buffer);
    c.unlock(lock);
    if (typeof answer === 'string') return c.fail(answer);
    return { phys: answer };
  },
});
