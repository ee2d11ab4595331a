import { CAPABILITIES, type Capability, MEMLOCK_DEFAULT_BYTES } from '../program/credentials.js';
import { FdTable } from './open_file.js';
import type { UserMemory } from './user_memory.js';

/** How the pages of a mapping are charged. Source: io_pagetable.h, enum iopt_pages accounting modes. */
export type AccountMode = 'NONE' | 'USER' | 'MM';

/** The one user that all processes of a program have. */
export class UserAccount {
  /** user_struct->locked_vm in pages; only an ENOMEM shows it. */
  lockedVm = 0;
}

/** A process: its memory, descriptors, credentials, limits, and the counters that pinning moves. Counters are in pages. */
export class Process {
  /** Effective capabilities. */
  readonly capabilities = new Set<Capability>(CAPABILITIES);
  readonly fds = new FdTable();
  /** Soft RLIMIT_MEMLOCK, in bytes. */
  memlockBytes = MEMLOCK_DEFAULT_BYTES;
  /** mm->pinned_vm, VmPin of /proc/PID/status. */
  pinnedVm = 0;
  /**
   * Pages that mappings of this process have pinned and pinned_vm of another counts; negative where it counts for others. Only
   * IOAS_CHANGE_PROCESS brings it about: the finding `change-process-counters`.
   */
  miscountedPins = 0;
  /** mm->locked_vm, VmLck of /proc/PID/status. */
  lockedVm = 0;
  /** Whether it has not exited: nobody can reach the memory of one that has. */
  isAlive = true;

  constructor(
    readonly memory: UserMemory,
    readonly user: UserAccount,
  ) {}
}
