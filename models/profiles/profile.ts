import type { FindingId } from '../findings.js';
import type { World } from '../state/world.js';

/**
 * What a kernel version and its configuration change, as data: the rules of the call descriptions read it, and the order of
 * rules follows it.
 */
export interface Profile {
  /** Short name: the kernel's version as the command line takes it. */
  readonly id: string;
  /** The kernels these facts were taken from and checked on. */
  readonly kernels: string;
  /** The last native command number. */
  readonly lastCommand: number;
  /** CONFIG_IOMMUFD_TEST: the table reaches 0xA0 and COPY takes the syzkaller flag. */
  readonly hasTestCommands: boolean;
  /** CONFIG_HUGETLBFS, and memory for huge pages: programs can have some. */
  readonly hasHugePages: boolean;
  /** CONFIG_IOMMUFD_NOIOMMU: NOIOMMU_GET_PA does something. */
  readonly hasNoiommu: boolean;
  /** CONFIG_VFIO_NOIOMMU: CHECK_EXTENSION of VFIO knows NOIOMMU. */
  readonly hasVfioNoiommu: boolean;
  /** CONFIG_SAMPLE_VFIO_MDEV_MTTY, and an agent that has made such a device: programs can open it. */
  readonly hasVfioDevice: boolean;
  /** Flags that BIND_IOMMUFD of VFIO takes; those of 6.12 take a struct without what they are about. */
  readonly vfioBindFlags: number;
  /** Flags that ATTACH_IOMMUFD_PT and DETACH_IOMMUFD_PT of VFIO take. */
  readonly vfioAttachFlags: number;
  /** The largest alignment that automatic IOVAs keep, in bytes: HPAGE_SIZE with CONFIG_TRANSPARENT_HUGEPAGE. */
  readonly automaticAlignmentMax: bigint;
  /** The last operation of IOMMU_TEST_CMD. */
  readonly lastTestOp: number;
  /** Bits that MOCK_DOMAIN_FLAGS accepts. */
  readonly mockDeviceFlags: number;
  /** Flags of HWPT_ALLOC that a paging page table takes. */
  readonly hwptPagingFlags: number;
  /** Flags of HWPT_ALLOC that a nested page table takes. */
  readonly hwptNestedFlags: number;
  /** sizeof(struct iommu_hwpt_selftest). */
  readonly hwptSelftestBytes: number;
  /** Whether the mock takes driver data for a paging page table. */
  readonly hasPagingData: boolean;
  /** Flags that GET_HW_INFO takes. */
  readonly hwInfoFlags: number;
  /** Capabilities that GET_HW_INFO reports of every mock device. */
  readonly hwInfoCapabilities: bigint;
  /**
   * Whether the mock's page table is the generic one of drivers/iommu/generic_pt; before, it was an array of half pages, which shows
   * dirty pages only while it tracks them.
   */
  readonly hasGenericPageTable: boolean;
  /** Whether there are vIOMMUs, which came with 6.13. */
  readonly hasViommus: boolean;
  /** Whether files and dma-bufs can be mapped. */
  readonly hasFileMappings: boolean;
  /** Whether DMABUF_GET tells the number of the descriptor that it makes. */
  readonly dmabufGetReturnsFd: boolean;
  /** Whether files without a place in the file system can hold no programs. */
  readonly hasNoExecFiles: boolean;
  /** Whether devices can be attached by PASID. */
  readonly hasPasids: boolean;
  /** What mapping a range into a domain fails with if it is not a multiple of the domain's smallest page. */
  readonly misalignedMapErrno: 'ENXIO' | 'EINVAL';
  /** Rules that this kernel checks earlier than the descriptions list them. */
  readonly movedRules: readonly MovedRule[];
  /** Kernel messages that may come, depending on what the model does not know. */
  readonly possibleSplats: readonly PossibleSplat[];
}

/** A kernel message that is understood, and cannot be predicted. */
export interface PossibleSplat {
  readonly title: string;
  readonly finding: FindingId;
  /** When it may come, as half a sentence. */
  readonly says: string;
  readonly cite: string;
  /** Whether the next step may bring it. */
  canFollow(this: void, world: World): boolean;
}

/** A rule whose place differs from the description's. */
export interface MovedRule {
  readonly call: string;
  readonly rule: string;
  /** The rule of the same call that it precedes. */
  readonly before: string;
  readonly cite: string;
}
