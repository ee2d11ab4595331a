import { id32 } from '../../layout/field.js';
import { present } from '../../base/assert.js';
import { wrapU64 } from '../../base/u64.js';
import { ENTRY_BYTES, type MockDomain } from '../../hardware/mock_domain.js';
import type { HwptPaging } from '../../state/objects.js';
import type { CallContext } from '../description.js';
import { cannotRespond, emptyRange } from '../shared_rules.js';
import { type MemberArgs, defineTestOp } from './test_command.js';

const SOURCE = 'selftest.c:iommufd_test_dirty';

/** SZ_16M bytes of bitmap. */
const BITS_MAX = (16n << 20n) * 8n;

type Context = CallContext<MemberArgs<'dirty'>> & { readonly hwpt: HwptPaging | undefined };

export const dirty = defineTestOp(
  {
    op: 'DIRTY',
    member: 'dirty',
    doc: 'Writes through a page table as a device would: a bit of a bitmap stands for a page that becomes dirty.',
    source: SOURCE,
    id: id32(['HWPT_PAGING']),
    respond: 'struct',
    allocates: true,
  },
  ({ args, file }) => ({ hwpt: file.objects.findOfType(args.id, 'HWPT_PAGING') }),
).behaves({
  rules: [
    {
      id: 'EINVAL.page_size',
      says: 'page_size is 0',
      cite: SOURCE,
      when: ({ args }) => args.page_size === 0n,
    },
    emptyRange(SOURCE),
    {
      id: 'EINVAL.iova_page',
      says: 'iova is not a multiple of page_size',
      cite: SOURCE,
      when: ({ args }) => args.page_size !== 0n && args.iova % args.page_size !== 0n,
    },
    {
      id: 'EINVAL.length_page',
      says: 'length is not a multiple of page_size',
      cite: SOURCE,
      when: ({ args }) => args.page_size !== 0n && args.length % args.page_size !== 0n,
    },
    {
      id: 'EINVAL.uptr',
      says: 'uptr is 0',
      cite: SOURCE,
      when: ({ args }) => args.uptr === 0n,
    },
    {
      id: 'EOVERFLOW.bits',
      says: 'the bitmap has more than 2^27 bits',
      cite: SOURCE,
      when: ({ args }) => bitCount(args) > BITS_MAX,
    },
    {
      id: 'ENOENT.hwpt',
      says: 'no paging page table of this file has the id',
      cite: 'selftest.c:get_md_pagetable',
      when: ({ hwpt }) => hwpt === undefined,
    },
    {
      id: 'EINVAL.not_tracking',
      says: 'the page table is not tracking dirty pages',
      cite: SOURCE,
      when: ({ hwpt }) => hwpt?.domain.tracksDirty === false,
    },
    {
      id: 'EFAULT.bitmap',
      says: 'the bitmap cannot be read',
      cite: SOURCE,
      when: ({ args, memory }) =>
        bitCount(args) <= BITS_MAX && !memory.isReadable(args.uptr, bitmapBytes(args)),
    },
    cannotRespond({ what: 'the pages are dirty', does: mark }),
  ],
  effect: mark,
});

function mark(c: Context): void {
  const { args, profile } = c;
  const { domain } = present(c.hwpt, 'a page table');
  const written = setBits(c).map((bit) => wrapU64(args.iova + bit * args.page_size));
  const iovas = profile.hasGenericPageTable ? written : entriesOf(written, args.page_size, domain);
  for (const iova of iovas) domain.markDirty(iova);
  args.out_nr_dirty = BigInt(iovas.length);
}

/** The array of half pages is indexed with the number of the page, whatever its size; only what is mapped is counted. */
function entriesOf(iovas: readonly bigint[], pageSize: bigint, domain: MockDomain): bigint[] {
  const entries = iovas.map((iova) => (iova / pageSize) * ENTRY_BYTES);
  return entries.filter((iova) => domain.translate(iova) !== undefined);
}

/** The numbers of the bits that are set in the bitmap. */
function setBits({ args, memory }: Context): bigint[] {
  const count = bitmapBytes(args);
  if (!memory.isReadable(args.uptr, count)) return [];
  const bytes = memory.read(args.uptr, count);
  const bits: bigint[] = [];
  for (let bit = 0; bit < Number(bitCount(args)); bit++) {
    if (((bytes[bit >> 3] ?? 0) & (1 << (bit & 7))) !== 0) bits.push(BigInt(bit));
  }
  return bits;
}

function bitmapBytes(args: MemberArgs<'dirty'>): number {
  return Number((bitCount(args) + 7n) / 8n);
}

function bitCount({ length, page_size }: MemberArgs<'dirty'>): bigint {
  return page_size === 0n ? 0n : length / page_size;
}
