import { WireError } from '../agent/cursor.js';
import { FRAME_BYTES_MAX, FRAME_HEADER_BYTES, FRAME_MAGIC } from '../agent/wire.js';

/** A frame from the agent. */
export interface Frame {
  readonly type: number;
  readonly payload: Uint8Array;
}

export function frameHeader(type: number, payloadBytes: number): Uint8Array {
  const header = new Uint8Array(FRAME_HEADER_BYTES);
  const view = new DataView(header.buffer);
  view.setUint32(0, FRAME_MAGIC, true);
  view.setUint32(4, type, true);
  view.setUint32(8, payloadBytes, true);
  return header;
}

/** Cuts a stream of bytes into frames. */
export class FrameSplitter {
  #chunks: Buffer[] = [];
  #bytes = 0;

  /**
   * Takes the next bytes of the stream, and returns the frames that they complete.
   * @throws WireError when the stream holds something else
   */
  push(chunk: Buffer): Frame[] {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    const frames: Frame[] = [];
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) frames.push(frame);
    return frames;
  }

  #next(): Frame | undefined {
    if (this.#bytes < FRAME_HEADER_BYTES) return undefined;
    const header = this.#front(FRAME_HEADER_BYTES);
    if (header.readUInt32LE(0) !== FRAME_MAGIC)
      throw new WireError('the agent sent something that is no frame');
    const payloadBytes = header.readUInt32LE(8);
    if (payloadBytes > FRAME_BYTES_MAX * 2) throw new WireError('the agent sent a frame without end');
    const frameBytes = FRAME_HEADER_BYTES + payloadBytes;
    if (this.#bytes < frameBytes) return undefined;
    const all = this.#front(frameBytes);
    const frame = { type: all.readUInt32LE(4), payload: all.subarray(FRAME_HEADER_BYTES, frameBytes) };
    this.#chunks = all.length > frameBytes ? [all.subarray(frameBytes)] : [];
    this.#bytes -= frameBytes;
    return frame;
  }

  /** The stream so far in one piece, if its first piece is shorter than asked for. */
  #front(count: number): Buffer {
    let [first] = this.#chunks;
    if (first === undefined || first.length < count || this.#chunks.length > 1) {
      first = Buffer.concat(this.#chunks);
      this.#chunks = [first];
    }
    return first;
  }
}
