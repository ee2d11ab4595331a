import { BUFFER, HOLE, SCRATCH } from '../../models/program/arena.js';
import { APERTURE_START as A, P } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';
import { makeAccess, pin, unpin } from './set_up.js';

const PAGES = 'IOMMU_TEST_OP_ACCESS_PAGES';
const DESTROY = 'IOMMU_TEST_OP_DESTROY_ACCESS_PAGES';

export const accessPins = suite(
  'access/pins',
  'The pins of accesses beside those of other accesses and of domains, and what they charge.',
  [
    scenario('refused,limit', {
      doc: 'What is pinned beyond RLIMIT_MEMLOCK is ENOMEM, and nothing of it stays; what others hold is not charged again.',
      covers: [`${PAGES}/ENOMEM.memlock`],
      source: 'core.md 5.3',
      gaps: [16, 50],
      setup: (t) => {
        t.process({ drop: ['CAP_IPC_LOCK'], memlock: 3n * P });
        const ioas = t.ioas();
        t.map(ioas, { iova: A, length: 2n * P });
        t.map(ioas, { iova: A + 2n * P, va: BUFFER.start + 8n * P, length: 2n * P });
        return makeAccess(t, 'a', ioas);
      },
      cases: {
        second_area: (t, access) => {
          pin(t, access, A, 4n * P).fails('ENOMEM');
          t.counters(0);
        },
        memory_first: (t, access) => {
          t.map({ ref: 's1.out_ioas_id' }, { iova: A + 4n * P, va: HOLE });
          pin(t, access, A, 5n * P).fails('ENOMEM');
          pin(t, access, A + 2n * P, 3n * P).fails('EFAULT');
        },
        limit_before_difference: (t, access) => pin(t, access, A, 4n * P, { uptr: HOLE }).fails('ENOMEM'),
        held_already: (t, access) => {
          pin(t, access, A, 2n * P);
          pin(t, access, A, 3n * P);
          t.counters(3);
          pin(t, access, A, 4n * P).fails('ENOMEM');
          t.counters(3);
        },
      },
      control: (t, access) => pin(t, access, A, 3n * P),
    }),
    scenario('pins,shared', {
      doc: 'A page of a mapping is pinned once, however many items, copies and domains hold it, and until the last of them goes.',
      covers: [`${PAGES}/OK`, `${DESTROY}/OK`, 'IOMMU_IOAS_UNMAP/OK'],
      source: 'core.md 5.1, 5.2',
      gaps: [50],
      kselftest: ['iommufd_ioas.no_domain.access_pin'],
      setup: (t) => {
        const ioas = t.ioas();
        t.map(ioas, { iova: A, length: 8n * P });
        return { ioas, access: makeAccess(t, 'a', ioas) };
      },
      cases: {
        twice_the_same: (t, { access }) => {
          const one = pin(t, access, A, 3n * P).out('out_access_pages_id');
          const two = pin(t, access, A, 3n * P).out('out_access_pages_id');
          t.counters(3);
          t.checkRefs(BUFFER.start, 1, 3n * P);
          unpin(t, access, one);
          t.counters(3);
          unpin(t, access, two);
          t.counters(0);
        },
        overlapping: (t, { access }) => {
          const low = pin(t, access, A, 4n * P).out('out_access_pages_id');
          const high = pin(t, access, A + 2n * P, 4n * P).out('out_access_pages_id');
          const inner = pin(t, access, A + 3n * P, P).out('out_access_pages_id');
          t.counters(6);
          unpin(t, access, low);
          t.counters(4);
          t.checkRefs(BUFFER.start, 0, 2n * P);
          t.checkRefs(BUFFER.start + 2n * P, 1, 4n * P);
          unpin(t, access, high);
          t.counters(1);
          t.checkRefs(BUFFER.start + 3n * P, 1);
          unpin(t, access, inner);
          t.counters(0);
        },
        domain_comes_and_goes: (t, { ioas, access }) => {
          const item = pin(t, access, A + P, 2n * P).out('out_access_pages_id');
          const device = t.mockDomain(ioas);
          t.counters(8);
          t.checkMap(device.out('out_hwpt_id'), A, BUFFER.start, 8n * P);
          t.checkRefs(BUFFER.start, 1, 8n * P);
          t.destroy(device.out('out_stdev_id'));
          t.counters(2);
          t.checkRefs(BUFFER.start + P, 1, 2n * P);
          unpin(t, access, item);
          t.counters(0);
        },
        pinned_below_a_domain: (t, { ioas, access }) => {
          const handle = t.mockDomain(ioas).out('out_stdev_id');
          const item = pin(t, access, A + P, 2n * P, { uptr: BUFFER.start + P }).out('out_access_pages_id');
          t.counters(8);
          unpin(t, access, item);
          t.counters(8);
          pin(t, access, A + 6n * P, 2n * P);
          t.destroy(handle);
          t.counters(2);
        },
        domain_filled_from_the_pins: (t, { ioas, access }) => {
          t.map(ioas, { iova: A + 0x10000n, va: SCRATCH.start, length: 2n * P });
          pin(t, access, A + 0x10000n, 2n * P);
          t.munmap(SCRATCH.start, 2n);
          t.mockDomain(ioas);
          t.counters(10);
        },
        domain_lacks_the_rest: (t, { ioas, access }) => {
          t.map(ioas, { iova: A + 0x10000n, va: SCRATCH.start, length: 2n * P });
          pin(t, access, A + 0x10000n, P);
          t.munmap(SCRATCH.start, 2n);
          t.mockDomain(ioas).fails('EFAULT');
          t.counters(1);
        },
        copies: (t, { ioas, access }) => {
          const other = t.ioas();
          const device = t.mockDomain(other);
          pin(t, access, A, 2n * P);
          t.copy({ src: ioas, dst: other, from: A + P, iova: A, length: 2n * P });
          t.counters(3);
          t.checkMap(device.out('out_hwpt_id'), A, BUFFER.start + P, 2n * P);
          unpin(t, access, 0);
          t.counters(2);
          t.unmap(other, A, 2n * P);
          t.counters(0);
        },
        two_mappings: (t, { ioas, access }) => {
          t.map(ioas, { iova: A + 0x10000n });
          pin(t, access, A);
          pin(t, access, A + 0x10000n);
          t.counters(2);
          t.checkRefs(BUFFER.start, 2);
        },
        two_areas_at_once: (t, { ioas, access }) => {
          t.map(ioas, { iova: A + 8n * P, va: BUFFER.start + 0x10000n, length: 2n * P });
          pin(t, access, A + 7n * P, 3n * P);
          t.counters(3);
          t.checkRefs(BUFFER.start + 7n * P, 1);
          t.checkRefs(BUFFER.start + 0x10000n, 1, 2n * P);
          unpin(t, access, 0);
          t.counters(0);
        },
        two_accesses: (t, { ioas, access }) => {
          const other = makeAccess(t, 'b', ioas);
          pin(t, access, A, 2n * P);
          pin(t, other, A + P, 2n * P);
          t.counters(3);
          t.close(access);
          t.counters(2);
          t.close(other);
          t.counters(0);
        },
      },
      control: (t, { access }) => {
        pin(t, access, A, 8n * P, { uptr: BUFFER.start });
        t.counters(8);
      },
    }),
    scenario('charged', {
      doc: 'What an access pins is charged to the process that mapped it, in the mode of the mapping.',
      covers: [`${PAGES}/OK`],
      source: 'core.md 5.3',
      gaps: [16],
      without: { shifted_ids: 'the mode is set before there is an object' },
      setup: (t) => {
        t.process({ drop: ['CAP_IPC_LOCK'], memlock: 8n * P });
      },
      cases: {
        mode_mm: (t) => {
          t.setOption('RLIMIT_MODE', 1n);
          const ioas = t.ioas();
          t.map(ioas, { iova: A, length: 4n * P });
          const access = makeAccess(t, 'a', ioas);
          pin(t, access, A, 3n * P);
          t.counters(3, 3);
          t.mockDomain(ioas);
          t.counters(4, 4);
          t.unmap(ioas, A, 4n * P);
          t.counters(0);
        },
      },
      control: (t) => {
        const ioas = t.ioas();
        t.map(ioas, { iova: A, length: 4n * P });
        pin(t, makeAccess(t, 'a', ioas), A, 3n * P);
        t.counters(3);
      },
    }),
  ],
);
