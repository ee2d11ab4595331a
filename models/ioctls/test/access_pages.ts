import { fd32 } from '../../layout/field.js';
import { PAGE_SIZE, U64_MAX, alignUp, pageIndex, pageOffset, rangeWraps, wrapU64 } from '../../base/u64.js';
import { present } from '../../base/assert.js';
import { addItem, ioasOf } from '../../state/access.js';
import type { AccessFile } from '../../state/access_file.js';
import { type AccessPinFailure, AccessPinPlan } from '../../state/access_pins.js';
import type { Frame } from '../../state/physical_memory.js';
import type { UserMemory } from '../../state/user_memory.js';
import { type CallContext, type Rule, once } from '../description.js';
import {
  ANY_FILL_RULES,
  REACHED,
  cannotRespond,
  emptyRange,
  hasUnknownBits,
  rangeTooHigh,
} from '../shared_rules.js';
import {
  ACCESS_BYTES_MAX,
  ACCESS_RULES,
  type PassedAccess,
  accessIova,
  lookUpAccess,
  tooManyBytes,
} from './access_descriptor.js';
import { type MemberArgs, defineTestOp } from './test_command.js';
import { ACCESS_PAGES_FLAGS } from './test_members.js';

const SOURCE = 'selftest.c:iommufd_test_access_pages';
const PIN = 'device.c:iommufd_access_pin_pages';

type Args = { id: number } & MemberArgs<'access_pages'>;

interface Lookups extends PassedAccess {
  /** The first IOVA, decoded where a fuzzer asks for it. */
  readonly iova: bigint;
  /** What pinning takes; undefined where it is not asked for. */
  readonly plan: () => AccessPinPlan | undefined;
  readonly difference: () => Difference | undefined;
}

type Context = CallContext<Args> & Lookups;

export const accessPages = defineTestOp(
  {
    op: 'ACCESS_PAGES',
    member: 'access_pages',
    doc: 'Pins the memory behind a range of IOVAs, and compares it with what is behind an address now.',
    source: SOURCE,
    id: fd32(['access']),
    respond: 'struct',
    allocates: true,
  },
  (c): Lookups => {
    const { accessFile, passedFd } = lookUpAccess(c);
    const iova = accessIova(c.args, ACCESS_PAGES_FLAGS.SYZ, accessFile);
    const plan = once(() => (accessFile === undefined ? undefined : planPins(c, accessFile, iova)));
    return { accessFile, passedFd, iova, plan, difference: once(() => firstDifference(c, iova, plan())) };
  },
).behaves({
  rules: [
    tooManyBytes(SOURCE),
    {
      id: 'EOPNOTSUPP.flags',
      says: 'flags has a bit besides WRITE and SYZ',
      cite: SOURCE,
      when: ({ args }) => hasUnknownBits(args.flags, ACCESS_PAGES_FLAGS),
    },
    ...ACCESS_RULES,
    {
      id: 'EOPNOTSUPP.no_pin',
      says: 'the access was created without NEEDS_PIN_PAGES',
      cite: SOURCE,
      when: ({ accessFile }) => accessFile !== undefined && accessFile.access.alignment !== PAGE_SIZE,
    },
    emptyRange(PIN),
    rangeTooHigh(PIN, ({ iova }) => iova),
    pinRule(
      'EINVAL.misaligned',
      'misaligned',
      'the range begins within a page of the memory, or goes on from within one',
    ),
    pinRule('EPERM.protection', 'protection', 'an area does not permit the access'),
    {
      ...pinRule('EINVAL.dmabuf', 'dmabuf', 'an area shows a dma-buf'),
      isFor: ({ hasFileMappings }) => hasFileMappings,
    },
    ...ANY_FILL_RULES,
    pinRule('ENOENT.hole', 'hole', 'an IOVA of the range is not mapped'),
    {
      id: 'EOVERFLOW.uptr_end',
      says: 'a page of the memory to compare with, before any difference, is the last of the address space',
      cite: 'mm/gup.c:gup_fast_fallback',
      when: ({ difference }) => difference() === 'end',
      leaves: REACHED,
    },
    {
      id: 'EFAULT.uptr',
      says: 'a page of the memory to compare with cannot be read, before any difference',
      cite: 'selftest.c:iommufd_test_check_pages',
      when: ({ difference }) => difference() === 'fault',
      leaves: REACHED,
    },
    {
      id: 'EBADE.page',
      says: 'another page than the pinned one is behind the address',
      cite: 'selftest.c:iommufd_test_check_pages',
      when: ({ difference }) => difference() === 'page',
      leaves: REACHED,
    },
    {
      id: 'unspecified.uptr',
      says: 'the memory to compare with lies outside the arena, where the model cannot see it',
      cite: 'models/program/arena.ts',
      when: ({ difference }) => difference() === 'unknown',
    },
    cannotRespond({
      what: 'the number of the item is taken, and pages of private mappings stay copied',
      does: (c) => {
        REACHED.does(c);
        present(c.accessFile, 'access').access.nextItem += 1;
      },
    }),
  ],
  effect: ({ args, accessFile, iova, plan }) => {
    const pinned = present(plan(), 'a plan');
    pinned.commit();
    const { access } = present(accessFile, 'access');
    args.out_access_pages_id = addItem(access, { iova, length: args.length, pins: pinned.pins }).id;
  },
});

/** Area by area: what was pinned of those before is let go. */
function pinRule(id: Rule<Context>['id'], failure: AccessPinFailure, says: string): Rule<Context> {
  return { id, says, cite: PIN, when: ({ plan }) => plan()?.failure === failure, leaves: REACHED };
}

function planPins(
  { args, world }: CallContext<Args>,
  { access }: AccessFile,
  iova: bigint,
): AccessPinPlan | undefined {
  const { length } = args;
  if (length === 0n || length > ACCESS_BYTES_MAX || rangeWraps(iova, length)) return undefined;
  const isWrite = (args.flags & ACCESS_PAGES_FLAGS.WRITE) !== 0;
  return new AccessPinPlan(ioasOf(access).table, iova, iova + length - 1n, isWrite, world.process);
}

type Difference = 'end' | 'fault' | 'page' | 'unknown';

/** Page by page; the first that cannot be read or is another decides. */
function firstDifference(
  { args, world: { memory } }: CallContext<Args>,
  iova: bigint,
  plan: AccessPinPlan | undefined,
): Difference | undefined {
  if (args.uptr === 0n || plan === undefined || plan.failure !== undefined) return undefined;
  const { frames } = plan;
  // As many as the range touches when IOVAs are pages, which may be more than were pinned.
  const pages = pageIndex(alignUp(pageOffset(iova) + args.length, PAGE_SIZE));
  let address = wrapU64(args.uptr - pageOffset(iova));
  for (let index = 0; index < pages; index++) {
    if (address > U64_MAX - PAGE_SIZE) return 'end';
    const frame = frameOnceIn(frames, memory, address);
    if (frame === undefined) return memory.presence(address) === 'unknown' ? 'unknown' : 'fault';
    if (frame !== frames[index]) return 'page';
    address = wrapU64(address + PAGE_SIZE);
  }
  return undefined;
}

/** The page behind an address once some are pinned: one of a private mapping may have become the process's own by that. */
function frameOnceIn(pinned: readonly Frame[], memory: UserMemory, address: bigint): Frame | undefined {
  const seen = memory.frameAt(address, false);
  const own = memory.frameToPin(address, false);
  return own !== seen && own !== undefined && pinned.includes(own) ? own : seen;
}
