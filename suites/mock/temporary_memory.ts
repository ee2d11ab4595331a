import type { ScenarioBuilder } from '../harness/builder.js';
import type { IoctlOptions } from '../harness/step_writer.js';
import type { ExpectedStep } from '../harness/expected_step.js';

/** Bytes of the kernel's temporary arrays unless a test asks for less. Source: pages.c: TEMP_MEMORY_LIMIT. */
const DEFAULT = 65536;

/** Limits the temporary arrays of the whole kernel to so many bytes: a pinned page takes 8 of them. */
export function limitMemory(
  t: ScenarioBuilder,
  limit: number,
  options: Partial<IoctlOptions> = {},
): ExpectedStep {
  return t.ioctl('IOMMU_TEST_OP_SET_TEMP_MEMORY_LIMIT', { limit }, options);
}

/** Takes the limit away. The limit is of no file, so this works through any. */
export function unlimitMemory(t: ScenarioBuilder, options: Partial<IoctlOptions> = {}): ExpectedStep {
  return limitMemory(t, DEFAULT, options);
}

/** Takes the limit away at the end of a program that may have closed its files. */
export function unlimitMemoryAtLast(t: ScenarioBuilder): void {
  unlimitMemory(t, { file: t.open('last') });
}
