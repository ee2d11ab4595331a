import { P, U64_MAX } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';

const EXACT_IDS = { shifted_ids: 'exact ids are part of the vector' } as const;

/** An address that nothing is mapped at. */
const NOWHERE = 0xdea_d000n;

export const vectorsCore = suite(
  'vectors/core',
  'The worked vectors of the core specification, as whole sequences on one file without devices. Those of calls not described yet are left out.',
  [
    scenario('object_ids', {
      doc: 'Vectors 1 and 2: ids, and the sizes of IOAS_ALLOC.',
      covers: ['IOMMU_IOAS_ALLOC/OK', 'envelope/EINVAL.size', 'envelope/E2BIG.tail'],
      source: 'core.md 11, vectors 1 and 2',
      without: EXACT_IDS,
      setup: () => undefined,
      cases: {
        sequence: (t) => {
          t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 1 });
          t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 2 });
          t.destroy(1);
          t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 1 });
          t.destroy(0).fails('ENOENT');
          t.ioctl('IOMMU_IOAS_ALLOC', { size: 11 }).fails('EINVAL');
          t.ioctl('IOMMU_IOAS_ALLOC', {}, { tail: { bytes: 4, value: 1 } }).fails('E2BIG');
          t.ioctl('IOMMU_IOAS_ALLOC', {}, { tail: { bytes: 4, value: 0 } }).ok({ out_ioas_id: 3 });
          t.destroy(3);
        },
      },
      control: (t) => t.ioas(),
    }),
    scenario('map_and_unmap', {
      doc: 'Vectors 3 to 8: ranges, the first refusals of MAP, maps without memory, the large-page option, unmapping.',
      covers: ['IOMMU_IOAS_IOVA_RANGES/EMSGSIZE.num_iovas', 'IOMMU_OPTION/EADDRINUSE.alignment'],
      source: 'core.md 11, vectors 3 to 8',
      setup: (t) => t.ioas(),
      cases: {
        sequence: (t, ioas) => {
          t.ranges(ioas, 0).fails('EMSGSIZE', { num_iovas: 1, out_iova_alignment: 1 });
          t.ranges(ioas, 1).ok({ allowed_iovas: [[0n, U64_MAX]], num_iovas: 1, out_iova_alignment: 1 });
          t.map(ioas, { access: 'none' }).fails('EINVAL');
          t.map(ioas, { args: { flags: 8, iova: U64_MAX } }).fails('EOPNOTSUPP');
          t.map(ioas, { args: { flags: 4, iova: U64_MAX } }).fails('EOVERFLOW');
          t.map(ioas, { access: 'r', va: NOWHERE }).ok({ iova: 0x1000n });
          t.map(ioas, { access: 'r', va: NOWHERE, iova: 0n, length: 1n }).ok({ iova: 0n });
          t.setOption('HUGE_PAGES', 0n, ioas).fails('EADDRINUSE');
          t.getOption('HUGE_PAGES', ioas).ok({ val64: 1n });
          t.unmap(ioas, 0n, 0x2000n).ok({ length: 0x1001n });
          t.unmap(ioas, 0n, 0x2000n).fails('ENOENT');
          t.unmap(ioas, 0n, U64_MAX).ok({ length: 0n });
        },
      },
      control: (t, ioas) => t.map(ioas, { access: 'r', va: NOWHERE }),
    }),
    scenario('partial_unmap', {
      doc: 'Vectors 9 to 11: a failing unmap removes a prefix; pages as alignment.',
      covers: ['IOMMU_IOAS_UNMAP/ENOENT.straddles', 'IOMMU_IOAS_MAP/EINVAL.automatic_alignment'],
      source: 'core.md 11, vectors 9 to 11',
      setup: (t) => {
        const ioas = t.ioas();
        t.map(ioas, { iova: 0x1000n, length: 0x1000n });
        t.map(ioas, { iova: 0x2000n, length: 0x2000n });
        return ioas;
      },
      cases: {
        sequence: (t, ioas) => {
          t.unmap(ioas, 0x1000n, 0x2000n).fails('ENOENT');
          t.map(ioas, { iova: 0x1000n }).ok();
          t.map(ioas, { iova: 0x2000n }).fails('EEXIST');
          t.unmap(ioas, 0n, U64_MAX).ok({ length: 0x3000n });
          t.setOption('HUGE_PAGES', 0n, ioas);
          t.ranges(ioas, 1).ok({ out_iova_alignment: 4096 });
          t.map(ioas, { va: 0x1001n }).fails('EINVAL');
          t.map(ioas, { iova: 0x1000n, va: 0x1001n }).fails('EINVAL');
          t.map(ioas, { iova: 0x800n, va: 0x1001n }).fails('EINVAL');
        },
      },
      control: (t, ioas) => t.unmap(ioas, 0n, U64_MAX).ok({ length: 0x3000n }),
    }),
    scenario('allowed_list', {
      doc: 'Vectors 12 and 13: the allowed list, and RLIMIT_MODE beside objects.',
      covers: ['IOMMU_IOAS_ALLOW_IOVAS/EINVAL.range_order', 'IOMMU_OPTION/EBUSY.objects'],
      source: 'core.md 11, vectors 12 and 13',
      setup: (t) => {
        const ioas = t.ioas();
        t.setOption('HUGE_PAGES', 0n, ioas);
        return ioas;
      },
      cases: {
        sequence: (t, ioas) => {
          t.allow(ioas, [[0x5000n, 0x5000n]]).fails('EINVAL');
          t.allow(ioas, [[0x10000n, 0x1ffffn]]);
          t.map(ioas, { va: 0x7000n }).ok({ iova: 0x10000n });
          t.map(ioas, { length: 0x20000n }).fails('ENOSPC');
          t.map(ioas, { iova: 0x40000n }).ok();
          t.allow(ioas, []);
          t.unmap(ioas, 0n, U64_MAX).ok({ length: 0x2000n });
          t.getOption('RLIMIT_MODE').ok({ val64: 0n });
          t.setOption('RLIMIT_MODE', 1n).fails('EBUSY');
          t.getOption('RLIMIT_MODE', ioas).fails('EOPNOTSUPP');
        },
      },
      control: (t, ioas) => t.map(ioas, { va: 0x7000n }),
    }),
    scenario('copy', {
      doc: 'Vector 19: copies within one IOAS.',
      covers: ['IOMMU_IOAS_COPY/EPERM.not_writeable', 'IOMMU_IOAS_COPY/ENOENT.src_range'],
      source: 'core.md 11, vector 19',
      setup: (t) => {
        const ioas = t.ioas();
        t.map(ioas, { iova: 0x1000n, length: 0x2000n, access: 'r' });
        return ioas;
      },
      cases: {
        sequence: (t, ioas) => {
          t.copy({ src: ioas, dst: ioas, from: 0x1000n, length: 0x2000n, access: 'w' }).fails('EPERM');
          t.copy({ src: ioas, dst: ioas, from: 0x1800n, length: 0x800n, iova: 0x800n, access: 'r' }).ok();
          t.copy({ src: ioas, dst: ioas, from: 0x2800n, length: 0x1000n, access: 'r' }).fails('ENOENT');
          t.copy({ src: ioas, dst: ioas, from: 0x2800n, length: 0n, access: 'r' }).fails('EINVAL');
          t.map(ioas, { va: 0n }).ok({ iova: 0x3000n });
        },
      },
      control: (t, ioas) => t.copy({ src: ioas, dst: ioas, from: 0x1000n, length: 0x2000n, access: 'r' }),
    }),
    scenario('extremes', {
      doc: 'Vector 21: memory at the end of the space and the longest lengths.',
      covers: ['IOMMU_IOAS_MAP/EOVERFLOW.user_va_wrap', 'IOMMU_IOAS_MAP/EINVAL.length_limit'],
      source: 'core.md 11, vector 21',
      setup: (t) => t.ioas(),
      cases: {
        sequence: (t, ioas) => {
          t.map(ioas, { va: U64_MAX - P + 1n }).fails('EOVERFLOW');
          t.map(ioas, { va: 0n, length: U64_MAX - P + 1n }).fails('EINVAL');
          t.map(ioas, { va: 0n, length: U64_MAX - 2n * P + 1n }).fails('EOVERFLOW');
          t.map(ioas, { va: 0n, iova: 0n, length: U64_MAX - 2n * P + 1n }).ok();
        },
      },
      control: (t, ioas) => t.map(ioas),
    }),
    scenario('rlimit_mode', {
      doc: 'Vector 22: RLIMIT_MODE when the last object has gone.',
      covers: ['IOMMU_OPTION/EINVAL.value', 'IOMMU_OPTION/OK'],
      source: 'core.md 11, vector 22',
      without: { shifted_ids: 'the option is set only while the file has no objects' },
      setup: (t) => t.ioas(),
      cases: {
        sequence: (t, ioas) => {
          t.destroy(ioas);
          t.setOption('RLIMIT_MODE', 2n).fails('EINVAL');
          t.setOption('RLIMIT_MODE', 1n).ok({ val64: 1n });
          t.getOption('RLIMIT_MODE').ok({ val64: 1n });
          t.setOption('RLIMIT_MODE', 0n).ok({ val64: 0n });
        },
      },
      control: (t, ioas) => t.destroy(ioas),
    }),
  ],
);
