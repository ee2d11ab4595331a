import { hex } from '../../models/base/u64.js';
import type { Profile } from '../../models/profiles/index.js';

/** What a value of a profile is called, and how it is written. */
interface Described {
  readonly is: string;
  readonly write: (profile: Told) => string;
}

type Told = Omit<Profile, 'id' | 'kernels' | 'movedRules' | 'possibleSplats'>;

function yes(is: string, of: (profile: Told) => boolean): Described {
  return { is, write: (profile) => (of(profile) ? 'yes' : 'no') };
}

function bits(is: string, of: (profile: Told) => number | bigint): Described {
  return { is, write: (profile) => hex(of(profile)) };
}

function plain(is: string, of: (profile: Told) => number | string): Described {
  return { is, write: (profile) => String(of(profile)) };
}

/** Every value that rules read, in words. */
const VALUES: { readonly [Name in keyof Told]: Described } = {
  lastCommand: bits('the last command of an iommufd', (profile) => profile.lastCommand),
  hasTestCommands: yes('CONFIG_IOMMUFD_TEST', (profile) => profile.hasTestCommands),
  hasHugePages: yes('CONFIG_HUGETLBFS', (profile) => profile.hasHugePages),
  hasNoiommu: yes('devices without an IOMMU (CONFIG_IOMMUFD_NOIOMMU)', (profile) => profile.hasNoiommu),
  hasVfioNoiommu: yes(
    'VFIO knows containers without an IOMMU (CONFIG_VFIO_NOIOMMU)',
    (profile) => profile.hasVfioNoiommu,
  ),
  automaticAlignmentMax: bits(
    'the largest alignment that automatic IOVAs keep, in bytes',
    (profile) => profile.automaticAlignmentMax,
  ),
  lastTestOp: plain('the last operation of IOMMU_TEST_CMD', (profile) => profile.lastTestOp),
  mockDeviceFlags: bits('flags of mock devices', (profile) => profile.mockDeviceFlags),
  hwptPagingFlags: bits(
    'flags of a paging page table (1 nest parent, 2 dirty tracking, 4 fault queue, 8 PASID)',
    (profile) => profile.hwptPagingFlags,
  ),
  hwptNestedFlags: bits(
    'flags of a nested page table (4 fault queue, 8 PASID)',
    (profile) => profile.hwptNestedFlags,
  ),
  hwptSelftestBytes: plain(
    'bytes of the mock’s data for a nested page table',
    (profile) => profile.hwptSelftestBytes,
  ),
  hasPagingData: yes('the mock takes data for a paging page table', (profile) => profile.hasPagingData),
  hwInfoFlags: bits('flags of IOMMU_GET_HW_INFO', (profile) => profile.hwInfoFlags),
  hwInfoCapabilities: bits(
    'capabilities that IOMMU_GET_HW_INFO reports of every mock device',
    (profile) => profile.hwInfoCapabilities,
  ),
  hasGenericPageTable: yes(
    'the mock’s page table is the generic one of drivers/iommu/generic_pt',
    (profile) => profile.hasGenericPageTable,
  ),
  hasViommus: yes('vIOMMUs and what belongs to them', (profile) => profile.hasViommus),
  hasFileMappings: yes('files and dma-bufs can be mapped', (profile) => profile.hasFileMappings),
  dmabufGetReturnsFd: yes(
    'the mock’s DMABUF_GET tells the descriptor that it makes',
    (profile) => profile.dmabufGetReturnsFd,
  ),
  hasNoExecFiles: yes(
    'files without a place in the file system can hold no programs',
    (profile) => profile.hasNoExecFiles,
  ),
  hasPasids: yes('devices are attached by PASID', (profile) => profile.hasPasids),
  misalignedMapErrno: plain(
    'mapping what is not a multiple of the domain’s smallest page is refused with',
    (profile) => profile.misalignedMapErrno,
  ),
};

/** A value that differs. */
interface ChangedValue {
  readonly name: string;
  readonly is: string;
  readonly from: string;
  readonly to: string;
}

export function changedValues(from: Profile, to: Profile): ChangedValue[] {
  return Object.entries(VALUES).flatMap(([name, { is, write }]) => {
    const [before, after] = [write(from), write(to)];
    return before === after ? [] : [{ name, is, from: before, to: after }];
  });
}
