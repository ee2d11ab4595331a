import { BUFFER, HOLE, SCRATCH } from '../../models/program/arena.js';
import type { Reference } from '../../models/program/program.js';
import type { TargetCapability } from '../../targets/target.js';
import { WRITE, makeAccess, pin } from '../access/set_up.js';
import { dmabuf } from '../dmabuf/set_up.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import { APERTURE_START as A, P, U64_MAX } from '../harness/constants.js';
import type { ExpectedStep } from '../harness/expected_step.js';
import { scenario, suite } from '../harness/scenario.js';
import { mapDma, setCompat } from '../vfio/set_up.js';

const PAGES = 4n;
/** Where the process sees the file. */
const SHARED = SCRATCH.start;
/** Where it sees the file by a private mapping. */
const PRIVATE = SCRATCH.start + 16n * P;
const LAST_PAGE = U64_MAX - P + 1n;

interface Seen {
  /** With a device. */
  readonly ioas: Reference;
  readonly device: Reference;
  readonly handle: Reference;
  /** Shows the file. */
  readonly hwpt: Reference;
  /** Has the first page of the private mapping, and no device. */
  readonly other: Reference;
}

/** A file that the process sees twice, as it is and by a private mapping, a domain that shows it, and an IOAS with a private page. */
function seenTwice(t: ScenarioBuilder): Seen {
  t.process({ drop: ['CAP_IPC_LOCK'] });
  const ioas = t.ioas();
  const mock = t.mockDomain(ioas);
  const file = t.memfd('m', PAGES);
  t.mmapFile(file, 0n, PAGES, { start: SHARED });
  t.mmapFile(file, 0n, PAGES, { start: PRIVATE, isPrivate: true });
  t.map(ioas, { va: SHARED, iova: A });
  const other = t.ioas();
  t.map(other, { va: PRIVATE, iova: A });
  const [device, handle, hwpt] = ['out_idev_id', 'out_stdev_id', 'out_hwpt_id'].map((id) => mock.out(id));
  return { ioas, other, device, handle, hwpt } as Seen;
}

/** The page of the private mapping is the file's until something pins it. */
function copiesAlthoughItFails(t: ScenarioBuilder, { hwpt }: Seen, call: () => unknown): void {
  t.checkMap(hwpt, A, PRIVATE);
  call();
  t.checkMap(hwpt, A, PRIVATE).fails('EINVAL');
}

/** An access to a copy of both pages: only a copy puts an area that is no page long into the IOAS of an access that pins. */
function accessToCopy(t: ScenarioBuilder, { other }: Seen): string {
  const ioas = t.ioas();
  const access = makeAccess(t, 'a', ioas);
  t.copy({ src: other, dst: ioas, from: A, iova: A, length: 2n * P });
  return access;
}

/** What comes behind the private page and cannot be pinned, or paid for: the answer, and the length of it. */
interface Obstacle {
  readonly errno: 'EFAULT' | 'EOVERFLOW' | 'EINVAL' | 'ENOMEM';
  readonly needs?: TargetCapability;
  readonly length?: bigint;
  put(this: void, t: ScenarioBuilder, ioas: Reference): unknown;
}

const OBSTACLES: Readonly<Record<string, Obstacle>> = {
  hole: { errno: 'EFAULT', put: (t, ioas) => t.map(ioas, { iova: A + P, va: HOLE }) },
  end_of_space: {
    errno: 'EOVERFLOW',
    length: 0x800n,
    put: (t, ioas) => t.map(ioas, { iova: A + P, va: LAST_PAGE, length: 0x800n }),
  },
  end_of_file: {
    errno: 'EINVAL',
    needs: 'map_file',
    put: (t, ioas) => t.mapFile(ioas, t.memfd('short', 1n), { iova: A + P, start: P }),
  },
  limit: {
    errno: 'ENOMEM',
    put: (t, ioas) => {
      t.map(ioas, { iova: A + P, va: PRIVATE + P });
      t.process({ memlock: P });
    },
  },
};

/** What pins the private page, and then what is behind it. */
interface Pinning {
  readonly needs?: TargetCapability;
  /** What cannot lie in its IOAS as it is put there. */
  readonly without?: readonly string[];
  by(this: void, t: ScenarioBuilder, seen: Seen, length: bigint): ExpectedStep;
}

const PINNING: Readonly<Record<string, Pinning>> = {
  copy: {
    by: (t, { ioas, other }, length) =>
      t.copy({ src: other, dst: ioas, from: A, iova: A + 0x10000n, length }),
  },
  page_table: { by: (t, { device, other }) => t.hwptAlloc(device, other) },
  device: { by: (t, { other }) => t.mockDomain(other) },
  device_with_flags: { by: (t, { other }) => t.mockDevice(other, 1) },
  moved_device: { by: (t, { handle, other }) => t.replace(handle, other) },
  access: {
    by: (t, { other }, length) => pin(t, makeAccess(t, 'a', other), A, length),
    without: ['end_of_space'],
  },
  device_without_pasid: {
    needs: 'pasid',
    by: (t, { ioas, other }) => {
      const handle = t.mockDevice(ioas, 4).out('out_stdev_id');
      t.pasidDetach(handle, 0);
      return t.pasidAttach(handle, 0, other);
    },
  },
  moved_device_without_pasid: {
    needs: 'pasid',
    by: (t, { ioas, other }) => t.pasidReplace(t.mockDevice(ioas, 4).out('out_stdev_id'), 0, other),
  },
};

/** Every way to pin, before everything that cannot be. */
const CASES = Object.entries(PINNING).flatMap(([pinning, { by, needs: needed, without = [] }]) =>
  Object.entries(OBSTACLES)
    .filter(([obstacle]) => !without.includes(obstacle))
    .map(([obstacle, { errno, needs, length = P, put }]) => {
      const body = (t: ScenarioBuilder, seen: Seen): void => {
        put(t, seen.other);
        copiesAlthoughItFails(t, seen, () => by(t, seen, P + length).fails(errno));
      };
      return [`${pinning}_before_${obstacle}`, { needs: [needed ?? [], needs ?? []].flat(), body }] as const;
    }),
);

const RULES = ['EFAULT.user_memory', 'EOVERFLOW.user_memory_end', 'EINVAL.file_pages', 'ENOMEM.memlock'];

const CALLS = [
  'IOMMU_IOAS_COPY',
  'IOMMU_HWPT_ALLOC',
  'IOMMU_TEST_OP_MOCK_DOMAIN',
  'IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS',
  'IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE',
  'IOMMU_TEST_OP_ACCESS_PAGES',
  'IOMMU_TEST_OP_PASID_ATTACH',
  'IOMMU_TEST_OP_PASID_REPLACE',
];

export const ioasLeftCopied = suite(
  'ioas/left_copied',
  'What calls leave that pin and then fail: pages of private mappings of files have been copied, and stay so.',
  [
    scenario('two_areas', {
      doc: 'A private page is pinned, and so the process’s own, although what lies behind it cannot be pinned or paid for; the call fails all the same.',
      covers: [
        ...CALLS.flatMap((call) => RULES.map((rule) => `${call}/${rule}`)),
        ...['EINVAL.misaligned', 'EPERM.protection', 'EINVAL.dmabuf', 'ENOENT.hole'].map(
          (rule) => `IOMMU_TEST_OP_ACCESS_PAGES/${rule}`,
        ),
      ],
      source: 'mm/internal.h:gup_must_unshare',
      setup: seenTwice,
      cases: {
        ...Object.fromEntries(CASES),
        access_before_nothing: (t, seen) => {
          const access = makeAccess(t, 'a', seen.other);
          copiesAlthoughItFails(t, seen, () => pin(t, access, A, 2n * P).fails('ENOENT'));
        },
        access_before_read_only: (t, seen) => {
          t.map(seen.other, { iova: A + P, access: 'r' });
          const access = makeAccess(t, 'a', seen.other);
          copiesAlthoughItFails(t, seen, () => pin(t, access, A, 2n * P, { flags: WRITE }).fails('EPERM'));
        },
        access_before_dmabuf: {
          needs: ['map_file', 'dmabuf'],
          body: (t, seen) => {
            dmabuf(t, 'd', Number(P));
            t.mapFile(seen.other, 'd', { iova: A + P, length: P });
            const access = makeAccess(t, 'a', seen.other);
            copiesAlthoughItFails(t, seen, () => pin(t, access, A, 2n * P).fails('EINVAL'));
          },
        },
        // The second area of three ends within a page.
        access_before_part_of_a_page: (t, seen) => {
          t.map(seen.other, { iova: A + P, length: 1n });
          t.map(seen.other, { iova: A + P + 1n, va: BUFFER.start + P, length: P - 1n });
          const access = accessToCopy(t, seen);
          copiesAlthoughItFails(t, seen, () => pin(t, access, A, 2n * P).fails('EINVAL'));
        },
        access_before_end_of_space: (t, seen) => {
          t.map(seen.other, { iova: A + P, va: LAST_PAGE, length: 0x800n });
          t.map(seen.other, { iova: A + P + 0x800n, length: 0x800n });
          const access = accessToCopy(t, seen);
          copiesAlthoughItFails(t, seen, () => pin(t, access, A, P + 0x800n).fails('EOVERFLOW'));
        },
      },
      control: (t, seen) => {
        copiesAlthoughItFails(t, seen, () => t.mockDomain(seen.other));
        t.counters(2);
      },
    }),
    scenario('one_area', {
      doc: 'The same of one area of two pages: the second is not there, or both are more than may be locked.',
      covers: [
        'IOMMU_IOAS_MAP/EFAULT.user_memory',
        'IOMMU_IOAS_MAP/ENOMEM.memlock',
        'VFIO_IOMMU_MAP_DMA/EFAULT.user_memory',
        'VFIO_IOMMU_MAP_DMA/ENOMEM.memlock',
      ],
      source: 'mm/internal.h:gup_must_unshare',
      setup: (t) => {
        const seen = seenTwice(t);
        setCompat(t, seen.ioas);
        return seen;
      },
      cases: {
        map_before_hole: (t, seen) => {
          t.munmap(PRIVATE + P, 1n);
          copiesAlthoughItFails(t, seen, () =>
            t.map(seen.ioas, { va: PRIVATE, iova: 2n * A, length: 2n * P }).fails('EFAULT'),
          );
        },
        map_beyond_limit: (t, seen) => {
          t.process({ memlock: 2n * P });
          copiesAlthoughItFails(t, seen, () =>
            t.map(seen.ioas, { va: PRIVATE, iova: 2n * A, length: 2n * P }).fails('ENOMEM'),
          );
        },
        vfio_before_hole: (t, seen) => {
          t.munmap(PRIVATE + P, 1n);
          copiesAlthoughItFails(t, seen, () =>
            mapDma(t, { iova: 2n * A, vaddr: PRIVATE, size: 2n * P }).fails('EFAULT'),
          );
        },
        vfio_beyond_limit: (t, seen) => {
          t.process({ memlock: 2n * P });
          copiesAlthoughItFails(t, seen, () =>
            mapDma(t, { iova: 2n * A, vaddr: PRIVATE, size: 2n * P }).fails('ENOMEM'),
          );
        },
      },
      control: (t, seen) => {
        copiesAlthoughItFails(t, seen, () => mapDma(t, { iova: 2n * A, vaddr: PRIVATE, size: 2n * P }));
        t.counters(3);
      },
    }),
    scenario('compared', {
      doc: 'An access pins before it looks at what to compare with: that cannot be read, and the page is copied all the same.',
      covers: ['IOMMU_TEST_OP_ACCESS_PAGES/EFAULT.uptr', 'IOMMU_TEST_OP_ACCESS_PAGES/EOVERFLOW.uptr_end'],
      source: 'mock.md 3, op 7',
      setup: (t) => {
        const seen = seenTwice(t);
        return { ...seen, access: makeAccess(t, 'a', seen.other) };
      },
      cases: {
        hole: (t, seen) => {
          copiesAlthoughItFails(t, seen, () => pin(t, seen.access, A, P, { uptr: HOLE }).fails('EFAULT'));
        },
        end_of_space: (t, seen) => {
          copiesAlthoughItFails(t, seen, () =>
            pin(t, seen.access, A, P, { uptr: LAST_PAGE }).fails('EOVERFLOW'),
          );
        },
      },
      control: (t, seen) => {
        copiesAlthoughItFails(t, seen, () => pin(t, seen.access, A));
      },
    }),
  ],
);
