import { BUFFER } from '../../models/program/arena.js';
import { makeAccess, pin } from '../access/set_up.js';
import { APERTURE_START as A, P, U64_MAX } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';
import { setCompat, unmapAllDma, unmapDma } from '../vfio/set_up.js';
import { queue, viommuAndPages } from './set_up.js';

const ALLOC = 'IOMMU_HW_QUEUE_ALLOC';

export const viommuHwQueueAreas = suite(
  'viommu/hw_queue_areas',
  'What IOMMU_HW_QUEUE_ALLOC does to memory of the guest: it is pinned and stays mapped, for VFIO as well.',
  [
    scenario('locks_areas', {
      doc: 'Areas of a queue cannot be unmapped while it lives, and those above them stay as well; pins and alignment are those of an access.',
      covers: [`${ALLOC}/OK`, 'IOMMU_IOAS_UNMAP/EBUSY.locked'],
      source: 'device.md 1.11, 2.9',
      gaps: [47],
      seeds: ['S0-41', 'S0-43'],
      kselftest: ['iommufd_viommu.hw_queue'],
      needs: ['viommu'],
      setup: (t) => {
        const all = viommuAndPages(t);
        return { ...all, queue: queue(t, all.viommu, 0, A + P + 0x800n, { length: 0x800n }) };
      },
      cases: {
        area: (t, { ioas }) => t.unmap(ioas, A + P, P).fails('EBUSY'),
        part_of_the_area: (t, { ioas }) => t.unmap(ioas, A + P, 0x800n).fails('EBUSY'),
        wraps: (t, { ioas }) => t.unmap(ioas, A + P, U64_MAX - 1n).fails('EOVERFLOW'),
        beside_it: (t, { ioas }) => {
          t.unmap(ioas, A, P);
          t.unmap(ioas, A + 2n * P, 2n * P);
        },
        range: (t, { ioas, parent }) => {
          t.unmap(ioas, A, 4n * P).fails('EBUSY');
          t.checkMap(parent, A, BUFFER.start).fails('EINVAL');
          t.checkMap(parent, A + P, BUFFER.start + P, 3n * P);
        },
        everything: (t, { ioas }) => {
          t.unmap(ioas, 0n, U64_MAX).fails('EBUSY');
          t.unmap(ioas, A, P).fails('ENOENT');
          t.unmap(ioas, A + 2n * P, P);
        },
        straddler_below: (t, { ioas }) => t.unmap(ioas, A + 0x800n, 2n * P).fails('ENOENT'),
        free_again: (t, { ioas, queue: step }) => {
          t.destroy(step.out('out_hw_queue_id'));
          t.unmap(ioas, A, 4n * P).ok({ length: 4n * P });
          t.counters(0);
        },
        pins: (t) => {
          t.counters(4);
          t.checkRefs(BUFFER.start, 1, 4n * P);
        },
        alignment: (t, { ioas, queue: step }) => {
          t.ranges(ioas, 1).ok({ out_iova_alignment: 0x1000n });
          t.destroy(step.out('out_hw_queue_id'));
          t.ranges(ioas, 1).ok({ out_iova_alignment: 0x800n });
        },
        two_ids: (t, { queue: step }) => {
          t.destroy(step.out('out_hw_queue_id', 1n)).fails('EBUSY');
          t.destroy(step.out('out_hw_queue_id'));
          t.destroy(step.out('out_hw_queue_id', 1n)).fails('ENOENT');
        },
        copy_can_go: (t, { ioas }) => {
          const other = t.ioas();
          t.copy({ src: ioas, dst: other, from: A + P, iova: A });
          t.unmap(other, A, P);
        },
        other_access_is_not_asked: (t, { ioas }) => {
          const access = makeAccess(t, 'a', ioas);
          pin(t, access, A + P).ok({ out_access_pages_id: 0 });
          t.unmap(ioas, A + P, P).fails('EBUSY');
          t.ioctl('IOMMU_TEST_OP_DESTROY_ACCESS_PAGES', { id: { fd: access }, access_pages_id: 0 });
        },
        two_queues_on_one_area: (t, { ioas, viommu, queue: first }) => {
          const second = queue(t, viommu, 1, A + P).out('out_hw_queue_id');
          t.destroy(second);
          t.unmap(ioas, A + P, P).fails('EBUSY');
          t.destroy(first.out('out_hw_queue_id'));
          t.unmap(ioas, A + P, P);
        },
        closed: (t) => {
          t.close();
          t.counters(0);
        },
      },
      control: (t, { ioas }) => t.unmap(ioas, A, P),
    }),
    scenario('locks_areas,vfio', {
      doc: 'VFIO cannot unmap them either, and says how much below them is gone.',
      covers: ['VFIO_IOMMU_UNMAP_DMA/EBUSY.locked'],
      source: 'core.md 3.14, 4.6',
      gaps: [47, 57],
      needs: ['viommu'],
      setup: (t) => {
        const all = viommuAndPages(t);
        setCompat(t, all.ioas);
        return { ...all, queue: queue(t, all.viommu, 0, A + P).out('out_hw_queue_id') };
      },
      cases: {
        area: (t) => unmapDma(t, A + P, P).fails('EBUSY', { size: 0n }),
        range: (t) => unmapDma(t, A, 4n * P).fails('EBUSY', { size: P }),
        everything: (t) => unmapAllDma(t).fails('EBUSY', { size: P }),
        straddles_below: (t) => unmapDma(t, A + 0x800n, 2n * P).fails('ENOENT', { size: 0n }),
        straddles_above: (t) => unmapDma(t, A, 2n * P + 0x800n).fails('EBUSY', { size: P }),
        straddles_itself: (t) => unmapDma(t, A + P, 0x800n).fails('EBUSY', { size: 0n }),
        starts_within_it: (t) => unmapDma(t, A + P + 0x800n, P).fails('EBUSY', { size: 0n }),
        free_again: (t, { queue: id }) => {
          t.destroy(id);
          unmapAllDma(t).ok({ size: 4n * P });
        },
      },
      control: (t) => unmapDma(t, A + 2n * P, 2n * P).ok({ size: 2n * P }),
    }),
  ],
);
