import { flags, handle, page, u32, u64 } from '../framework/argument.js';
import { decidedInEffect } from '../framework/call.js';
import { PAUSE } from '../framework/locks.js';
import { PAGE_SIZE, isAligned } from '../../base/u64.js';
import { FD, onMachine } from './files.js';
import { NO_CONTEXT, isNoIommufd } from './space_calls.js';
import { type AddressSpace, spaceAt } from './state.js';

const MAP = 'RFC 18/20, iommufd_process_dma_op';

const IOASID = handle('the address space', ['ioasid'], { values: [0, 5] });

/** An IOVA near the bottom, or the last page of some widths. */
export const IOVA = u64('where the device sees it', {
  usual: 0x1000n,
  values: [0n, 0x2000n, 0x1001n, (1n << 48n) - PAGE_SIZE, 1n << 48n],
});

const PADDING = u32('padding', { usual: 0, values: [1], isUnknown: (value) => value !== 0 });

export const USER_PAGE = page('the page of the user', 4, 0);

export const mapDma = onMachine({
  name: 'IOMMU_MAP_DMA',
  doc: 'Maps a page of the user into an address space.',
  source: MAP,
  args: {
    fd: FD,
    flags: flags('access', { READ: 1, WRITE: 2 }, 3),
    ioasid: IOASID,
    padding: PADDING,
    vaddr: USER_PAGE,
    iova: IOVA,
  },
  rules: [
    { id: 'ENOTTY.file', says: NO_CONTEXT, cite: 'ioctl(2)', when: isNoIommufd },
    {
      id: 'EINVAL.flags',
      says: 'flags are none, or unknown',
      cite: MAP,
      when: ({ args }) => args.flags === 0 || args.flags > 3,
    },
    {
      id: 'EINVAL.ioasid',
      says: 'no address space has the id',
      cite: MAP,
      when: ({ state, args }) => spaceAt(state, args.fd, args.ioasid) === undefined,
    },
    {
      id: 'EINVAL.incomplete',
      says: 'the address space is still being made',
      cite: MAP,
      when: ({ state, args }) => spaceAt(state, args.fd, args.ioasid)?.isComplete === false,
    },
    {
      id: 'EINVAL.attached',
      says: 'no device is attached',
      cite: MAP,
      when: decidedInEffect,
      contradicts: () => 'MAP works only after ATTACH',
    },
    {
      id: 'EINVAL.last',
      says: 'the IOVA is that of the last page',
      cite: 'RFC 17/20',
      when: decidedInEffect,
      contradicts: () => 'the last page of the address space cannot be mapped',
    },
    {
      id: 'EINVAL.iova',
      says: 'the IOVA is not aligned, or not below the end of addresses',
      cite: MAP,
      when: decidedInEffect,
    },
    { id: 'EEXIST.iova', says: 'the IOVA is mapped already', cite: MAP, when: decidedInEffect },
  ],
  *effect(c) {
    const space = spaceAt(c.state, c.args.fd, c.args.ioasid);
    if (space === undefined) return c.fail('EINVAL.ioasid');
    space.references += 1;
    yield PAUSE;
    space.references -= 1;
    const { iova, vaddr } = c.args;
    if (space.devices.size === 0 && c.has('D1.25')) c.fail('EINVAL.attached');
    const end = 1n << BigInt(space.width);
    if (iova + PAGE_SIZE === end && c.has('D1.12')) c.fail('EINVAL.last');
    if (!isAligned(iova, PAGE_SIZE) || iova + PAGE_SIZE > end) c.fail('EINVAL.iova');
    if (space.recorded.has(iova)) c.fail('EEXIST.iova');
    mapPage(space, iova, vaddr);
  },
});

/** Records a mapping and enters it into the page table. */
export function mapPage(space: AddressSpace, iova: bigint, user: number): void {
  space.recorded.set(iova, user);
  space.domain?.set(iova, user);
}

export const unmapDma = onMachine({
  name: 'IOMMU_UNMAP_DMA',
  doc: 'Removes a mapping; one that is not there is no error.',
  source: MAP,
  args: { fd: FD, flags: flags('must be 0', {}), ioasid: IOASID, padding: PADDING, iova: IOVA },
  rules: [
    { id: 'ENOTTY.file', says: NO_CONTEXT, cite: 'ioctl(2)', when: isNoIommufd },
    { id: 'EINVAL.flags', says: 'flags are set', cite: MAP, when: ({ args }) => args.flags !== 0 },
    {
      id: 'EINVAL.ioasid',
      says: 'no address space has the id, or no device is attached to it',
      cite: MAP,
      when: ({ state, args }) => (spaceAt(state, args.fd, args.ioasid)?.devices.size ?? 0) === 0,
    },
  ],
  effect: ({ state, args }) => {
    const space = spaceAt(state, args.fd, args.ioasid);
    space?.recorded.delete(args.iova);
    space?.domain?.delete(args.iova);
  },
});
