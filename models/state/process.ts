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

/** What of a process exec() leaves as it is: task_struct with descriptors, credentials and limits. */
class Task {
  /** Effective capabilities. */
  readonly capabilities = new Set<Capability>(CAPABILITIES);
  readonly fds = new FdTable();
  /** Soft RLIMIT_MEMLOCK, in bytes. */
  memlockBytes = MEMLOCK_DEFAULT_BYTES;
}

/**
 * A process with its memory and the counters that pinning moves, in pages. One that calls exec() is another from then on, of the
 * same task: mappings know whose they are by the memory.
 */
export class Process {
  /** mm->pinned_vm, VmPin of /proc/PID/status. */
  pinnedVm = 0;
  /**
   * Pages that mappings of this process have pinned and pinned_vm of another counts; negative where it counts for others. Only
   * IOAS_CHANGE_PROCESS brings it about: the finding `change-process-counters`.
   */
  miscountedPins = 0;
  /** mm->locked_vm, VmLck of /proc/PID/status. */
  lockedVm = 0;
  /** Whether it has its memory still: nobody can reach that of one that has exited, or called exec(). */
  isAlive = true;

  constructor(
    readonly memory: UserMemory,
    readonly user: UserAccount,
    readonly task = new Task(),
  ) {}

  get capabilities(): Set<Capability> {
    return this.task.capabilities;
  }

  get fds(): FdTable {
    return this.task.fds;
  }

  get memlockBytes(): bigint {
    return this.task.memlockBytes;
  }

  set memlockBytes(bytes: bigint) {
    this.task.memlockBytes = bytes;
  }
}
