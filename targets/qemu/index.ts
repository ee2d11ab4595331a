import { HUGE_PAGES_MAX } from '../../models/program/arena.js';
import type { Hello } from '../agent/decode.js';
import { buildInitramfs } from '../agent/build.js';
import type { WatchedCode } from '../kcov/watched_code.js';
import { type Target, type TargetCapability, type TargetInfo } from '../target.js';
import type { AcceleratorChoice } from './accelerator.js';
import { prepareMachine } from './machine.js';
import { QemuSession } from './session.js';
import { SessionByLanes } from './session_by_lanes.js';
import type { Flavour } from '../kernels/store.js';
import type { Accelerator } from './virtual_machine.js';

/** What the guest needs; a sanitized kernel needs more memory and more time. */
const MEMORY_MIB: Readonly<Record<Flavour, number>> = { fast: 1024, sanitize: 3072 };
const BOOT_MS: Readonly<Record<Flavour, number>> = { fast: 60_000, sanitize: 180_000 };
const STEP_MS: Readonly<Record<Flavour, number>> = { fast: 30_000, sanitize: 120_000 };

export interface QemuOptions {
  readonly bzImage: string;
  readonly flavour: Flavour;
  readonly accelerator: AcceleratorChoice;
  /** Directory of the agent's C sources. */
  readonly agentSources: string;
  /** Directory for what is built once. */
  readonly cache: string;
  /** PATH, for finding programs. */
  readonly path: string;
  /** Keeps the console of every boot. */
  readonly consoleFile?: string;
  /** What code of the kernel programs are to tell of. */
  readonly watched?: WatchedCode;
  /** Titles of warnings after which the kernel goes on, and is not to be trusted. */
  readonly spoiling?: ReadonlySet<string>;
  /** More of the kernel command line. */
  readonly kernelArguments?: string;
}

/** As many as it takes for lanes to overlap. */
export const CPUS_FOR_LANES = 2;

/** Linux in virtual machines, with the agent as their only process. */
export class QemuTarget implements Target {
  readonly name = 'qemu';

  constructor(private readonly options: QemuOptions) {}

  /**
   * Starts what runs any program: those with lanes get a machine of their own, once there is one.
   * @throws TestBedError when something is missing, or the kernel does not boot
   */
  async start(): Promise<SessionByLanes> {
    return new SessionByLanes(await this.#boot(1), () => this.#boot(CPUS_FOR_LANES, '.lanes'));
  }

  /** @param suffix of the file that keeps its console */
  async #boot(cpus: number, suffix = ''): Promise<QemuSession> {
    const {
      bzImage,
      flavour,
      accelerator,
      agentSources,
      cache,
      path,
      consoleFile,
      kernelArguments,
      watched,
      spoiling,
    } = this.options;
    const machine = await prepareMachine({
      bzImage,
      accelerator,
      cache,
      path,
      pack: () => buildInitramfs(agentSources, cache),
      memoryMib: MEMORY_MIB[flavour],
      cpus,
      wantsIommu: true,
      bootMs: BOOT_MS[flavour],
      ...(kernelArguments === undefined ? {} : { kernelArguments }),
      ...(consoleFile === undefined ? {} : { consoleFile: `${consoleFile}${suffix}` }),
    });
    const knowing = {
      ...(watched === undefined ? {} : { watched }),
      ...(spoiling === undefined ? {} : { spoiling }),
    };
    return QemuSession.start({ machine, stepMs: STEP_MS[flavour], ...knowing }, (hello) =>
      describe(hello, machine.accelerator),
    );
  }
}

function describe(hello: Hello, accelerator: Accelerator): TargetInfo {
  const capabilities = new Set<TargetCapability>(['console']);
  if (hello.hasHugePages) capabilities.add('thp');
  if (hello.hugePagesReserved >= HUGE_PAGES_MAX) capabilities.add('hugetlb');
  if (hello.canInject) capabilities.add('injection');
  if (hello.hasIommufd) capabilities.add('iommufd');
  if (hello.hasVfioDevice) capabilities.add('vfio_device');
  if (hello.hasVfioPciDevice) capabilities.add('vfio_pci');
  const { release } = hello;
  return { description: describeGuest(release, accelerator), release, capabilities, accelerator };
}

/** A guest in words. */
export function describeGuest(release: string, accelerator: Accelerator): string {
  return `Linux ${release} in QEMU (${accelerator === 'kvm' ? 'KVM' : 'TCG, no KVM'})`;
}
