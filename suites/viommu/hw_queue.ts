import { BUFFER, HUGE } from '../../models/program/arena.js';
import type { Reference } from '../../models/program/program.js';
import { makeAccess } from '../access/set_up.js';
import { NO_SUCH_ID, type ScenarioBuilder } from '../harness/builder.js';
import { APERTURE_START as A, HUGE_PAGE, P, U64_MAX } from '../harness/constants.js';
import { mmapHuge } from '../harness/huge_pages.js';
import { scenario, suite } from '../harness/scenario.js';
import { dmabuf } from '../dmabuf/set_up.js';
import { queue, viommuAndPages } from './set_up.js';

const ALLOC = 'IOMMU_HW_QUEUE_ALLOC';

/** Pages of a huge page. */
const PAGES = HUGE_PAGE / P;

/** Shows pages of huge memory by their numbers, one after another, each by an area of its own. */
function mapPages(t: ScenarioBuilder, ioas: Reference, pages: readonly bigint[]): void {
  for (const [at, page] of pages.entries())
    t.map(ioas, { iova: A + 0x10000n + BigInt(at) * P, va: HUGE.start + page * P });
}

export const viommuHwQueue = suite(
  'viommu/hw_queue',
  'IOMMU_HW_QUEUE_ALLOC of the mock: refusals, and the two queues. Queues of several pages depend on where memory lies in the machine, which programs know of pages of one huge page alone.',
  [
    scenario('arguments,refused', {
      doc: 'Flags, type, range, vIOMMU, the type of the mock, and how many pages there may be are looked at in this order.',
      covers: [
        `${ALLOC}/EOPNOTSUPP.flags`,
        `${ALLOC}/EOPNOTSUPP.no_type`,
        `${ALLOC}/EINVAL.length_zero`,
        `${ALLOC}/EOVERFLOW.wrap`,
        `${ALLOC}/ENOENT.viommu`,
        `${ALLOC}/EOPNOTSUPP.type`,
        `${ALLOC}/ERANGE.length`,
        `${ALLOC}/ENOMEM.length`,
      ],
      source: 'device.md 2.9',
      gaps: [47],
      seeds: ['S0-33', 'S0-35', 'S0-45'],
      needs: ['viommu'],
      setup: viommuAndPages,
      cases: {
        flags: (t, { viommu }) => queue(t, viommu, 0, A, { flags: 1 }).fails('EOPNOTSUPP'),
        flags_before_length: (t, { viommu }) =>
          queue(t, viommu, 0, A, { flags: 1, length: 0n }).fails('EOPNOTSUPP'),
        no_type: (t, { viommu }) => queue(t, viommu, 0, A, { type: 0 }).fails('EOPNOTSUPP'),
        no_type_before_length: (t, { viommu }) =>
          queue(t, viommu, 0, A, { type: 0, length: 0n }).fails('EOPNOTSUPP'),
        nothing: (t, { viommu }) => queue(t, viommu, 0, A, { length: 0n }).fails('EINVAL'),
        nothing_before_viommu: (t) => queue(t, NO_SUCH_ID, 0, A, { length: 0n }).fails('EINVAL'),
        wraps: (t, { viommu }) => queue(t, viommu, 0, U64_MAX, { length: 2n }).fails('EOVERFLOW'),
        wraps_before_viommu: (t) => queue(t, NO_SUCH_ID, 0, U64_MAX, { length: 2n }).fails('EOVERFLOW'),
        wraps_by_far: (t, { viommu }) => queue(t, viommu, 0, A, { length: U64_MAX }).fails('EOVERFLOW'),
        longer_than_any_array: (t, { viommu }) =>
          queue(t, viommu, 0, A, { length: 1n << 50n }).fails('ENOMEM'),
        viommu_is_ioas: (t, { ioas }) => queue(t, ioas, 0, A).fails('ENOENT'),
        viommu_is_parent: (t, { parent }) => queue(t, parent, 0, A).fails('ENOENT'),
        viommu_before_type: (t) => queue(t, NO_SUCH_ID, 0, A, { type: 1 }).fails('ENOENT'),
        other_type: (t, { viommu }) => queue(t, viommu, 0, A, { type: 1 }).fails('EOPNOTSUPP'),
        other_type_before_range: (t, { viommu }) =>
          queue(t, viommu, 0, 0n, { type: 1, length: U64_MAX }).fails('EOPNOTSUPP'),
        offset_and_length: (t, { viommu }) => queue(t, viommu, 0, 1n, { length: U64_MAX }).fails('ERANGE'),
        rounded_length: (t, { viommu }) => queue(t, viommu, 0, 0n, { length: U64_MAX }).fails('ERANGE'),
        longest: (t, { viommu }) => queue(t, viommu, 0, 0n, { length: U64_MAX - P + 1n }).fails('ENOMEM'),
      },
      control: (t, { viommu }) => queue(t, viommu, 0, A),
    }),
    scenario('memory,refused', {
      doc: 'The areas have to keep to pages and to be readable and without a hole, before the index counts; then nothing stays.',
      covers: [
        `${ALLOC}/EADDRINUSE.alignment`,
        `${ALLOC}/EPERM.protection`,
        `${ALLOC}/EINVAL.dmabuf`,
        `${ALLOC}/ENOENT.hole`,
        `${ALLOC}/EFAULT.not_consecutive`,
      ],
      source: 'device.md 2.9; mock.md 8.3',
      gaps: [47],
      seeds: ['S0-34', 'S0-36', 'S0-37', 'S0-38'],
      needs: ['viommu', 'dmabuf'],
      setup: viommuAndPages,
      cases: {
        half_a_page_is_mapped: (t, { ioas, viommu }) => {
          t.map(ioas, { iova: A + 0x10000n, length: 0x800n });
          queue(t, viommu, 0, A).fails('EADDRINUSE');
          t.unmap(ioas, A, P);
        },
        half_a_page_before_hole: (t, { ioas, viommu }) => {
          t.map(ioas, { iova: A + 0x10000n, length: 0x800n });
          queue(t, viommu, 0, A - P).fails('EADDRINUSE');
        },
        half_a_page_itself: (t, { ioas, viommu }) => {
          t.map(ioas, { iova: A + 0x10000n, length: 0x800n });
          queue(t, viommu, 0, A + 0x10000n).fails('EADDRINUSE');
        },
        length_before_areas: (t, { ioas, viommu }) => {
          t.map(ioas, { iova: A + 0x10000n, length: 0x800n });
          queue(t, viommu, 0, 0n, { length: U64_MAX - P + 1n }).fails('ENOMEM');
        },
        not_readable: (t, { ioas, viommu }) => {
          t.map(ioas, { iova: A + 0x10000n, access: 'w' });
          queue(t, viommu, 0, A + 0x10000n).fails('EPERM');
          t.unmap(ioas, A + 0x10000n, P);
        },
        address_zero: (t, { viommu }) => queue(t, viommu, 0, 0n).fails('ENOENT'),
        read_only: (t, { ioas, viommu }) => {
          t.map(ioas, { iova: A + 0x10000n, access: 'r' });
          queue(t, viommu, 0, A + 0x10000n);
        },
        offset_in_page: (t, { viommu }) => queue(t, viommu, 0, A + P + 0x80n, { length: 0x80n }),
        end_of_page_and_the_same_again: (t, { ioas, viommu }) => {
          t.map(ioas, { iova: A + 4n * P, va: BUFFER.start + 3n * P });
          queue(t, viommu, 0, A + 4n * P - 16n, { length: 32n }).fails('EFAULT');
          queue(t, viommu, 0, A + 4n * P - 16n, { length: 16n });
        },
        hole: (t, { ioas, viommu }) => {
          queue(t, viommu, 0, A + 4n * P).fails('ENOENT');
          t.ranges(ioas, 1).ok({ out_iova_alignment: 0x800n });
        },
        dmabuf: (t, { ioas, viommu }) => {
          dmabuf(t, 'd', 0x1000);
          t.mapFile(ioas, 'd', { iova: A + 0x10000n });
          queue(t, viommu, 0, A + 0x10000n).fails('EINVAL');
          t.unmap(ioas, A + 0x10000n, P);
        },
        dmabuf_before_hole: (t, { ioas, viommu }) => {
          dmabuf(t, 'd', 0x1000);
          t.mapFile(ioas, 'd', { iova: A + 0x10000n });
          queue(t, viommu, 0, A + 0x10000n, { length: 2n * P }).fails('EINVAL');
        },
        hole_behind: (t, { viommu }) => queue(t, viommu, 0, A + 3n * P, { length: P + 1n }).fails('ENOENT'),
        hole_before_index: (t, { viommu }) => queue(t, viommu, 7, A + 4n * P).fails('ENOENT'),
        same_page_twice: (t, { ioas, viommu }) => {
          t.map(ioas, { iova: A + 4n * P, va: BUFFER.start + 3n * P });
          queue(t, viommu, 0, A + 3n * P, { length: 2n * P }).fails('EFAULT');
          t.unmap(ioas, A + 3n * P, 2n * P);
        },
        same_page_twice_before_index: (t, { ioas, viommu }) => {
          t.map(ioas, { iova: A + 4n * P, va: BUFFER.start + 3n * P });
          queue(t, viommu, 9, A + 3n * P, { length: 2n * P }).fails('EFAULT');
        },
      },
      control: (t, { viommu }) => queue(t, viommu, 0, A + P + 0x123n, { length: 0x456n }),
    }),
    scenario('memory,huge_page', {
      doc: 'A queue of several pages needs consecutive ones of the machine, in their order, however many areas show them; pages of a huge page are.',
      covers: [`${ALLOC}/OK`, `${ALLOC}/EFAULT.not_consecutive`],
      source: 'device.md 2.9; mock.md 8.3',
      gaps: [47],
      seeds: ['S0-37', 'S0-38'],
      needs: ['viommu', 'hugetlb'],
      setup: (t) => {
        mmapHuge(t, 2n);
        return viommuAndPages(t);
      },
      cases: {
        all_of_it: (t, { ioas, viommu }) => {
          t.map(ioas, { iova: A + HUGE_PAGE, va: HUGE.start, length: HUGE_PAGE });
          queue(t, viommu, 0, A + HUGE_PAGE, { length: HUGE_PAGE });
          t.unmap(ioas, A + HUGE_PAGE, HUGE_PAGE).fails('EBUSY');
        },
        part_of_it: (t, { ioas, viommu }) => {
          t.map(ioas, { iova: A + 0x10000n, va: HUGE.start + 3n * P, length: 8n * P });
          queue(t, viommu, 0, A + 0x11080n, { length: 3n * P });
          queue(t, viommu, 1, A + 0x10000n, { length: 8n * P });
        },
        end_of_one_area_and_start_of_the_next: (t, { ioas, viommu }) => {
          t.map(ioas, { iova: A + 0x10000n, va: HUGE.start, length: 2n * P });
          t.map(ioas, { iova: A + 0x12000n, va: HUGE.start + 2n * P, length: 2n * P });
          queue(t, viommu, 0, A + 0x10000n, { length: 4n * P });
          t.unmap(ioas, A + 0x10000n, 2n * P).fails('EBUSY');
          t.unmap(ioas, A + 0x12000n, 2n * P).fails('EBUSY');
        },
        backwards: (t, { ioas, viommu }) => {
          mapPages(t, ioas, [1n, 0n]);
          queue(t, viommu, 0, A + 0x10000n, { length: 2n * P }).fails('EFAULT');
          t.unmap(ioas, A + 0x10000n, 2n * P);
        },
        page_left_out: (t, { ioas, viommu }) => {
          mapPages(t, ioas, [0n, 2n]);
          queue(t, viommu, 0, A + 0x10000n, { length: 2n * P }).fails('EFAULT');
        },
        last_pages_in_order_alone: (t, { ioas, viommu }) => {
          t.map(ioas, { iova: A + 0x10000n, va: HUGE.start + 5n * P });
          t.map(ioas, { iova: A + 0x11000n, va: HUGE.start, length: 3n * P });
          queue(t, viommu, 0, A + 0x10000n, { length: 4n * P }).fails('EFAULT');
          queue(t, viommu, 0, A + 0x11000n, { length: 3n * P });
        },
        same_page_twice: (t, { ioas, viommu }) => {
          mapPages(t, ioas, [0n, 0n]);
          queue(t, viommu, 0, A + 0x10000n, { length: 2n * P }).fails('EFAULT');
        },
        backwards_before_index: (t, { ioas, viommu }) => {
          mapPages(t, ioas, [1n, 0n]);
          queue(t, viommu, 2, A + 0x10000n, { length: 2n * P }).fails('EFAULT');
        },
        hole_before_order: (t, { ioas, viommu }) => {
          mapPages(t, ioas, [1n, 0n]);
          queue(t, viommu, 0, A + 0x10000n, { length: 3n * P }).fails('ENOENT');
        },
        one_page_of_another_huge_page: (t, { ioas, viommu }) => {
          mapPages(t, ioas, [2n, PAGES + 3n]);
          queue(t, viommu, 0, A + 0x10000n, { length: 2n * P }).fails('EFAULT');
        },
        page_of_no_huge_page_within: (t, { ioas, viommu }) => {
          t.map(ioas, { iova: A + 0x10000n, va: HUGE.start });
          t.map(ioas, { iova: A + 0x11000n, va: BUFFER.start });
          queue(t, viommu, 0, A + 0x10000n, { length: 2n * P }).fails('EFAULT');
        },
      },
      control: (t, { viommu }) => queue(t, viommu, 0, A),
    }),
    scenario('memory,copied_areas', {
      doc: 'Only a copy of several areas puts one off the alignment of pages, and no queue can be there.',
      covers: [`${ALLOC}/EINVAL.misaligned`],
      source: 'core.md 3.6',
      gaps: [47],
      needs: ['viommu'],
      setup: (t) => {
        const source = t.ioas();
        const ioas = t.ioas();
        t.map(source, { iova: A, length: 0x800n });
        t.map(source, { iova: A + 0x800n, va: BUFFER.start + P, length: 0x1800n });
        t.map(source, { iova: A + 0x10000n, va: BUFFER.start + 8n * P });
        makeAccess(t, 'a', ioas);
        t.copy({ src: source, dst: ioas, from: A, iova: A, length: 2n * P });
        t.copy({ src: source, dst: ioas, from: A + 0x10000n, iova: A + 0x10000n });
        const device = t.mockDomain(source).out('out_idev_id');
        const parent = t.hwptAlloc(device, ioas, { flags: 1 }).out('out_hwpt_id');
        return t.viommu(device, parent).out('out_viommu_id');
      },
      cases: {
        goes_on_within_a_page: (t, viommu) => queue(t, viommu, 0, A).fails('EINVAL'),
        begins_within_a_page: (t, viommu) => queue(t, viommu, 0, A + P).fails('EINVAL'),
      },
      control: (t, viommu) => queue(t, viommu, 0, A + 0x10000n),
    }),
    scenario('index', {
      doc: 'The mock has two queues, and the second needs the first, which it holds; an index is free again when its queue goes.',
      covers: [
        `${ALLOC}/EINVAL.index`,
        `${ALLOC}/EEXIST.index`,
        `${ALLOC}/EIO.previous`,
        `${ALLOC}/EFAULT.respond`,
        'IOMMU_DESTROY/EBUSY.users',
      ],
      source: 'mock.md 8.3',
      gaps: [3, 47],
      seeds: ['S0-39', 'S0-40', 'S0-42'],
      kselftest: ['iommufd_viommu.hw_queue'],
      needs: ['viommu'],
      setup: viommuAndPages,
      cases: {
        third: (t, { viommu }) => queue(t, viommu, 2, A).fails('EINVAL'),
        last: (t, { viommu }) => queue(t, viommu, 0xffff_ffff, A).fails('EINVAL'),
        second_first: (t, { viommu }) => queue(t, viommu, 1, A).fails('EIO'),
        twice: (t, { viommu }) => {
          queue(t, viommu, 0, A);
          queue(t, viommu, 0, A + P).fails('EEXIST');
        },
        twice_the_second: (t, { viommu }) => {
          queue(t, viommu, 0, A);
          queue(t, viommu, 1, A + P);
          queue(t, viommu, 1, A + 2n * P).fails('EEXIST');
        },
        on_two_viommus: (t, { viommu, device, parent }) => {
          queue(t, viommu, 0, A);
          const other = t.viommu(device, parent).out('out_viommu_id');
          queue(t, other, 1, A).fails('EIO');
          queue(t, other, 0, A);
        },
        first_is_held: (t, { viommu }) => {
          const first = queue(t, viommu, 0, A).out('out_hw_queue_id');
          const second = queue(t, viommu, 1, A).out('out_hw_queue_id');
          t.destroy(first).fails('EBUSY');
          t.destroy(second);
          t.destroy(first);
          t.destroy(viommu);
        },
        viommu_is_held: (t, { viommu }) => {
          queue(t, viommu, 0, A);
          t.destroy(viommu).fails('EBUSY');
        },
        one_after_the_other: (t, { viommu, parent }) => {
          const first = queue(t, viommu, 0, A).out('out_hw_queue_id');
          const second = queue(t, viommu, 1, A + P).out('out_hw_queue_id');
          for (const id of [first, viommu, parent]) t.destroy(id).fails('EBUSY');
          for (const id of [second, first, viommu, parent]) t.destroy(id);
        },
        untold_leaves_nothing: (t, { ioas, viommu }) => {
          const args = { viommu_id: viommu, type: 0xdead_beef, nesting_parent_iova: A, length: P };
          t.ioctl(ALLOC, args, { at: 'sealed' }).fails('EFAULT');
          t.unmap(ioas, A, P);
          queue(t, viommu, 0, A + P);
        },
        free_again: (t, { viommu }) => {
          t.destroy(queue(t, viommu, 0, A).out('out_hw_queue_id'));
          queue(t, viommu, 1, A).fails('EIO');
          queue(t, viommu, 0, A);
        },
        untold: (t, { viommu }) => {
          const args = { viommu_id: viommu, type: 0xdead_beef, nesting_parent_iova: A, length: P };
          t.ioctl(ALLOC, args, { at: 'sealed' }).fails('EFAULT');
          t.destroy(viommu);
        },
        index_before_answer: (t, { viommu }) => {
          const args = { viommu_id: viommu, type: 0xdead_beef, index: 1, nesting_parent_iova: A, length: P };
          t.ioctl(ALLOC, args, { at: 'sealed' }).fails('EIO');
        },
      },
      control: (t, { viommu }) => {
        queue(t, viommu, 0, A);
        queue(t, viommu, 1, A + P);
      },
    }),
    scenario('index,forgotten', {
      doc: 'The mock does not note the index of a queue: whichever queue goes, index 0 is free and index 1 stays taken for ever.',
      covers: [`${ALLOC}/EEXIST.index`, `${ALLOC}/EIO.previous`, `${ALLOC}/EFAULT.respond`, `${ALLOC}/OK`],
      source: 'mock.md 8.3; selftest.c:mock_hw_queue_destroy',
      gaps: [47],
      needs: ['viommu'],
      setup: (t) => {
        const all = viommuAndPages(t);
        queue(t, all.viommu, 0, A);
        return all;
      },
      cases: {
        second_stays_taken: (t, { viommu }) => {
          t.destroy(queue(t, viommu, 1, A + P).out('out_hw_queue_id'));
          queue(t, viommu, 0, A + 2n * P);
          queue(t, viommu, 1, A + P).fails('EEXIST');
        },
        first_is_forgotten: (t, { viommu }) => {
          t.destroy(queue(t, viommu, 1, A + P).out('out_hw_queue_id'));
          queue(t, viommu, 1, A + P).fails('EEXIST');
          queue(t, viommu, 0, A + P);
          t.destroy(viommu).fails('EBUSY');
        },
        two_firsts: (t, { viommu }) => {
          t.destroy(queue(t, viommu, 1, A + P).out('out_hw_queue_id'));
          t.destroy(queue(t, viommu, 0, A + P).out('out_hw_queue_id'));
          queue(t, viommu, 0, A + P);
        },
        undone_second: (t, { viommu }) => {
          const args = {
            viommu_id: viommu,
            type: 0xdead_beef,
            index: 1,
            nesting_parent_iova: A + P,
            length: P,
          };
          t.ioctl(ALLOC, args, { at: 'sealed' }).fails('EFAULT');
          queue(t, viommu, 1, A + P).fails('EEXIST');
          queue(t, viommu, 0, A + P);
        },
        other_viommu: (t, { viommu, device, parent }) => {
          t.destroy(queue(t, viommu, 1, A + P).out('out_hw_queue_id'));
          const other = t.viommu(device, parent).out('out_viommu_id');
          queue(t, other, 0, A + P);
          queue(t, other, 1, A + 2n * P);
        },
      },
      control: (t, { viommu }) => {
        queue(t, viommu, 1, A + P);
        queue(t, viommu, 0, A + 2n * P).fails('EEXIST');
      },
    }),
  ],
);
