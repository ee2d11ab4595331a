import { BUFFER, SCRATCH } from '../../models/program/arena.js';
import type { Reference } from '../../models/program/program.js';
import { makeAccess, pin } from '../access/set_up.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import { APERTURE_START as A, P } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';
import { limitMemory, unlimitMemory } from '../mock/temporary_memory.js';
import { SWEPT, destroyIt, sweep } from './sweep.js';

const LENGTH = 4n * P;

/** Removes an area that is not there if the call failed. */
function unmapIt(t: ScenarioBuilder, ioas: Reference): void {
  t.unmap(ioas, A, LENGTH).orFails('ENOENT');
}

/** An IOAS with so many page tables. */
function ioasWith(devices: number): (t: ScenarioBuilder) => Reference {
  return (t) => {
    const ioas = t.ioas();
    for (let count = 0; count < devices; count++) {
      const device = t.mockDomain(ioas).out('out_idev_id');
      if (count > 0) t.hwptAlloc(device, ioas);
    }
    return ioas;
  };
}

function mapping(devices: number, rounds: number, va = BUFFER.start) {
  return sweep({
    setup: ioasWith(devices),
    call: (t, ioas) => t.map(ioas, { iova: A, length: LENGTH, va }),
    undo: unmapIt,
    rounds,
  });
}

function mappingOfFile(devices: number, rounds: number) {
  const body = sweep({
    setup: (t) => {
      t.memfd('m', 4n);
      return ioasWith(devices)(t);
    },
    call: (t, ioas) => t.mapFile(ioas, 'm', { iova: A, length: LENGTH }),
    undo: unmapIt,
    rounds,
  });
  return { needs: ['map_file'], body } as const;
}

function copying(devices: number, rounds: number) {
  return sweep({
    setup: (t) => {
      const src = t.ioas();
      t.map(src, { iova: A, length: LENGTH });
      return { src, dst: ioasWith(devices)(t) };
    },
    call: (t, { src, dst }) => t.copy({ src, dst, from: A, length: LENGTH, iova: A }),
    undo: (t, { dst }) => {
      unmapIt(t, dst);
    },
    rounds,
  });
}

/** Two areas at once: what is filled of the first is taken back if the second fails. */
function copyingTwo(rounds: number) {
  return sweep({
    setup: (t) => {
      const src = t.ioas();
      for (const iova of [A, A + LENGTH]) t.map(src, { iova, length: LENGTH });
      return { src, dst: ioasWith(1)(t) };
    },
    call: (t, { src, dst }) => t.copy({ src, dst, from: A, length: 2n * LENGTH, iova: A }),
    undo: (t, { dst }) => {
      t.unmap(dst, A, 2n * LENGTH).orFails('ENOENT');
    },
    rounds,
  });
}

/** Removing an area, which is mapped again unless it stayed. */
function unmapping(devices: number, hasAccess: boolean) {
  return sweep({
    setup: (t) => {
      const ioas = ioasWith(devices)(t);
      t.map(ioas, { iova: A, length: LENGTH });
      if (hasAccess) {
        const other = t.ioas();
        t.copy({ src: ioas, dst: other, from: A, length: LENGTH, iova: A });
        pin(t, makeAccess(t, 'a', other), A + P, 2n * P);
      }
      return ioas;
    },
    call: (t, ioas) => t.unmap(ioas, A, LENGTH),
    undo: (t, ioas) => {
      t.map(ioas, { iova: A, length: LENGTH }).orFails('EEXIST');
    },
    rounds: 6,
    isQuiet: true,
  });
}

/** Where tables of a page table end, each time others: those that it has made it keeps. */
function borderOf(round: number): bigint {
  return A + BigInt(round + 1) * 0x40_0000n;
}

/**
 * An area that takes tables for each of its halves, of pages of which none follows another in physical memory: what is there of the
 * first is taken back if the second fails.
 */
const acrossBorders = sweep({
  setup: (t) => {
    const file = t.memfd('m', 4n);
    for (const [at, page] of [2n, 0n, 3n, 1n].entries())
      t.mmapFile(file, page * P, 1n, { start: SCRATCH.start + BigInt(at) * P });
    return ioasWith(1)(t);
  },
  call: (t, ioas, round) =>
    t.map(ioas, { iova: borderOf(round) - 2n * P, length: LENGTH, va: SCRATCH.start }),
  undo: (t, ioas, _, round) => {
    t.unmap(ioas, borderOf(round) - 2n * P, LENGTH).orFails('ENOENT');
  },
  rounds: 36,
});

export const exhaustionIoas = suite(
  'exhaustion/ioas',
  'Calls on IOASes that run out of memory: each allocation of each call fails in turn.',
  [
    scenario('calls', {
      doc: 'Each call fails with ENOMEM and changes nothing, or succeeds.',
      covers: ['IOMMU_IOAS_ALLOC/OK', 'IOMMU_IOAS_MAP/OK', 'IOMMU_IOAS_COPY/OK', 'IOMMU_IOAS_UNMAP/OK'],
      ...SWEPT,
      seeds: ['S2-51'],
      setup: () => undefined,
      cases: {
        alloc: sweep({
          setup: () => undefined,
          call: (t) => t.ioctl('IOMMU_IOAS_ALLOC', {}),
          undo: destroyIt('out_ioas_id'),
          rounds: 6,
        }),
        allow: sweep({
          setup: (t) => t.ioas(),
          call: (t, ioas) =>
            t.allow(ioas, [
              [0n, 0xffffn],
              [0x20000n, 0x2ffffn],
              [0x40000n, 0x4ffffn],
            ]),
          undo: (t, ioas) => {
            t.allow(ioas, []);
          },
          rounds: 9,
        }),
        ranges: sweep({
          setup: (t) => t.ioas(),
          call: (t, ioas) => t.ranges(ioas, 4),
          rounds: 5,
          isQuiet: true,
        }),
        map: mapping(0, 8),
        map_automatic: sweep({
          setup: ioasWith(1),
          call: (t, ioas) => t.map(ioas, { length: LENGTH }),
          undo: (t, ioas, step) => {
            t.unmap(ioas, step.out('iova'), LENGTH).orFails('ENOENT');
          },
          rounds: 25,
        }),
        map_one_table: mapping(1, 26),
        map_two_tables: mapping(2, 34),
        map_across_borders: acrossBorders,
        map_across_borders_piecemeal: (t) => {
          limitMemory(t, 24);
          acrossBorders(t);
          unlimitMemory(t);
        },
        map_file: mappingOfFile(0, 8),
        map_file_one_table: mappingOfFile(1, 16),
        copy: copying(0, 9),
        copy_one_table: copying(1, 26),
        copy_two_tables: copying(2, 36),
        copy_two_areas: copyingTwo(36),
        unmap: unmapping(0, false),
        unmap_one_table: unmapping(1, false),
        unmap_two_tables: unmapping(2, false),
        unmap_pinned: unmapping(1, true),
        option: sweep({
          setup: (t) => t.ioas(),
          call: (t, ioas) => t.setOption('HUGE_PAGES', 0n, ioas),
          undo: (t, ioas) => {
            t.setOption('HUGE_PAGES', 1n, ioas);
          },
          rounds: 5,
          isQuiet: true,
        }),
        change_process: {
          needs: ['map_file'],
          body: sweep({
            setup: (t) => {
              t.memfd('m', 4n);
              const ioas = ioasWith(1)(t);
              const other = t.ioas();
              t.mapFile(ioas, 'm', { iova: A, length: LENGTH });
              t.copy({ src: ioas, dst: other, from: A, length: LENGTH, iova: A });
            },
            call: (t) => t.ioctl('IOMMU_IOAS_CHANGE_PROCESS', {}),
            rounds: 5,
          }),
        },
        destroy: sweep({
          setup: () => undefined,
          before: (t) => {
            t.ioas();
          },
          call: (t) => t.destroy(1),
          undo: (t) => {
            t.destroy(1).orFails('ENOENT');
          },
          rounds: 4,
          isQuiet: true,
        }),
      },
      control: (t) => t.map(t.ioas(), { iova: A }),
    }),
  ],
);
