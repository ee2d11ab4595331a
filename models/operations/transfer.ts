import type { Rule } from '../ioctls/description.js';
import type { RawTransfer } from '../program/raw.js';
import type { CallMemory } from '../state/call_memory.js';

/** pread() and pwrite() of a file without positions. */
export const UNPOSITIONED: Rule<{ readonly step: RawTransfer }> = {
  id: 'ESPIPE.offset',
  says: 'an offset is given, and the file has no positions',
  cite: 'fs/read_write.c: FMODE_PREAD, FMODE_PWRITE',
  when: ({ step }) => step.offset !== undefined,
};

/** copy_to_user(): writes up to the first byte that cannot be written, and says whether that was everything. */
export function writeWhole(memory: CallMemory, address: bigint, bytes: Uint8Array): boolean {
  const writable = memory.writableBytes(address, bytes.length);
  if (writable > 0) memory.write(address, bytes.subarray(0, writable));
  return writable === bytes.length;
}
