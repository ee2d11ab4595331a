import { scenario, suite } from '../harness/scenario.js';
import { U64_MAX } from '../harness/constants.js';

export const ioasAlloc = suite('ioas/alloc', 'IOMMU_IOAS_ALLOC: its flags and the state of a new IOAS.', [
  scenario('flags,none_defined', {
    doc: 'No flag is defined: any bit is EOPNOTSUPP.',
    covers: ['IOMMU_IOAS_ALLOC/EOPNOTSUPP.flags'],
    gaps: [9],
    seeds: ['S1-08', 'S1-09'],
    setup: () => undefined,
    cases: {
      lowest: (t) => t.ioctl('IOMMU_IOAS_ALLOC', { flags: 1 }).fails('EOPNOTSUPP'),
      highest: (t) => t.ioctl('IOMMU_IOAS_ALLOC', { flags: 0x8000_0000 }).fails('EOPNOTSUPP'),
      all: (t) => t.ioctl('IOMMU_IOAS_ALLOC', { flags: 0xffff_ffff }).fails('EOPNOTSUPP'),
    },
    control: (t) => t.ioctl('IOMMU_IOAS_ALLOC', { flags: 0 }),
  }),
  scenario('output,ignores_input', {
    doc: 'What user space has in out_ioas_id does not matter.',
    covers: ['IOMMU_IOAS_ALLOC/OK'],
    without: { shifted_ids: 'the id is what is expected' },
    setup: () => undefined,
    cases: {
      garbage: (t) =>
        t.ioctl('IOMMU_IOAS_ALLOC', { out_ioas_id: 0xdead_beef }).ok({ out_ioas_id: 1, flags: 0, size: 12 }),
    },
    control: (t) => t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 1 }),
  }),
  scenario('fresh,state', {
    doc: 'A new IOAS is empty: the whole space is usable at alignment 1, large pages are on, nothing is mapped.',
    covers: ['IOMMU_IOAS_ALLOC/OK', 'IOMMU_IOAS_IOVA_RANGES/OK'],
    setup: (t) => t.ioas(),
    cases: {
      ranges: (t, ioas) =>
        t.ranges(ioas, 1).ok({ num_iovas: 1, out_iova_alignment: 1, allowed_iovas: [[0n, U64_MAX]] }),
      large_pages: (t, ioas) => t.getOption('HUGE_PAGES', ioas).ok({ val64: 1n }),
      empty: (t, ioas) => t.unmap(ioas, 0n, U64_MAX).ok({ length: 0n }),
    },
    control: (t, ioas) => t.destroy(ioas),
  }),
]);
