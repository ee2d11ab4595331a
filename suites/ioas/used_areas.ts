import { BUFFER } from '../../models/program/arena.js';
import type { Scalar } from '../../models/program/program.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import { P, U64_MAX } from '../harness/constants.js';
import { suite } from '../harness/scenario.js';
import { inEachSetUp } from './set_ups.js';

const HALF = P / 2n;

/** Lengths up to two pages: every small one, those around multiples of half a page, and some between. */
const LENGTHS = Array.from({ length: 2 * Number(P) - 1 }, (_, at) => at + 1).filter(
  (length) => length < 64 || length % 127 === 0 || [0, 1, 2047].includes(length % 2048),
);

/** Areas of eight pages every sixteen pages. */
function mapFour(t: ScenarioBuilder, ioas: Scalar, base: bigint): void {
  for (let at = 0n; at < 4n; at++) {
    t.map(ioas, { iova: base + at * 16n * P, va: BUFFER.start + at * 8n * P, length: 8n * P });
  }
}

export const ioasUsedAreas = suite(
  'ioas/used_areas',
  'Areas of an IOAS with no, one and two devices, and with little temporary memory: map, copy and unmap them, alone and many at once.',
  [
    ...inEachSetUp('areas', {
      doc: 'Areas are unmapped whole, never meet, and go all at once; with a page table their pages are pinned as long.',
      covers: [
        'IOMMU_IOAS_MAP/OK',
        'IOMMU_IOAS_MAP/EEXIST.area',
        'IOMMU_IOAS_UNMAP/OK',
        'IOMMU_IOAS_UNMAP/ENOENT.empty',
        'IOMMU_IOAS_UNMAP/ENOENT.straddles',
      ],
      source: 'kselftest.md 3',
      kselftest: ['area'],
      cases: {
        nothing_to_unmap: (t, { ioas, base }) => {
          for (let page = 0n; page < 10n; page++) t.unmap(ioas, base + page * P, P).fails('ENOENT');
        },
        page_by_page: (t, { ioas, base, devices }) => {
          for (let page = 0n; page < 10n; page++) {
            t.map(ioas, { iova: base + page * P, va: BUFFER.start + page * P });
          }
          t.counters(devices.length > 0 ? 10 : 0);
          for (let page = 0n; page < 10n; page++) t.unmap(ioas, base + page * P, P).ok({ length: P });
          t.counters(0);
        },
        halves: (t, { ioas, base, devices }) => {
          t.map(ioas, { iova: base, length: 2n * P });
          t.unmap(ioas, base, P).fails('ENOENT');
          t.unmap(ioas, base + P, P).fails('ENOENT');
          t.counters(devices.length > 0 ? 2 : 0);
          t.unmap(ioas, base, 2n * P).ok({ length: 2n * P });
        },
        overlapping: (t, { ioas, base, devices }) => {
          t.map(ioas, { iova: base + P, length: 2n * P });
          t.map(ioas, { iova: base + P, length: 2n * P }).fails('EEXIST');
          t.map(ioas, { iova: base, length: 4n * P }).fails('EEXIST');
          t.map(ioas, { iova: base, length: 2n * P }).fails('EEXIST');
          t.map(ioas, { iova: base + 2n * P, length: 2n * P }).fails('EEXIST');
          t.map(ioas, { iova: base + P, length: P }).fails('EEXIST');
          t.counters(devices.length > 0 ? 2 : 0);
          t.map(ioas, { iova: base });
          t.map(ioas, { iova: base + 3n * P });
        },
        everything: (t, { ioas, base }) => {
          t.map(ioas, { iova: base });
          t.map(ioas, { iova: base + 2n * P, length: 2n * P });
          t.unmap(ioas, 0n, U64_MAX).ok({ length: 3n * P });
          t.counters(0);
          t.unmap(ioas, 0n, U64_MAX).ok({ length: 0n });
        },
      },
      control: (t, { ioas, base }) => t.map(ioas, { iova: base }),
    }),
    ...inEachSetUp('several', {
      doc: 'A range that cuts no area takes all that are in it; one that cuts the first takes none, one that cuts the last those before it.',
      covers: ['IOMMU_IOAS_UNMAP/OK', 'IOMMU_IOAS_UNMAP/ENOENT.straddles'],
      source: 'core.md 3.7',
      gaps: [11],
      kselftest: ['unmap_fully_contained_areas'],
      cases: {
        exactly: (t, { ioas, base }) => {
          mapFour(t, ioas, base);
          t.unmap(ioas, base, 56n * P).ok({ length: 32n * P });
          t.counters(0);
        },
        wider: (t, { ioas, base }) => {
          mapFour(t, ioas, base + 16n * P);
          t.unmap(ioas, base + 8n * P, 72n * P).ok({ length: 32n * P });
        },
        first_is_cut: (t, { ioas, base, devices }) => {
          mapFour(t, ioas, base);
          t.unmap(ioas, base + P, 63n * P).fails('ENOENT');
          t.counters(devices.length > 0 ? 32 : 0);
          t.unmap(ioas, base, 64n * P).ok({ length: 32n * P });
        },
        last_is_cut: (t, { ioas, base, devices }) => {
          mapFour(t, ioas, base);
          t.unmap(ioas, base, 55n * P).fails('ENOENT');
          t.counters(devices.length > 0 ? 8 : 0);
          t.unmap(ioas, base, 64n * P).ok({ length: 8n * P });
        },
      },
      control: (t, { ioas, base }) => {
        mapFour(t, ioas, base);
      },
    }),
    ...inEachSetUp('copy', {
      doc: 'An area is copied within its IOAS, and to the first IOVA of one without page tables; the page stays pinned once.',
      covers: ['IOMMU_IOAS_COPY/OK'],
      source: 'core.md 3.6',
      kselftest: ['copy_area'],
      cases: {
        within: (t, { ioas, base, devices }) => {
          t.map(ioas, { iova: base });
          t.copy({ src: ioas, dst: ioas, from: base, iova: base + P, access: 'w' });
          t.counters(devices.length > 0 ? 1 : 0);
          t.unmap(ioas, base, P);
          t.counters(devices.length > 0 ? 1 : 0);
          t.unmap(ioas, base + P, P).ok({ length: P });
          t.counters(0);
        },
        to_another: (t, { ioas, base }) => {
          t.map(ioas, { iova: base });
          const other = t.ioas();
          t.copy({ src: ioas, dst: other, from: base, iova: 0n, access: 'w' });
          t.unmap(ioas, base, P);
          t.counters(0);
          t.unmap(other, 0n, P).ok({ length: P });
        },
      },
      control: (t, { ioas, base }) => {
        t.map(ioas, { iova: base });
        t.copy({ src: ioas, dst: ioas, from: base });
      },
    }),
    ...inEachSetUp('length', {
      doc: 'Any number of bytes can be mapped without a page table; with one only multiples of its smallest page, half of the CPU’s.',
      covers: ['IOMMU_IOAS_MAP/OK', 'IOMMU_IOAS_MAP/EINVAL.length_alignment'],
      source: 'core.md 4.4, kselftest.md 3',
      kselftest: ['ioas_iova_alloc'],
      cases: {
        every_kind: (t, { ioas, devices }) => {
          for (const length of LENGTHS.map(BigInt)) {
            const map = t.map(ioas, { length });
            if (devices.length > 0 && length % HALF !== 0n) map.fails('EINVAL');
            else t.unmap(ioas, map.out('iova'), length).ok({ length });
          }
        },
      },
      control: (t, { ioas }) => t.map(ioas, { length: HALF }),
    }),
  ],
);
