import { present } from '../../base/assert.js';
import { PAGE_SIZE, U64_MAX, alignUp, pageOffset, rangeWraps } from '../../base/u64.js';
import {
  type ArgsOf,
  choice32,
  flags32,
  id32,
  iova64,
  length64,
  number32,
  sizeField,
} from '../../layout/field.js';
import { addItem, createAccess, refusesAccess } from '../../state/access.js';
import { type AccessPinFailure, AccessPinPlan } from '../../state/access_pins.js';
import { forgetQueue } from '../../state/destroy.js';
import type { HwQueue, QueueSlot, Viommu } from '../../state/objects.js';
import { isSameHugePage, mayFollow } from '../../state/physical_memory.js';
import { chooseIds } from '../choices.js';
import { type CallContext, type Leftover, type Rule, defineCall, once } from '../description.js';
import { cannotRespond, emptyRange, rangeTooHigh } from '../shared_rules.js';

const SOURCE = 'viommu.c:iommufd_hw_queue_alloc_ioctl';
const PHYSICAL = 'viommu.c:iommufd_hw_queue_alloc_phys';
const PIN = 'device.c:iommufd_access_pin_pages';
const MOCK = 'selftest.c:mock_hw_queue_init_phys';

/** Source: iommufd.h, enum iommu_hw_queue_type; iommufd_test.h, IOMMU_HW_QUEUE_TYPE_SELFTEST. */
const TYPES = { DEFAULT: 0, SELFTEST: 0xdead_beef } as const;

/** IOMMU_TEST_HW_QUEUE_MAX: how many queues a vIOMMU of the mock has. */
const QUEUES_MAX = 2;

/** One pointer for each page goes into an array, and no array of the kernel is longer. Source: mm/util.c:kvmalloc_node. */
const POINTER_BYTES = 8n;
const ARRAY_BYTES_MAX = 0x7fff_ffffn;

/** So many bytes the kernel has for an array without doubt. */
const ARRAY_BYTES_SURE = 1n << 20n;

const FIELDS = {
  size: sizeField(),
  flags: flags32({}),
  viommu_id: id32(['VIOMMU']),
  type: choice32(TYPES),
  index: number32('which of the queues', [0, 0, 0, 1, 1, 2]),
  out_hw_queue_id: id32(['HW_QUEUE'], 'out'),
  nesting_parent_iova: iova64('first IOVA of its memory'),
  length: length64('bytes of its memory'),
};

type Args = ArgsOf<typeof FIELDS>;

interface Lookups {
  readonly viommu: Viommu | undefined;
  /** What pinning takes; undefined where it does not come to that. */
  readonly plan: () => AccessPinPlan | undefined;
  /** What the mock has under the index already, and under the index before. */
  readonly existing: QueueSlot | undefined;
  readonly previous: QueueSlot | undefined;
}

type Context = CallContext<Args> & Lookups;

/** What was made is destroyed again, and that is no better than at any other time. */
const UNDONE: Leftover<Context> = {
  what: 'the index is taken unless it is 0, and index 0 is free',
  cite: 'selftest.c:mock_hw_queue_destroy',
  does: ({ args, viommu }) => {
    forgetQueue(present(viommu, 'a vIOMMU'), args.index);
  },
};

export const hwQueueAlloc = defineCall(
  {
    name: 'IOMMU_HW_QUEUE_ALLOC',
    command: 0x3b94,
    doc: 'Makes a queue that the hardware reads from memory of a guest, which stays pinned and mapped as long.',
    source: SOURCE,
    fields: FIELDS,
    lastRequired: 'length',
    respond: 'struct',
    allocates: true,
  },
  (c): Lookups => {
    const { args, file } = c;
    const viommu = file.objects.findOfType(args.viommu_id, 'VIOMMU');
    return {
      viommu,
      plan: once(() => (viommu === undefined ? undefined : planPins(c, viommu))),
      existing: viommu?.queueSlots[args.index],
      previous: viommu?.queueSlots[args.index - 1],
    };
  },
).behaves({
  findings: [
    {
      id: 'hw-queue-frees-index-0',
      says: 'there is a queue of that index, which the mock has forgotten',
      isShown: (c) => hasQueueAt(c, c.args.index),
    },
  ],
  rules: [
    {
      id: 'EOPNOTSUPP.flags',
      says: 'flags is not 0',
      cite: SOURCE,
      when: ({ args }) => args.flags !== 0,
    },
    {
      id: 'EOPNOTSUPP.no_type',
      says: 'type is 0',
      cite: SOURCE,
      when: ({ args }) => args.type === TYPES.DEFAULT,
    },
    emptyRange(SOURCE),
    rangeTooHigh(SOURCE, ({ args }) => args.nesting_parent_iova),
    {
      id: 'ENOENT.viommu',
      says: 'no vIOMMU of this file has the id',
      cite: SOURCE,
      when: ({ viommu }) => viommu === undefined,
    },
    {
      id: 'EOPNOTSUPP.type',
      says: 'type is none of the mock',
      cite: 'selftest.c:mock_viommu_get_hw_queue_size',
      when: ({ args }) => args.type !== TYPES.SELFTEST,
    },
    {
      id: 'ERANGE.length',
      says: 'the bytes from the start of the first page to the end of the last are 2^64 or more',
      cite: PHYSICAL,
      when: ({ args }) => bytesToPin(args) > U64_MAX,
    },
    {
      id: 'ENOMEM.length',
      says: 'pointers to so many pages are more than one array takes',
      cite: PHYSICAL,
      when: ({ args }) => bytesToPin(args) <= U64_MAX && arrayBytes(args) > ARRAY_BYTES_MAX,
    },
    {
      id: 'unspecified.length',
      says: 'the kernel may or may not have the memory for pointers to so many pages',
      cite: PHYSICAL,
      when: ({ args }) => arrayBytes(args) > ARRAY_BYTES_SURE && arrayBytes(args) <= ARRAY_BYTES_MAX,
    },
    {
      id: 'EADDRINUSE.alignment',
      says: "an area of the parent's IOAS is not aligned to pages",
      cite: 'io_pagetable.c:iopt_add_access',
      when: ({ viommu }) =>
        viommu !== undefined && refusesAccess(viommu.parent.ioas, { alignment: PAGE_SIZE }),
    },
    pinRule(
      'EINVAL.misaligned',
      'misaligned',
      'the range begins within a page of the memory, or goes on from within one',
    ),
    pinRule('EPERM.protection', 'protection', 'an area of the range is not readable'),
    pinRule('EINVAL.dmabuf', 'dmabuf', 'an area of the range shows a dma-buf'),
    pinRule('ENOENT.hole', 'hole', 'an IOVA of the range is not mapped'),
    {
      id: 'EFAULT.not_consecutive',
      says: 'a page comes twice in the range, or what follows a page of a huge one is not the next of it, so that the pages are not consecutive ones of the machine',
      cite: PHYSICAL,
      when: ({ plan }) => orderOf(plan()) === 'broken',
    },
    {
      id: 'unspecified.consecutive',
      says: 'it depends on whether the pages are consecutive ones of the machine, which is known of those of one huge page',
      cite: PHYSICAL,
      when: ({ plan }) => orderOf(plan()) === 'unknown',
    },
    {
      id: 'EINVAL.index',
      says: 'the vIOMMU has no queue of that index',
      cite: MOCK,
      when: ({ args }) => args.index >= QUEUES_MAX,
    },
    {
      id: 'EEXIST.index',
      says: 'the queue of that index is there',
      cite: MOCK,
      when: ({ viommu, existing }) => viommu !== undefined && existing !== undefined,
      finding: { id: 'hw-queue-frees-index-0', isShown: ({ existing }) => existing === 'freed' },
    },
    {
      id: 'EIO.previous',
      says: 'the queue of the index before is not there',
      cite: MOCK,
      when: ({ args, viommu, previous }) => viommu !== undefined && args.index > 0 && previous === undefined,
      finding: { id: 'hw-queue-frees-index-0', isShown: (c) => hasQueueAt(c, c.args.index - 1) },
    },
    { ...cannotRespond(), leaves: UNDONE },
  ],
  effect: createQueue,
});

/** Ids are taken in the order queue, access. */
function createQueue(c: Context): void {
  const { args, file } = c;
  const previous = c.previous === 'freed' ? undefined : c.previous;
  const viommu = present(c.viommu, 'a vIOMMU');
  const pinned = present(c.plan(), 'a plan');
  const [id] = chooseIds(c, ['out_hw_queue_id']);
  args.out_hw_queue_id = present(id, 'id');
  const [, afterQueue] = file.objects.lowestFreeIds(2);
  const accessId = file.objects.lowestFreeIds(2).find((free) => free !== id) ?? afterQueue;
  const access = createAccess(file, present(accessId, 'id'), viommu.parent.ioas, PAGE_SIZE);
  pinned.commit();
  addItem(access, { iova: firstPage(args), length: bytesToPin(args), pins: pinned.pins });
  viommu.users += 1;
  if (previous !== undefined) previous.users += 1;
  const queue: HwQueue = {
    type: 'HW_QUEUE',
    id: args.out_hw_queue_id,
    users: 1,
    viommu,
    index: args.index,
    access,
    previous,
  };
  viommu.queueSlots[args.index] = queue;
  file.objects.insert(queue);
}

/** Whether a queue of the vIOMMU has an index, whatever the mock knows of it. */
function hasQueueAt({ file, viommu }: Context, index: number): boolean {
  return file.objects.objects.some(
    (object) => object.type === 'HW_QUEUE' && object.viommu === viommu && object.index === index,
  );
}

function pinRule(id: Rule<Context>['id'], failure: AccessPinFailure, says: string): Rule<Context> {
  return { id, says, cite: PIN, when: ({ plan }) => plan()?.failure === failure };
}

function firstPage({ nesting_parent_iova: iova }: Args): bigint {
  return iova - pageOffset(iova);
}

/** The range in whole pages; what the kernel cannot count may be more than 2^64. */
function bytesToPin({ nesting_parent_iova: iova, length }: Args): bigint {
  return alignUp(pageOffset(iova) + length, PAGE_SIZE);
}

function arrayBytes(args: Args): bigint {
  return (bytesToPin(args) / PAGE_SIZE) * POINTER_BYTES;
}

/** Areas of a parent page table are pinned already, so nothing is left that could fail but to find them. */
function planPins(c: CallContext<Args>, { parent }: Viommu): AccessPinPlan | undefined {
  const { args, world } = c;
  const bytes = bytesToPin(args);
  const iova = firstPage(args);
  if (args.length === 0n || arrayBytes(args) > ARRAY_BYTES_MAX || rangeWraps(iova, bytes)) return undefined;
  return new AccessPinPlan(parent.ioas.table, iova, iova + bytes - 1n, false, world.process, true);
}

/** Whether pages that can be pinned are consecutive ones of the machine, as far as that can be known. */
function orderOf(plan: AccessPinPlan | undefined): 'consecutive' | 'broken' | 'unknown' {
  if (plan === undefined || plan.failure !== undefined) return 'consecutive';
  const { frames } = plan;
  const [first = 0, ...others] = frames;
  const isBroken = others.some((frame, at) => !mayFollow(frames[at] ?? first, frame));
  if (isBroken || new Set(frames).size < frames.length) return 'broken';
  return others.every((frame) => isSameHugePage(first, frame)) ? 'consecutive' : 'unknown';
}
