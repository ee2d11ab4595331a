import { HUGE, HUGE_PAGES_MAX, HUGE_PAGE_BYTES } from '../../models/program/arena.js';
import type { IoctlStep, Step } from '../../models/program/program.js';
import type { Picks } from './picks.js';

/** Huge pages that the region for them has room for. */
const ROOM = Number(HUGE.bytes / HUGE_PAGE_BYTES);

/** Maps all huge pages that there is room for; later, maps, protects or unmaps some of them. */
export function drawHugePages(before: readonly Step[], picks: Picks): Exclude<Step, IoctlStep> {
  const taken = before.reduce((sum, step) => sum + pagesTaken(step), 0);
  if (taken === 0) return { do: 'mmap', start: HUGE.start, bytes: HUGE.bytes, access: 'rw', huge: true };
  const first = picks.below(ROOM);
  const count = 1 + picks.below(ROOM - first);
  const range = {
    start: HUGE.start + BigInt(first) * HUGE_PAGE_BYTES,
    bytes: BigInt(count) * HUGE_PAGE_BYTES,
  };
  if (picks.rarely(4)) return { do: 'munmap', ...range };
  const access = picks.one(['rw', 'rw', 'rw', 'ro', 'none'] as const);
  const mayTake = taken + count <= HUGE_PAGES_MAX;
  return mayTake && picks.rarely(2)
    ? { do: 'mmap', ...range, access, huge: true }
    : { do: 'mprotect', ...range, access };
}

function pagesTaken(step: Step): number {
  return step.do === 'mmap' && step.huge === true ? Number(step.bytes / HUGE_PAGE_BYTES) : 0;
}
