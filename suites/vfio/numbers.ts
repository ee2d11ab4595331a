import { scenario, suite } from '../harness/scenario.js';
import { P } from '../harness/constants.js';
import { TYPE1, TYPE1V2, checkExtension, clearCompat, compatIoas, setCompat, setIommu } from './set_up.js';

const DMA_CC = 4;

export const vfioNumbers = suite(
  'vfio/numbers',
  'The calls of VFIO that take a number and no struct: GET_API_VERSION, CHECK_EXTENSION, SET_IOMMU. A file in no-IOMMU mode is not covered: only a VFIO device brings it there.',
  [
    scenario('version,zero', {
      doc: 'The version of the interface is 0, with and without an IOAS.',
      covers: ['VFIO_GET_API_VERSION/OK'],
      kselftest: ['iommufd.simple_ioctls'],
      seeds: ['S1-13'],
      setup: () => undefined,
      cases: {
        bare_file: (t) => t.ioctl('VFIO_GET_API_VERSION', {}).ok(),
        with_ioas: (t) => {
          compatIoas(t);
          t.ioctl('VFIO_GET_API_VERSION', {}).ok();
        },
      },
      control: (t) => t.ioctl('VFIO_GET_API_VERSION', {}),
    }),
    scenario('version,argument_ignored', {
      doc: 'Commands of VFIO compare the whole number, so a number that only ends alike is ENOTTY; pointers are not looked at.',
      covers: ['VFIO_GET_API_VERSION/OK', 'VFIO_CHECK_EXTENSION/OK', 'envelope/ENOTTY.number'],
      setup: (t) => t.ioas(),
      cases: {
        version_with_bad_pointer: (t) =>
          t.ioctl('IOMMU_IOAS_ALLOC', {}, { command: 0x3b64, at: 'null' }).ok(),
        extension_of_an_address: (t) => t.ioctl('IOMMU_IOAS_ALLOC', {}, { command: 0x3b65, at: 'hole' }).ok(),
        other_type: (t) => t.ioctl('VFIO_GET_API_VERSION', {}, { command: 0x3c64 }).fails('ENOTTY'),
        with_size_and_direction: (t) =>
          t.ioctl('VFIO_CHECK_EXTENSION', { extension: 1 }, { command: 0xc008_3b65 }).fails('ENOTTY'),
        dirty_pages: (t) => t.ioctl('IOMMU_IOAS_ALLOC', {}, { command: 0x3b75, at: 'null' }).fails('ENOTTY'),
        enable: (t) => t.ioctl('IOMMU_IOAS_ALLOC', {}, { command: 0x3b73 }).fails('ENOTTY'),
        disable: (t) => t.ioctl('IOMMU_IOAS_ALLOC', {}, { command: 0x3b74 }).fails('ENOTTY'),
        get_device_fd: (t) => t.ioctl('IOMMU_IOAS_ALLOC', {}, { command: 0x3b6a }).fails('ENOTTY'),
      },
      control: (t) => t.ioctl('VFIO_GET_API_VERSION', {}),
    }),
    scenario('extension,by_number', {
      doc: 'Both types and UNMAP_ALL are there, NOIOMMU by configuration; nesting, new addresses and what has no number are not. The whole word counts.',
      covers: ['VFIO_CHECK_EXTENSION/OK'],
      source: 'core.md 3.14, vector 14',
      kselftest: ['iommufd.simple_ioctls'],
      gaps: [56],
      seeds: ['S1-20'],
      setup: () => undefined,
      cases: {
        type1: (t) => checkExtension(t, 1).returns(1),
        type1v2: (t) => checkExtension(t, 3).returns(1),
        unmap_all: (t) => checkExtension(t, 9).returns(1),
        noiommu: (t) => checkExtension(t, 8).returns(1),
        zero: (t) => checkExtension(t, 0).ok(),
        spapr_tce: (t) => checkExtension(t, 2).ok(),
        eeh: (t) => checkExtension(t, 5).ok(),
        nesting: (t) => checkExtension(t, 6).ok(),
        update_vaddr: (t) => checkExtension(t, 10).ok(),
        unknown: (t) => checkExtension(t, 77).ok(),
        type1_beyond_32_bits: (t) => checkExtension(t, 0x1_0000_0001n).ok(),
        highest: (t) => checkExtension(t, 0xffff_ffff_ffff_ffffn).ok(),
      },
      control: (t) => checkExtension(t, 1).returns(1),
    }),
    scenario('extension,coherency', {
      doc: 'DMA_CC needs a compatible IOAS. Without page tables nothing contradicts it; the mock’s page tables do, whoever made them.',
      covers: ['VFIO_CHECK_EXTENSION/ENODEV.compat_ioas', 'VFIO_CHECK_EXTENSION/OK'],
      gaps: [56],
      needs: ['iommufd_test'],
      setup: (t) => compatIoas(t),
      cases: {
        no_ioas: (t) => {
          clearCompat(t);
          checkExtension(t, DMA_CC).fails('ENODEV');
        },
        destroyed: (t, ioas) => {
          t.destroy(ioas);
          checkExtension(t, DMA_CC).fails('ENODEV');
        },
        other_extension_needs_none: (t) => {
          clearCompat(t);
          checkExtension(t, 1).returns(1);
        },
        no_page_table: (t) => checkExtension(t, DMA_CC).returns(1),
        page_table_of_device: (t, ioas) => {
          t.mockDomain(ioas);
          checkExtension(t, DMA_CC).ok();
        },
        page_table_of_another_ioas: (t) => {
          t.mockDomain(t.ioas());
          checkExtension(t, DMA_CC).returns(1);
        },
        allocated_and_idle: (t, ioas) => {
          const device = t.mockDomain(t.ioas()).out('out_idev_id');
          t.hwptAlloc(device, ioas);
          checkExtension(t, DMA_CC).ok();
        },
        gone_with_device: (t, ioas) => {
          const device = t.mockDomain(ioas);
          t.destroy(device.out('out_stdev_id'));
          checkExtension(t, DMA_CC).returns(1);
        },
      },
      control: (t) => checkExtension(t, DMA_CC).returns(1),
    }),
    scenario('type,refused', {
      doc: 'Types but TYPE1 and TYPE1v2 are EINVAL, before the IOAS is looked for; without one, ENODEV.',
      covers: ['VFIO_SET_IOMMU/EINVAL.type', 'VFIO_SET_IOMMU/ENODEV.compat_ioas'],
      source: 'core.md vector 15',
      kselftest: ['iommufd.set_iommu_cmd'],
      gaps: [56],
      seeds: ['S2-55'],
      setup: (t) => compatIoas(t),
      cases: {
        zero: (t) => setIommu(t, 0).fails('EINVAL'),
        spapr_tce: (t) => setIommu(t, 2).fails('EINVAL'),
        nesting: (t) => setIommu(t, 6).fails('EINVAL'),
        noiommu_without_its_mode: (t) => setIommu(t, 8).fails('EINVAL'),
        type1_beyond_32_bits: (t) => setIommu(t, 0x1_0000_0001n).fails('EINVAL'),
        type1v2_beyond_32_bits: (t) => setIommu(t, 0x1_0000_0003n).fails('EINVAL'),
        type1_without_ioas: (t) => {
          clearCompat(t);
          setIommu(t, TYPE1).fails('ENODEV');
        },
        type1v2_without_ioas: (t) => {
          clearCompat(t);
          setIommu(t, TYPE1V2).fails('ENODEV');
        },
        bad_type_without_ioas: (t) => {
          clearCompat(t);
          setIommu(t, 2).fails('EINVAL');
        },
        ioas_destroyed: (t, ioas) => {
          t.destroy(ioas);
          setIommu(t, TYPE1V2).fails('ENODEV');
        },
      },
      control: (t) => {
        setIommu(t, TYPE1V2);
        setIommu(t, TYPE1);
      },
    }),
    scenario('type,large_pages', {
      doc: 'TYPE1 turns the large pages of the IOAS off, TYPE1v2 leaves them as they are; either may be repeated.',
      covers: ['VFIO_SET_IOMMU/OK'],
      kselftest: ['vfio_compat_mock_domain.option_huge_pages'],
      seeds: ['S2-61'],
      setup: (t) => compatIoas(t),
      cases: {
        type1: (t, ioas) => {
          setIommu(t, TYPE1);
          t.getOption('HUGE_PAGES', ioas).ok({ val64: 0n });
          t.ranges(ioas, 1).ok({ num_iovas: 1, out_iova_alignment: P });
        },
        type1v2: (t, ioas) => {
          setIommu(t, TYPE1V2);
          t.getOption('HUGE_PAGES', ioas).ok({ val64: 1n });
          t.ranges(ioas, 1).ok({ num_iovas: 1, out_iova_alignment: 1n });
        },
        not_on_again: (t, ioas) => {
          setIommu(t, TYPE1);
          setIommu(t, TYPE1V2);
          t.getOption('HUGE_PAGES', ioas).ok({ val64: 0n });
        },
        twice: (t, ioas) => {
          setIommu(t, TYPE1);
          t.mockDomain(ioas);
          t.map(ioas, { iova: 0x100_0000n });
          setIommu(t, TYPE1);
        },
        other_ioas: (t, ioas) => {
          setCompat(t, t.ioas());
          setIommu(t, TYPE1);
          t.getOption('HUGE_PAGES', ioas).ok({ val64: 1n });
        },
      },
      control: (t, ioas) => t.getOption('HUGE_PAGES', ioas).ok({ val64: 1n }),
    }),
    scenario('type,large_pages_needed', {
      doc: 'TYPE1 is refused like HUGE_PAGES: EINVAL with areas in a domain, which comes before EADDRINUSE of areas off their page.',
      covers: ['VFIO_SET_IOMMU/EINVAL.mapped', 'VFIO_SET_IOMMU/EADDRINUSE.alignment'],
      needs: ['iommufd_test'],
      setup: (t) => compatIoas(t),
      cases: {
        mapped: (t, ioas) => {
          t.mockDomain(ioas);
          t.map(ioas, { iova: 0x100_0000n });
          setIommu(t, TYPE1).fails('EINVAL');
          setIommu(t, TYPE1V2);
          t.getOption('HUGE_PAGES', ioas).ok({ val64: 1n });
        },
        misaligned: (t, ioas) => {
          t.map(ioas, { iova: 0x800n, length: 0x800n });
          setIommu(t, TYPE1).fails('EADDRINUSE');
          setIommu(t, TYPE1V2);
          t.getOption('HUGE_PAGES', ioas).ok({ val64: 1n });
        },
        mapped_before_misaligned: (t, ioas) => {
          t.mockDomain(ioas);
          t.map(ioas, { iova: 0x100_0000n, length: 0x800n });
          setIommu(t, TYPE1).fails('EINVAL');
        },
        domain_without_areas: (t, ioas) => {
          t.mockDomain(ioas);
          setIommu(t, TYPE1);
        },
        type_before_areas: (t, ioas) => {
          t.map(ioas, { iova: 0x800n, length: 0x800n });
          setIommu(t, 2).fails('EINVAL');
        },
      },
      control: (t, ioas) => {
        t.map(ioas, { iova: 0x1000n });
        setIommu(t, TYPE1);
      },
    }),
  ],
);
