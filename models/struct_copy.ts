import { present } from './base/assert.js';
import type { ArgsOf, FieldTable } from './layout/field.js';
import { type StructLayout, readMember } from './layout/struct.js';
import type { CallMemory } from './state/call_memory.js';

/** More than any struct of the uAPI has. */
const BYTES_MAX = 512;

/** One struct at a time is decoded or encoded, and here: a view for each would cost more than the rest of a prediction. */
const SCRATCH = new Uint8Array(BYTES_MAX);
const VIEW = new DataView(SCRATCH.buffer);

/** Whose bytes lie there as they were handed over. */
const scratched: { of: StructCopy | undefined } = { of: undefined };

/**
 * What the kernel copied of a user's struct, zero-filled to its own size (copy_struct_from_user). The caller's bytes are read
 * again at each use: nothing changes them during a call.
 */
export class StructCopy {
  constructor(
    private readonly layout: StructLayout<FieldTable>,
    private readonly memory: CallMemory,
    private readonly pointer: bigint,
    /** Bytes that user space passed, which may be more or fewer than the struct has. */
    private readonly userBytes: number,
  ) {}

  decode(): Record<string, number | bigint> {
    this.#load();
    return this.layout.decode(VIEW);
  }

  member(name: string): number | bigint {
    this.#load();
    return readMember(present(this.layout.memberOf(name), name), VIEW);
  }

  /** The bytes of the copy with other values in its members. */
  encode(args: ArgsOf<FieldTable>): Uint8Array {
    this.#load();
    this.layout.encode(args, VIEW);
    scratched.of = undefined;
    return new Uint8Array(startOfScratch(this.layout.bytes));
  }

  #load(): void {
    if (scratched.of === this) return;
    scratched.of = this;
    const { bytes } = this.layout;
    const passed = Math.min(bytes, this.userBytes);
    this.memory.copyGiven(this.pointer, passed, SCRATCH);
    if (passed < bytes) SCRATCH.fill(0, passed, bytes);
  }
}

const STARTS: Uint8Array[] = [];

/** So many bytes of it: a view for each call would take longer than the copy. */
function startOfScratch(bytes: number): Uint8Array {
  return (STARTS[bytes] ??= SCRATCH.subarray(0, bytes));
}
