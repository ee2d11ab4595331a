import { closeSync, ftruncateSync, openSync, readSync } from 'node:fs';
import { LANES_MAX } from '../../models/program/raw.js';
import { PROGRESS, PROGRESS_BYTES } from '../agent/wire.js';

/** What the guest was doing when it was last seen. */
export interface Progress {
  readonly batch: number;
  readonly program: number;
  readonly step: number;
  /** Of each lane the step that it ran plus 1, or 0. */
  readonly lanes: readonly number[];
}

/** A file that the guest has mapped: it tells which step runs even when the kernel has panicked. */
export class ProgressPage {
  readonly #file: number;
  readonly #bytes = Buffer.alloc(PROGRESS.LANES + 4 * LANES_MAX);

  constructor(readonly path: string) {
    this.#file = openSync(path, 'w+');
    ftruncateSync(this.#file, PROGRESS_BYTES);
  }

  read(): Progress {
    readSync(this.#file, this.#bytes, 0, this.#bytes.length, 0);
    return {
      batch: this.#bytes.readUInt32LE(PROGRESS.BATCH),
      program: this.#bytes.readUInt32LE(PROGRESS.PROGRAM),
      step: this.#bytes.readUInt32LE(PROGRESS.STEP),
      lanes: Array.from({ length: LANES_MAX }, (_, lane) =>
        this.#bytes.readUInt32LE(PROGRESS.LANES + 4 * lane),
      ),
    };
  }

  close(): void {
    closeSync(this.#file);
  }
}
