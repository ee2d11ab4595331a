import { present } from '../../base/assert.js';
import type { Range } from '../../base/ranges.js';
import { isAligned, rangeWraps, wrapU64 } from '../../base/u64.js';
import type { Leaf } from '../../hardware/leaves.js';
import {
  type ArgsOf,
  bitmap64,
  flags32,
  granule64,
  id32,
  iova64,
  length64,
  reserved32,
  sizeField,
} from '../../layout/field.js';
import { contiguousPart, reportDirty, reportsAlike } from '../../state/dirty.js';
import { IovaBitmap } from '../../state/iova_bitmap.js';
import type { HwptPaging } from '../../state/objects.js';
import { type CallContext, defineCall, once } from '../description.js';
import { emptyRange, rangeTooHigh, reservedNotZero } from '../shared_rules.js';

const SOURCE = 'hw_pagetable.c:iommufd_hwpt_get_dirty_bitmap';
const CHECK = 'io_pagetable.c:iommufd_check_iova_range';

/** IOMMU_HWPT_GET_DIRTY_BITMAP_NO_CLEAR. */
const FLAGS = { NO_CLEAR: 1 } as const;

const FIELDS = {
  size: sizeField(),
  hwpt_id: id32(['HWPT_PAGING']),
  flags: flags32(FLAGS),
  __reserved: reserved32(),
  iova: iova64('first IOVA, which the first bit is about'),
  length: length64('bytes'),
  page_size: granule64('bytes per bit'),
  data: bitmap64('the bitmap; bits are set in it, never cleared', 'inout'),
};

type Context = CallContext<ArgsOf<typeof FIELDS>> & {
  readonly hwpt: HwptPaging | undefined;
  /** The leaves to report. */
  readonly leaves: () => readonly Leaf[];
};

export const hwptGetDirtyBitmap = defineCall(
  {
    name: 'IOMMU_HWPT_GET_DIRTY_BITMAP',
    command: 0x3b8c,
    doc: 'Reports which pages a device has written to, and makes them clean. Whatever goes wrong while it reads is no error: it stops there, and answers 0.',
    source: SOURCE,
    fields: FIELDS,
    lastRequired: 'data',
    respond: 'nothing',
    allocates: true,
  },
  (c) => {
    const hwpt = c.file.objects.findOfType(c.args.hwpt_id, 'HWPT_PAGING');
    return { hwpt, leaves: once(() => (hwpt === undefined ? [] : leavesToReport(c, hwpt))) };
  },
).behaves({
  findings: [
    {
      id: 'dirty-bitmap-is-relative',
      says: 'the first bit is about iova, whatever the formula of the header says',
      isShown: ({ args, leaves }) => args.iova >= args.page_size && leaves().length > 0,
    },
    {
      id: 'dirty-leaf-cleaned-unreported',
      says: 'a dirty leaf that begins before iova is made clean, and has no bit set',
      isShown: ({ args, leaves }) => leaves().some(({ smallest }) => smallest.start < args.iova),
    },
    {
      id: 'dirty-bits-behind-bitmap',
      says: 'a dirty leaf that ends behind the range has bits set behind the end of the bitmap',
      isShown: ({ args, leaves }) =>
        leaves().some(({ smallest }) => smallest.start >= args.iova && smallest.last > rangeOf(args).last),
    },
    {
      id: 'dirty-bits-lost',
      says: 'pages whose bits cannot be written are made clean all the same, and the answer is 0',
      isShown: (c) => c.leaves().length > 0 && !c.memory.isWritable(c.args.data, bitmapBytes(c.args)),
    },
  ],
  rules: [
    {
      id: 'EOPNOTSUPP.flags',
      says: 'flags has a bit besides NO_CLEAR',
      cite: SOURCE,
      when: ({ args }) => (args.flags & ~FLAGS.NO_CLEAR) !== 0,
    },
    reservedNotZero(SOURCE),
    {
      id: 'ENOENT.hwpt',
      says: 'no paging page table of this file has the id',
      cite: SOURCE,
      when: ({ hwpt }) => hwpt === undefined,
    },
    emptyRange(CHECK),
    rangeTooHigh(CHECK, ({ args }) => args.iova),
    {
      id: 'EINVAL.iova_alignment',
      says: 'iova is not a multiple of the alignment of the IOAS',
      cite: CHECK,
      when: (c) => !isAligned(c.args.iova, alignment(c)),
    },
    {
      id: 'EINVAL.end_alignment',
      says: 'iova + length is not a multiple of the alignment of the IOAS',
      cite: CHECK,
      when: (c) => !isAligned(endOf(c), alignment(c)),
    },
    {
      id: 'EINVAL.page_size',
      says: 'page_size is 0',
      cite: CHECK,
      when: ({ args }) => args.page_size === 0n,
    },
    {
      id: 'EINVAL.iova_page',
      says: 'iova and page_size - 1 have a bit in common',
      cite: CHECK,
      when: ({ args }) => args.page_size !== 0n && !isAligned(args.iova, args.page_size),
    },
    {
      id: 'EINVAL.end_page',
      says: 'iova + length and page_size - 1 have a bit in common',
      cite: CHECK,
      when: (c) => c.args.page_size !== 0n && !isAligned(endOf(c), c.args.page_size),
    },
    {
      id: 'EOPNOTSUPP.no_dirty_bits',
      says: 'the page table was not made with DIRTY_TRACKING',
      cite: 'io_pagetable.c:iommu_read_and_clear_dirty',
      when: ({ hwpt }) => hwpt?.domain.hasDirtyBits === false,
    },
    {
      id: 'unspecified.leaf_size',
      says: 'a dirty page may share a leaf with others, which depends on where the pages lie in physical memory',
      cite: 'pages.c:batch_to_domain',
      when: ({ args, leaves }) => leaves().some((leaf) => !reportsAlike(leaf, rangeOf(args), args.page_size)),
    },
    {
      id: 'unspecified.leaf_walk',
      says: 'the range begins inside a leaf, from where on the array of half pages is walked in steps of whole leaves',
      cite: 'selftest.c:mock_domain_read_and_clear_dirty',
      isFor: ({ hasGenericPageTable }) => !hasGenericPageTable,
      when: ({ args, hwpt, leaves }) =>
        leaves().length > 0 && hwpt?.domain.mayBeInsideLeaf(args.iova) === true,
    },
  ],
  effect: ({ args, hwpt, leaves, memory }) => {
    const bitmap = new IovaBitmap(memory, rangeOf(args), args.page_size, args.data);
    const keepsBits = (args.flags & FLAGS.NO_CLEAR) !== 0;
    reportDirty(present(hwpt, 'a page table').domain, leaves(), bitmap, keepsBits);
  },
});

/** Up to the first gap; the array of half pages that came before the generic page table shows nothing unless it is tracking. */
function leavesToReport(
  { args, profile }: Pick<Context, 'args' | 'profile'>,
  { domain, ioas }: HwptPaging,
): readonly Leaf[] {
  if (args.length === 0n || args.page_size === 0n || rangeWraps(args.iova, args.length)) return [];
  if (!profile.hasGenericPageTable && !domain.tracksDirty) return [];
  const part = contiguousPart(ioas.table, rangeOf(args));
  return part === undefined ? [] : domain.dirtyLeavesIn(part);
}

function rangeOf({ iova, length }: Pick<Context['args'], 'iova' | 'length'>): Range {
  return { start: iova, last: iova + length - 1n };
}

function bitmapBytes({ length, page_size }: Pick<Context['args'], 'length' | 'page_size'>): number {
  return Math.max(1, Number(length / page_size / 8n));
}

/** The IOVA behind the range; of a range that ends with the address space, 0. */
function endOf({ args }: Context): bigint {
  return wrapU64(args.iova + args.length);
}

function alignment({ hwpt }: Context): bigint {
  return hwpt?.ioas.table.alignment ?? 1n;
}
