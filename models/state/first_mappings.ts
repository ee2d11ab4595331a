import { assert } from '../base/assert.js';
import { pageIndex } from '../base/u64.js';
import { GUARDED_REGIONS, type Region } from '../program/arena.js';
import type { Frame, FrameRange, PhysicalMemory } from './physical_memory.js';
import { type Backing, type Vma, byAddress } from './vma.js';

/**
 * Maps regions to new pages, and sets those apart that hold structs and arrays of calls.
 * @param regions of the address space of a process that begins
 * @returns the mappings, by address
 */
export function firstMappings(regions: readonly Region[], physical: PhysicalMemory): Vma[] {
  const isFirst = physical.isUntouched;
  const first = physical.takeFrames(bytesOf(regions));
  const { vmas, guarded } = isFirst ? firstLayoutOf(regions, first) : layOut(regions, first);
  for (const pages of guarded) physical.guard(pages);
  if (isFirst && regions.length > 0) physical.forgetContents();
  return [...vmas];
}

/** What the regions of a list are mapped to, by address, and which pages hold structs and arrays of calls. */
interface Layout {
  readonly vmas: readonly Vma[];
  readonly guarded: readonly FrameRange[];
}

/** Those of address spaces that are the first of their machine: each program has one. */
const FIRST_LAYOUTS = new WeakMap<readonly Region[], Layout>();

function firstLayoutOf(regions: readonly Region[], first: Frame): Layout {
  const layout = FIRST_LAYOUTS.get(regions) ?? layOut(regions, first);
  FIRST_LAYOUTS.set(regions, layout);
  return layout;
}

/** Gives regions the pages from one on. */
function layOut(regions: readonly Region[], from: Frame): Layout {
  const firsts = new Map<string, Frame>();
  const vmas: Vma[] = [];
  const guarded: FrameRange[] = [];
  let next = from;
  for (const { name, start, bytes, access, aliasOf, sharing } of regions) {
    const first = aliasOf === undefined ? next : firsts.get(aliasOf);
    assert(first !== undefined, `region ${name} aliases a region before it`);
    if (aliasOf === undefined) next += pageIndex(bytes);
    firsts.set(name, first);
    if (GUARDED_REGIONS.some((region) => region.name === name))
      guarded.push({ first, end: first + pageIndex(bytes) });
    const backing: Backing = { kind: 'frames', first };
    vmas.push({ start, end: start + bytes, access, backing, isPrivate: sharing === 'private' });
  }
  return { vmas: vmas.sort(byAddress), guarded };
}

/** Of the regions that have pages of their own. */
function bytesOf(regions: readonly Region[]): bigint {
  return regions.reduce((sum, { bytes, aliasOf }) => (aliasOf === undefined ? sum + bytes : sum), 0n);
}
