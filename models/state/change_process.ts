import { PAGE_SIZE } from '../base/u64.js';
import type { Ioas } from './objects.js';
import type { Pages } from './pages.js';
import type { Process } from './process.js';

/**
 * What it takes to make a process pay for the pinned pages of every IOAS: it is charged for all of them before the others are
 * relieved, and becomes the owner. Source: ioas.c:iommufd_ioas_change_process, need_charge_update, charge_current.
 */
export class ChangeProcessPlan {
  /** The memory of all areas, each once. */
  readonly #pages: readonly Pages[];

  constructor(
    ioases: readonly Ioas[],
    private readonly caller: Process,
  ) {
    this.#pages = [...new Set(ioases.flatMap(({ table }) => table.areas.map(({ pages }) => pages)))];
  }

  /** Memory that another process pays for. */
  get #foreign(): readonly Pages[] {
    return this.#pages.filter(({ owner }) => owner !== this.caller);
  }

  /** Whether the caller may not lock as much: its user may be charged twice in between. */
  get exceedsLimit(): boolean {
    const limit = Number(this.caller.memlockBytes / PAGE_SIZE);
    const { user, lockedVm } = this.caller;
    const [forUser, forMemory] = [this.#pinned('USER'), this.#pinned('MM')];
    return (
      (forUser > 0 && user.lockedVm + forUser > limit) || (forMemory > 0 && lockedVm + forMemory > limit)
    );
  }

  /** Whether pinned_vm, which is not moved without a charge, is wrong from then on. */
  get losesCount(): boolean {
    return this.#pinned('NONE') > 0;
  }

  /** Whether pinned_vm of a process is wrong from then on. */
  losesCountOf(process: Process): boolean {
    const isOwner = this.#foreign.some(
      ({ owner, accountMode }) => accountMode === 'NONE' && owner === process,
    );
    return this.losesCount && (process === this.caller || isOwner);
  }

  /** Whether an account of memory that is gone is to be relieved, be it of no page: nobody can any more. */
  get payerIsGone(): boolean {
    return this.#foreign.some(({ owner, accountMode }) => !owner.isAlive && accountMode === 'MM');
  }

  commit(): void {
    for (const pages of this.#foreign) {
      const { owner, accountMode } = pages;
      const count = pages.frames.size;
      pages.owner = this.caller;
      if (accountMode === 'NONE') {
        owner.miscountedPins -= count;
        this.caller.miscountedPins += count;
        continue;
      }
      owner.pinnedVm -= count;
      this.caller.pinnedVm += count;
      if (accountMode === 'MM') {
        owner.lockedVm -= count;
        this.caller.lockedVm += count;
      }
    }
  }

  /** Pages to move that are charged so. */
  #pinned(mode: Pages['accountMode']): number {
    return this.#foreign.reduce(
      (sum, { accountMode, frames }) => sum + (accountMode === mode ? frames.size : 0),
      0,
    );
  }
}
