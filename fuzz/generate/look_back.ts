import { PAGE_SIZE } from '../../models/base/u64.js';
import { ACCESS_RW_FLAGS } from '../../models/ioctls/test/test_members.js';
import { BUFFER } from '../../models/program/arena.js';
import type { IoctlStep, Step } from '../../models/program/program.js';
import { COPY_BYTES_MAX } from './calls.js';
import { FIXED } from './theme.js';

/** A step that shows what one that has failed left behind: what a write has written, what refused mappings have taken away. */
export function lookBack(failed: Step): Step | undefined {
  if (failed.do === 'mmap') {
    const { start, bytes } = failed;
    return { do: 'mprotect', start, bytes, access: 'rw' };
  }
  if (failed.do !== 'ioctl') return undefined;
  switch (failed.call) {
    case 'IOMMU_TEST_OP_ACCESS_RW':
      return readBack(failed);
    case 'IOMMU_IOAS_UNMAP':
      return mapAgain(failed);
    default:
      return failed.at === 'sealed' ? inWritable(failed) : undefined;
  }
}

/** What could not say what it had done is asked for again. */
function inWritable({ file, call, args }: IoctlStep): Step {
  return { do: 'ioctl', file, call, args };
}

/** There is room if what was there has gone. */
function mapAgain({ file, args: { ioas_id, iova } }: IoctlStep): Step | undefined {
  if (ioas_id === undefined || typeof iova !== 'bigint') return undefined;
  const args = { flags: FIXED, ioas_id, iova, user_va: BUFFER.start, length: PAGE_SIZE };
  return { do: 'ioctl', file, call: 'IOMMU_IOAS_MAP', args };
}

function readBack({ file, call, args }: IoctlStep): Step | undefined {
  const { flags, length } = args;
  if (typeof flags !== 'number' || typeof length !== 'bigint' || length > COPY_BYTES_MAX) return undefined;
  if ((flags & ACCESS_RW_FLAGS.WRITE) === 0) return undefined;
  const reading = { flags: flags & ~ACCESS_RW_FLAGS.WRITE, uptr: { room: Number(length) } };
  return { do: 'ioctl', file, call, args: { ...args, ...reading } };
}
