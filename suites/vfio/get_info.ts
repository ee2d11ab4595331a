import { type ScenarioBuilder, hwptData } from '../harness/builder.js';
import { APERTURE_LAST, APERTURE_START, P, U64_MAX } from '../harness/constants.js';
import { type CaseBody, scenario, suite } from '../harness/scenario.js';
import { INFO_BYTES, TYPE1, clearCompat, compatIoas, getInfo, setIommu } from './set_up.js';

/** VFIO_IOMMU_INFO_PGSIZES and VFIO_IOMMU_INFO_CAPS. */
const FLAGS = 3;

/** Offsets from the start of the info. */
const SECOND_CAPABILITY = 40;
const RANGES = 56;

/** A page and every multiple of it by a power of two. */
const ALL = U64_MAX - P + 1n;
/** Those up to the largest leaf of the third level, 2^36. */
const MOCK = 0x1f_ffff_f000n;
/** A page, and 1 MiB. */
const HUGE = 0x10_1000n;
/** MOCK_FLAGS_DEVICE_HUGE_IOVA. */
const HUGE_IOVA = 2;

/** What the room behind the struct was filled with. */
const UNTOUCHED = 0xaa;

type Ranges = readonly (readonly [bigint, bigint])[];

/** The bytes behind the struct if there is room for everything, by linux/vfio.h. */
function capabilities(ranges: Ranges): Uint8Array {
  const bytes = new Uint8Array(RANGES - INFO_BYTES + 16 * ranges.length).fill(UNTOUCHED);
  const view = new DataView(bytes.buffer);
  writeHeader(view, 0, 3, SECOND_CAPABILITY);
  view.setUint32(8, 0xffff_ffff, true);
  writeHeader(view, 16, 1, 0);
  view.setUint32(24, ranges.length, true);
  view.setUint32(28, 0, true);
  for (const [index, [start, last]] of ranges.entries()) {
    view.setBigUint64(32 + 16 * index, start, true);
    view.setBigUint64(40 + 16 * index, last, true);
  }
  return bytes;
}

function writeHeader(view: DataView, at: number, id: number, next: number): void {
  view.setUint16(at, id, true);
  view.setUint16(at + 2, 1, true);
  view.setUint32(at + 4, next, true);
}

/** What is written of the capabilities of one range if there is room for less than all of them. */
function partOf(ranges: Ranges, argsz: number): Uint8Array {
  const part = capabilities(ranges).subarray(0, Math.max(argsz - INFO_BYTES, 0));
  const total = RANGES + 16 * ranges.length;
  // Neither a capability nor a range is written in part, and the header of the ranges comes with the last of them.
  if (argsz < 36) part.fill(UNTOUCHED);
  else if (argsz < SECOND_CAPABILITY) part.fill(0, 4, 8);
  if (argsz < total) part.fill(UNTOUCHED, 16, 32);
  const wholeRanges = Math.max(Math.floor((argsz - RANGES) / 16), 0);
  part.fill(UNTOUCHED, 32 + 16 * wholeRanges);
  return part;
}

const EVERYWHERE: Ranges = [[0n, U64_MAX]];

/** One case for each argsz. */
function forSizes(
  sizes: readonly number[],
  body: (t: ScenarioBuilder, argsz: number) => void,
): Record<string, CaseBody<unknown>> {
  return Object.fromEntries(
    sizes.map((argsz) => [
      `argsz_${String(argsz)}`,
      (t: ScenarioBuilder) => {
        body(t, argsz);
      },
    ]),
  );
}

function sizesFrom(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

export const vfioGetInfo = suite(
  'vfio/get_info',
  'VFIO_IOMMU_GET_INFO: page sizes, and capabilities as far as there is room for them.',
  [
    scenario('struct,refused', {
      doc: 'The first 16 bytes are required; what is wrong with them comes before the missing IOAS.',
      covers: [
        'envelope/EFAULT.vfio_struct',
        'envelope/EINVAL.argsz',
        'VFIO_IOMMU_GET_INFO/ENODEV.compat_ioas',
      ],
      kselftest: ['iommufd.info_cmd'],
      setup: (t) => compatIoas(t),
      cases: {
        null_pointer: (t) => getInfo(t, INFO_BYTES, { at: 'null' }).fails('EFAULT'),
        last_byte_missing: (t) => getInfo(t, INFO_BYTES, { at: { edge: 15 } }).fails('EFAULT'),
        argsz_1: (t) => getInfo(t, 1).fails('EINVAL'),
        argsz_15: (t) => getInfo(t, 15).fails('EINVAL'),
        no_ioas: (t) => {
          clearCompat(t);
          getInfo(t, INFO_BYTES).fails('ENODEV');
        },
        no_ioas_sealed: (t) => {
          clearCompat(t);
          getInfo(t, INFO_BYTES, { at: 'sealed' }).fails('ENODEV');
        },
        no_ioas_short: (t) => {
          clearCompat(t);
          getInfo(t, 15).fails('EINVAL');
        },
      },
      control: (t) => getInfo(t, 16, { at: { edge: 16 } }).ok({ argsz: 72, flags: FLAGS, iova_pgsizes: ALL }),
    }),
    scenario('room,for_the_struct', {
      doc: 'argsz says how much of the struct is written, and becomes what everything takes.',
      covers: ['VFIO_IOMMU_GET_INFO/OK'],
      source: 'core.md vector 16',
      setup: (t) => compatIoas(t),
      cases: forSizes(sizesFrom(16, INFO_BYTES), (t, argsz) => {
        getInfo(t, argsz).ok({
          argsz: 72,
          flags: FLAGS,
          iova_pgsizes: ALL,
          cap_offset: 0,
          pad: 0,
        });
      }),
      control: (t) => getInfo(t, 72).ok({ argsz: 72, cap_offset: INFO_BYTES }),
    }),
    scenario('room,for_one_range', {
      doc: 'At every argsz: what is whole is written, the struct names the capabilities only if all of them are there.',
      covers: ['VFIO_IOMMU_GET_INFO/OK'],
      source: 'core.md 3.14',
      kselftest: ['vfio_compat_mock_domain.get_info'],
      gaps: [56],
      setup: (t) => compatIoas(t),
      cases: forSizes(sizesFrom(INFO_BYTES + 1, 71), (t, argsz) => {
        getInfo(t, argsz)
          .ok({ argsz: 72, flags: FLAGS, cap_offset: 0, pad: 0 })
          .followedBy(partOf(EVERYWHERE, argsz));
      }),
      control: (t) => {
        const all = capabilities(EVERYWHERE);
        getInfo(t, 72).ok({ argsz: 72, flags: FLAGS, cap_offset: INFO_BYTES }).followedBy(all);
        getInfo(t, 80)
          .ok({ argsz: 72, cap_offset: INFO_BYTES })
          .followedBy(Uint8Array.of(...all, ...new Array<number>(8).fill(UNTOUCHED)));
      },
    }),
    scenario('room,for_several_ranges', {
      doc: 'Each range is written if there is room for it, even where there is none for the header before them.',
      covers: ['VFIO_IOMMU_GET_INFO/OK'],
      needs: ['iommufd_test'],
      setup: (t) => {
        const ioas = compatIoas(t);
        t.reserve(ioas, 0x10_0000n, P);
        t.reserve(ioas, 0x20_0000n, P);
      },
      cases: forSizes([40, 55, 56, 71, 72, 87, 88, 96, 103], (t, argsz) => {
        const ranges: Ranges = [
          [0n, 0xf_ffffn],
          [0x10_1000n, 0x1f_ffffn],
          [0x20_1000n, U64_MAX],
        ];
        getInfo(t, argsz).ok({ argsz: 104, cap_offset: 0 }).followedBy(partOf(ranges, argsz));
      }),
      control: (t) => getInfo(t, 104).ok({ argsz: 104, cap_offset: INFO_BYTES }),
    }),
    scenario('ranges,of_the_ioas', {
      doc: 'The ranges are those of IOVA_RANGES: what no reservation touches, whatever is mapped or allowed.',
      covers: ['VFIO_IOMMU_GET_INFO/OK'],
      kselftest: ['vfio_compat_mock_domain.get_info'],
      needs: ['iommufd_test'],
      setup: (t) => compatIoas(t),
      cases: {
        aperture: (t, ioas) => {
          t.mockDomain(ioas);
          getInfo(t, 72)
            .ok({ argsz: 72 })
            .followedBy(capabilities([[APERTURE_START, APERTURE_LAST]]));
        },
        none: (t, ioas) => {
          t.reserve(ioas, 0n, U64_MAX);
          t.reserve(ioas, U64_MAX, 1n);
          getInfo(t, RANGES).ok({ argsz: RANGES, cap_offset: INFO_BYTES }).followedBy(capabilities([]));
        },
        mapped_and_allowed: (t, ioas) => {
          t.map(ioas, { iova: P });
          t.allow(ioas, [[0x10_0000n, 0x1f_ffffn]]);
          getInfo(t, 72).ok({ argsz: 72 }).followedBy(capabilities(EVERYWHERE));
        },
      },
      control: (t) => getInfo(t, 72).followedBy(capabilities(EVERYWHERE)),
    }),
    scenario('page_sizes,of_all_domains', {
      doc: 'Without a page table every size from a page on is there; with some, what all of them have. Half pages do not count.',
      covers: ['VFIO_IOMMU_GET_INFO/OK'],
      needs: ['iommufd_test'],
      source: 'mock.md 16',
      gaps: [56],
      setup: (t) => compatIoas(t),
      cases: {
        small_pages: (t) => {
          setIommu(t, TYPE1);
          getInfo(t, INFO_BYTES).ok({ iova_pgsizes: ALL });
        },
        mock: (t, ioas) => {
          t.mockDomain(ioas);
          getInfo(t, INFO_BYTES).ok({ iova_pgsizes: { byProfile: { '7.3': MOCK, '6.12': P } } });
        },
        mock_without_large_pages: (t, ioas) => {
          setIommu(t, TYPE1);
          t.mockDomain(ioas);
          getInfo(t, INFO_BYTES).ok({ iova_pgsizes: { byProfile: { '7.3': MOCK, '6.12': P } } });
        },
        gone: (t, ioas) => {
          const device = t.mockDomain(ioas);
          t.destroy(device.out('out_stdev_id'));
          getInfo(t, INFO_BYTES).ok({ iova_pgsizes: ALL });
        },
      },
      control: (t) => getInfo(t, INFO_BYTES).ok({ iova_pgsizes: ALL }),
    }),
    scenario('page_sizes,huge', {
      doc: 'Page tables with huge pages: on 7.3 by their driver data, on 6.12 by the device they are made for. Together with others only the common sizes are left.',
      covers: ['VFIO_IOMMU_GET_INFO/OK'],
      needs: ['iommufd_test'],
      setup: (t) => compatIoas(t),
      cases: {
        by_data: (t, ioas) => {
          const device = t.mockDomain(t.ioas()).out('out_idev_id');
          t.hwptAlloc(device, ioas, hwptData([0, 1])).fails({ '7.3': 'OK', '6.12': 'EOPNOTSUPP' });
          getInfo(t, INFO_BYTES).ok({ iova_pgsizes: { byProfile: { '7.3': HUGE, '6.12': ALL } } });
          t.mockDomain(ioas);
          getInfo(t, INFO_BYTES).ok({ iova_pgsizes: { byProfile: { '7.3': HUGE, '6.12': P } } });
        },
        by_device: (t, ioas) => {
          t.ioctl('IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', { id: ioas, dev_flags: HUGE_IOVA }).fails({
            '7.3': 'EINVAL',
            '6.12': 'OK',
          });
          getInfo(t, INFO_BYTES).ok({ iova_pgsizes: { byProfile: { '7.3': ALL, '6.12': HUGE } } });
          const device = t.mockDomain(t.ioas()).out('out_idev_id');
          t.hwptAlloc(device, ioas);
          getInfo(t, INFO_BYTES).ok({ iova_pgsizes: { byProfile: { '7.3': MOCK, '6.12': P } } });
        },
        by_device_allocated: (t, ioas) => {
          const device = t.ioctl('IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', { id: t.ioas(), dev_flags: 0 });
          t.hwptAlloc(device.out('out_idev_id'), ioas);
          getInfo(t, INFO_BYTES).ok({ iova_pgsizes: { byProfile: { '7.3': MOCK, '6.12': P } } });
        },
      },
      control: (t) => getInfo(t, INFO_BYTES).ok({ iova_pgsizes: ALL }),
    }),
    scenario('response,faults', {
      doc: 'What cannot be written is EFAULT. Capabilities come first, so that they are there although the struct is not.',
      covers: ['VFIO_IOMMU_GET_INFO/EFAULT.info'],
      seeds: ['S2-62'],
      setup: (t) => compatIoas(t),
      cases: {
        sealed: (t) => getInfo(t, 72, { at: 'sealed' }).fails('EFAULT'),
        sealed_struct: (t) => getInfo(t, 16, { at: 'sealed' }).fails('EFAULT'),
        half_struct: (t) =>
          getInfo(t, INFO_BYTES, { at: { edge: 18 } }).fails('EFAULT', { argsz: 72, flags: FLAGS }),
        first_capability: (t) =>
          getInfo(t, 72, { at: { edge: 30 } }).fails('EFAULT', { argsz: 72, flags: 0 }),
        range: (t) =>
          getInfo(t, 72, { at: { edge: 64 } }).fails('EFAULT', { argsz: 72, flags: 0, cap_offset: 0 }),
        header_of_ranges: (t) => getInfo(t, 72, { at: { edge: 50 } }).fails('EFAULT', { flags: 0 }),
        no_room_no_fault: (t) => getInfo(t, 71, { at: { edge: 40 } }).ok({ argsz: 72, cap_offset: 0 }),
      },
      control: (t) => getInfo(t, 72, { at: { edge: 72 } }).ok({ cap_offset: INFO_BYTES }),
    }),
  ],
);
