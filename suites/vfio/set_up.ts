import type { IoctlStep, Operand, Reference, Scalar } from '../../models/program/program.js';
import { BUFFER } from '../../models/program/arena.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import type { ExpectedStep } from '../harness/expected_step.js';
import { P } from '../harness/constants.js';

/** Of linux/vfio.h. */
export const TYPE1 = 1;
export const TYPE1V2 = 3;

const SET = 1;
const CLEAR = 2;

/** VFIO_DMA_MAP_FLAG_READ and WRITE. */
const READ_WRITE = 3;

/** Pages of sixteen in an order of no order. */
export const SHUFFLED = [11n, 2n, 7n, 0n, 13n, 5n, 15n, 9n, 1n, 6n, 14n, 3n, 10n, 4n, 12n, 8n];

type Options = Pick<IoctlStep, 'tail' | 'at'>;

/** Makes an IOAS the one that VFIO's calls work on. */
export function setCompat(t: ScenarioBuilder, ioas: Scalar): void {
  t.ioctl('IOMMU_VFIO_IOAS', { op: SET, ioas_id: ioas });
}

export function clearCompat(t: ScenarioBuilder): void {
  t.ioctl('IOMMU_VFIO_IOAS', { op: CLEAR });
}

/** A new IOAS for VFIO's calls; returns its id. */
export function compatIoas(t: ScenarioBuilder): Reference {
  const ioas = t.ioas();
  setCompat(t, ioas);
  return ioas;
}

export function checkExtension(t: ScenarioBuilder, extension: bigint | number): ExpectedStep {
  return t.ioctl('VFIO_CHECK_EXTENSION', { extension });
}

export function setIommu(t: ScenarioBuilder, type: bigint | number): ExpectedStep {
  return t.ioctl('VFIO_SET_IOMMU', { type });
}

/** Maps a page of the buffer for reading and writing, but for what is said. */
export function mapDma(
  t: ScenarioBuilder,
  args: Readonly<Record<string, Operand>>,
  options: Options = {},
): ExpectedStep {
  const defaults = { flags: READ_WRITE, vaddr: BUFFER.start, size: P };
  return t.ioctl('VFIO_IOMMU_MAP_DMA', { ...defaults, ...args }, options);
}

/** Unmaps a range. */
export function unmapDma(
  t: ScenarioBuilder,
  iova: Scalar,
  size: Scalar,
  args: Readonly<Record<string, Operand>> = {},
  options: Options = {},
): ExpectedStep {
  return t.ioctl('VFIO_IOMMU_UNMAP_DMA', { iova, size, ...args }, options);
}

/** VFIO_DMA_UNMAP_FLAG_ALL. */
const ALL = 2;

/** Unmaps everything; a range of it is refused. */
export function unmapAllDma(t: ScenarioBuilder, iova: Scalar = 0n, size: Scalar = 0n): ExpectedStep {
  return unmapDma(t, iova, size, { flags: ALL });
}

/** Bytes of struct vfio_iommu_type1_info. */
export const INFO_BYTES = 24;

/** Asks for the info with so many bytes in all; fewer than the struct has are said in argsz alone. */
export function getInfo(t: ScenarioBuilder, argsz: number, options: Options = {}): ExpectedStep {
  const room = Math.max(argsz - INFO_BYTES, 0);
  return t.ioctl(
    'VFIO_IOMMU_GET_INFO',
    argsz < INFO_BYTES ? { argsz } : {},
    room === 0 ? options : { tail: { bytes: room, value: 0xaa }, ...options },
  );
}
