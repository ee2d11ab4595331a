/** Capabilities that iommufd asks for, in the initial user namespace. Source: include/uapi/linux/capability.h. */
export const CAPABILITY_NUMBERS = { CAP_IPC_LOCK: 14, CAP_SYS_RAWIO: 17, CAP_SYS_RESOURCE: 24 } as const;

export type Capability = keyof typeof CAPABILITY_NUMBERS;

export const CAPABILITIES = Object.keys(CAPABILITY_NUMBERS) as readonly Capability[];

/** RLIMIT_MEMLOCK of the program at its start, in bytes. The agent sets it. */
export const MEMLOCK_DEFAULT_BYTES = 8n << 20n;

/** How the pages of a mapping are charged. Source: io_pagetable.h, enum iopt_pages accounting modes. */
export type AccountMode = 'NONE' | 'USER' | 'MM';

/** The calling process: credentials, limits and the counters that pinning moves. Counters are in pages. */
export class ProcessState {
  /** Effective capabilities. */
  readonly capabilities = new Set<Capability>(CAPABILITIES);
  /** Soft RLIMIT_MEMLOCK, in bytes. */
  memlockBytes = MEMLOCK_DEFAULT_BYTES;
  /** mm->pinned_vm, VmPin of /proc/PID/status. */
  pinnedVm = 0;
  /** mm->locked_vm, VmLck of /proc/PID/status. */
  lockedVm = 0;
  /** user_struct->locked_vm of the calling user; only an ENOMEM shows it. */
  userLockedVm = 0;
}
