import { u32 } from '../../layout/field.js';
import { PAGE_SIZE, isAligned, sumOverflows } from '../../base/u64.js';
import { type CallContext, once } from '../description.js';
import { NO_PAGE } from '../shared_rules.js';
import { isHugeFrame } from '../../state/physical_memory.js';
import { type MemberArgs, defineTestOp } from './test_command.js';

const SOURCE = 'selftest.c:iommufd_test_md_check_refs';

export const mdCheckRefs = defineTestOp(
  {
    op: 'MD_CHECK_REFS',
    member: 'check_refs',
    doc: 'Compares how often each page of a range is pinned with a number.',
    source: SOURCE,
    id: u32('unused'),
    respond: 'nothing',
    allocates: false,
  },
  (c) => ({ mismatch: once(() => firstMismatch(c)) }),
).behaves({
  failing: [NO_PAGE],
  rules: [
    {
      id: 'EINVAL.length_alignment',
      says: 'length is not a multiple of PAGE_SIZE',
      cite: SOURCE,
      when: ({ args }) => !isAligned(args.length, PAGE_SIZE),
    },
    {
      id: 'EINVAL.uptr_alignment',
      says: 'uptr is not a multiple of PAGE_SIZE',
      cite: SOURCE,
      when: ({ args }) => !isAligned(args.uptr, PAGE_SIZE),
    },
    {
      id: 'EINVAL.uptr_wrap',
      says: 'uptr + length is 2^64 or more',
      cite: SOURCE,
      when: ({ args }) => sumOverflows(args.uptr, args.length),
    },
    {
      id: 'EFAULT.uptr',
      says: 'a page of the memory cannot be read, before any difference',
      cite: SOURCE,
      when: ({ mismatch }) => mismatch() === 'fault',
    },
    {
      id: 'EIO.refs',
      says: 'a page has another number of pins',
      cite: SOURCE,
      when: ({ mismatch }) => mismatch() === 'refs',
    },
    {
      id: 'unspecified.user_memory',
      says: 'the memory lies outside the arena, where the model cannot see it',
      cite: 'models/program/arena.ts',
      when: ({ mismatch }) => mismatch() === 'unknown',
    },
  ],
});

/** Page by page; the first that cannot be read or has other pins decides. Pins of huge pages are not compared. */
function firstMismatch({
  args,
  world: { memory },
}: CallContext<MemberArgs<'check_refs'>>): 'fault' | 'refs' | 'unknown' | undefined {
  for (let done = 0n; done < args.length; done += PAGE_SIZE) {
    const address = args.uptr + done;
    const frame = memory.frameAt(address, false);
    if (frame === undefined) return memory.presence(address) === 'unknown' ? 'unknown' : 'fault';
    if (!isHugeFrame(frame) && memory.pinsOf(frame) !== args.refs) return 'refs';
  }
  return undefined;
}
