import type { ScenarioBuilder } from '../harness/builder.js';
import { APERTURE_START as A, P } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';
import {
  TYPE1,
  TYPE1V2,
  checkExtension,
  compatIoas,
  getInfo,
  mapDma,
  setCompat,
  setIommu,
  unmapAllDma,
  unmapDma,
} from '../vfio/set_up.js';
import { SWEPT, sweep } from './sweep.js';

const LENGTH = 4n * P;

function compatWith(devices: number, type: number) {
  return (t: ScenarioBuilder) => {
    const ioas = compatIoas(t);
    setIommu(t, type);
    for (let count = 0; count < devices; count++) t.mockDomain(ioas);
    return ioas;
  };
}

function mapping(devices: number) {
  return sweep({
    setup: compatWith(devices, TYPE1V2),
    call: (t) => mapDma(t, { iova: A, size: LENGTH }),
    undo: (t) => {
      unmapAllDma(t);
    },
    rounds: 24,
  });
}

/** Removing what was mapped, whole or from the middle of it. */
function unmapping(type: number, iova: bigint, size: bigint) {
  return sweep({
    setup: compatWith(1, type),
    before: (t) => {
      mapDma(t, { iova: A, size: LENGTH });
    },
    call: (t) => unmapDma(t, iova, size),
    undo: (t) => {
      unmapAllDma(t);
    },
    rounds: 18,
    isQuiet: true,
  });
}

export const exhaustionVfio = suite('exhaustion/vfio', 'The calls of VFIO that run out of memory.', [
  scenario('calls', {
    doc: 'Each call fails with ENOMEM and changes nothing, or succeeds.',
    covers: ['VFIO_IOMMU_MAP_DMA/OK', 'VFIO_IOMMU_UNMAP_DMA/OK'],
    ...SWEPT,
    setup: () => undefined,
    cases: {
      map: mapping(0),
      map_one_table: mapping(1),
      unmap: unmapping(TYPE1V2, A, LENGTH),
      unmap_middle: unmapping(TYPE1, A + P, 2n * P),
      unmap_all: sweep({
        setup: compatWith(1, TYPE1V2),
        before: (t) => {
          mapDma(t, { iova: A, size: LENGTH });
        },
        call: (t) => unmapAllDma(t),
        undo: (t) => {
          unmapAllDma(t);
        },
        rounds: 5,
        isQuiet: true,
      }),
      info: sweep({ setup: compatWith(1, TYPE1V2), call: (t) => getInfo(t, 104), rounds: 5, isQuiet: true }),
      extension: sweep({
        setup: compatWith(0, TYPE1V2),
        call: (t) => checkExtension(t, TYPE1).returns(1),
        rounds: 5,
        isQuiet: true,
      }),
      set_iommu: sweep({
        setup: compatWith(0, TYPE1V2),
        call: (t) => setIommu(t, TYPE1),
        rounds: 5,
        isQuiet: true,
      }),
      compat_ioas: sweep({
        setup: (t) => t.ioas(),
        call: (t, ioas) => {
          return t.ioctl('IOMMU_VFIO_IOAS', { op: 1, ioas_id: ioas });
        },
        rounds: 5,
        isQuiet: true,
      }),
    },
    control: (t) => {
      setCompat(t, t.ioas());
      mapDma(t, { iova: A });
    },
  }),
]);
