import { BUFFER } from '../../models/program/arena.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import { APERTURE_LAST, APERTURE_START as A, P, U64_MAX } from '../harness/constants.js';
import { suite } from '../harness/scenario.js';
import { type UsedIoas, inEachSetUp } from './set_ups.js';

/**
 * Maps one page, two pages, … from an address that is aligned to 2 MiB, and expects them so many pages behind the base: the
 * first place that is free and aligned to the number of pages, rounded up to a power of two.
 */
function expectPlaces(t: ScenarioBuilder, { ioas, base }: UsedIoas, places: readonly bigint[]): void {
  for (const [at, place] of places.entries()) {
    t.map(ioas, { va: BUFFER.start, length: BigInt(at + 1) * P }).ok({ iova: base + place * P });
  }
}

export const ioasUsedPlacement = suite(
  'ioas/used_placement',
  'Which IOVAs an IOAS with no, one and two devices, and with little temporary memory, has, which it chooses, and how reservations and allowed ranges confine them.',
  [
    ...inEachSetUp('automatic', {
      doc: 'Automatic IOVAs are the first that are aligned and free: not the first page of the space, not reserved, allowed.',
      covers: ['IOMMU_IOAS_MAP/OK', 'IOMMU_IOAS_ALLOW_IOVAS/EADDRINUSE.reserved'],
      source: 'core.md 4.4',
      gaps: [20],
      kselftest: ['area_auto_iova'],
      needs: ['thp'],
      cases: {
        one_to_ten_pages: (t, used) => {
          const first = used.base === 0n ? 1n : 0n;
          expectPlaces(t, used, [first, 2n, 4n, 8n, 16n, 24n, 32n, 40n, 48n, 64n]);
        },
        behind_a_reservation: (t, used) => {
          const first = used.base === 0n ? 1n : 0n;
          t.reserve(used.ioas, used.base + 4n * P, 100n * P);
          expectPlaces(t, used, [first, 2n, 104n, 108n, 112n, 120n, 128n, 136n, 144n, 160n]);
        },
        in_an_allowed_range: (t, used) => {
          t.allow(used.ioas, [[used.base + 200n * P, used.base + 300n * P - 1n]]);
          expectPlaces(t, used, [200n, 202n, 204n, 208n, 216n, 224n, 232n, 240n, 256n, 272n]);
        },
        allowed_range_is_full: (t, { ioas, base }) => {
          t.allow(ioas, [[base + 16n * P, base + 18n * P - 1n]]);
          t.map(ioas, { length: 2n * P }).ok({ iova: base + 16n * P });
          t.map(ioas).fails('ENOSPC');
        },
        allowed_and_reserved: (t, { ioas, base }) => {
          t.reserve(ioas, base + 4n * P, 100n * P);
          t.allow(ioas, [[base + 100n * P, base + 200n * P - 1n]]).fails('EADDRINUSE');
        },
      },
      control: (t, { ioas }) => t.map(ioas),
    }),
    ...inEachSetUp('reserved', {
      doc: 'A reservation that reaches the end of the space leaves no room for five pages.',
      covers: ['IOMMU_IOAS_MAP/ENOSPC.no_hole'],
      source: 'kselftest.md 3',
      kselftest: ['reserved_overflow'],
      cases: {
        nearly_everything: (t, { ioas }) => {
          t.reserve(ioas, 6n, 0xffff_ffff_ffff_8001n);
          t.map(ioas, { length: 0x5000n }).fails('ENOSPC');
        },
        all_but_its_ends: (t, { ioas, base }) => {
          const start = base + 4n * P;
          t.reserve(ioas, start, U64_MAX - start + 1n);
          t.map(ioas, { length: 5n * P }).fails('ENOSPC');
          t.map(ioas, { length: 2n * P }).ok({ iova: base === 0n ? 2n * P : base });
        },
      },
      control: (t, { ioas }) => t.map(ioas, { length: 0x5000n }),
    }),
    ...inEachSetUp('allowed', {
      doc: 'What is allowed is never reserved, and the other way round; the empty list allows everything.',
      covers: ['IOMMU_TEST_OP_ADD_RESERVED/EADDRINUSE.range', 'IOMMU_IOAS_ALLOW_IOVAS/EADDRINUSE.reserved'],
      source: 'core.md 3.3',
      kselftest: ['area_allowed'],
      cases: {
        reserved_later: (t, { ioas, base }) => {
          t.allow(ioas, [[base, base + 10n * P - 1n]]);
          t.reserve(ioas, base + P, P).fails('EADDRINUSE');
          t.reserve(ioas, base + 10n * P, P);
        },
        reserved_before: (t, { ioas, base }) => {
          t.allow(ioas, [[base, base + 10n * P - 1n]]);
          t.allow(ioas, []);
          t.reserve(ioas, base + P, P);
          t.allow(ioas, [[base, base + 10n * P - 1n]]).fails('EADDRINUSE');
          t.allow(ioas, [[base + 2n * P, base + 10n * P - 1n]]);
        },
        outside_of_the_aperture: (t, { ioas, devices }) => {
          const below = t.allow(ioas, [[A - P, A + P]]);
          if (devices.length > 0) below.fails('EADDRINUSE');
        },
      },
      control: (t, { ioas, base }) => t.allow(ioas, [[base, base + P]]),
    }),
    ...inEachSetUp('ranges', {
      doc: 'The ranges are those of the aperture without what is reserved; with too little room as many as fit are told.',
      covers: ['IOMMU_IOAS_IOVA_RANGES/OK', 'IOMMU_IOAS_IOVA_RANGES/EMSGSIZE.num_iovas'],
      source: 'core.md 3.2',
      kselftest: ['iova_ranges'],
      cases: {
        all: (t, { ioas, devices }) => {
          const whole = [devices.length > 0 ? ([A, APERTURE_LAST] as const) : ([0n, U64_MAX] as const)];
          const alignment = devices.length > 0 ? 2048 : 1;
          t.ranges(ioas, 1).ok({ num_iovas: 1, out_iova_alignment: alignment, allowed_iovas: whole });
          t.ranges(ioas, 10).ok({ num_iovas: 1, out_iova_alignment: alignment, allowed_iovas: whole });
        },
        no_room: (t, { ioas, devices }) => {
          const alignment = devices.length > 0 ? 2048 : 1;
          t.ranges(ioas, 0).fails('EMSGSIZE', { num_iovas: 1, out_iova_alignment: alignment });
        },
        reserved: (t, { ioas, base, devices }) => {
          const last = devices.length > 0 ? APERTURE_LAST : U64_MAX;
          t.reserve(ioas, base + P, P);
          t.ranges(ioas, 2).ok({
            num_iovas: 2,
            allowed_iovas: [
              [base, base + P - 1n],
              [base + 2n * P, last],
            ],
          });
          t.ranges(ioas, 1).fails('EMSGSIZE', { num_iovas: 2, allowed_iovas: [[base, base + P - 1n]] });
        },
        reserved_beside_the_aperture: (t, { ioas, devices }) => {
          t.reserve(ioas, P, P);
          t.ranges(ioas, 4).ok({ num_iovas: devices.length > 0 ? 1 : 2 });
        },
      },
      control: (t, { ioas }) => t.ranges(ioas, 1),
    }),
  ],
);
