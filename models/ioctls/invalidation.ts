import { viewOf } from '../base/bytes.js';
import type { MockCache } from '../hardware/mock_cache.js';
import { CACHE_ENTRIES } from '../hardware/mock_device.js';
import { HWPT_INVALIDATE_SELFTEST, VIOMMU_INVALIDATE_SELFTEST } from '../layout/driver_data.js';
import type { CallMemory } from '../state/call_memory.js';
import type { HwptNested, ObjectTable, Viommu } from '../state/objects.js';

/** Types of the requests. Source: iommufd.h, enum iommu_hwpt_invalidate_data_type; iommufd_test.h. */
export const INVALIDATE_DATA_TYPES = { VTD_S1: 0, ARM_SMMUV3: 1, SELFTEST: 0xdead_beef } as const;

/** IOMMU_TEST_INVALIDATE_FLAG_ALL. */
const FLAG_ALL = 1;

/** What stops a list of requests. */
export type Obstacle = 'length' | 'fault' | 'tail' | 'flags' | 'entry' | 'vdevice';

/** How far a list of requests can be carried out. */
export interface Requests {
  /** In order, up to the first that is bad. */
  readonly good: readonly Invalidation[];
  readonly obstacle: Obstacle | undefined;
  /** Whether the bad one concerns all entries. */
  readonly isOfAll?: boolean;
}

/** One entry of a cache, or all of it. */
export interface Invalidation {
  readonly cache: MockCache;
  /** Undefined for all entries. */
  readonly entry: number | undefined;
}

/** Where requests lie. */
export interface RequestList {
  readonly address: bigint;
  readonly bytesEach: number;
  readonly count: number;
}

export const NO_REQUESTS: Requests = { good: [], obstacle: undefined };

export function invalidate({ cache, entry }: Invalidation): void {
  if (entry === undefined) cache.invalidateAll();
  else cache.invalidate(entry);
}

/** Requests about the IOTLB of a nested page table: each is copied when its turn comes. Source: selftest.c:mock_domain_cache_invalidate_user. */
export function readHwptRequests({ iotlb }: HwptNested, list: RequestList, memory: CallMemory): Requests {
  const good: Invalidation[] = [];
  const { bytes: requestBytes } = HWPT_INVALIDATE_SELFTEST;
  const copy = new Uint8Array(requestBytes);
  for (let index = 0; index < list.count; index++) {
    if (list.bytesEach !== requestBytes) return { good, obstacle: 'length' };
    const address = list.address + BigInt(index * requestBytes);
    if (!memory.isReadable(address, requestBytes)) return { good, obstacle: 'fault' };
    memory.copyGiven(address, requestBytes, copy);
    const { flags, iotlb_id: entry } = HWPT_INVALIDATE_SELFTEST.decode(viewOf(copy));
    const obstacle = obstacleOf(flags, iotlb, entry);
    if (obstacle !== undefined) return { good, obstacle, isOfAll: flags === FLAG_ALL };
    good.push({ cache: iotlb, entry: flags === FLAG_ALL ? undefined : entry });
  }
  return { good, obstacle: undefined };
}

/** Requests about the caches of a vIOMMU's devices: all are copied first. Source: selftest.c:mock_viommu_cache_invalidate. */
export function readViommuRequests(
  viommu: Viommu,
  list: RequestList,
  memory: CallMemory,
  objects: ObjectTable,
): Requests {
  const copies: Uint8Array[] = [];
  for (let index = 0; index < list.count; index++) {
    const copy = copyRequest(list.address + BigInt(index * list.bytesEach), list.bytesEach, memory);
    if (typeof copy === 'string') return { good: [], obstacle: copy };
    copies.push(copy);
  }
  const good: Invalidation[] = [];
  for (const copy of copies) {
    const { flags, vdev_id: virtId, cache_id: entry } = VIOMMU_INVALIDATE_SELFTEST.decode(viewOf(copy));
    const cache = objects.findVdevice(viommu, BigInt(virtId))?.device.hardware.cache;
    const obstacle =
      obstacleOf(flags, cache ?? ANY_CACHE, entry) ?? (cache === undefined ? 'vdevice' : undefined);
    if (obstacle !== undefined || cache === undefined) {
      return { good, obstacle, isOfAll: flags === FLAG_ALL };
    }
    good.push({ cache, entry: flags === FLAG_ALL ? undefined : entry });
  }
  return { good, obstacle: undefined };
}

/** copy_struct_from_user: a shorter request is extended by zeros, the tail of a longer one must be zero. */
function copyRequest(address: bigint, bytesEach: number, memory: CallMemory): Uint8Array | 'fault' | 'tail' {
  const bytes = new Uint8Array(VIOMMU_INVALIDATE_SELFTEST.bytes);
  const known = Math.min(bytesEach, bytes.length);
  const readable = memory.readableBytes(address, bytesEach);
  for (let offset = known; offset < readable; offset++) {
    if (memory.byteAt(address + BigInt(offset)) !== 0) return 'tail';
  }
  if (readable < bytesEach) return 'fault';
  memory.copyGiven(address, known, bytes);
  return bytes;
}

/** Every device has as many entries, also one that is not there. */
const ANY_CACHE = { has: (entry: number) => entry < CACHE_ENTRIES };

function obstacleOf(flags: number, cache: Pick<MockCache, 'has'>, entry: number): Obstacle | undefined {
  if ((flags & ~FLAG_ALL) !== 0) return 'flags';
  return cache.has(entry) ? undefined : 'entry';
}
