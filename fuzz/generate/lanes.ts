import { callByName } from '../../models/ioctls/index.js';
import type { IoctlStep, LanesStep } from '../../models/program/program.js';
import { drawCall } from './calls.js';
import type { Picks } from './picks.js';
import type { GeneratorState } from './state.js';
import type { Theme } from './theme.js';
import { ALLOC, DEVICE, type Weights, spread } from './theme.js';

/**
 * What goes on at the same time: calls without arrays, for which lanes have little room. What comes more often is what meets more.
 */
export const LANE_CALLS: Weights = {
  IOMMU_IOAS_MAP: 8,
  IOMMU_IOAS_UNMAP: 6,
  IOMMU_IOAS_COPY: 4,
  IOMMU_IOAS_ALLOC: 2,
  IOMMU_DESTROY: 4,
  IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE: 2,
  IOMMU_TEST_OP_MD_CHECK_MAP: 1,
  IOMMU_OPTION: 1,
};
const NAMES = Object.entries(LANE_CALLS).flatMap(([name, weight]) => new Array<string>(weight).fill(name));

const MIXTURE: Weights = {
  lanes: 5,
  IOMMU_IOAS_ALLOC: 1,
  IOMMU_IOAS_MAP: 4,
  IOMMU_IOAS_UNMAP: 1,
  IOMMU_IOAS_COPY: 1,
  IOMMU_HWPT_ALLOC: 1,
  IOMMU_TEST_OP_MOCK_DOMAIN: 1,
  IOMMU_TEST_OP_MD_CHECK_MAP: 1,
  counters: 1,
};

export const LANES_THEME: Theme = {
  about: 'Calls at the same time on a few IOASes, one of them with a device behind it.',
  prelude: [ALLOC, ALLOC, DEVICE, { call: 'IOMMU_IOAS_MAP' }],
  kinds: spread(MIXTURE),
};

/** Two lanes, seldom three, of one or two calls on what is there before them. */
export function drawLanes(state: GeneratorState, picks: Picks, label: string): LanesStep {
  const count = picks.rarely(6) ? 3 : 2;
  const lanes = Array.from({ length: count }, (_, lane) =>
    Array.from({ length: 1 + picks.below(2) }, (_, at) =>
      drawLaneCall(state, picks, `${label}_${String(lane)}_${String(at)}`),
    ),
  );
  return { do: 'lanes', lanes };
}

function drawLaneCall(state: GeneratorState, picks: Picks, label: string): IoctlStep {
  const call = callByName(picks.any(NAMES) ?? 'IOMMU_IOAS_MAP') ?? callByName('IOMMU_IOAS_MAP');
  if (call === undefined) throw new Error('IOMMU_IOAS_MAP is described');
  const { file, args } = drawCall(call, state, picks);
  return { do: 'ioctl', file, call: call.name, args, label };
}
