import type { Returned } from './outcome.js';
import { type PatchSource, type RawIoctl, type RawStep, applyPatches, buffersOf } from './program/raw.js';

/** The buffers of the steps so far, as they were after their calls: what later steps' references read. */
export class StepLog {
  readonly #buffers: (readonly Uint8Array[])[] = [];

  /** The next step with its references resolved. */
  resolve(step: RawStep): RawStep {
    return step.do === 'ioctl' ? this.#applyPatches(step) : step;
  }

  /**
   * Notes what came back of a resolved step.
   * @param at the index of the step, where steps do not come in their order
   */
  record(step: RawStep, returned: Returned, at = this.#buffers.length): void {
    this.#buffers[at] = buffersOf(step).map(({ bytes }, index) => returned.out[index] ?? bytes);
  }

  #applyPatches(step: RawIoctl): RawIoctl {
    return applyPatches(step, (from: PatchSource) => this.#buffers[from.step]?.[from.buffer]);
  }
}
