import { BUFFER, FROZEN, HOLE, PRIVATE, SCRATCH } from '../../models/program/arena.js';
import type { Reference } from '../../models/program/program.js';
import { NO_SUCH_ID, type ScenarioBuilder } from '../harness/builder.js';
import { APERTURE_START, P, U64_MAX } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';
import { TYPE1, clearCompat, compatIoas, mapDma, setIommu, unmapAllDma } from './set_up.js';

/** The highest length that is no error by itself. */
const LENGTH_MAX = U64_MAX - P;

/** What a page table of 7.3 says to a mapping that permits nothing. */
const GENERIC_REFUSES = { '7.3': 'EINVAL', '6.12': 'OK' } as const;
const WARNING = 'WARNING in amdv1_mock_map_range';

/** IOMMU_HWPT_FAULT_ID_VALID. */
const FAULT_ID_VALID = 4;

/** A compatible IOAS with a device behind it. */
function withDevice(t: ScenarioBuilder): { ioas: Reference; hwpt: Reference } {
  const ioas = compatIoas(t);
  return { ioas, hwpt: t.mockDomain(ioas).out('out_hwpt_id') };
}

export const vfioMapDma = suite(
  'vfio/map_dma',
  'VFIO_IOMMU_MAP_DMA: IOMMU_IOAS_MAP at a fixed IOVA, with VFIO’s own way to pass a struct.',
  [
    scenario('struct,refused', {
      doc: 'The struct is read as far as it is required, whatever argsz says; then argsz, flags and the IOAS are looked at.',
      covers: [
        'envelope/EFAULT.vfio_struct',
        'envelope/EINVAL.argsz',
        'VFIO_IOMMU_MAP_DMA/EINVAL.flags',
        'VFIO_IOMMU_MAP_DMA/ENODEV.compat_ioas',
      ],
      kselftest: ['iommufd.map_cmd'],
      seeds: ['S2-55', 'S2-63'],
      setup: (t) => compatIoas(t),
      cases: {
        null_pointer: (t) => mapDma(t, { iova: P }, { at: 'null' }).fails('EFAULT'),
        last_byte_missing: (t) => mapDma(t, { iova: P }, { at: { edge: 31 } }).fails('EFAULT'),
        short_but_unreadable: (t) => mapDma(t, { argsz: 4, iova: P }, { at: { edge: 4 } }).fails('EFAULT'),
        argsz_0: (t) => mapDma(t, { argsz: 0, iova: P }).fails('EINVAL'),
        argsz_1: (t) => mapDma(t, { argsz: 1, iova: P }).fails('EINVAL'),
        argsz_31: (t) => mapDma(t, { argsz: 31, iova: P }).fails('EINVAL'),
        flag_4: (t) => mapDma(t, { flags: 4, iova: P }).fails('EINVAL'),
        flag_31: (t) => mapDma(t, { flags: 0x8000_0000, iova: P }).fails('EINVAL'),
        no_ioas: (t) => {
          clearCompat(t);
          mapDma(t, { iova: P }).fails('ENODEV');
        },
        no_ioas_bad_argsz: (t) => {
          clearCompat(t);
          mapDma(t, { argsz: 1, iova: P }).fails('EINVAL');
        },
        no_ioas_bad_flags: (t) => {
          clearCompat(t);
          mapDma(t, { flags: 4, iova: P }).fails('EINVAL');
        },
        no_ioas_bad_length: (t) => {
          clearCompat(t);
          mapDma(t, { iova: P, size: 0n }).fails('ENODEV');
          mapDma(t, { iova: P, vaddr: U64_MAX }).fails('ENODEV');
        },
        destroyed_ioas: (t, ioas) => {
          t.destroy(ioas);
          mapDma(t, { iova: P }).fails('ENODEV');
        },
      },
      control: (t) => mapDma(t, { iova: P }),
    }),
    scenario('struct,room_behind', {
      doc: 'argsz may be larger than the struct: what lies behind is neither read nor written, so it may be garbage or no memory.',
      covers: ['VFIO_IOMMU_MAP_DMA/OK'],
      setup: (t) => compatIoas(t),
      cases: {
        garbage: (t) => mapDma(t, { iova: P }, { tail: { bytes: 16, value: 0xff } }),
        no_memory: (t) => mapDma(t, { argsz: 0xffff_ffff, iova: P }, { at: { edge: 32 } }),
        not_writable: (t) => mapDma(t, { iova: P }, { at: 'sealed' }),
      },
      control: (t) => mapDma(t, { iova: P }).ok({ argsz: 32, iova: P, size: P }),
    }),
    scenario('range,refused', {
      doc: 'The range is judged as by a fixed MAP.',
      covers: [
        'VFIO_IOMMU_MAP_DMA/EOVERFLOW.user_va_wrap',
        'VFIO_IOMMU_MAP_DMA/EINVAL.length_zero',
        'VFIO_IOMMU_MAP_DMA/EINVAL.length_limit',
        'VFIO_IOMMU_MAP_DMA/EOVERFLOW.iova_wrap',
        'VFIO_IOMMU_MAP_DMA/EINVAL.iova_reserved',
        'VFIO_IOMMU_MAP_DMA/EEXIST.area',
      ],
      source: 'core.md 3.14, 3.4 rows 5 to 9; 8 for the order of 6.12',
      setup: (t) => {
        const ioas = compatIoas(t);
        t.reserve(ioas, 0x10_0000n, P);
        mapDma(t, { iova: 0x20_0000n });
        return ioas;
      },
      cases: {
        address_wraps: (t) => mapDma(t, { iova: P, vaddr: U64_MAX - P + 1n, size: P }).fails('EOVERFLOW'),
        size_zero: (t) => mapDma(t, { iova: P, size: 0n }).fails('EINVAL'),
        size_beyond_limit: (t) => mapDma(t, { iova: 0n, vaddr: 0n, size: LENGTH_MAX + 1n }).fails('EINVAL'),
        size_max: (t) => mapDma(t, { iova: 0n, vaddr: 0n, size: U64_MAX }).fails('EINVAL'),
        wraps_and_beyond_limit: (t) =>
          mapDma(t, { iova: 0n, vaddr: 2n * P, size: LENGTH_MAX + 1n }).fails({
            '7.3': 'EOVERFLOW',
            '6.12': 'EINVAL',
          }),
        iova_wraps: (t) => mapDma(t, { iova: U64_MAX, size: 2n }).fails('EOVERFLOW'),
        zero_before_wrap: (t) => mapDma(t, { iova: U64_MAX, size: 0n }).fails('EINVAL'),
        limit_before_wrap: (t) => mapDma(t, { iova: P, vaddr: 0n, size: LENGTH_MAX + 1n }).fails('EINVAL'),
        address_wrap_before_iova_wrap: (t) =>
          mapDma(t, { iova: U64_MAX, vaddr: U64_MAX, size: 2n }).fails('EOVERFLOW'),
        reserved: (t) => mapDma(t, { iova: 0x10_0000n - P, size: 2n * P }).fails('EINVAL'),
        occupied: (t) => mapDma(t, { iova: 0x20_0000n + P - 1n, size: 1n }).fails('EEXIST'),
        wrap_before_occupied: (t) =>
          mapDma(t, { iova: 0x20_0000n, vaddr: 0n, size: LENGTH_MAX }).fails('EOVERFLOW'),
        wrap_before_reserved: (t) =>
          mapDma(t, { iova: 0x10_0000n, vaddr: 0n, size: LENGTH_MAX }).fails('EOVERFLOW'),
        reserved_before_occupied: (t) => mapDma(t, { iova: 0x10_0000n, size: 0x20_0000n }).fails('EINVAL'),
      },
      control: (t) => {
        mapDma(t, { iova: 0n, size: 1n });
        mapDma(t, { iova: U64_MAX, size: 1n });
      },
    }),
    scenario('range,alignment', {
      doc: 'Without large pages, size, IOVA and address within the page must be multiples of a page, in this order.',
      covers: [
        'VFIO_IOMMU_MAP_DMA/EINVAL.length_alignment',
        'VFIO_IOMMU_MAP_DMA/EINVAL.iova_alignment',
        'VFIO_IOMMU_MAP_DMA/EINVAL.user_va_alignment',
      ],
      setup: (t) => {
        const ioas = compatIoas(t);
        setIommu(t, TYPE1);
        mapDma(t, { iova: 0x20_0000n });
        t.reserve(ioas, 0n, P);
      },
      cases: {
        size: (t) => mapDma(t, { iova: P, size: 0x800n }).fails('EINVAL'),
        iova: (t) => mapDma(t, { iova: 0x1800n }).fails('EINVAL'),
        address_wrap_before_size: (t) =>
          mapDma(t, { iova: P, vaddr: U64_MAX, size: 0x800n }).fails('EOVERFLOW'),
        address: (t) => mapDma(t, { iova: P, vaddr: BUFFER.start + 0x800n }).fails('EINVAL'),
        size_before_occupied: (t) => mapDma(t, { iova: 0x20_0000n, size: 0x800n }).fails('EINVAL'),
        size_before_wrap: (t) => mapDma(t, { iova: U64_MAX - P + 1n, size: P + 1n }).fails('EINVAL'),
        iova_before_wrap: (t) => mapDma(t, { iova: U64_MAX, size: 2n * P }).fails('EINVAL'),
        iova_before_occupied: (t) => mapDma(t, { iova: 0x20_0800n }).fails('EINVAL'),
        occupied_before_address: (t) =>
          mapDma(t, { iova: 0x20_0000n, vaddr: BUFFER.start + 0x800n }).fails('EEXIST'),
      },
      control: (t) => mapDma(t, { iova: P }),
    }),
    scenario('range,page_count', {
      doc: 'A range whose pages cannot be counted is EOVERFLOW and makes the kernel warn, as by MAP.',
      covers: ['VFIO_IOMMU_MAP_DMA/EOVERFLOW.page_count', 'VFIO_IOMMU_MAP_DMA/EINVAL.length_limit'],
      source: 'core.md 3.4 row 11; docs/findings/map-page-count-warn.md',
      setup: (t) => compatIoas(t),
      cases: {
        two_bytes_off: (t) =>
          mapDma(t, { iova: 0n, vaddr: 2n, size: LENGTH_MAX })
            .fails('EOVERFLOW')
            .warns('WARNING in iopt_insert_area'),
        beyond_limit: (t) => mapDma(t, { iova: 0n, vaddr: 0n, size: LENGTH_MAX + 1n }).fails('EINVAL'),
      },
      control: (t) => mapDma(t, { iova: 0n, vaddr: 1n, size: LENGTH_MAX }),
    }),
    scenario('memory,pinned', {
      doc: 'With a domain the memory is pinned and charged as by MAP; without one it is not looked at.',
      covers: [
        'VFIO_IOMMU_MAP_DMA/OK',
        'VFIO_IOMMU_MAP_DMA/EFAULT.user_memory',
        'VFIO_IOMMU_MAP_DMA/EOVERFLOW.user_memory_end',
        'VFIO_IOMMU_MAP_DMA/ENOMEM.memlock',
      ],
      needs: ['iommufd_test'],
      setup: withDevice,
      cases: {
        translated: (t, { hwpt }) => {
          mapDma(t, { iova: APERTURE_START, size: 4n * P });
          t.checkMap(hwpt, APERTURE_START, BUFFER.start, 4n * P);
          t.counters(4);
        },
        read_only_memory: (t) => mapDma(t, { flags: 1, iova: APERTURE_START, vaddr: FROZEN.start }),
        read_only_memory_written: (t) =>
          mapDma(t, { flags: 2, iova: APERTURE_START, vaddr: FROZEN.start }).fails('EFAULT'),
        hole: (t) => mapDma(t, { iova: APERTURE_START, vaddr: HOLE }).fails('EFAULT'),
        occupied_before_hole: (t) => {
          mapDma(t, { iova: APERTURE_START });
          mapDma(t, { iova: APERTURE_START, vaddr: HOLE }).fails('EEXIST');
        },
        hole_off_its_page: (t) => mapDma(t, { iova: APERTURE_START, vaddr: HOLE + 1n }).fails('EINVAL'),
        end_of_space: (t) =>
          mapDma(t, { iova: APERTURE_START, vaddr: U64_MAX - P + 1n, size: 0x800n }).fails('EOVERFLOW'),
        charged: (t) => {
          t.process({ drop: ['CAP_IPC_LOCK'], memlock: P });
          mapDma(t, { iova: APERTURE_START, size: 2n * P }).fails('ENOMEM');
          mapDma(t, { iova: APERTURE_START });
        },
        private_memory: (t) => mapDma(t, { iova: APERTURE_START, vaddr: PRIVATE.start }),
        no_domain: (t) => {
          compatIoas(t);
          mapDma(t, { iova: 0n, vaddr: HOLE });
        },
      },
      control: (t) => mapDma(t, { iova: APERTURE_START }),
    }),
    scenario('flags,nothing_permitted', {
      doc: 'Neither READ nor WRITE is no error without a page table; native MAP refuses it. A generic page table does not map it, and warns.',
      covers: ['VFIO_IOMMU_MAP_DMA/OK', 'VFIO_IOMMU_MAP_DMA/EINVAL.nothing_permitted'],
      source: 'docs/findings/map-without-access-warn.md',
      gaps: [56],
      needs: ['iommufd_test'],
      seeds: ['S2-40'],
      setup: (t) => compatIoas(t),
      cases: {
        mapped: (t, ioas) => {
          mapDma(t, { flags: 0, iova: P });
          t.unmap(ioas, P, P).ok({ length: P });
        },
        native: (t, ioas) => t.map(ioas, { iova: P, access: 'none' }).fails('EINVAL'),
        into_page_table: (t, ioas) => {
          t.mockDomain(ioas);
          mapDma(t, { flags: 0, iova: APERTURE_START }).fails(GENERIC_REFUSES).warns(WARNING, ['7.3']);
          mapDma(t, { iova: APERTURE_START }).fails({ '7.3': 'OK', '6.12': 'EEXIST' });
        },
        private_page_copied: (t, ioas) => {
          const hwpt = t.mockDomain(ioas).out('out_hwpt_id');
          const file = t.memfd('m', 1n);
          const own = SCRATCH.start + P;
          t.mmapFile(file, 0n, 1n, { start: SCRATCH.start });
          t.mmapFile(file, 0n, 1n, { start: own, isPrivate: true });
          mapDma(t, { iova: APERTURE_START, vaddr: SCRATCH.start });
          t.checkMap(hwpt, APERTURE_START, own);
          mapDma(t, { flags: 0, iova: APERTURE_START + P, vaddr: own })
            .fails(GENERIC_REFUSES)
            .warns(WARNING, ['7.3']);
          t.checkMap(hwpt, APERTURE_START, own).fails('EINVAL');
        },
        hole_first: (t, ioas) => {
          t.mockDomain(ioas);
          mapDma(t, { flags: 0, iova: APERTURE_START, vaddr: HOLE }).fails('EFAULT');
        },
        occupied_first: (t, ioas) => {
          t.mockDomain(ioas);
          mapDma(t, { iova: APERTURE_START });
          mapDma(t, { flags: 0, iova: APERTURE_START }).fails('EEXIST');
        },
        before_the_charge: (t, ioas) => {
          t.mockDomain(ioas);
          t.process({ drop: ['CAP_IPC_LOCK'], memlock: 0n });
          mapDma(t, { flags: 0, iova: APERTURE_START })
            .fails({ '7.3': 'EINVAL', '6.12': 'ENOMEM' })
            .warns(WARNING, ['7.3']);
        },
      },
      control: (t) => mapDma(t, { iova: P }),
    }),
    scenario('flags,nothing_permitted_then_attached', {
      doc: 'An area that permits nothing keeps generic page tables away from its IOAS, whoever asks for one.',
      covers: [
        'IOMMU_TEST_OP_MOCK_DOMAIN/EINVAL.nothing_permitted',
        'IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS/EINVAL.nothing_permitted',
        'IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE/EINVAL.nothing_permitted',
        'IOMMU_HWPT_ALLOC/EINVAL.nothing_permitted',
      ],
      source: 'docs/findings/map-without-access-warn.md',
      needs: ['iommufd_test'],
      seeds: ['S2-40'],
      setup: (t) => {
        const device = t.mockDomain(t.ioas());
        const ioas = compatIoas(t);
        mapDma(t, { iova: APERTURE_START });
        mapDma(t, { flags: 0, iova: APERTURE_START + P });
        return { device, ioas };
      },
      cases: {
        new_device: (t, { ioas }) => t.mockDomain(ioas).fails(GENERIC_REFUSES).warns(WARNING, ['7.3']),
        new_device_sealed: (t, { ioas }) => {
          t.ioctl('IOMMU_TEST_OP_MOCK_DOMAIN', { id: ioas }, { at: 'sealed' })
            .fails({ '7.3': 'EINVAL', '6.12': 'EFAULT' })
            .warns(WARNING, ['7.3']);
        },
        device_with_flags: (t, { ioas }) =>
          t
            .ioctl('IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', { id: ioas })
            .fails(GENERIC_REFUSES)
            .warns(WARNING, ['7.3']),
        device_with_flags_sealed: (t, { ioas }) =>
          t
            .ioctl('IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', { id: ioas }, { at: 'sealed' })
            .fails({ '7.3': 'EINVAL', '6.12': 'EFAULT' })
            .warns(WARNING, ['7.3']),
        moved_device: (t, { device, ioas }) =>
          t.replace(device.out('out_stdev_id'), ioas).fails(GENERIC_REFUSES).warns(WARNING, ['7.3']),
        moved_device_sealed: (t, { device, ioas }) =>
          t
            .replace(device.out('out_stdev_id'), ioas, { at: 'sealed' })
            .fails({ '7.3': 'EINVAL', '6.12': 'EFAULT' })
            .warns(WARNING, ['7.3']),
        page_table: (t, { device, ioas }) =>
          t.hwptAlloc(device.out('out_idev_id'), ioas).fails(GENERIC_REFUSES).warns(WARNING, ['7.3']),
        page_table_with_fault_queue: (t, { device, ioas }) =>
          t
            .hwptAlloc(device.out('out_idev_id'), ioas, { flags: FAULT_ID_VALID, fault_id: NO_SUCH_ID })
            .fails({ '7.3': 'EINVAL', '6.12': 'EOPNOTSUPP' })
            .warns(WARNING, ['7.3']),
        page_table_sealed: (t, { device, ioas }) =>
          t
            .hwptAlloc(device.out('out_idev_id'), ioas, {}, { at: 'sealed' })
            .fails({ '7.3': 'EINVAL', '6.12': 'EFAULT' })
            .warns(WARNING, ['7.3']),
        unmapped_before: (t, { ioas }) => {
          t.unmap(ioas, APERTURE_START + P, P);
          t.mockDomain(ioas);
        },
      },
      control: (t, { ioas }) => {
        unmapAllDma(t).ok({ size: 2n * P });
        t.mockDomain(ioas);
      },
    }),
    scenario('flags,nothing_permitted_then_attached_again', {
      doc: 'The same for the calls that name a device by its handle and a PASID; without one they are about the device itself.',
      covers: [
        'IOMMU_TEST_OP_PASID_ATTACH/EINVAL.nothing_permitted',
        'IOMMU_TEST_OP_PASID_REPLACE/EINVAL.nothing_permitted',
      ],
      source: 'docs/findings/map-without-access-warn.md',
      needs: ['pasid'],
      setup: (t) => {
        const handle = t.mockDevice(t.ioas(), 4).out('out_stdev_id');
        const ioas = compatIoas(t);
        mapDma(t, { flags: 0, iova: APERTURE_START });
        return { handle, ioas };
      },
      cases: {
        attached: (t, { handle, ioas }) => {
          t.pasidDetach(handle, 0);
          t.pasidAttach(handle, 0, ioas).fails('EINVAL').warns(WARNING);
        },
        attached_sealed: (t, { handle, ioas }) => {
          t.pasidDetach(handle, 0);
          t.pasidAttach(handle, 0, ioas, { at: 'sealed' }).fails('EINVAL').warns(WARNING);
        },
        moved: (t, { handle, ioas }) => t.pasidReplace(handle, 0, ioas).fails('EINVAL').warns(WARNING),
      },
      control: (t, { handle, ioas }) => {
        unmapAllDma(t).ok({ size: P });
        t.pasidReplace(handle, 0, ioas);
      },
    }),
  ],
);
