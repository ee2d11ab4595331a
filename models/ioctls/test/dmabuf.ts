import { u32 } from '../../layout/field.js';
import { PAGE_SIZE, alignUp } from '../../base/u64.js';
import { DmaBuf, revokeDmaBuf } from '../../state/dma_buf.js';
import { FOREIGN_FD } from '../shared_rules.js';
import { DMABUF_OPEN_FLAGS } from './test_members.js';
import { type CallContext, once } from '../description.js';
import { type MemberArgs, defineTestOp } from './test_command.js';

const GET = 'selftest.c:iommufd_test_dmabuf_get';
const REVOKE = 'selftest.c:iommufd_test_dmabuf_revoke';

/** The largest buffer of the mock. */
const BYTES_MAX = 512n * PAGE_SIZE;

const { WRONLY, RDWR, CLOEXEC } = DMABUF_OPEN_FLAGS;

export const dmabufGet = defineTestOp(
  {
    op: 'DMABUF_GET',
    member: 'dmabuf_get',
    doc: 'Makes a dma-buf of zeroed, physically contiguous memory of the kernel, and a descriptor of it.',
    source: GET,
    id: u32('unused'),
    respond: 'nothing',
    allocates: true,
    hidesFd: true,
  },
  (c) => {
    const bytes = alignUp(BigInt(c.args.length), PAGE_SIZE);
    return { bytes, make: once(() => makeDmaBuf(c, bytes)) };
  },
).behaves({
  findings: [
    {
      id: 'dmabuf-get-returns-0',
      says: 'it returns 0 instead of the descriptor',
      isShown: ({ profile }) => !profile.dmabufGetReturnsFd,
    },
  ],
  rules: [
    {
      id: 'EINVAL.length_zero',
      says: 'length is 0',
      cite: GET,
      when: ({ bytes }) => bytes === 0n,
    },
    {
      id: 'EINVAL.length_limit',
      says: 'length exceeds 512 pages',
      cite: GET,
      when: ({ bytes }) => bytes > BYTES_MAX,
    },
  ],
  effect: ({ make }) => {
    make();
  },
  returns: ({ make, profile }) => (profile.dmabufGetReturnsFd ? make() : 0),
});

/** Returns the handle of the descriptor. */
function makeDmaBuf(c: CallContext<MemberArgs<'dmabuf_get'>>, bytes: bigint): number {
  const mode = c.args.open_flags & (WRONLY | RDWR);
  const first = c.world.memory.physical.takeFrames(bytes);
  const buffer = new DmaBuf(bytes, first, mode === 0 || mode === RDWR, mode === WRONLY || mode === RDWR);
  return c.installFd(buffer, (c.args.open_flags & CLOEXEC) !== 0);
}

export const dmabufRevoke = defineTestOp(
  {
    op: 'DMABUF_REVOKE',
    member: 'dmabuf_revoke',
    doc: 'Revokes a dma-buf, or offers it again. Either way those who have it mapped lose it. Buffers of other exporters, which are refused, are in no program.',
    source: REVOKE,
    id: u32('unused'),
    respond: 'nothing',
    allocates: false,
  },
  ({ args, world }) => ({ passedFd: args.dmabuf_fd, named: world.fds.byHandle(args.dmabuf_fd) }),
).behaves({
  rules: [
    FOREIGN_FD,
    {
      id: 'EBADF.fd',
      says: 'the descriptor is closed',
      cite: 'drivers/dma-buf/dma-buf.c:dma_buf_get',
      when: ({ named }) => named === undefined,
    },
    {
      id: 'EINVAL.kind',
      says: 'the file is no dma-buf',
      cite: 'drivers/dma-buf/dma-buf.c:dma_buf_get',
      when: ({ named }) => named !== undefined && named.kind !== 'dmabuf',
    },
  ],
  effect: ({ args, named, world }) => {
    if (named?.kind === 'dmabuf') revokeDmaBuf(named, args.revoked !== 0, world.contexts);
  },
});
