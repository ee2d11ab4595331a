import { fd32 } from '../../layout/field.js';
import { rangeWraps } from '../../base/u64.js';
import { AccessCopyPlan, type AccessCopyFailure, type Piece, reachPage } from '../../state/access_copy.js';
import { ioasOf } from '../../state/access.js';
import type { AccessFile } from '../../state/access_file.js';
import { type CallContext, type Leftover, type Rule, once } from '../description.js';
import { emptyRange, hasUnknownBits, rangeTooHigh } from '../shared_rules.js';
import {
  ACCESS_BYTES_MAX,
  ACCESS_RULES,
  type PassedAccess,
  accessIova,
  lookUpAccess,
  tooManyBytes,
} from './access_descriptor.js';
import { type MemberArgs, defineTestOp } from './test_command.js';
import { ACCESS_RW_FLAGS } from './test_members.js';

const SOURCE = 'selftest.c:iommufd_test_access_rw';
const COPY = 'device.c:iommufd_access_rw';

type Args = { id: number } & MemberArgs<'access_rw'>;

interface Lookups extends PassedAccess {
  /** The first IOVA, decoded where a fuzzer asks for it. */
  readonly iova: bigint;
  /** Where the bytes are; undefined where nothing is to be copied. */
  readonly plan: () => AccessCopyPlan | undefined;
}

type Context = CallContext<Args> & Lookups;

/** What has been written before the first byte that could not be, and pinned for it. */
const WRITTEN_BEFORE: Leftover<Context> = {
  what: 'a write has changed the memory before it, and pages of private mappings that were pinned stay copied',
  cite: COPY,
  does: (c) => {
    c.plan()?.reach();
    if (isWrite(c.args)) writeMemory(c);
  },
};

export const accessRw = defineTestOp(
  {
    op: 'ACCESS_RW',
    member: 'access_rw',
    doc: 'Copies between user space and the memory behind a range of IOVAs.',
    source: SOURCE,
    id: fd32(['access']),
    respond: 'nothing',
    allocates: true,
  },
  (c): Lookups => {
    const { accessFile, passedFd } = lookUpAccess(c);
    const iova = accessIova(c.args, ACCESS_RW_FLAGS.SYZ, accessFile);
    return { accessFile, passedFd, iova, plan: once(() => planCopy(c, accessFile, iova)) };
  },
).behaves({
  findings: [
    {
      id: 'map-file-pins-uncleared',
      says: 'what was written to a page of a file is gone when somebody looks at the file',
      isShown: ({ args, plan, world }) =>
        !isWrite(args) &&
        piecesOf(plan()).some(
          ({ frame, seen }) => seen !== undefined && world.memory.physical.contents.hasLost(frame),
        ),
    },
  ],
  failing: [
    {
      of: 'memory',
      errno: 'EFAULT',
      what: 'a page of the memory could not be made',
      cite: 'pages.c:iopt_pages_rw_access',
    },
  ],
  isPartial: mayWriteAPart,
  rules: [
    tooManyBytes(SOURCE),
    {
      id: 'EOPNOTSUPP.flags',
      says: 'flags has a bit besides WRITE, SLOW_PATH and SYZ',
      cite: SOURCE,
      when: ({ args }) => hasUnknownBits(args.flags, ACCESS_RW_FLAGS),
    },
    ...ACCESS_RULES,
    {
      id: 'EFAULT.source',
      says: 'the bytes to write cannot be read',
      cite: SOURCE,
      when: ({ args, memory }) =>
        isWrite(args) &&
        args.length <= ACCESS_BYTES_MAX &&
        !memory.isReadable(args.uptr, Number(args.length)),
    },
    emptyRange(COPY),
    rangeTooHigh(COPY, ({ iova }) => iova),
    copyRule('EPERM.protection', 'protection', 'an area does not permit the access'),
    {
      ...copyRule('EINVAL.dmabuf', 'dmabuf', 'an area shows a dma-buf'),
      isFor: ({ hasFileMappings }) => hasFileMappings,
    },
    {
      ...copyRule(
        'EINVAL.file_pages',
        'file',
        'a page of the file cannot be pinned: it lies beyond the end, or the file is not of memory',
      ),
      isFor: ({ hasFileMappings }) => hasFileMappings,
    },
    copyRule('EFAULT.user_memory', 'fault', 'a page of the memory is not mapped, or not accessible'),
    copyRule(
      'EOVERFLOW.user_memory_end',
      'end_of_space',
      'the first chunk of pages to pin ends at 2^64, where memory is reached as that of another process',
    ),
    copyRule('ENOENT.hole', 'hole', 'an IOVA of the range is not mapped'),
    {
      id: 'unspecified.user_memory',
      says: 'the memory lies outside the arena, or is that of structs: the model cannot see it',
      cite: 'models/state/page_contents.ts',
      when: ({ plan, world }) => {
        const { physical } = world.memory;
        return (
          plan()?.failure === 'unknown' ||
          (plan()?.pieces ?? []).some(({ frame }) => physical.isGuarded(frame))
        );
      },
    },
    {
      id: 'unspecified.partial',
      says: 'how much is written before a failure depends on where memory lies in the machine, if arrays are small',
      cite: 'pages.c:pfn_reader_next',
      when: ({ plan }) => plan()?.failure === 'partial',
    },
    {
      id: 'unspecified.contents',
      says: 'the memory holds what other programs have left there',
      cite: 'models/state/page_contents.ts',
      when: (c) =>
        !isWrite(c.args) &&
        c.plan() !== undefined &&
        !c.world.memory.physical.contents.isHidden &&
        contentsOf(c) === undefined,
    },
    {
      id: 'EFAULT.destination',
      says: 'the bytes that were read cannot all be handed over',
      cite: SOURCE,
      when: ({ args, memory }) =>
        !isWrite(args) &&
        args.length <= ACCESS_BYTES_MAX &&
        !memory.isWritable(args.uptr, Number(args.length)),
      leaves: {
        what: 'as many as fit are',
        cite: 'lib/usercopy.c:_copy_to_user',
        does: handOver,
      },
    },
  ],
  effect: (c) => {
    if (isWrite(c.args)) writeMemory(c);
    else handOver(c);
  },
});

function copyRule(id: Rule<Context>['id'], failure: AccessCopyFailure, says: string): Rule<Context> {
  return { id, says, cite: COPY, when: ({ plan }) => plan()?.failure === failure, leaves: WRITTEN_BEFORE };
}

function isWrite({ flags }: Args): boolean {
  return (flags & ACCESS_RW_FLAGS.WRITE) !== 0;
}

function planCopy(
  { args, world }: CallContext<Args>,
  accessFile: AccessFile | undefined,
  iova: bigint,
): AccessCopyPlan | undefined {
  const { length } = args;
  if (accessFile === undefined || length === 0n || length > ACCESS_BYTES_MAX || rangeWraps(iova, length)) {
    return undefined;
  }
  const isSlow = (args.flags & ACCESS_RW_FLAGS.SLOW_PATH) !== 0;
  const request = { iova, last: iova + length - 1n, isWrite: isWrite(args), isSlow };
  return new AccessCopyPlan(ioasOf(accessFile.access).table, request, world.process);
}

/** Whether a write that ends early leaves a part of its bytes that can be told from those before. */
function mayWriteAPart(c: Context): boolean {
  const { args, memory, plan } = c;
  if (!isWrite(args) || (plan()?.pieces.length ?? 0) < 2) return false;
  const before = contentsOf(c);
  return before?.every((byte, at) => byte === memory.read(args.uptr + BigInt(at), 1)[0]) !== true;
}

/** Writes as far as the plan goes. */
function writeMemory({ args, memory, plan, world }: Context): void {
  const { contents } = world.memory.physical;
  const reached = piecesOf(plan()).map((piece) => ({ ...piece, frame: reachPage(piece) }));
  if (contents.isHidden) return;
  let at = 0;
  const data = memory.read(args.uptr, Number(args.length));
  for (const { frame, offset, count } of reached) {
    contents.write(frame, offset, data.subarray(at, at + count));
    at += count;
  }
}

/** Writes what was read to user memory, as far as that goes. */
function handOver(c: Context): void {
  const { args, memory } = c;
  for (const piece of piecesOf(c.plan())) reachPage(piece);
  const fitting = memory.writableBytes(args.uptr, Number(args.length));
  const bytes = contentsOf(c)?.subarray(0, fitting) ?? c.observe('uptr', args.uptr, fitting);
  if (bytes !== undefined && fitting > 0) memory.write(args.uptr, bytes);
}

/** The bytes of the range; undefined if one is not known. */
function contentsOf({ args, plan, world }: Context): Uint8Array | undefined {
  const bytes = new Uint8Array(Number(args.length));
  let at = 0;
  for (const { frame, offset, count, seen } of piecesOf(plan())) {
    const known = world.memory.physical.contents.read(frame, offset, count, seen !== undefined);
    if (known === undefined) return undefined;
    bytes.set(known, at);
    at += count;
  }
  return bytes;
}

function piecesOf(plan: AccessCopyPlan | undefined): readonly Piece[] {
  return plan?.pieces ?? [];
}
