import { CAPABILITIES, type Capability, MEMLOCK_DEFAULT_BYTES } from '../program/credentials.js';

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
