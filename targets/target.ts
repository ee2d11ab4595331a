import type { ProgramOutcome } from '../models/outcome.js';
import type { RawProgram } from '../models/program/raw.js';

/** What a kernel or its configuration may lack, and scenarios may need. */
export const CAPABILITIES_OF_TARGETS = {
  iommufd: 'CONFIG_IOMMUFD: /dev/iommu',
  iommufd_test: 'CONFIG_IOMMUFD_TEST: the mock IOMMU hardware',
  viommu: 'IOMMU_VIOMMU_ALLOC, which came with Linux 6.13',
  map_file: 'IOMMU_IOAS_MAP_FILE, which came with Linux 6.13',
  dmabuf: 'dma-bufs of the mock, which Linux 6.12 does not have',
  pasid: 'PASIDs of mock devices, which came with Linux 6.15',
  vfio_device: 'CONFIG_SAMPLE_VFIO_MDEV_MTTY: a device of VFIO that binds to an iommufd',
  vfio_pci: 'a PCI device behind an IOMMU, bound to vfio-pci',
  noiommu: 'CONFIG_IOMMUFD_NOIOMMU: devices without an IOMMU',
  thp: 'CONFIG_TRANSPARENT_HUGEPAGE',
  hugetlb: 'CONFIG_HUGETLBFS, or memory for huge pages of 2 MiB',
  injection:
    'CONFIG_FAULT_INJECTION with its debugfs, CONFIG_FAILSLAB and CONFIG_FAIL_PAGE_ALLOC: allocations that fail',
  console: 'kernel messages can be read',
} as const;

export type TargetCapability = keyof typeof CAPABILITIES_OF_TARGETS;

/** What a target turned out to be. */
export interface TargetInfo {
  /** For people: kernel version, accelerator. */
  readonly description: string;
  /** `uname -r`, or the profile that the model plays. */
  readonly release: string;
  readonly capabilities: ReadonlySet<TargetCapability>;
  /** How a virtual machine runs. */
  readonly accelerator?: 'kvm' | 'tcg';
}

/** Somewhere programs can run. */
export interface Target {
  readonly name: string;
  /** @throws TestBedError when it cannot be started */
  start(): Promise<Session>;
}

/** A started target. */
export interface Session {
  readonly info: TargetInfo;
  /**
   * Runs programs in order, each with fresh files. May be called again before it has answered: work queues up, so that the
   * target never waits. Trouble of the test bed comes back as `infra` outcomes.
   */
  run(programs: readonly RawProgram[]): Promise<ProgramOutcome[]>;
  /** Trouble of the test bed that was overcome, in words: results stand, but a reader should know. */
  troubles(): readonly string[];
  /** Machines that have been replaced. */
  readonly restarts: number;
  stop(): Promise<void>;
}

/** The test bed, not the kernel under test, is at fault; says what to do about it. */
export class TestBedError extends Error {
  override readonly name: string = 'TestBedError';
}

/** What the user handed over is not what it should be: a kernel image, a source tree. */
export class BadInputError extends TestBedError {
  override readonly name = 'BadInputError';
}
