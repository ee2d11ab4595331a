import { PAGE_SIZE } from '../../base/u64.js';
import type { RuleId } from '../../ioctls/description.js';
import {
  type Context,
  type HwQueue,
  type Viommu,
  areaAt,
  frameAt,
  freeId,
  pagesOf,
  queuesOf,
} from './state.js';

/** Queues of a vIOMMU of the mock. */
const QUEUES_MAX = 2;

/** Entries of an array of pages that no allocator gives. */
const ARRAY_PAGES_MAX = 0x7fff_ffffn / 8n;

/** Whether an array of so many pages is more than the kernel gives. */
export const isTooLong = (pages: bigint): boolean => pages > ARRAY_PAGES_MAX;

/** Memory of a queue, as user space names it. */
export interface QueueMemory {
  readonly start: bigint;
  readonly length: bigint;
}

/** What is wrong with the memory, whoever looks at it. */
export type MemoryFault = 'hole' | 'unreadable' | 'scattered';

export function faultOf({ context }: Viommu, { start, length }: QueueMemory): MemoryFault | undefined {
  const pages = pagesOf(start, length);
  const areas = pages.map((page) => areaAt(context.areas, page));
  if (areas.includes(undefined)) return 'hole';
  if (areas.some((area) => area?.isReadable === false)) return 'unreadable';
  const frames = pages.map((page) => frameAt(context, page) ?? 0);
  const isOnePiece = frames.every((frame, at) => frame === (frames[0] ?? 0) + at);
  return isOnePiece ? undefined : 'scattered';
}

/** What the mock refuses: its second queue needs the first. */
export function indexRefusal(viommu: Viommu, index: number): RuleId | undefined {
  const queues = queuesOf(viommu.context).filter((queue) => queue.viommu === viommu);
  if (index >= QUEUES_MAX) return 'EINVAL.index';
  if (queues.some((queue) => queue.index === index)) return 'EEXIST.index';
  return index > 0 && queues.length === 0 ? 'EIO.previous' : undefined;
}

/** Rules of the mock, which both interfaces come to. */
export const INDEX_RULES = [
  {
    id: 'EINVAL.index',
    says: 'the mock has two queues',
    cite: 'selftest.c:mock_hw_queue_init_phys',
  },
  {
    id: 'EEXIST.index',
    says: 'the queue is there',
    cite: 'selftest.c:mock_hw_queue_init_phys',
  },
  {
    id: 'EIO.previous',
    says: 'the queue before it is not there',
    cite: 'selftest.c:mock_hw_queue_init_phys',
  },
] as const;

interface NewQueue extends QueueMemory {
  readonly index: number;
  /** Whether the driver is told the byte, and not the page. */
  readonly isExact: boolean;
}

/** Enters a queue, whose memory is pinned; a second one depends on the first. */
export function insertQueue(viommu: Viommu, { index, start, length, isExact }: NewQueue): HwQueue {
  const { context } = viommu;
  const page = BigInt(frameAt(context, start) ?? 0) * PAGE_SIZE;
  const queue: HwQueue = {
    kind: 'queue',
    id: freeId(context),
    context,
    dependsOn: queuesOf(context).filter((other) => other.viommu === viommu && other.index + 1 === index),
    viommu,
    index,
    iova: start,
    length,
    address: isExact ? page + (start % PAGE_SIZE) : page,
  };
  context.objects.set(queue.id, queue);
  return queue;
}

/** Whether some queue has memory in a range. */
export function isPinned(context: Context, first: bigint, last: bigint): boolean {
  return queuesOf(context).some(({ iova, length }) =>
    pagesOf(iova, length).some((page) => page + PAGE_SIZE - 1n >= first && page <= last),
  );
}
