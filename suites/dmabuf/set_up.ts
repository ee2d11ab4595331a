import type { Operand } from '../../models/program/program.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import type { ExpectedStep } from '../harness/expected_step.js';

/** O_RDWR and O_CLOEXEC. */
const OPEN_FLAGS = 0x8_0002;

/** A dma-buf of the mock, readable and writable. */
export function dmabuf(
  t: ScenarioBuilder,
  label: string,
  length: number,
  args: Readonly<Record<string, Operand>> = {},
): ExpectedStep {
  return t.ioctl('IOMMU_TEST_OP_DMABUF_GET', { length, open_flags: OPEN_FLAGS, ...args }, { fd: label });
}

/** Revokes a dma-buf, or offers it again. */
export function revoke(t: ScenarioBuilder, file: string, revoked: number): ExpectedStep {
  return t.ioctl('IOMMU_TEST_OP_DMABUF_REVOKE', { dmabuf_fd: { fd: file }, revoked });
}
