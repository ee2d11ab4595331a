import { BUFFER } from '../../models/program/arena.js';
import { APERTURE_START as A, P, U64_MAX } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';
import { TYPE1, compatIoas, mapDma, setIommu, unmapAllDma, unmapDma } from '../vfio/set_up.js';
import { makeAccess, pin, unpin } from './set_up.js';

export const accessUnmap = suite(
  'access/unmap',
  'IOAS_UNMAP of areas that accesses have pinned: the accesses are asked to let go, and do.',
  [
    scenario('lets_go', {
      doc: 'UNMAP takes the items of all accesses that meet a removed area, and no others; their numbers are gone.',
      covers: [
        'IOMMU_IOAS_UNMAP/OK',
        'IOMMU_IOAS_UNMAP/ENOENT.straddles',
        'IOMMU_TEST_OP_DESTROY_ACCESS_PAGES/ENOENT.item',
      ],
      seeds: ['S2-27', 'S3-12'],
      source: 'core.md 4.6; device.md 1.11',
      gaps: [53],
      kselftest: ['iommufd_ioas.no_domain.access_pin_unmap'],
      setup: (t) => {
        const ioas = t.ioas();
        t.map(ioas, { iova: A, length: 2n * P });
        t.map(ioas, { iova: A + 2n * P, va: BUFFER.start + 0x10000n, length: 2n * P });
        t.map(ioas, { iova: A + 4n * P, va: BUFFER.start + 0x20000n, length: 2n * P });
        return { ioas, access: makeAccess(t, 'a', ioas) };
      },
      cases: {
        of_several_areas: (t, { ioas, access }) => {
          const low = pin(t, access, A, P).out('out_access_pages_id');
          const high = pin(t, access, A + 4n * P, 2n * P).out('out_access_pages_id');
          t.unmap(ioas, A, 4n * P).ok({ length: 4n * P });
          unpin(t, access, low).fails('ENOENT');
          t.counters(2);
          unpin(t, access, high);
          t.counters(0);
        },
        range_across_areas_goes_whole: (t, { ioas, access }) => {
          const item = pin(t, access, A + P, 3n * P).out('out_access_pages_id');
          t.counters(3);
          t.unmap(ioas, A + 2n * P, 2n * P);
          unpin(t, access, item).fails('ENOENT');
          t.counters(0);
          pin(t, access, A + P).ok({ out_access_pages_id: 1 });
        },
        of_two_accesses: (t, { ioas, access }) => {
          const other = makeAccess(t, 'b', ioas);
          pin(t, access, A, 2n * P);
          pin(t, other, A + P, 2n * P);
          t.unmap(ioas, A, 2n * P);
          unpin(t, access, 0).fails('ENOENT');
          unpin(t, other, 0).fails('ENOENT');
          t.counters(0);
        },
        not_of_another_ioas: (t, { ioas, access }) => {
          const away = t.ioas();
          t.copy({ src: ioas, dst: away, from: A, iova: A, length: 2n * P });
          const other = makeAccess(t, 'b', away);
          pin(t, access, A, 2n * P);
          pin(t, other, A, 2n * P);
          t.counters(2);
          t.unmap(ioas, A, 2n * P);
          t.counters(2);
          unpin(t, access, 0).fails('ENOENT');
          unpin(t, other, 0);
          t.counters(0);
        },
        with_a_domain: (t, { ioas, access }) => {
          t.mockDomain(ioas);
          pin(t, access, A, 2n * P);
          t.counters(6);
          t.unmap(ioas, A, 2n * P);
          t.counters(4);
          t.checkRefs(BUFFER.start, 0, 2n * P);
        },
        before_the_straddler: (t, { ioas, access }) => {
          pin(t, access, A, P);
          pin(t, access, A + 2n * P, 2n * P);
          t.unmap(ioas, A, 3n * P).fails('ENOENT');
          unpin(t, access, 0).fails('ENOENT');
          t.counters(2);
          unpin(t, access, 1);
        },
        straddler_keeps_its_pins: (t, { ioas, access }) => {
          pin(t, access, A, 2n * P);
          t.unmap(ioas, A, P).fails('ENOENT');
          t.counters(2);
          unpin(t, access, 0);
        },
        everything: (t, { ioas, access }) => {
          pin(t, access, A, 6n * P);
          t.unmap(ioas, 0n, U64_MAX).ok({ length: 6n * P });
          unpin(t, access, 0).fails('ENOENT');
          t.counters(0);
        },
        mapped_anew: (t, { ioas, access }) => {
          pin(t, access, A, 2n * P);
          t.unmap(ioas, A, 2n * P);
          t.map(ioas, { iova: A, va: BUFFER.start + 0x30000n });
          pin(t, access, A, P, { uptr: BUFFER.start + 0x30000n }).ok({ out_access_pages_id: 1 });
        },
      },
      control: (t, { ioas, access }) => {
        pin(t, access, A, 2n * P);
        t.unmap(ioas, A, 2n * P).ok({ length: 2n * P });
        unpin(t, access, 0).fails('ENOENT');
      },
    }),
    scenario('vfio,cuts', {
      doc: 'VFIO cuts no area that an access has pinned a page of; a whole one goes, with the pins.',
      covers: ['VFIO_IOMMU_UNMAP_DMA/EINVAL.cut', 'VFIO_IOMMU_UNMAP_DMA/OK'],
      source: 'core.md 4.9',
      gaps: [57],
      seeds: ['S2-60'],
      setup: (t) => {
        const ioas = compatIoas(t);
        setIommu(t, TYPE1);
        mapDma(t, { iova: A, size: 4n * P });
        mapDma(t, { iova: A + 4n * P, vaddr: BUFFER.start + 0x10000n, size: 4n * P });
        const access = makeAccess(t, 'a', ioas);
        pin(t, access, A, P);
        return access;
      },
      cases: {
        the_pinned_page: (t) => unmapDma(t, A, P).fails('EINVAL'),
        another_page: (t) => unmapDma(t, A + 2n * P, 2n * P).fails('EINVAL'),
        unpinned_before: (t, access) => {
          unpin(t, access, 0);
          unmapDma(t, A, P).ok({ size: P });
        },
        another_area: (t) => {
          unmapDma(t, A + 5n * P, P).ok({ size: P });
          t.counters(1);
        },
        end_is_cut_before: (t) => {
          unmapDma(t, A + P, 4n * P).fails('EINVAL');
          unmapDma(t, A + 5n * P, 3n * P).ok({ size: 3n * P });
          t.counters(1);
        },
        everything: (t, access) => {
          unmapAllDma(t).ok({ size: 8n * P });
          unpin(t, access, 0).fails('ENOENT');
        },
      },
      control: (t, access) => {
        unmapDma(t, A, 4n * P).ok({ size: 4n * P });
        unpin(t, access, 0).fails('ENOENT');
        t.counters(0);
      },
    }),
  ],
);
