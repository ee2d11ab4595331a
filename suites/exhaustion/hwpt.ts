import { dmabuf } from '../dmabuf/set_up.js';
import { hwptData } from '../harness/builder.js';
import { APERTURE_START as A, P } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';
import { DIRTY_TRACKING, read, setTracking, tracking, write } from '../hwpt/dirty_pages.js';
import { deviceAndParent } from '../hwpt/set_up.js';
import { SWEPT, destroyIt, sweep } from './sweep.js';

/** Half pages of four pages. */
const HALVES = [0, 1, 6];

export const exhaustionHwpt = suite(
  'exhaustion/hwpt',
  'Calls on page tables that run out of memory, and dirty tracking.',
  [
    scenario('calls', {
      doc: 'Each call fails with ENOMEM and changes nothing, or succeeds.',
      covers: ['IOMMU_HWPT_ALLOC/OK', 'IOMMU_HWPT_INVALIDATE/OK', 'IOMMU_HWPT_GET_DIRTY_BITMAP/OK'],
      ...SWEPT,
      setup: () => undefined,
      cases: {
        paging: sweep({
          setup: (t) => deviceAndParent(t),
          call: (t, { device, ioas }) => t.hwptAlloc(device, ioas),
          undo: destroyIt('out_hwpt_id'),
          rounds: 24,
        }),
        paging_filled: sweep({
          setup: (t) => {
            const all = deviceAndParent(t);
            t.map(all.ioas, { iova: A, length: 4n * P });
            t.map(all.ioas, { iova: A + 0x40_0000n, length: 4n * P });
            return all;
          },
          call: (t, { device, ioas }) => t.hwptAlloc(device, ioas, { flags: DIRTY_TRACKING }),
          undo: destroyIt('out_hwpt_id'),
          rounds: 31,
        }),
        paging_filled_from_dmabufs: {
          needs: ['dmabuf'],
          body: sweep({
            setup: (t) => {
              const all = deviceAndParent(t);
              dmabuf(t, 'd', Number(4n * P));
              for (const at of [0n, 0x40_0000n]) t.mapFile(all.ioas, 'd', { iova: A + at, length: 4n * P });
              t.map(all.ioas, { iova: A + 0x80_0000n, length: 4n * P });
              return all;
            },
            call: (t, { device, ioas }) => t.hwptAlloc(device, ioas),
            undo: destroyIt('out_hwpt_id'),
            rounds: 40,
          }),
        },
        nested: sweep({
          setup: (t) => deviceAndParent(t),
          call: (t, { device, parent }) => t.hwptAlloc(device, parent, hwptData([7])),
          undo: destroyIt('out_hwpt_id'),
          rounds: 9,
        }),
        invalidate: sweep({
          setup: (t) => {
            const { device, parent } = deviceAndParent(t);
            return t.nestedHwpt(device, parent, 7).out('out_hwpt_id');
          },
          call: (t, hwpt) => t.invalidate(hwpt, [0, 1, 0, 2]),
          answers: { writesBack: true },
          rounds: 5,
          isQuiet: true,
        }),
        check_iotlb: sweep({
          setup: (t) => {
            const { device, parent } = deviceAndParent(t);
            return t.nestedHwpt(device, parent, 7).out('out_hwpt_id');
          },
          call: (t, hwpt) => t.checkIotlb(hwpt, 0, 7),
          rounds: 5,
          isQuiet: true,
        }),
        set_dirty_tracking: sweep({
          setup: (t) => tracking(t).hwpt,
          call: (t, hwpt) => setTracking(t, hwpt, 0),
          undo: (t, hwpt) => {
            setTracking(t, hwpt, 1);
          },
          rounds: 5,
          isQuiet: true,
        }),
        dirty: sweep({
          setup: (t) => {
            const all = tracking(t);
            t.map(all.ioas, { iova: A, length: 4n * P });
            return all.hwpt;
          },
          call: (t, hwpt) => write(t, hwpt, A, HALVES),
          undo: (t, hwpt) => {
            read(t, hwpt, A, { length: 4n * P });
          },
          rounds: 6,
        }),
        dirty_bitmap: sweep({
          setup: (t) => {
            const all = tracking(t);
            t.map(all.ioas, { iova: A, length: 4n * P });
            return all.hwpt;
          },
          before: (t, hwpt) => {
            write(t, hwpt, A, HALVES);
          },
          call: (t, hwpt) => read(t, hwpt, A, { length: 4n * P }),
          undo: (t, hwpt) => {
            read(t, hwpt, A, { length: 4n * P });
          },
          rounds: 7,
        }),
      },
      control: (t) => {
        const { device, ioas } = deviceAndParent(t);
        t.hwptAlloc(device, ioas);
      },
    }),
  ],
);
