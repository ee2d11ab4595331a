import { access, constants, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { TestBedError } from '../target.js';
import { type Accelerator, type MachineOptions, VirtualMachine } from './virtual_machine.js';

/** What the caller asks for; `auto` is KVM where it works. */
export type AcceleratorChoice = Accelerator | 'auto';

/** A guest under KVM is up in a second; one that is not after this long will never be. */
const KVM_BOOT_MS = 6000;

const KVM_DEVICE = '/dev/kvm';

/**
 * Finds out whether KVM works. Having the device is not enough: some machines offer it and never start a guest, so one boot is
 * tried, and the answer kept for as long as the host is up.
 * @param machine a kernel to try it with
 */
export async function chooseAccelerator(
  choice: AcceleratorChoice,
  machine: Omit<MachineOptions, 'accelerator'>,
  cache: string,
): Promise<Accelerator> {
  if (choice === 'kvm') await requireKvm();
  if (choice !== 'auto') return choice;
  if (!(await isKvmAccessible())) return 'tcg';
  const bootId = await hostBootId();
  const verdictFile = verdictFileIn(cache);
  const kept = await readVerdict(verdictFile);
  if (kept?.bootId === bootId) return kept.works ? 'kvm' : 'tcg';
  const works = await bootsUnderKvm(machine);
  await writeFileAtomic(verdictFile, `${JSON.stringify({ bootId, works })}\n`);
  return works ? 'kvm' : 'tcg';
}

/** What is known of KVM, in words: whether the last try succeeded, or that there was none. */
export async function kvmState(cache: string): Promise<string> {
  if (!(await isKvmAccessible())) return `${KVM_DEVICE} cannot be opened: guests run under TCG`;
  const kept = await readVerdict(verdictFileIn(cache));
  if (kept?.bootId !== (await hostBootId()))
    return `${KVM_DEVICE} is there, and will be tried with the first guest`;
  return kept.works ? 'works' : `${KVM_DEVICE} is there, but a guest did not start: guests run under TCG`;
}

async function requireKvm(): Promise<void> {
  if (!(await isKvmAccessible())) throw new TestBedError(`${KVM_DEVICE} cannot be opened; use --accel tcg`);
}

function isKvmAccessible(): Promise<boolean> {
  return access(KVM_DEVICE, constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  );
}

function verdictFileIn(cache: string): string {
  return join(cache, 'kvm.json');
}

async function hostBootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
}

async function bootsUnderKvm(machine: Omit<MachineOptions, 'accelerator'>): Promise<boolean> {
  try {
    const booted = await VirtualMachine.boot({ ...machine, accelerator: 'kvm', bootMs: KVM_BOOT_MS });
    await booted.kill();
    return true;
  } catch (error) {
    if (error instanceof TestBedError) return false;
    throw error;
  }
}

interface Verdict {
  readonly bootId: string;
  readonly works: boolean;
}

async function readVerdict(file: string): Promise<Verdict | undefined> {
  try {
    const verdict = JSON.parse(await readFile(file, 'utf8')) as Partial<Verdict>;
    const { bootId, works } = verdict;
    return typeof bootId === 'string' && typeof works === 'boolean' ? { bootId, works } : undefined;
  } catch {
    // A missing or damaged note only means that the boot is tried again.
    return undefined;
  }
}
