import { BUFFER, HUGE_PAGE_BYTES } from '../../models/program/arena.js';
import { NOT_THE_MOCK } from '../../models/operations/open_vfio.js';
import type { Reference } from '../../models/program/program.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import { APERTURE_LAST, APERTURE_START as A, P } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';
import { WITH_FAULT, faultQueue } from '../event/set_up.js';
import { DIRTY_TRACKING } from '../hwpt/dirty_pages.js';
import { NEST_PARENT } from '../hwpt/set_up.js';
import { DEVICE, attach, bind, detach } from './files_set_up.js';
import { checkExtension, setCompat } from './set_up.js';

const ATTACH = 'VFIO_DEVICE_ATTACH_IOMMUFD_PT';
const BIND = 'VFIO_DEVICE_BIND_IOMMUFD';

/** Where writes are interrupts, and nothing is translated. Source: Intel VT-d specification, 3.14; intel/iommu.c, IOAPIC_RANGE_START. */
const INTERRUPTS = { start: 0xfee0_0000n, last: 0xfeef_ffffn };

/** The last IOVA that 39 bits have, which is what QEMU's IOMMU translates. */
const LAST = (1n << 39n) - 1n;

/** IOMMU_HW_INFO_TYPE_INTEL_VTD, and the bytes of struct iommu_hw_info_vtd. Source: linux/iommufd.h. */
const INTEL_VTD = 1;
const VTD_BYTES = 24;

/** VFIO_DMA_CC_IOMMU. Source: linux/vfio.h. */
const CACHE_COHERENT = 4;

/** The PCI device, bound; returns its id. */
function boundPci(t: ScenarioBuilder): Reference {
  t.openVfio(DEVICE, 'vfio_pci');
  return bind(t).out('out_devid');
}

/** The same beside an IOAS. */
function boundWithIoas(t: ScenarioBuilder): DeviceAndIoas {
  return { device: boundPci(t), ioas: t.ioas() };
}

interface DeviceAndIoas {
  readonly device: Reference;
  readonly ioas: Reference;
}

/** Everything that the hardware translates. */
const TRANSLATED = [
  [0n, INTERRUPTS.start - 1n],
  [INTERRUPTS.last + 1n, LAST],
] as const;

const HARDWARE = {
  untold: NOT_THE_MOCK,
  needs: ['vfio_pci'],
} as const;

export const vfioPci = suite(
  'vfio/pci',
  'A PCI device behind an IOMMU that is not the mock: Intel’s, as QEMU has it, with snoop control and without scalable mode.',
  [
    scenario('device,life', {
      doc: 'A bound device has an id of its own, which only closing its file frees. What it says of its IOMMU is what Intel’s driver says.',
      covers: [`${BIND}/OK`, 'IOMMU_GET_HW_INFO/OK', 'IOMMU_DESTROY/EBUSY.users'],
      source: 'linux/vfio.h, VFIO_DEVICE_BIND_IOMMUFD; linux/iommufd.h, struct iommu_hw_info_vtd',
      ...HARDWARE,
      setup: boundPci,
      cases: {
        info: (t, device) => {
          t.ioctl('IOMMU_GET_HW_INFO', { dev_id: device }).ok({
            data_len: VTD_BYTES,
            out_data_type: INTEL_VTD,
            out_max_pasid_log2: 0,
            // IOMMU_HW_CAP_PCI_ATS_NOT_SUPPORTED.
            out_capabilities: 8n,
          });
        },
        destroyed: (t, device) => t.destroy(device).fails('EBUSY'),
        bound_twice: (t) => bind(t).fails('EINVAL'),
        closed: (t, device) => {
          t.close(DEVICE);
          t.destroy(device).fails('ENOENT');
          t.openVfio('again', 'vfio_pci');
          bind(t, {}, 'again').ok({ out_devid: 1 });
        },
        detached_although_never_attached: (t) => detach(t),
      },
      control: (t, device) => t.ioctl('IOMMU_GET_HW_INFO', { dev_id: device }),
    }),
    scenario('attach,automatic', {
      doc: 'Attached to an IOAS, the device gets a page table that is made for it and goes with it. The IOAS translates what the hardware does, but for the range of interrupts.',
      covers: [`${ATTACH}/OK`, 'IOMMU_IOAS_IOVA_RANGES/OK'],
      source: 'device.c:iommufd_device_auto_get_domain; io_pagetable.c:iopt_table_enforce_dev_resv_regions',
      ...HARDWARE,
      setup: boundWithIoas,
      cases: {
        ranges: (t, { ioas }) => {
          t.ranges(ioas, 1).ok({ num_iovas: 1, out_iova_alignment: 1n });
          attach(t, ioas);
          t.ranges(ioas, 3).ok({ num_iovas: 2, out_iova_alignment: P, allowed_iovas: TRANSLATED });
          detach(t);
          t.ranges(ioas, 1).ok({ num_iovas: 1, out_iova_alignment: 1n });
        },
        page_table: (t, { device, ioas }) => {
          const hwpt = attach(t, ioas).ok({ pt_id: 3 }).out('pt_id');
          t.destroy(hwpt).fails('EBUSY');
          t.destroy(ioas).fails('EBUSY');
          detach(t);
          t.destroy(hwpt).fails('ENOENT');
          t.destroy(ioas);
          t.destroy(device).fails('EBUSY');
        },
        edges: (t, { ioas }) => {
          attach(t, ioas);
          t.map(ioas, { iova: 0n });
          t.map(ioas, { iova: INTERRUPTS.start - P });
          t.map(ioas, { iova: INTERRUPTS.start }).fails('EINVAL');
          t.map(ioas, { iova: INTERRUPTS.last + 1n - P }).fails('EINVAL');
          t.map(ioas, { iova: INTERRUPTS.last + 1n });
          t.map(ioas, { iova: LAST + 1n - P });
          t.map(ioas, { iova: LAST + 1n }).fails('EINVAL');
          t.unmap(ioas, 0n, LAST + 1n).ok({ length: 4n * P });
        },
        within_a_page: (t, { ioas }) => {
          attach(t, ioas);
          t.map(ioas, { iova: A + 0x800n, length: 0x800n, va: BUFFER.start + 0x800n }).fails('EINVAL');
        },
        mapped_before: (t, { ioas }) => {
          t.map(ioas, { iova: A, length: 3n * P });
          attach(t, ioas);
          t.unmap(ioas, A, 3n * P).ok({ length: 3n * P });
        },
        mapped_among_interrupts: (t, { ioas }) => {
          t.map(ioas, { iova: INTERRUPTS.start });
          attach(t, ioas).fails('EADDRINUSE');
          t.ranges(ioas, 1).ok({ num_iovas: 1, out_iova_alignment: 1n });
          t.unmap(ioas, INTERRUPTS.start, P);
          attach(t, ioas);
        },
        mapped_too_far: (t, { ioas }) => {
          t.map(ioas, { iova: LAST + 1n });
          attach(t, ioas).fails('EADDRINUSE');
          t.unmap(ioas, LAST + 1n, P);
          attach(t, ioas);
        },
        interrupts_allowed: (t, { ioas }) => {
          t.allow(ioas, [[INTERRUPTS.start, INTERRUPTS.last]]);
          attach(t, ioas).fails('EADDRINUSE');
        },
        rest_allowed: (t, { ioas }) => {
          t.allow(ioas, [[0n, INTERRUPTS.start - 1n]]);
          attach(t, ioas);
          t.allow(ioas, [[0n, INTERRUPTS.start]]).fails('EADDRINUSE');
        },
        same_again: (t, { ioas }) => {
          const hwpt = attach(t, ioas).out('pt_id');
          attach(t, ioas).ok({ pt_id: 3 });
          detach(t);
          t.destroy(hwpt).fails('ENOENT');
        },
        moved: (t, { ioas }) => {
          const other = t.ioas();
          attach(t, ioas).ok({ pt_id: 4 });
          attach(t, other).ok({ pt_id: 5 });
          t.destroy(ioas);
          t.destroy(other).fails('EBUSY');
        },
        not_moved_among_interrupts: (t, { ioas }) => {
          const other = t.ioas();
          t.map(other, { iova: INTERRUPTS.start });
          attach(t, ioas);
          attach(t, other).fails('EADDRINUSE');
          t.ranges(other, 1).ok({ num_iovas: 1, out_iova_alignment: 1n });
          t.ranges(ioas, 3).ok({ num_iovas: 2, allowed_iovas: TRANSLATED });
          t.destroy(ioas).fails('EBUSY');
          t.unmap(other, INTERRUPTS.start, P).ok({ length: P });
          t.destroy(other);
        },
        closed: (t, { device, ioas }) => {
          attach(t, ioas);
          t.close(DEVICE);
          t.destroy(device).fails('ENOENT');
          t.destroy(ioas);
        },
        unwritable: (t, { ioas }) => {
          attach(t, ioas, { at: 'sealed' }).fails('EFAULT');
          t.destroy(ioas);
        },
        no_such: (t, { device }) => {
          attach(t, 99).fails('ENOENT');
          attach(t, device).fails('EINVAL');
        },
      },
      control: (t, { ioas }) => {
        attach(t, ioas);
        t.map(ioas, { iova: A });
      },
    }),
    scenario('page_tables', {
      doc: 'Page tables that are asked for live on their own. QEMU’s IOMMU has no nesting and no dirty bits, and takes no data.',
      covers: ['IOMMU_HWPT_ALLOC/OK', 'IOMMU_HWPT_ALLOC/EOPNOTSUPP.dirty_tracking'],
      source: 'intel/iommu.c:intel_iommu_domain_alloc_paging_flags, intel_iommu_capable',
      ...HARDWARE,
      setup: (t) => {
        const made = boundWithIoas(t);
        t.map(made.ioas, { iova: A, length: 2n * P });
        return made;
      },
      cases: {
        nest_parent: (t, { device, ioas }) =>
          t.hwptAlloc(device, ioas, { flags: NEST_PARENT }).fails('EOPNOTSUPP'),
        dirty_tracking: (t, { device, ioas }) =>
          t.hwptAlloc(device, ioas, { flags: DIRTY_TRACKING }).fails('EOPNOTSUPP'),
        data: (t, { device, ioas }) =>
          t
            .hwptAlloc(device, ioas, { data_type: 1, data_len: 8, data_uptr: { words: [0, 0] } })
            .fails('EOPNOTSUPP'),
        attached: (t, { device, ioas }) => {
          const hwpt = t.hwptAlloc(device, ioas).out('out_hwpt_id');
          t.ranges(ioas, 3).ok({ num_iovas: 1, out_iova_alignment: P });
          attach(t, hwpt).ok({ pt_id: 3 });
          t.ranges(ioas, 3).ok({ num_iovas: 2, allowed_iovas: TRANSLATED });
          t.destroy(hwpt).fails('EBUSY');
          detach(t);
          t.destroy(hwpt);
          t.unmap(ioas, A, 2n * P);
        },
        two: (t, { device, ioas }) => {
          const one = t.hwptAlloc(device, ioas).out('out_hwpt_id');
          const two = t.hwptAlloc(device, ioas).out('out_hwpt_id');
          attach(t, one);
          t.map(ioas, { iova: A + HUGE_PAGE_BYTES });
          attach(t, two);
          t.destroy(one);
          t.unmap(ioas, A, 2n * P).ok({ length: 2n * P });
          t.unmap(ioas, A + HUGE_PAGE_BYTES, P).ok({ length: P });
        },
        nested: (t, { device, ioas }) => {
          const hwpt = t.hwptAlloc(device, ioas).out('out_hwpt_id');
          t.hwptAlloc(device, hwpt, { data_type: 1, data_len: 8, data_uptr: { words: [0, 0] } }).fails(
            'EINVAL',
          );
        },
        fault_queue: (t, { device, ioas }) => {
          const fault = faultQueue(t).out('out_fault_id');
          const hwpt = t.hwptAlloc(device, ioas, { flags: WITH_FAULT, fault_id: fault }).out('out_hwpt_id');
          // The device has no PRI, by which it would tell of faults.
          attach(t, hwpt).fails('ENODEV');
          attach(t, ioas);
          attach(t, hwpt).fails('ENODEV');
          t.destroy(hwpt);
          t.unmap(ioas, A, 2n * P);
          t.destroy(ioas).fails('EBUSY');
        },
        dirty_bits: (t, { device, ioas }) => {
          const hwpt = t.hwptAlloc(device, ioas).out('out_hwpt_id');
          t.ioctl('IOMMU_HWPT_SET_DIRTY_TRACKING', { hwpt_id: hwpt, flags: 1 }).fails('EOPNOTSUPP');
        },
        cut: (t, { device, ioas }) => {
          t.hwptAlloc(device, ioas);
          t.unmap(ioas, A, P).fails('ENOENT');
          t.unmap(ioas, A, 2n * P).ok({ length: 2n * P });
        },
      },
      control: (t, { device, ioas }) => t.hwptAlloc(device, ioas),
    }),
    scenario('mock_beside', {
      doc: 'A page table of one driver is none of the other’s: an automatic one is passed over, one that is asked for is refused. An IOAS with both translates what both do.',
      covers: [`${ATTACH}/OK`, 'IOMMU_TEST_OP_MOCK_DOMAIN/OK'],
      source: 'drivers/iommu/iommu.c:__iommu_attach_group; device.c:iommufd_device_auto_get_domain',
      ...HARDWARE,
      setup: boundWithIoas,
      cases: {
        mock_first: (t, { ioas }) => {
          const mock = t.mockDomain(ioas);
          t.map(ioas, { iova: A });
          attach(t, ioas);
          t.ranges(ioas, 2).ok({ num_iovas: 1, allowed_iovas: [[A, APERTURE_LAST]] });
          t.destroy(mock.out('out_stdev_id'));
          t.ranges(ioas, 3).ok({ num_iovas: 2, allowed_iovas: TRANSLATED });
          t.unmap(ioas, A, P).ok({ length: P });
        },
        hardware_first: (t, { ioas }) => {
          const hwpt = attach(t, ioas).out('pt_id');
          t.map(ioas, { iova: A });
          const mock = t.mockDomain(ioas);
          t.checkMap(mock.out('out_hwpt_id'), A, BUFFER.start);
          t.checkMap(hwpt, A, BUFFER.start).fails('EINVAL');
          detach(t);
          t.checkMap(mock.out('out_hwpt_id'), A, BUFFER.start);
        },
        of_the_mock: (t, { ioas }) => {
          const mock = t.mockDomain(ioas);
          attach(t, mock.out('out_hwpt_id')).fails('EINVAL');
          const asked = t.hwptAlloc(mock.out('out_idev_id'), ioas).out('out_hwpt_id');
          attach(t, asked).fails('EINVAL');
          attach(t, ioas);
        },
        of_the_hardware: (t, { device, ioas }) => {
          t.mockDomain(t.hwptAlloc(device, ioas).out('out_hwpt_id')).fails('EINVAL');
          t.mockDomain(ioas);
        },
        pinned_once: (t, { ioas }) => {
          t.map(ioas, { iova: A });
          t.checkRefs(BUFFER.start, 0);
          attach(t, ioas);
          t.checkRefs(BUFFER.start, 1);
          const mock = t.mockDomain(ioas);
          t.checkRefs(BUFFER.start, 1);
          detach(t);
          t.checkRefs(BUFFER.start, 1);
          t.destroy(mock.out('out_stdev_id'));
          t.checkRefs(BUFFER.start, 0);
        },
      },
      control: (t, { ioas }) => {
        t.mockDomain(ioas);
        attach(t, ioas);
      },
    }),
    scenario('cache_coherency', {
      doc: 'Page tables that are made for the device enforce cache coherency, those of the mock do not: VFIO is told so of an IOAS whose page tables all do.',
      covers: ['VFIO_CHECK_EXTENSION/OK'],
      source: 'vfio_compat.c:iommufd_vfio_cc_iommu; hw_pagetable.c:iommufd_hwpt_paging_enforce_cc',
      ...HARDWARE,
      setup: (t) => {
        const made = boundWithIoas(t);
        setCompat(t, made.ioas);
        return made;
      },
      cases: {
        asked_for: (t, { device, ioas }) => {
          t.hwptAlloc(device, ioas);
          checkExtension(t, CACHE_COHERENT).returns(1);
        },
        two: (t, { device, ioas }) => {
          attach(t, ioas);
          t.hwptAlloc(device, ioas);
          checkExtension(t, CACHE_COHERENT).returns(1);
        },
        mock_alone: (t, { ioas }) => {
          t.mockDomain(ioas);
          checkExtension(t, CACHE_COHERENT).returns(0);
        },
        mock_beside: (t, { ioas }) => {
          attach(t, ioas);
          const mock = t.mockDomain(ioas);
          checkExtension(t, CACHE_COHERENT).returns(0);
          t.destroy(mock.out('out_stdev_id'));
          checkExtension(t, CACHE_COHERENT).returns(1);
        },
      },
      control: (t, { ioas }) => {
        attach(t, ioas);
        checkExtension(t, CACHE_COHERENT).returns(1);
      },
    }),
  ],
);
