import { closeSync, openSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { reasonOf } from '../../models/base/reason.js';
import { LANES_MAX } from '../../models/program/raw.js';
import { WireError } from '../agent/cursor.js';
import { decodePlace } from '../agent/decode.js';
import { encodePlace } from '../agent/encode.js';
import { PLACES, PROGRESS, SHARED_BYTES } from '../agent/wire.js';
import { TestBedError } from '../target.js';

/** What the guest was doing when it was last seen. */
export interface Progress {
  readonly batch: number;
  readonly program: number;
  readonly step: number;
  /** Of each lane the step that it ran plus 1, or 0. */
  readonly lanes: readonly number[];
}

/**
 * A file that the guest has mapped. It tells which step runs even when the kernel has panicked, and takes payloads that would have
 * to be carried through the port page by page, each with an interrupt.
 */
export class SharedMemory {
  readonly #file: number;
  readonly #progress = Buffer.alloc(PROGRESS.LANES + 4 * LANES_MAX);
  #placed = 0;

  /** @throws TestBedError when there is no room for it: a guest that writes to a file with holes on a full disk would be killed */
  constructor(readonly path: string) {
    try {
      writeFileSync(path, new Uint8Array(SHARED_BYTES));
      this.#file = openSync(path, 'r+');
    } catch (error) {
      throw new TestBedError(`no memory for host and guest to share: ${reasonOf(error)}`);
    }
  }

  progress(): Progress {
    const bytes = this.#progress;
    readSync(this.#file, bytes, 0, bytes.length, 0);
    return {
      batch: bytes.readUInt32LE(PROGRESS.BATCH),
      program: bytes.readUInt32LE(PROGRESS.PROGRAM),
      step: bytes.readUInt32LE(PROGRESS.STEP),
      lanes: Array.from({ length: LANES_MAX }, (_, lane) => bytes.readUInt32LE(PROGRESS.LANES + 4 * lane)),
    };
  }

  /** Puts a batch where the agent finds it; returns what to tell it, or undefined for one that is too large. */
  place(payload: Uint8Array): Uint8Array | undefined {
    if (payload.length > PLACES.EACH) return undefined;
    const offset = PLACES.BATCHES + (this.#placed++ % 2) * PLACES.EACH;
    writeSync(this.#file, payload, 0, payload.length, offset);
    return encodePlace({ offset, bytes: payload.length });
  }

  /**
   * Takes results from where the agent has put them.
   * @throws WireError when it has put them elsewhere
   */
  take(place: Uint8Array): Uint8Array {
    const { offset, bytes } = decodePlace(place);
    if (offset < PLACES.RESULTS || bytes > PLACES.EACH || offset + bytes > SHARED_BYTES)
      throw new WireError('the agent has put results where there is no place for them');
    const payload = Buffer.alloc(bytes);
    readSync(this.#file, payload, 0, bytes, offset);
    return payload;
  }

  close(): void {
    closeSync(this.#file);
  }
}
