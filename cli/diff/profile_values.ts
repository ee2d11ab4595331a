import { hex } from '../../models/base/u64.js';
import type { Profile } from '../../models/profiles/index.js';

/** What a value of a profile is called, and how it is written. */
interface Described {
  readonly is: string;
  readonly write: (value: Told[keyof Told]) => string;
}

type Told = Omit<Profile, 'id' | 'kernels' | 'movedRules' | 'possibleSplats'>;

function yes(is: string): Described {
  return { is, write: (value) => (value === true ? 'yes' : 'no') };
}

function bits(is: string): Described {
  return {
    is,
    write: (value) => (typeof value === 'number' || typeof value === 'bigint' ? hex(value) : String(value)),
  };
}

function plain(is: string): Described {
  return { is, write: String };
}

/** Every value that rules read, in words. */
const VALUES: { readonly [Name in keyof Told]: Described } = {
  lastCommand: bits('the last command of an iommufd'),
  hasTestCommands: yes('CONFIG_IOMMUFD_TEST'),
  hasHugePages: yes('CONFIG_HUGETLBFS'),
  hasNoiommu: yes('devices without an IOMMU (CONFIG_IOMMUFD_NOIOMMU)'),
  hasVfioNoiommu: yes('VFIO knows containers without an IOMMU (CONFIG_VFIO_NOIOMMU)'),
  hasVfioDevice: yes('a device of VFIO to try things with (CONFIG_SAMPLE_VFIO_MDEV_MTTY)'),
  vfioBindFlags: bits('flags of VFIO_DEVICE_BIND_IOMMUFD (1 token)'),
  vfioAttachFlags: bits('flags of VFIO_DEVICE_ATTACH_IOMMUFD_PT and DETACH_IOMMUFD_PT (1 PASID)'),
  automaticAlignmentMax: bits('the largest alignment that automatic IOVAs keep, in bytes'),
  lastTestOp: plain('the last operation of IOMMU_TEST_CMD'),
  mockDeviceFlags: bits('flags of mock devices'),
  hwptPagingFlags: bits(
    'flags of a paging page table (1 nest parent, 2 dirty tracking, 4 fault queue, 8 PASID)',
  ),
  hwptNestedFlags: bits('flags of a nested page table (4 fault queue, 8 PASID)'),
  hwptSelftestBytes: plain('bytes of the mock’s data for a nested page table'),
  hasPagingData: yes('the mock takes data for a paging page table'),
  hwInfoFlags: bits('flags of IOMMU_GET_HW_INFO'),
  hwInfoCapabilities: bits('capabilities that IOMMU_GET_HW_INFO reports of every mock device'),
  hasGenericPageTable: yes('the mock’s page table is the generic one of drivers/iommu/generic_pt'),
  hasViommus: yes('vIOMMUs and what belongs to them'),
  hasFileMappings: yes('files and dma-bufs can be mapped'),
  dmabufGetReturnsFd: yes('the mock’s DMABUF_GET tells the descriptor that it makes'),
  hasNoExecFiles: yes('files without a place in the file system can hold no programs'),
  hasPasids: yes('devices are attached by PASID'),
  misalignedMapErrno: plain('mapping what is not a multiple of the domain’s smallest page is refused with'),
};

const NAMES = Object.keys(VALUES) as (keyof Told)[];

/** A value that differs. */
interface ChangedValue {
  readonly name: string;
  readonly is: string;
  readonly from: string;
  readonly to: string;
}

export function changedValues(from: Profile, to: Profile): ChangedValue[] {
  return NAMES.flatMap((name) => {
    const { is, write } = VALUES[name];
    const [before, after] = [write(from[name]), write(to[name])];
    return before === after ? [] : [{ name, is, from: before, to: after }];
  });
}
