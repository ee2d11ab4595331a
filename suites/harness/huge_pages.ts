import { HUGE } from '../../models/program/arena.js';
import type { MmapAccess } from '../../models/program/program.js';
import type { ScenarioBuilder } from './builder.js';
import type { ExpectedStep } from './expected_step.js';
import { HUGE_PAGE } from './constants.js';

/** A file of huge pages; returns its label. */
export function hugeMemfd(t: ScenarioBuilder, label: string, pages: bigint): string {
  t.step({ do: 'memfd', label, bytes: pages * HUGE_PAGE, huge: true });
  return label;
}

/** Maps anonymous huge pages, from the start of the region for them on without another place. */
export function mmapHuge(
  t: ScenarioBuilder,
  pages: bigint,
  start: bigint = HUGE.start,
  access: MmapAccess = 'rw',
): ExpectedStep {
  return t.step({ do: 'mmap', start, bytes: pages * HUGE_PAGE, access, huge: true });
}
