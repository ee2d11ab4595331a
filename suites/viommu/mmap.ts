import { PAGE_SIZE } from '../../models/base/u64.js';
import { SCRATCH } from '../../models/program/arena.js';
import type { Reference } from '../../models/program/program.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import { scenario, suite } from '../harness/scenario.js';
import { deviceAndParent } from '../hwpt/set_up.js';

/** The region that the mock offers: two pages. */
const PAGES = 2n;
const FIRST = 0x1000n;
const SECOND = 0x3000n;
const FULL = SCRATCH.start;
const AT_PAGE = (page: bigint) => SCRATCH.start + page * 0x1000n;

/** A vIOMMU that was given data, and so offers a region. */
function withRegion(t: ScenarioBuilder, device: Reference, parent: Reference): Reference {
  return t
    .viommu(device, parent, { data_len: 24, data_uptr: { words: [0x1234, 0, 0, 0, 0, 0] } })
    .out('out_viommu_id');
}

function oneRegion(t: ScenarioBuilder) {
  const all = deviceAndParent(t);
  return { ...all, viommu: withRegion(t, all.device, all.parent) };
}

export const viommuMmap = suite(
  'viommu/mmap',
  'mmap() of the region of a vIOMMU: arguments, and who keeps whom alive, in one process and in two.',
  [
    scenario('arguments,refused', {
      doc: 'Only shared mappings of exactly one region are taken, and none that may be executed.',
      covers: [
        'mmap/EACCES.access',
        'mmap/ENODEV.no_method',
        'mmap/EINVAL.private',
        'mmap/EPERM.exec',
        'mmap/ENXIO.region',
      ],
      gaps: [44],
      seeds: ['S0-09', 'S0-10', 'S0-11', 'S0-12', 'S0-13', 'S0-14', 'S0-15', 'S0-16', 'S0-17', 'S0-29'],
      source: 'device.md 4.2',
      needs: ['viommu'],
      setup: oneRegion,
      cases: {
        private: (t) => t.mmapFile('f', FIRST, PAGES, { isPrivate: true }).fails('EINVAL'),
        private_elsewhere: (t) => t.mmapFile('f', 0n, 1n, { isPrivate: true }).fails('EINVAL'),
        executable: (t) => t.mmapFile('f', FIRST, PAGES, { access: 'rwx' }).fails('EPERM'),
        executable_afterwards: (t) => {
          t.mmapFile('f', FIRST, PAGES);
          t.mprotect(FULL, PAGES, 'rwx');
          t.munmap(FULL, PAGES);
        },
        executable_elsewhere: (t) => t.mmapFile('f', 0n, PAGES, { access: 'rwx' }).fails('EPERM'),
        offset_zero: (t) => t.mmapFile('f', 0n, PAGES).fails('ENXIO'),
        offset_inside: (t) => t.mmapFile('f', 0x2000n, 1n).fails('ENXIO'),
        offset_inside_whole_length: (t) => t.mmapFile('f', 0x2000n, PAGES).fails('ENXIO'),
        offset_of_nobody: (t) => {
          t.mmapFile('f', 1n << 20n, PAGES).fails('ENXIO');
          t.mmapFile('f', 1n << 62n, PAGES).fails('ENXIO');
        },
        offset_behind: (t) => t.mmapFile('f', SECOND, PAGES).fails('ENXIO'),
        shorter: (t) => t.mmapFile('f', FIRST, 1n).fails('ENXIO'),
        longer: (t) => t.mmapFile('f', FIRST, 3n).fails('ENXIO'),
        longer_into_the_next: (t, { device, parent }) => {
          withRegion(t, device, parent);
          t.mmapFile('f', FIRST, 2n * PAGES).fails('ENXIO');
        },
        rounded_up: (t, { viommu }) => {
          t.mmapBytes('f', FIRST, PAGES * PAGE_SIZE - 100n);
          t.destroy(viommu).fails('EBUSY');
          t.munmap(FULL, PAGES);
          t.destroy(viommu);
        },
        rounded_up_too_short: (t) => t.mmapBytes('f', FIRST, PAGE_SIZE - 100n).fails('ENXIO'),
        rounded_up_too_long: (t) => t.mmapBytes('f', FIRST, PAGES * PAGE_SIZE + 1n).fails('ENXIO'),
        readable: (t, { viommu }) => {
          t.mmapFile('f', FIRST, PAGES, { access: 'ro' });
          t.destroy(viommu).fails('EBUSY');
        },
        neither_readable_nor_writable: (t, { viommu }) => {
          t.mmapFile('f', FIRST, PAGES, { access: 'none' });
          t.destroy(viommu).fails('EBUSY');
        },
        private_and_executable: (t) =>
          t.mmapFile('f', FIRST, PAGES, { isPrivate: true, access: 'rwx' }).fails('EINVAL'),
        another_file: (t) => {
          t.open('g');
          t.mmapFile('g', FIRST, PAGES).fails('ENXIO');
        },
        read_only_file: (t) => {
          t.open('g', 'ro');
          t.mmapFile('g', FIRST, PAGES).fails('EACCES');
          t.mmapFile('g', FIRST, PAGES, { access: 'rwx' }).fails('EACCES');
          t.mmapFile('g', FIRST, PAGES, { access: 'ro' }).fails('EINVAL');
        },
        what_was_there_is_gone: (t, { ioas }) => {
          t.mmapFile('f', 0n, PAGES).fails('ENXIO');
          t.map(ioas, { va: FULL }).fails('EFAULT');
        },
      },
      control: (t) => t.mmapFile('f', FIRST, PAGES),
    }),
    scenario('arguments,before_viommus', {
      doc: 'A kernel without vIOMMUs has no mmap() of an iommufd.',
      covers: ['mmap/ENODEV.no_method', 'mmap/EACCES.access'],
      source: 'core.md 8',
      setup: () => undefined,
      cases: {
        nothing_there: (t) => t.mmapFile('f', FIRST, PAGES).fails({ '7.3': 'ENXIO', '6.12': 'ENODEV' }),
        private: (t) =>
          t.mmapFile('f', FIRST, PAGES, { isPrivate: true }).fails({ '7.3': 'EINVAL', '6.12': 'ENODEV' }),
        executable: (t) =>
          t.mmapFile('f', FIRST, PAGES, { access: 'rwx' }).fails({ '7.3': 'EPERM', '6.12': 'ENODEV' }),
        read_only_file: (t) => {
          t.open('g', 'ro');
          t.mmapFile('g', FIRST, PAGES).fails('EACCES');
        },
        readable_of_read_only_file: (t) => {
          t.open('g', 'ro');
          t.mmapFile('g', FIRST, PAGES, { access: 'ro' }).fails({ '7.3': 'EINVAL', '6.12': 'ENODEV' });
        },
      },
      control: (t) => t.ioas(),
    }),
    scenario('life,mapping_holds', {
      doc: 'Each mapping is a user of its vIOMMU, and one that is cut is as many as there are pieces.',
      covers: ['mmap/OK', 'mremap/OK', 'mremap/EFAULT.region_grows', 'fork/OK', 'IOMMU_DESTROY/EBUSY.users'],
      gaps: [44],
      seeds: ['S0-03', 'S0-04', 'S0-05', 'S0-06', 'S0-07', 'S0-08', 'S0-30'],
      source: 'device.md 4.3, 4.4',
      needs: ['viommu'],
      setup: (t) => {
        const all = oneRegion(t);
        t.mmapFile('f', FIRST, PAGES);
        return all;
      },
      cases: {
        busy: (t, { viommu }) => {
          t.destroy(viommu).fails('EBUSY');
          t.munmap(FULL, PAGES);
          t.destroy(viommu);
        },
        twice: (t, { viommu }) => {
          t.mmapFile('f', FIRST, PAGES, { start: AT_PAGE(8n), access: 'ro' });
          t.munmap(FULL, PAGES);
          t.destroy(viommu).fails('EBUSY');
          t.munmap(AT_PAGE(8n), PAGES);
          t.destroy(viommu);
        },
        half: (t, { viommu }) => {
          t.munmap(FULL, 1n);
          t.destroy(viommu).fails('EBUSY');
          t.munmap(AT_PAGE(1n), 1n);
          t.destroy(viommu);
        },
        cut_by_mprotect: (t, { viommu }) => {
          t.mprotect(FULL, 1n, 'none');
          t.munmap(FULL, 1n);
          t.destroy(viommu).fails('EBUSY');
          t.munmap(AT_PAGE(1n), 1n);
          t.destroy(viommu);
        },
        cut_in_the_middle: (t, { viommu, device, parent }) => {
          const wide = withRegion(t, device, parent);
          t.mmapFile('f', SECOND, PAGES, { start: AT_PAGE(2n) });
          t.munmap(AT_PAGE(1n), PAGES);
          for (const id of [viommu, wide]) t.destroy(id).fails('EBUSY');
          t.munmap(FULL, 4n);
          for (const id of [viommu, wide]) t.destroy(id);
        },
        moved: (t, { viommu }) => {
          t.mremap(FULL, PAGES, PAGES, AT_PAGE(8n));
          t.munmap(FULL, PAGES);
          t.destroy(viommu).fails('EBUSY');
          t.munmap(AT_PAGE(8n), PAGES);
          t.destroy(viommu);
        },
        moved_in_part: (t, { viommu }) => {
          t.mremap(FULL, 1n, 1n, AT_PAGE(8n));
          t.munmap(AT_PAGE(1n), 1n);
          t.destroy(viommu).fails('EBUSY');
          t.munmap(AT_PAGE(8n), 1n);
          t.destroy(viommu);
        },
        moved_over_itself: (t, { viommu }) => {
          t.mmapFile('f', FIRST, PAGES, { start: AT_PAGE(8n) });
          t.mremap(FULL, PAGES, PAGES, AT_PAGE(8n));
          t.munmap(AT_PAGE(8n), PAGES);
          t.destroy(viommu);
        },
        shrunk: (t, { viommu }) => {
          t.mremap(FULL, PAGES, 1n);
          t.destroy(viommu).fails('EBUSY');
          t.munmap(FULL, 1n);
          t.destroy(viommu);
        },
        does_not_grow: (t, { viommu }) => {
          t.mremap(FULL, PAGES, 3n).fails('EFAULT');
          t.mremap(FULL, PAGES, 3n, AT_PAGE(8n)).fails('EFAULT');
          t.munmap(FULL, PAGES);
          t.destroy(viommu);
        },
        not_mapped_twice: (t, { viommu }) => {
          t.mremap(FULL, 0n, PAGES, AT_PAGE(8n)).fails('EFAULT');
          t.munmap(FULL, PAGES);
          t.destroy(viommu);
        },
        inherited: (t, { viommu }) => {
          t.fork('child');
          t.munmap(FULL, PAGES);
          t.destroy(viommu).fails('EBUSY');
          t.by('child', () => {
            t.munmap(FULL, PAGES);
          });
          t.destroy(viommu);
        },
        inherited_until_exit: (t, { viommu }) => {
          t.munmap(FULL, 1n);
          t.fork('child');
          t.munmap(FULL, PAGES);
          t.destroy(viommu).fails('EBUSY');
          t.exit('child');
          t.destroy(viommu);
        },
        child_outlives_the_descriptors: (t, { ioas }) => {
          t.map(ioas, { iova: 0x200_0000n });
          t.fork('child');
          t.by('child', () => t.close());
          t.munmap(FULL, PAGES);
          t.close();
          t.counters(1);
          t.exit('child');
          t.counters(0);
        },
        replaced: (t, { viommu }) => {
          t.mmap(FULL, PAGES, 'rw');
          t.destroy(viommu);
        },
        replaced_by_itself: (t, { viommu }) => {
          t.mmapFile('f', FIRST, PAGES);
          t.munmap(FULL, PAGES);
          t.destroy(viommu);
        },
        cannot_be_pinned: (t, { ioas }) => t.map(ioas, { va: FULL }).fails('EFAULT'),
        outlives_the_descriptor: (t, { ioas }) => {
          t.map(ioas, { iova: 0x200_0000n });
          t.counters(1);
          t.close();
          t.counters(1);
          t.munmap(FULL, PAGES);
          t.counters(0);
        },
      },
      control: (t) => {
        t.munmap(FULL, PAGES);
      },
    }),
    scenario('life,regions', {
      doc: 'Regions lie one behind the other from 0x1000 on; one whose vIOMMU is gone is gone, and its place is free.',
      covers: ['mmap/ENXIO.region', 'IOMMU_VIOMMU_ALLOC/OK'],
      seeds: ['S0-01', 'S0-02', 'S0-18', 'S0-19', 'S0-20'],
      source: 'device.md 4.1, trace I',
      needs: ['viommu'],
      setup: (t) => {
        const all = oneRegion(t);
        return { ...all, second: withRegion(t, all.device, all.parent) };
      },
      cases: {
        first_goes: (t, { viommu, device, parent }) => {
          t.destroy(viommu);
          t.mmapFile('f', FIRST, PAGES).fails('ENXIO');
          t.mmapFile('f', SECOND, PAGES);
          withRegion(t, device, parent);
          t.mmapFile('f', FIRST, PAGES, { start: AT_PAGE(8n) });
        },
        one_without_region_goes: (t, { viommu, device, parent }) => {
          t.destroy(t.viommu(device, parent).out('out_viommu_id'));
          t.mmapFile('f', FIRST, PAGES);
          t.mmapFile('f', SECOND, PAGES, { start: AT_PAGE(8n) });
          t.destroy(viommu).fails('EBUSY');
        },
        both_at_once: (t) => t.mmapFile('f', FIRST, 4n).fails('ENXIO'),
      },
      control: (t) => {
        t.mmapFile('f', FIRST, PAGES);
        t.mmapFile('f', SECOND, PAGES, { start: AT_PAGE(8n) });
      },
    }),
  ],
);
