import { id32 } from '../../layout/field.js';
import { PAGE_SIZE, U64_MAX, isAligned, pageOffset, sumOverflows } from '../../base/u64.js';
import type { HwptPaging } from '../../state/objects.js';
import { type CallContext, once } from '../description.js';
import { NO_PAGE } from '../shared_rules.js';
import { type MemberArgs, defineTestOp } from './test_command.js';

const SOURCE = 'selftest.c:iommufd_test_md_check_pa';

type Mismatch = 'fault' | 'end' | 'translation' | 'unknown';

type Context = CallContext<MemberArgs<'check_map'>> & { hwpt: HwptPaging | undefined };

export const mdCheckMap = defineTestOp(
  {
    op: 'MD_CHECK_MAP',
    member: 'check_map',
    doc: 'Compares what a page table translates a range to with the pages that are behind an address now.',
    source: SOURCE,
    id: id32(['HWPT_PAGING']),
    respond: 'nothing',
    allocates: false,
  },
  (c) => {
    const hwpt = c.file.objects.findOfType(c.args.id, 'HWPT_PAGING');
    return { hwpt, mismatch: once(() => (hwpt === undefined ? undefined : firstMismatch(c, hwpt))) };
  },
).behaves({
  failing: [NO_PAGE],
  rules: [
    {
      id: 'ENOENT.hwpt',
      says: 'no paging page table of this file has the id',
      cite: 'selftest.c:get_md_pagetable',
      when: ({ hwpt }) => hwpt === undefined,
    },
    {
      id: 'EINVAL.iova_alignment',
      says: 'iova is not a multiple of the smallest page of the domain',
      cite: SOURCE,
      when: (c) => !isAligned(c.args.iova, pageBytes(c)),
    },
    {
      id: 'EINVAL.length_alignment',
      says: 'length is not a multiple of the smallest page of the domain',
      cite: SOURCE,
      when: (c) => !isAligned(c.args.length, pageBytes(c)),
    },
    {
      id: 'EINVAL.uptr_alignment',
      says: 'uptr is not a multiple of the smallest page of the domain',
      cite: SOURCE,
      when: (c) => !isAligned(c.args.uptr, pageBytes(c)),
    },
    {
      id: 'EINVAL.uptr_wrap',
      says: 'uptr + length is 2^64 or more',
      cite: SOURCE,
      when: ({ args }) => sumOverflows(args.uptr, args.length),
    },
    {
      id: 'EOVERFLOW.uptr_end',
      says: 'a page of the memory, before any difference, is the last of the address space',
      cite: 'mm/gup.c:gup_fast_fallback',
      when: ({ mismatch }) => mismatch() === 'end',
    },
    {
      id: 'EFAULT.uptr',
      says: 'a page of the memory cannot be read, before any difference',
      cite: SOURCE,
      when: ({ mismatch }) => mismatch() === 'fault',
    },
    {
      id: 'EINVAL.translation',
      says: 'an IOVA is not mapped, or leads to another page',
      cite: SOURCE,
      when: ({ mismatch }) => mismatch() === 'translation',
    },
    {
      id: 'unspecified.user_memory',
      says: 'the memory lies outside the arena, where the model cannot see it',
      cite: 'models/program/arena.ts',
      when: ({ mismatch }) => mismatch() === 'unknown',
    },
  ],
});

/** Without a page table the mock's own smallest page counts, as in the kernel that checks it first. */
function pageBytes({ hwpt }: Context): bigint {
  return hwpt?.domain.pageBytesMin ?? PAGE_SIZE / 2n;
}

/** Page by page of the domain; the first that cannot be read or differs decides. */
function firstMismatch(
  { args, world }: CallContext<MemberArgs<'check_map'>>,
  { domain }: HwptPaging,
): Mismatch | undefined {
  for (let done = 0n; done < args.length; done += domain.pageBytesMin) {
    const address = args.uptr + done;
    if (address > U64_MAX - PAGE_SIZE) return 'end';
    const frame = world.memory.frameAt(address, false);
    if (frame === undefined) return world.memory.presence(address) === 'unknown' ? 'unknown' : 'fault';
    const physical = BigInt(frame) * PAGE_SIZE + pageOffset(address);
    if (domain.translate(args.iova + done) !== physical) return 'translation';
  }
  return undefined;
}
