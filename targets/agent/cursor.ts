/** Little-endian numbers written one behind the other into memory that grows. */
export class ByteWriter {
  #bytes = new Uint8Array(1 << 16);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;

  get length(): number {
    return this.#at;
  }

  /** What was written since the last `reset`; valid until the next one. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }

  reset(): void {
    this.#at = 0;
  }

  u8(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = value;
  }

  u16(value: number): void {
    this.#reserve(2);
    this.#view.setUint16(this.#at, value, true);
    this.#at += 2;
  }

  u32(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#at, value, true);
    this.#at += 4;
  }

  u64(value: bigint): void {
    this.#reserve(8);
    this.#view.setBigUint64(this.#at, value, true);
    this.#at += 8;
  }

  append(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #reserve(count: number): void {
    if (this.#at + count <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + count));
    grown.set(this.#bytes);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

/** A frame that ends too early, or holds what cannot be. */
export class WireError extends Error {
  override readonly name = 'WireError';
}

/** Little-endian numbers read one behind the other. */
export class ByteReader {
  readonly #view: DataView;
  #at = 0;

  constructor(private readonly source: Uint8Array) {
    this.#view = new DataView(source.buffer, source.byteOffset, source.byteLength);
  }

  get left(): number {
    return this.source.length - this.#at;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  i32(): number {
    return this.#view.getInt32(this.#take(4), true);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8), true);
  }

  /** So many numbers of 32 bits. */
  u32s(count: number): Uint32Array {
    const at = this.#take(count * 4);
    return Uint32Array.from({ length: count }, (_, index) => this.#view.getUint32(at + index * 4, true));
  }

  /** A copy, because frames are read into memory that is used again. */
  bytes(count: number): Uint8Array {
    const at = this.#take(count);
    return this.source.slice(at, at + count);
  }

  #take(count: number): number {
    const at = this.#at;
    if (at + count > this.source.length) throw new WireError('a frame of the agent ends too early');
    this.#at = at + count;
    return at;
  }
}
