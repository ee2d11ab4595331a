import { BUFFER } from '../../models/program/arena.js';
import type { Reference } from '../../models/program/program.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import { APERTURE_START as A, P } from '../harness/constants.js';
import type { ExpectedStep } from '../harness/expected_step.js';
import { scenario, suite } from '../harness/scenario.js';
import { SHUFFLED, TYPE1V2, compatIoas, mapDma, setIommu, unmapDma } from './set_up.js';

/** A piece is of eight pages; there are 64, of 32 pieces of memory. */
const PIECE = 8n * P;
const PIECES = 64n;
const PIECES_OF_MEMORY = 32n;

function iovaOf(piece: bigint): bigint {
  return A + piece * PIECE;
}

function memoryOf(piece: bigint): bigint {
  return BUFFER.start + (piece % PIECES_OF_MEMORY) * PIECE;
}

function mapPiece(t: ScenarioBuilder, piece: bigint): ExpectedStep {
  return mapDma(t, { iova: iovaOf(piece), vaddr: memoryOf(piece), size: PIECE });
}

function unmapPiece(t: ScenarioBuilder, piece: bigint): void {
  unmapDma(t, iovaOf(piece), PIECE).ok({ size: PIECE });
}

/** 64 neighbouring mappings, with two page tables. */
function sixtyFourPieces(t: ScenarioBuilder): { ioas: Reference; first: Reference; second: Reference } {
  const ioas = compatIoas(t);
  setIommu(t, TYPE1V2);
  const device = t.mockDomain(ioas);
  const first = device.out('out_hwpt_id');
  const second = t.hwptAlloc(device.out('out_idev_id'), ioas).out('out_hwpt_id');
  for (let piece = 0n; piece < PIECES; piece++) mapPiece(t, piece);
  t.counters(512);
  return { ioas, first, second };
}

export const vfioPieces = suite(
  'vfio/pieces',
  'User space maps in pieces of its choice, and takes them back and maps them again one by one: what the review of page hinting asked for.',
  [
    scenario('piece,taken_and_put_back', {
      doc: 'One of 64 pieces goes, from all page tables, with its pins and no others, and can be mapped again.',
      covers: ['VFIO_IOMMU_UNMAP_DMA/OK', 'VFIO_IOMMU_MAP_DMA/OK'],
      needs: ['iommufd_test'],
      seeds: ['S3-07', 'S3-14', 'S3-16'],
      setup: sixtyFourPieces,
      cases: {
        gone_everywhere: (t, { first, second }) => {
          unmapPiece(t, 37n);
          t.counters(504);
          for (const hwpt of [first, second]) {
            t.checkMap(hwpt, iovaOf(36n), memoryOf(36n), PIECE);
            for (let page = 0n; page < 8n; page++) {
              t.checkMap(hwpt, iovaOf(37n) + page * P, memoryOf(37n) + page * P).fails('EINVAL');
            }
            t.checkMap(hwpt, iovaOf(38n), memoryOf(38n), PIECE);
          }
        },
        pins: (t) => {
          t.checkRefs(memoryOf(37n), 2, PIECE);
          unmapPiece(t, 37n);
          t.checkRefs(memoryOf(36n), 2, PIECE);
          t.checkRefs(memoryOf(37n), 1, PIECE);
          t.checkRefs(memoryOf(38n), 2, PIECE);
          unmapPiece(t, 37n - PIECES_OF_MEMORY);
          t.checkRefs(memoryOf(37n), 0, PIECE);
        },
        put_back: (t, { first, second }) => {
          unmapPiece(t, 37n);
          mapPiece(t, 37n);
          t.counters(512);
          t.checkRefs(memoryOf(37n), 2, PIECE);
          for (const hwpt of [first, second]) t.checkMap(hwpt, iovaOf(37n), memoryOf(37n), PIECE);
        },
        other_memory: (t, { first, second }) => {
          unmapPiece(t, 37n);
          mapDma(t, { iova: iovaOf(37n), vaddr: memoryOf(3n), size: PIECE });
          t.checkRefs(memoryOf(3n), 3, PIECE);
          for (const hwpt of [first, second]) t.checkMap(hwpt, iovaOf(37n), memoryOf(3n), PIECE);
        },
        twice: (t, { ioas }) => {
          unmapPiece(t, 37n);
          unmapDma(t, iovaOf(37n), PIECE).ok({ size: 0n });
          t.unmap(ioas, iovaOf(37n), PIECE).fails('ENOENT');
          t.counters(504);
        },
        in_any_order: (t) => {
          for (const [done, piece] of SHUFFLED.entries()) {
            unmapPiece(t, 3n * piece);
            t.counters(512 - 8 * (done + 1));
          }
          for (const piece of SHUFFLED) mapPiece(t, 3n * piece);
          t.counters(512);
        },
      },
      control: (t) => {
        unmapDma(t, A, PIECES * PIECE).ok({ size: PIECES * PIECE });
        t.counters(0);
        t.checkRefs(BUFFER.start, 0, PIECES_OF_MEMORY * PIECE);
      },
    }),
    scenario('piece,occupied', {
      doc: 'A mapping over a piece is EEXIST before anything is touched; a part of a piece is not unmapped, nor a neighbour with it.',
      covers: ['VFIO_IOMMU_MAP_DMA/EEXIST.area', 'VFIO_IOMMU_UNMAP_DMA/ENOENT.straddles'],
      needs: ['iommufd_test'],
      seeds: ['S3-03', 'S3-08'],
      setup: sixtyFourPieces,
      cases: {
        same: (t, { first, second }) => {
          mapDma(t, { iova: iovaOf(37n), vaddr: memoryOf(3n), size: PIECE }).fails('EEXIST');
          for (const hwpt of [first, second]) t.checkMap(hwpt, iovaOf(37n), memoryOf(37n), PIECE);
          t.checkRefs(memoryOf(37n), 2, PIECE);
          t.checkRefs(memoryOf(3n), 2, PIECE);
        },
        beside_a_hole: (t, { first, second }) => {
          unmapPiece(t, 37n);
          mapDma(t, { iova: iovaOf(37n), vaddr: BUFFER.start, size: PIECE + P }).fails('EEXIST');
          t.counters(504);
          for (const hwpt of [first, second]) {
            t.checkMap(hwpt, iovaOf(37n), BUFFER.start).fails('EINVAL');
            t.checkMap(hwpt, iovaOf(38n), memoryOf(38n), PIECE);
          }
        },
        end_and_neighbour: (t, { first, second }) => {
          unmapDma(t, iovaOf(37n) + 7n * P, 4n * P).fails('ENOENT', { size: 0n });
          t.counters(512);
          for (const hwpt of [first, second]) t.checkMap(hwpt, iovaOf(37n), memoryOf(37n), PIECE);
          for (const hwpt of [first, second]) t.checkMap(hwpt, iovaOf(38n), memoryOf(38n), PIECE);
        },
      },
      control: (t) => {
        unmapPiece(t, 37n);
        mapDma(t, { iova: iovaOf(37n), vaddr: memoryOf(3n), size: PIECE });
      },
    }),
  ],
);
