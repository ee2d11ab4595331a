import type { Errno } from '../../models/base/errno.js';
import { BUFFER, HOLE } from '../../models/program/arena.js';
import type { Reference } from '../../models/program/program.js';
import { WITHOUT_QUEUE } from '../event/set_up.js';
import type { MapOptions, ScenarioBuilder } from '../harness/builder.js';
import { APERTURE_LAST, APERTURE_START as A, P, U64_MAX } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';
import { rounds, together } from './set_up.js';

/**
 * Maps what a page table does not permit, which is made in vain meanwhile.
 * @param answers of the page table if the area is there first, and of the mapping while the page table is there
 */
function madeInVainBeside(
  options: MapOptions,
  answers: { readonly madeBehind: Errno; readonly mappedMeanwhile: Errno },
) {
  return (
    t: ScenarioBuilder,
    { device, ioas }: { readonly device: Reference; readonly ioas: Reference },
  ): void => {
    rounds(() => {
      const [made, mapped] = together(
        t,
        () => t.hwptAlloc(device, ioas, WITHOUT_QUEUE),
        () => t.map(ioas, options),
      );
      const left = t.unmap(ioas, 0n, U64_MAX);
      t.either({
        map_first: () => [made.fails(answers.madeBehind), left.ok({ length: P })],
        made_first: () => [made.fails('ENOENT'), left.ok({ length: P })],
        made_meanwhile: () => [
          made.fails('ENOENT'),
          mapped.fails(answers.mappedMeanwhile),
          left.ok({ length: 0n }),
        ],
      });
    });
  };
}

export const lanesDomains = suite('lanes/domains', 'Page tables that go while areas come or go.', [
  scenario('detach,and_map', {
    doc: 'A page table that goes while an area comes is emptied of what it has: nothing is pinned twice, and nothing stays pinned.',
    covers: ['IOMMU_IOAS_MAP/OK'],
    source: 'core.md 4.7; seeds.md S2-50',
    gaps: [58],
    seeds: ['S2-50'],
    setup: (t) => {
      const [home, ioas] = [t.ioas(), t.ioas()];
      return { home, ioas, mock: t.mockDomain(home) };
    },
    cases: {
      mapped_meanwhile: (t, { home, ioas, mock }) => {
        const handle = mock.out('out_stdev_id');
        rounds(() => {
          t.replace(handle, ioas);
          t.map(ioas, { iova: A, length: 2n * P });
          together(
            t,
            () => t.replace(handle, home),
            () => t.map(ioas, { iova: A + 8n * P, length: 4n * P }),
          );
          t.counters(0);
          const again = t.replace(handle, ioas);
          t.checkMap(again.out('pt_id'), A + 8n * P, BUFFER.start, 4n * P);
          t.replace(handle, home);
          t.unmap(ioas, A, 2n * P);
          t.unmap(ioas, A + 8n * P, 4n * P);
        });
      },
      unmapped_meanwhile: (t, { home, ioas, mock }) => {
        const handle = mock.out('out_stdev_id');
        rounds(() => {
          t.map(ioas, { iova: A, length: 4n * P });
          t.replace(handle, ioas);
          together(
            t,
            () => t.replace(handle, home),
            () => t.unmap(ioas, A, 4n * P).ok({ length: 4n * P }),
          );
          t.counters(0);
          t.checkRefs(BUFFER.start, 0);
        });
      },
    },
    control: (t, { ioas, mock }) => t.replace(mock.out('out_stdev_id'), ioas),
  }),
  scenario('detach,and_place', {
    doc: 'A place is found for an area before the page table has to take it: one that goes in between has limited the place, and does not need the memory.',
    covers: ['IOMMU_IOAS_MAP/EFAULT.user_memory', 'IOMMU_IOAS_MAP/OK', 'lanes/OK.passing_apertures'],
    source: 'io_pagetable.c:iopt_map_pages',
    gaps: [58],
    setup: (t) => ({ device: t.mockDomain(t.ioas()).out('out_idev_id'), ioas: t.ioas() }),
    cases: {
      automatic: (t, { device, ioas }) => {
        rounds(() => {
          const hwpt = t.hwptAlloc(device, ioas).out('out_hwpt_id');
          const [, mapped] = together(
            t,
            () => t.destroy(hwpt),
            () => t.map(ioas, { va: HOLE }),
          );
          const left = t.unmap(ioas, 0n, U64_MAX);
          t.either({
            map_first: () => [mapped.fails('EFAULT'), left.ok({ length: 0n })],
            gone_first: () => [mapped.ok({ iova: P }), left.ok({ length: P })],
            gone_meanwhile: () => [mapped.ok({ iova: A }), left.ok({ length: P })],
          });
        });
      },
    },
    control: (t, { device, ioas }) => {
      const hwpt = t.hwptAlloc(device, ioas).out('out_hwpt_id');
      t.map(ioas, { va: HOLE }).fails('EFAULT');
      t.destroy(hwpt);
      t.map(ioas, { va: HOLE }).ok({ iova: P });
    },
  }),
  scenario('made_in_vain,and_map', {
    doc: 'A page table that comes to nothing is there for a moment: what is mapped meanwhile has to lie in its aperture, and its memory has to be there.',
    covers: ['IOMMU_HWPT_ALLOC/ENOENT.fault', 'IOMMU_IOAS_MAP/OK', 'lanes/OK.passing_domains'],
    source: 'hw_pagetable.c:iommufd_hwpt_alloc',
    gaps: [58],
    // Where page tables of an IOAS may have a fault queue at all.
    needs: ['pasid'],
    setup: (t) => ({ device: t.mockDomain(t.ioas()).out('out_idev_id'), ioas: t.ioas() }),
    cases: {
      outside_of_aperture: madeInVainBeside(
        { iova: P },
        { madeBehind: 'EADDRINUSE', mappedMeanwhile: 'EINVAL' },
      ),
      without_memory: madeInVainBeside(
        { iova: A, va: HOLE },
        { madeBehind: 'EFAULT', mappedMeanwhile: 'EFAULT' },
      ),
      asked: (t, { device, ioas }) => {
        rounds(() => {
          const [made, asked] = together(
            t,
            () => t.hwptAlloc(device, ioas, WITHOUT_QUEUE),
            () => t.ranges(ioas, 1),
          );
          made.fails('ENOENT');
          t.either({
            apart: () => asked.ok({ out_iova_alignment: 1n, allowed_iovas: [[0n, U64_MAX]] }),
            made_meanwhile: () =>
              asked.ok({ out_iova_alignment: 2048n, allowed_iovas: [[A, APERTURE_LAST]] }),
          });
        });
      },
    },
    control: (t, { ioas }) => t.map(ioas, { iova: P, va: HOLE }),
  }),
]);
