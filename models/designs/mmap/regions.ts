import { PAGE_SIZE } from '../../base/u64.js';
import type { DefectId } from '../framework/call.js';
import type { RuleId } from '../../ioctls/description.js';
import {
  type Context,
  type Machine,
  type Memory,
  type Region,
  type Viommu,
  mappingsOf,
  newMemory,
  regionAt,
} from './state.js';

/** What the helpers need of the call that uses them. */
interface Helping {
  readonly state: Machine;
  has(this: void, defect: DefectId): boolean;
  fail(this: void, rule: RuleId): never;
}

/** Pages of a region in the tree of the proposal, whatever its size: the bytes of a pointer. */
const POINTER_PAGES = 8n * PAGE_SIZE;

/** The last offset: LONG_MAX in v2, ULONG_MAX in what was merged; nothing that is tested comes near. */
const LAST_OFFSET = (1n << 63n) - 1n;

/** The last offset of v4. */
const LAST_OFFSET_NARROW = (1n << 32n) - 1n;

interface NewRegion {
  readonly size: bigint;
  readonly owner: number;
  /** What the memory is. */
  readonly of: string;
}

/** Enters a region into the tree; calls that use it list the rule EBUSY.tree. */
export function insertRegion(c: Helping, context: Context, { size, owner, of }: NewRegion): Region {
  const width = size !== POINTER_PAGES && c.has('D0.2') ? POINTER_PAGES : size;
  const isZeroFree = lowestFree(context, width, 0n) === 0n;
  const first = isZeroFree && (c.has('D0.5') || c.has('D0.6')) ? 0n : PAGE_SIZE;
  const cookie = lowestFree(context, width, first);
  const last = cookie + width - 1n;
  if (last > LAST_OFFSET || (last > LAST_OFFSET_NARROW && c.has('D0.11'))) c.fail('EBUSY.tree');
  const memory = newMemory(c.state, of);
  const region: Region = { size, owner, memory, context, cookie, width, isErased: false, users: 0 };
  context.tree.push(region);
  return region;
}

function lowestFree({ tree }: Context, width: bigint, first: bigint): bigint {
  let start = first;
  for (const region of [...tree].sort((one, two) => (one.cookie < two.cookie ? -1 : 1))) {
    if (start + width <= region.cookie) break;
    if (region.cookie + region.width > start) start = region.cookie + region.width;
  }
  return start;
}

/** Gives the memory of a region back, and notes what let that happen while somebody can reach it. */
export function freeMemory({ vmas }: Machine, memory: Memory): void {
  const mappings = [...vmas.values()].filter(({ region }) => region.memory === memory);
  memory.isFreed = true;
  if (mappings.length === 0) memory.freedBy = 'D0.6';
  else memory.freedBy = mappings.some(({ isDerived }) => !isDerived) ? 'D0.1' : 'D0.15';
}

/** Whether mappings keep a vIOMMU from being destroyed. */
export function isHeldByMappings(c: Helping, viommu: Viommu): boolean {
  const mappings = mappingsOf(c.state, viommu);
  const regions = [...viommu.context.tree, ...mappings.map(({ region }) => region)];
  const isCounted = regions.some(({ owner, users }) => owner === viommu.id && users > 0);
  if (!isCounted || mappings.length === 0) return isCounted;
  return mappings.some(({ isDerived }) => !isDerived) ? !c.has('D0.1') : !c.has('D0.15');
}

/** What the driver of a vIOMMU does when it goes: each of its cookies is freed, and its memory. */
export function freeRegionsOf(c: Helping, viommu: Viommu): void {
  const { context, id, cookies, memories } = viommu;
  // A vIOMMU without a region has the number 0 in its place.
  const hasNone = cookies.length === 0 && regionAt(context, 0n) !== undefined;
  const handed = hasNone && c.has('D0.5') ? [0n] : cookies;
  for (const cookie of handed) {
    const region = regionAt(context, cookie);
    if (region === undefined || (cookie === 0n && c.has('D0.6'))) continue;
    if (region.owner !== id && !(c.has('D0.5') || c.has('D0.8'))) continue;
    removeRegion(region);
  }
  for (const memory of memories) freeMemory(c.state, memory);
}

/** What is left in the tree when the file is released. */
export function releaseRegions(c: Pick<Helping, 'state' | 'has'>, context: Context): void {
  for (const object of context.objects.values()) {
    if (object.kind !== 'viommu') continue;
    for (const region of [...context.tree]) if (region.owner === object.id) removeRegion(region);
    for (const memory of object.memories) memory.isFreed = true;
  }
  if (context.tree.length > 0 && c.has('D0.14')) return;
  context.tree.length = 0;
}

/** Takes a region out of the tree, and frees its record. */
export function removeRegion(region: Region): void {
  const { tree } = region.context;
  tree.splice(tree.indexOf(region), 1);
  region.isErased = true;
}
