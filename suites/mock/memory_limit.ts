import { APERTURE_START as A, P, U64_MAX } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';
import { limitMemory, unlimitMemory } from './temporary_memory.js';

const LIMIT = 'IOMMU_TEST_OP_SET_TEMP_MEMORY_LIMIT';

export const mockMemoryLimit = suite(
  'mock/memory_limit',
  'SET_TEMP_MEMORY_LIMIT. It is for the whole kernel, so every program sets it back.',
  [
    scenario('refused', {
      doc: 'A limit below one element of a batch is refused.',
      covers: [`${LIMIT}/EINVAL.limit`],
      source: 'mock.md 3, op 9',
      gaps: [54],
      setup: () => undefined,
      cases: {
        nothing: (t) => limitMemory(t, 0).fails('EINVAL'),
        one_too_few: (t) => limitMemory(t, 11).fails('EINVAL'),
      },
      control: (t) => unlimitMemory(t),
    }),
    scenario('chunks', {
      doc: 'Pages are pinned in chunks of the limit, which shows only where the first chunk ends at 2^64.',
      covers: [
        `${LIMIT}/OK`,
        'IOMMU_IOAS_MAP/EFAULT.user_memory',
        'IOMMU_IOAS_MAP/EOVERFLOW.user_memory_end',
      ],
      source: 'pages.c:temp_kmalloc; mm/gup.c:gup_fast_fallback',
      gaps: [54],
      setup: (t) => {
        const ioas = t.ioas();
        t.mockDomain(ioas);
        return ioas;
      },
      cases: {
        whole: (t, ioas) =>
          t.map(ioas, { iova: A, va: U64_MAX - 2n * P + 1n, length: 0x1800n }).fails('EOVERFLOW'),
        page_by_page: (t, ioas) => {
          limitMemory(t, 12);
          t.map(ioas, { iova: A, va: U64_MAX - 2n * P + 1n, length: 0x1800n }).fails('EFAULT');
          unlimitMemory(t);
        },
        two_pages_at_once: (t, ioas) => {
          limitMemory(t, 16);
          t.map(ioas, { iova: A, va: U64_MAX - 2n * P + 1n, length: 0x1800n }).fails('EOVERFLOW');
          unlimitMemory(t);
        },
        outlives_the_file: (t, ioas) => {
          t.open('g');
          limitMemory(t, 12, { file: 'g' });
          t.close('g');
          t.map(ioas, { iova: A, va: U64_MAX - 2n * P + 1n, length: 0x1800n }).fails('EFAULT');
          unlimitMemory(t);
        },
      },
      control: (t, ioas) => {
        limitMemory(t, 16);
        t.map(ioas, { iova: A, length: 16n * P });
        t.counters(16);
        unlimitMemory(t);
      },
    }),
  ],
);
