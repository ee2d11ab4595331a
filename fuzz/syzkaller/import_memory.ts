import { PAGE_SIZE, pageOffset } from '../../models/base/u64.js';
import { BUFFER, SCRATCH } from '../../models/program/arena.js';
import { DATA, isData, layoutCalls, toArena } from './memory.js';
import { printProgram } from './print.js';
import type { PointerValue, SyzCall } from './text.js';

/** Where the memory of a text lies in the arena. */
export interface ImportedMemory {
  /** Whether the text has the arena itself, as exported ones do; in others, only pages that are mapped matter. */
  readonly isArena: boolean;
  /** The address of memory that a text names, of which so many bytes are meant; undefined for what cannot be placed. */
  addressOf(this: void, pointer: PointerValue, bytes: bigint): bigint | undefined;
}

/** Calls that change what memory there is. */
const CHANGING = new Set(['mmap', 'munmap', 'mremap', 'mprotect']);

/** How many calls of a text lay out memory as it is anyway. */
export function layoutLength(calls: readonly SyzCall[]): number {
  const layout = layoutCalls();
  return printProgram(calls.slice(0, layout.length)) === printProgram(layout) ? layout.length : 0;
}

/** Whether a call gives a program all its memory, as syzkaller's own programs begin. */
export function isLayout({ name, args: [, length] }: SyzCall): boolean {
  return name === 'mmap' && length?.is === 'number' && length.value > SCRATCH.bytes;
}

/** @param calls those after the layout */
export function importedMemory(calls: readonly SyzCall[], isArena: boolean): ImportedMemory {
  if (isArena) {
    return {
      isArena,
      addressOf: ({ address }) => (address !== undefined && isData(address) ? toArena(address) : undefined),
    };
  }
  const isChanged = calls.some((call) => CHANGING.has(call.name) && !isLayout(call));
  const region = isChanged ? SCRATCH : BUFFER;
  let automatic = 0n;
  return {
    isArena,
    addressOf: ({ address }, bytes) => {
      if (address === undefined) {
        automatic += PAGE_SIZE;
        return region.start + ((automatic - PAGE_SIZE) % region.bytes);
      }
      if (!isData(address) || bytes > region.bytes) return undefined;
      const offset = (address - DATA.start) % region.bytes;
      // What would reach over the end begins at the start instead.
      return region.start + (offset + bytes > region.bytes ? pageOffset(offset) : offset);
    },
  };
}
