import { BUFFER, HOLE } from '../../models/program/arena.js';
import type { Scalar } from '../../models/program/program.js';
import { makeAccess, pin } from '../access/set_up.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import { APERTURE_START as A, P, U64_MAX } from '../harness/constants.js';
import type { ExpectedStep } from '../harness/expected_step.js';
import { scenario, suite } from '../harness/scenario.js';
import { setTracking, tracking } from '../hwpt/dirty_pages.js';
import { compatIoas, mapDma, unmapAllDma } from '../vfio/set_up.js';
import { everyPair, rounds, together } from './set_up.js';

const MAP = 'IOMMU_IOAS_MAP';
const UNMAP = 'IOMMU_IOAS_UNMAP';

/** Three lanes: one pins, two unmap everything. */
function pinAndUnmapTwice(
  t: ScenarioBuilder,
  ioas: Scalar,
  access: string,
): readonly [ExpectedStep, readonly [ExpectedStep, ExpectedStep]] {
  const results: ExpectedStep[] = [];
  t.lanes(
    () => results.push(pin(t, access, A, P)),
    () => results.push(t.unmap(ioas, 0n, U64_MAX)),
    () => results.push(t.unmap(ioas, 0n, U64_MAX)),
  );
  const [pinned, one, two] = results as [ExpectedStep, ExpectedStep, ExpectedStep];
  return [pinned, [one, two]];
}

export const lanesAreas = suite(
  'lanes/areas',
  'Calls at the same time that make, remove and use areas. Whoever meets an area that another call has not finished, fails: user space should not do that.',
  [
    scenario('map,twice', {
      doc: 'Of two mappings that overlap exactly one comes about; automatic ones go to different places.',
      covers: [`${MAP}/EEXIST.area`, `${MAP}/OK`, 'lanes/EEXIST.settling', 'lanes/OK.passing_places'],
      source: 'core.md 4.5',
      gaps: [58],
      setup: (t) => t.ioas(),
      cases: {
        overlapping: (t, ioas) => {
          rounds(() => {
            const [one, two] = together(
              t,
              () => t.map(ioas, { iova: A, length: 2n * P }),
              () => t.map(ioas, { iova: A + P, length: 2n * P }),
            );
            const lower = t.unmap(ioas, A, 2n * P);
            const upper = t.unmap(ioas, A + P, 2n * P);
            t.either({
              lower: () => [two.fails('EEXIST'), lower.ok({ length: 2n * P }), upper.fails('ENOENT')],
              upper: () => [one.fails('EEXIST'), lower.fails('ENOENT'), upper.ok({ length: 2n * P })],
            });
          });
        },
        overlapping_behind_device: (t, ioas) => {
          const hwpt = t.mockDomain(ioas).out('out_hwpt_id');
          const other = BUFFER.start + 8n * P;
          rounds(() => {
            const [one, two] = together(
              t,
              () => t.map(ioas, { iova: A }),
              () => t.map(ioas, { iova: A, va: other }),
            );
            const translates = t.checkMap(hwpt, A, BUFFER.start);
            const translatesOther = t.checkMap(hwpt, A, other);
            t.unmap(ioas, A, P).ok({ length: P });
            t.either({
              first: () => [two.fails('EEXIST'), translatesOther.fails('EINVAL')],
              second: () => [one.fails('EEXIST'), translates.fails('EINVAL')],
            });
          });
        },
        one_of_no_memory: (t, ioas) => {
          t.mockDomain(ioas);
          rounds(() => {
            const [bad, good] = together(
              t,
              () => t.map(ioas, { iova: A, va: HOLE }),
              () => t.map(ioas, { iova: A }),
            );
            const left = t.unmap(ioas, 0n, U64_MAX);
            t.either({
              bad_first: () => [bad.fails('EFAULT'), left.ok({ length: P })],
              good_first: () => [bad.fails('EEXIST'), left.ok({ length: P })],
              bad_in_the_way: () => [bad.fails('EFAULT'), good.fails('EEXIST'), left.ok({ length: 0n })],
            });
          });
        },
        automatic_beside_no_memory: (t, ioas) => {
          t.mockDomain(ioas);
          rounds(() => {
            const [bad, good] = together(
              t,
              () => t.map(ioas, { iova: A, va: HOLE }),
              () => t.map(ioas),
            );
            t.unmap(ioas, 0n, U64_MAX).ok({ length: P });
            t.either({
              bad_first: () => [bad.fails('EFAULT'), good.ok({ iova: A })],
              good_first: () => [bad.fails('EEXIST'), good.ok({ iova: A })],
              bad_in_the_way: () => [bad.fails('EFAULT'), good.ok({ iova: A + P })],
            });
          });
        },
        automatic: (t, ioas) => {
          rounds(() => {
            const [one, two] = together(
              t,
              () => t.map(ioas),
              () => t.map(ioas),
            );
            t.unmap(ioas, P, 2n * P).ok({ length: 2n * P });
            t.either({
              first_lower: () => [one.ok({ iova: P }), two.ok({ iova: 2n * P })],
              second_lower: () => [one.ok({ iova: 2n * P }), two.ok({ iova: P })],
            });
          });
        },
        of_three: (t, ioas) => {
          rounds(() => {
            const maps = [0n, 1n, 2n].map((page) => () => t.map(ioas, { iova: A + page * P }));
            t.lanes(...maps);
            t.unmap(ioas, A, 3n * P).ok({ length: 3n * P });
          });
        },
      },
      control: (t, ioas) =>
        together(
          t,
          () => t.map(ioas, { iova: A }),
          () => t.map(ioas, { iova: A + P }),
        ),
    }),
    scenario('map,and_unmap', {
      doc: 'A range is unmapped before it is mapped, after it, or, while it is being mapped, not at all.',
      covers: [`${UNMAP}/ENOENT.empty`, `${UNMAP}/OK`, `${MAP}/OK`, 'lanes/EBUSY.settling'],
      source: 'core.md 4.5, 4.6',
      gaps: [58],
      setup: (t) => t.ioas(),
      cases: {
        same_range: (t, ioas) => {
          t.mockDomain(ioas);
          rounds(() => {
            const [, unmapped] = together(
              t,
              () => t.map(ioas, { iova: A, length: 16n * P }),
              () => t.unmap(ioas, A, 16n * P),
            );
            const left = t.unmap(ioas, A, 16n * P);
            t.either({
              map_first: () => [unmapped.ok({ length: 16n * P }), left.fails('ENOENT')],
              unmap_first: () => [unmapped.fails('ENOENT'), left.ok({ length: 16n * P })],
              in_between: () => [unmapped.fails('EBUSY'), left.ok({ length: 16n * P })],
            });
          });
        },
        unmapped_twice: (t, ioas) => {
          t.mockDomain(ioas);
          rounds(() => {
            t.map(ioas, { iova: A, length: 16n * P });
            const [one, two] = together(
              t,
              () => t.unmap(ioas, A, 16n * P),
              () => t.unmap(ioas, A, 16n * P),
            );
            t.either({
              first: () => [one.ok({ length: 16n * P }), two.fails('ENOENT')],
              second: () => [one.fails('ENOENT'), two.ok({ length: 16n * P })],
              first_meanwhile: () => [one.ok({ length: 16n * P }), two.fails('EBUSY')],
              second_meanwhile: () => [one.fails('EBUSY'), two.ok({ length: 16n * P })],
            });
          });
        },
        mapped_again: (t, ioas) => {
          t.mockDomain(ioas);
          rounds(() => {
            t.map(ioas, { iova: A, length: 16n * P });
            const [, again] = together(
              t,
              () => t.unmap(ioas, A, 16n * P).ok({ length: 16n * P }),
              () => t.map(ioas, { iova: A, length: 16n * P }),
            );
            const left = t.unmap(ioas, A, 16n * P);
            t.either({
              unmap_first: () => left.ok({ length: 16n * P }),
              map_first: () => [again.fails('EEXIST'), left.fails('ENOENT')],
            });
          });
        },
      },
      control: (t, ioas) => t.map(ioas, { iova: A }),
    }),
    scenario('copy,and_unmap', {
      doc: 'A copy is made of an area that is there, and outlives it; one that is on its way out cannot be copied.',
      covers: ['IOMMU_IOAS_COPY/ENOENT.src_range', 'IOMMU_IOAS_COPY/OK', 'lanes/ENOENT.settling_source'],
      source: 'core.md 4.5, 4.10',
      gaps: [58],
      setup: (t) => ({ src: t.ioas(), dst: t.ioas() }),
      cases: {
        source: (t, { src, dst }) => {
          t.mockDomain(src);
          rounds(() => {
            t.map(src, { iova: A, length: 4n * P });
            const [copied] = together(
              t,
              () => t.copy({ src, dst, from: A, length: 4n * P, iova: A }),
              () => t.unmap(src, A, 4n * P).ok({ length: 4n * P }),
            );
            const left = t.unmap(dst, A, 4n * P);
            t.either({
              copy_first: () => left.ok({ length: 4n * P }),
              unmap_first: () => [copied.fails('ENOENT'), left.fails('ENOENT')],
            });
          });
          t.counters(0);
        },
      },
      control: (t, { src, dst }) => {
        t.map(src, { iova: A });
        t.copy({ src, dst, from: A });
      },
    }),
    scenario('attach,and_map', {
      doc: 'A page table gets what is mapped while it comes; an area outside its aperture keeps it away, or is refused.',
      covers: [`${MAP}/EINVAL.iova_reserved`, `${MAP}/OK`],
      source: 'core.md 4.3, 4.7',
      gaps: [58],
      setup: (t) => {
        const [home, ioas] = [t.ioas(), t.ioas()];
        return { home, ioas, mock: t.mockDomain(home) };
      },
      cases: {
        inside_of_aperture: (t, { home, ioas, mock }) => {
          const handle = mock.out('out_stdev_id');
          rounds(() => {
            const [replaced] = together(
              t,
              () => t.replace(handle, ioas),
              () => t.map(ioas, { iova: A, length: 4n * P }),
            );
            t.checkMap(replaced.out('pt_id'), A, BUFFER.start, 4n * P);
            t.replace(handle, home);
            t.unmap(ioas, A, 4n * P);
          });
        },
        outside_of_aperture: (t, { home, ioas, mock }) => {
          const handle = mock.out('out_stdev_id');
          rounds(() => {
            const [replaced, mapped] = together(
              t,
              () => t.replace(handle, ioas),
              () => t.map(ioas, { iova: P }),
            );
            t.replace(handle, home);
            const left = t.unmap(ioas, P, P);
            t.either({
              map_first: () => [replaced.fails('EADDRINUSE'), left.ok({ length: P })],
              attach_first: () => [mapped.fails('EINVAL'), left.fails('ENOENT')],
            });
          });
        },
      },
      control: (t, { ioas, mock }) => t.replace(mock.out('out_stdev_id'), ioas),
    }),
    scenario('dirty,and_map', {
      doc: 'Tracking is switched while areas come: it is on afterwards, and nothing is dirty.',
      covers: ['IOMMU_HWPT_SET_DIRTY_TRACKING/OK', `${MAP}/OK`],
      source: 'core.md 7.1',
      gaps: [58],
      setup: (t) => tracking(t),
      cases: {
        mapped_meanwhile: (t, { ioas, hwpt }) => {
          rounds((round) => {
            const iova = A + round * 0x10000n;
            together(
              t,
              () => setTracking(t, hwpt, Number(round % 2n)),
              () => t.map(ioas, { iova, length: 4n * P }),
            );
            t.checkMap(hwpt, iova, BUFFER.start, 4n * P);
          });
        },
        destroyed_meanwhile: (t, { ioas, device }) => {
          rounds(() => {
            const hwpt = t.hwptAlloc(device, ioas, { flags: 2 }).out('out_hwpt_id');
            const [switched, destroyed] = together(
              t,
              () => setTracking(t, hwpt, 1),
              () => t.destroy(hwpt),
            );
            const left = t.destroy(hwpt);
            t.either({
              switched_first: () => left.fails('ENOENT'),
              destroyed_first: () => [switched.fails('ENOENT'), left.fails('ENOENT')],
              in_use: () => destroyed.fails('EBUSY'),
            });
          });
        },
      },
      control: (t, { hwpt }) => setTracking(t, hwpt, 1),
    }),
    scenario('pin,and_unmap', {
      doc: 'What an access has pinned is unpinned when its area goes; one that pins while the area goes is refused.',
      covers: [
        'IOMMU_TEST_OP_ACCESS_PAGES/ENOENT.hole',
        'IOMMU_TEST_OP_ACCESS_PAGES/OK',
        'lanes/ENOENT.settling',
        'lanes/EINVAL.unmapping',
      ],
      source: 'core.md 4.6, 5.7',
      gaps: [58],
      seeds: ['S2-28', 'S2-29'],
      setup: (t) => {
        const ioas = t.ioas();
        return { ioas, access: makeAccess(t, 'a', ioas) };
      },
      cases: {
        pinned_before: (t, { ioas, access }) => {
          rounds(() => {
            t.map(ioas, { iova: A, length: 4n * P });
            pin(t, access, A, P);
            const [pinned] = together(
              t,
              () => pin(t, access, A + P, P),
              () => t.unmap(ioas, A, 4n * P).ok({ length: 4n * P }),
            );
            t.checkRefs(BUFFER.start, 0);
            t.either({
              pin_first: () => pinned.ok(),
              unmap_first: () => pinned.fails('ENOENT'),
              meanwhile: () => pinned.fails('EINVAL'),
            });
          });
          t.counters(0);
        },
        unmapped_twice: (t, { ioas, access }) => {
          rounds(() => {
            t.map(ioas, { iova: A, length: 4n * P });
            const [pinned, [one, two]] = pinAndUnmapTwice(t, ioas, access);
            t.checkRefs(BUFFER.start, 0);
            // Unmapping everything that there is succeeds with nothing, too; it fails at an area that is going.
            const [all, none] = [{ length: 4n * P }, { length: 0n }];
            const pins = {
              pin_first: () => pinned.ok(),
              unmap_first: () => pinned.fails('ENOENT'),
              meanwhile: () => pinned.fails('EINVAL'),
            };
            const unmaps = {
              one: () => [one.ok(all), two.ok(none)],
              other: () => [one.ok(none), two.ok(all)],
              one_in_other: () => [one.fails('EBUSY'), two.ok(all)],
              other_in_one: () => [one.ok(all), two.fails('EBUSY')],
            };
            t.either(everyPair(pins, unmaps));
          });
          t.counters(0);
        },
      },
      control: (t, { ioas, access }) => {
        t.map(ioas, { iova: A });
        pin(t, access, A);
      },
    }),
    scenario('vfio,map_and_unmap_all', {
      doc: 'Unmapping everything takes a mapping that is there, leaves one that comes later, and fails at one that is coming.',
      covers: ['VFIO_IOMMU_MAP_DMA/OK', 'VFIO_IOMMU_UNMAP_DMA/OK'],
      source: 'core.md 4.5, 4.6',
      gaps: [58],
      setup: (t) => {
        const ioas = compatIoas(t);
        t.mockDomain(ioas);
        return ioas;
      },
      cases: {
        everything: (t) => {
          rounds(() => {
            mapDma(t, { iova: A });
            const [, unmapped] = together(
              t,
              () => mapDma(t, { iova: A + 16n * P, size: 4n * P }),
              () => unmapAllDma(t),
            );
            const left = unmapAllDma(t);
            t.either({
              map_first: () => [unmapped.ok({ size: 5n * P }), left.ok({ size: 0n })],
              unmap_first: () => [unmapped.ok({ size: P }), left.ok({ size: 4n * P })],
              in_between: () => [unmapped.fails('EBUSY', { size: P }), left.ok({ size: 4n * P })],
            });
          });
        },
      },
      control: (t) => unmapAllDma(t).ok({ size: 0n }),
    }),
  ],
);
