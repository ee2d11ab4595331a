import { BUFFER, HUGE, HUGE_PAGE_BYTES, SCRATCH } from '../../models/program/arena.js';
import { makeAccess, pin, unpin } from '../access/set_up.js';
import { APERTURE_START as A, P } from '../harness/constants.js';
import { mmapHuge } from '../harness/huge_pages.js';
import { scenario, suite } from '../harness/scenario.js';
import { limitMemory, unlimitMemory, unlimitMemoryAtLast } from '../mock/temporary_memory.js';

const PAGES = 'IOMMU_TEST_OP_ACCESS_PAGES';

export const ioasTiers = suite(
  'ioas/tiers',
  'Pages that move between what accesses have pinned, page tables and the memory of the process: each is pinned once and in its place.',
  [
    scenario('part_pinned', {
      doc: 'A page table that is filled while an access has pinned a part takes that part from there and the rest from memory; another one takes all from both.',
      covers: [`${PAGES}/OK`, 'IOMMU_TEST_OP_MOCK_DOMAIN/OK', 'IOMMU_HWPT_ALLOC/OK'],
      source: 'core.md 5.1',
      seeds: ['S2-03', 'S2-04'],
      setup: (t) => {
        const ioas = t.ioas();
        t.map(ioas, { iova: A, length: 8n * P });
        return { ioas, access: makeAccess(t, 'a', ioas) };
      },
      cases: {
        tail_kept_and_attached_again: (t, { ioas, access }) => {
          const device = t.mockDomain(ioas);
          pin(t, access, A + 4n * P, 4n * P);
          t.destroy(device.out('out_stdev_id'));
          t.checkRefs(BUFFER.start, 0, 4n * P);
          t.checkRefs(BUFFER.start + 4n * P, 1, 4n * P);
          t.counters(4);
          t.checkMap(t.mockDomain(ioas).out('out_hwpt_id'), A, BUFFER.start, 8n * P);
          t.checkRefs(BUFFER.start, 1, 8n * P);
          t.counters(8);
        },
        head_and_two_page_tables: (t, { ioas, access }) => {
          pin(t, access, A, 2n * P);
          const device = t.mockDomain(ioas);
          t.checkMap(device.out('out_hwpt_id'), A, BUFFER.start, 8n * P);
          const second = t.hwptAlloc(device.out('out_idev_id'), ioas);
          t.checkMap(second.out('out_hwpt_id'), A, BUFFER.start, 8n * P);
          t.checkRefs(BUFFER.start, 1, 8n * P);
          t.counters(8);
        },
        middle_and_two_page_tables: (t, { ioas, access }) => {
          const item = pin(t, access, A + 3n * P, 2n * P).out('out_access_pages_id');
          const device = t.mockDomain(ioas);
          const second = t.hwptAlloc(device.out('out_idev_id'), ioas);
          t.checkMap(second.out('out_hwpt_id'), A, BUFFER.start, 8n * P);
          unpin(t, access, item);
          t.counters(8);
        },
        copied_tail_in_a_page_table: (t, { ioas, access }) => {
          const other = t.ioas();
          t.copy({ src: ioas, dst: other, from: A + 4n * P, iova: A, length: 4n * P });
          t.mockDomain(other);
          pin(t, access, A, 2n * P);
          t.checkMap(t.mockDomain(ioas).out('out_hwpt_id'), A, BUFFER.start, 8n * P);
          t.checkRefs(BUFFER.start, 1, 8n * P);
          t.counters(8);
        },
      },
      control: (t, { ioas }) => {
        t.checkMap(t.mockDomain(ioas).out('out_hwpt_id'), A, BUFFER.start, 8n * P);
        t.counters(8);
      },
    }),
    scenario('pinned_by_two', {
      doc: 'What two accesses have pinned stays pinned once until both are gone, or UNMAP takes it from them.',
      covers: [`${PAGES}/OK`, 'IOMMU_IOAS_UNMAP/OK'],
      source: 'core.md 5.1',
      seeds: ['S2-32'],
      setup: (t) => {
        const ioas = t.ioas();
        t.map(ioas, { iova: A, length: 8n * P });
        const [one, two] = [makeAccess(t, 'a', ioas), makeAccess(t, 'b', ioas)];
        pin(t, one, A, 4n * P);
        pin(t, two, A, 4n * P);
        pin(t, two, A + 2n * P, 4n * P);
        t.checkRefs(BUFFER.start, 1, 6n * P);
        return { ioas, one, two };
      },
      cases: {
        one_closed: (t, { ioas, one }) => {
          t.close(one);
          t.checkRefs(BUFFER.start, 1, 6n * P);
          t.counters(6);
          t.unmap(ioas, A, 8n * P);
          t.checkRefs(BUFFER.start, 0, 6n * P);
        },
        both_closed: (t, { one, two }) => {
          t.close(two);
          t.counters(4);
          t.close(one);
          t.counters(0);
        },
      },
      control: (t) => {
        t.counters(6);
      },
    }),
    scenario('source_dropped', {
      doc: 'A copy keeps the memory, not the pins, of an area that is unmapped below an access.',
      covers: ['IOMMU_IOAS_COPY/OK', 'IOMMU_IOAS_UNMAP/OK'],
      source: 'core.md 5.1',
      seeds: ['S2-33'],
      setup: (t) => {
        const ioas = t.ioas();
        const other = t.ioas();
        t.map(ioas, { iova: A, length: 4n * P });
        pin(t, makeAccess(t, 'a', ioas), A, 4n * P);
        t.copy({ src: ioas, dst: other, from: A, iova: A, length: 4n * P });
        return { ioas, other };
      },
      cases: {
        attached_later: (t, { ioas, other }) => {
          t.unmap(ioas, A, 4n * P).ok({ length: 4n * P });
          t.checkRefs(BUFFER.start, 0, 4n * P);
          t.counters(0);
          t.mockDomain(other);
          t.checkRefs(BUFFER.start, 1, 4n * P);
          t.counters(4);
        },
      },
      control: (t) => {
        t.counters(4);
      },
    }),
    scenario('many_batches', {
      doc: 'Pages that take many small arrays to pin are all unpinned again.',
      covers: [`${PAGES}/OK`],
      source: 'core.md 5.4',
      seeds: ['S2-52'],
      setup: (t) => {
        const ioas = t.ioas();
        t.map(ioas, { iova: A, length: 128n * P });
        limitMemory(t, 16);
        return { ioas, access: makeAccess(t, 'a', ioas) };
      },
      putBack: unlimitMemoryAtLast,
      cases: {
        pinned_and_unpinned: (t, { access }) => {
          const item = pin(t, access, A, 128n * P).out('out_access_pages_id');
          t.checkRefs(BUFFER.start, 1, 128n * P);
          unpin(t, access, item);
          t.checkRefs(BUFFER.start, 0, 128n * P);
          t.counters(0);
        },
        below_a_device_that_goes: (t, { ioas, access }) => {
          const device = t.mockDomain(ioas);
          const item = pin(t, access, A + P, 126n * P).out('out_access_pages_id');
          // With arrays of one element the domain would unmap too much: docs/findings/unfill-leaks-huge-pages.md.
          unlimitMemory(t);
          t.destroy(device.out('out_stdev_id'));
          t.counters(126);
          unpin(t, access, item);
          t.counters(0);
        },
      },
      control: (t, { access }) => {
        pin(t, access, A, 128n * P);
        t.counters(128);
      },
    }),
    scenario('middle_of_a_huge_page', {
      doc: 'An access to one page in the middle keeps that page alone when the device of a huge page goes.',
      covers: [`${PAGES}/OK`, 'IOMMU_DESTROY/OK'],
      needs: ['hugetlb'],
      source: 'core.md 5.2',
      seeds: ['S2-53'],
      setup: (t) => {
        mmapHuge(t, 1n);
        const ioas = t.ioas();
        t.map(ioas, { va: HUGE.start, iova: A, length: HUGE_PAGE_BYTES });
        const device = t.mockDomain(ioas);
        return { ioas, device, access: makeAccess(t, 'a', ioas) };
      },
      cases: {
        detached_and_attached: (t, { ioas, device, access }) => {
          const item = pin(t, access, A + 100n * P, P).out('out_access_pages_id');
          t.counters(512);
          t.destroy(device.out('out_stdev_id'));
          t.counters(1);
          t.checkMap(t.mockDomain(ioas).out('out_hwpt_id'), A, HUGE.start, HUGE_PAGE_BYTES);
          t.counters(512);
          unpin(t, access, item);
          t.counters(512);
        },
        detached_and_let_go: (t, { device, access }) => {
          const item = pin(t, access, A + 511n * P, P).out('out_access_pages_id');
          t.destroy(device.out('out_stdev_id'));
          unpin(t, access, item);
          t.counters(0);
        },
      },
      control: (t, { device }) => {
        t.destroy(device.out('out_stdev_id'));
        t.counters(0);
      },
    }),
    scenario('read_only_memory', {
      doc: 'Shared memory that is not writable can be mapped for reading, and not for writing.',
      covers: ['IOMMU_IOAS_MAP/OK', 'IOMMU_IOAS_MAP/EFAULT.user_memory'],
      source: 'core.md 5.4',
      seeds: ['S2-09'],
      setup: (t) => {
        t.mmap(SCRATCH.start, 2n, 'ro');
        const ioas = t.ioas();
        t.mockDomain(ioas);
        return ioas;
      },
      cases: {
        written: (t, ioas) => t.map(ioas, { iova: A, va: SCRATCH.start, access: 'rw' }).fails('EFAULT'),
        only_written: (t, ioas) => t.map(ioas, { iova: A, va: SCRATCH.start, access: 'w' }).fails('EFAULT'),
      },
      control: (t, ioas) => t.map(ioas, { iova: A, va: SCRATCH.start, length: 2n * P, access: 'r' }),
    }),
  ],
);
