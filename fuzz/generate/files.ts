import { PAGE_SIZE } from '../../models/base/u64.js';
import { SCRATCH } from '../../models/program/arena.js';
import type { IoctlStep, MmapAccess, Step } from '../../models/program/program.js';
import type { VfioNode } from '../../models/program/vfio_nodes.js';
import { drawPosition } from './events.js';
import type { Picks } from './picks.js';
import type { GeneratorState } from './state.js';

const SCRATCH_PAGES = Number(SCRATCH.bytes / PAGE_SIZE);

/** The most pages that one step maps, protects or unmaps. */
const PAGES_MAX = 4;

const SHOWN_BYTES = BigInt(PAGES_MAX) * PAGE_SIZE;

/** Where files are shown as they are, and where privately. */
export const SHARED = SCRATCH.start;
export const PRIVATE = SHARED + SHOWN_BYTES;

/** Descriptors of one program that are not made by calls. */
const FILES_MAX = 12;

/**
 * A step on some descriptor, one that maps a region of a vIOMMU, or one on a file of memory: that makes one, shows it to the
 * process, somewhere or at the start of the scratch region or privately behind that, cuts or grows it; or one that opens a node of VFIO.
 */
export type FileKind =
  | 'file'
  | 'memory_file'
  | 'show_file'
  | 'show_file_first'
  | 'show_file_shared'
  | 'show_file_private'
  | 'show_region'
  | 'cut_file'
  | Exclude<VfioNode, 'vfio_pci'>;

/** A step on a descriptor that is no ioctl; undefined where there is nothing to do it with. */
export function drawFileStep(
  kind: FileKind,
  state: GeneratorState,
  picks: Picks,
  label: string,
): Step | undefined {
  switch (kind) {
    case 'file':
      return drawAny(state, picks, label);
    case 'memory_file':
      return drawMemoryFile(picks, label);
    case 'show_file':
      return drawShow(state, picks);
    case 'show_file_first':
      return drawShowFirst(state, picks);
    case 'show_file_shared':
      return show(state.labelOfKind('memfd', picks), SHARED, false, 'rw');
    case 'show_file_private':
      return show(state.labelOfKind('memfd', picks), PRIVATE, true, 'rw');
    case 'show_region':
      return drawShowRegion(state, picks);
    case 'cut_file':
      return drawTruncate(state, picks);
    case 'vfio_device':
    case 'vfio_group':
      return state.labels.size < FILES_MAX ? { do: 'open', label, node: kind } : undefined;
  }
}

function drawMemoryFile(picks: Picks, label: string): Step {
  const bytes = BigInt(1 + picks.below(PAGES_MAX)) * PAGE_SIZE;
  return { do: 'memfd', label, bytes, ...(picks.rarely(4) ? { fallocated: true } : {}) };
}

/** Maps a file of memory where the process sees it. */
function drawShow(state: GeneratorState, picks: Picks): Step | undefined {
  const file = state.labelOfKind('memfd', picks);
  if (file === undefined) return undefined;
  const offset = BigInt(picks.one([0, 0, 0, 1])) * PAGE_SIZE;
  return { do: 'mmap', ...drawRange(picks), file, offset, access: picks.one(['rw', 'rw', 'ro'] as const) };
}

/** Maps a file of memory, maybe privately, to the first pages of the scratch region or to those behind them. */
function drawShowFirst(state: GeneratorState, picks: Picks): Step | undefined {
  const file = state.labelOfKind('memfd', picks);
  const start = picks.one([SHARED, PRIVATE]);
  return show(file, start, picks.rarely(2), picks.one(['rw', 'rw', 'ro'] as const));
}

function show(
  file: string | undefined,
  start: bigint,
  isPrivate: boolean,
  access: MmapAccess,
): Step | undefined {
  if (file === undefined) return undefined;
  const shown = { do: 'mmap', start, bytes: SHOWN_BYTES, file, offset: 0n, access } as const;
  return isPrivate ? { ...shown, isPrivate } : shown;
}

/** Maps a region of a vIOMMU as a virtual machine monitor does: all of it, shared. */
function drawShowRegion(state: GeneratorState, picks: Picks): Step | undefined {
  const offered = state.regionToMap(picks);
  if (offered === undefined) return undefined;
  const { file, region } = offered;
  const range = { start: drawRange(picks).start, bytes: BigInt(region.bytes) };
  return { do: 'mmap', ...range, file, offset: BigInt(region.offset), access: picks.one(['rw', 'rw', 'ro']) };
}

function drawAny(state: GeneratorState, picks: Picks, label: string): Step | undefined {
  const file = state.drawFile(picks);
  const mayOpen = state.labels.size < FILES_MAX;
  switch (picks.below(9)) {
    case 0:
      return mayOpen ? drawMemoryFile(picks, label) : undefined;
    case 8:
      return mayOpen ? { do: 'open', label, access: 'ro' } : undefined;
    case 1:
      return mayOpen ? { do: 'dup', file, label } : undefined;
    case 2:
      return picks.rarely(2) ? { do: 'close', file } : { do: 'poll', file };
    case 3:
      return { do: 'read', file, bytes: picks.one([0, 8, 12, 24, 40, 80, 4096]), ...drawPosition(picks) };
    case 4:
      return { do: 'write', file, words: [1 + picks.below(3), picks.below(3)], ...drawPosition(picks) };
    case 5:
      return drawTruncate(state, picks);
    default:
      return drawMmapFile(file, picks);
  }
}

function drawTruncate(state: GeneratorState, picks: Picks): Step | undefined {
  const file = picks.unusual('otherFd') ? state.drawFile(picks) : state.labelOfKind('memfd', picks);
  if (file === undefined) return undefined;
  const pages = picks.one([PAGES_MAX, ...Array.from({ length: PAGES_MAX + 1 }, (_, count) => count)]);
  const cut = pages === 0 ? 0n : picks.one([0n, 0n, 0n, 1n, PAGE_SIZE / 2n]);
  return { do: 'truncate', file, bytes: BigInt(pages) * PAGE_SIZE - cut };
}

function drawMmapFile(file: string, picks: Picks): Step {
  const { start } = drawRange(picks);
  // The mock's regions have two pages and begin at 0x1000.
  const cut = picks.one([0n, 0n, 0n, 1n, PAGE_SIZE - 1n]);
  const bytes = picks.one([2n, 2n, 2n, 1n, 3n]) * PAGE_SIZE - cut;
  const offset = picks.one([0x1000n, 0x1000n, 0x3000n, 0n]);
  const access = picks.one<MmapAccess>(['rw', 'rw', 'ro', 'rwx']);
  return { do: 'mmap', start, bytes, file, offset, access, ...(picks.rarely(3) ? { isPrivate: true } : {}) };
}

/** Maps, protects or unmaps a few pages of the scratch region. */
export function drawMemory(picks: Picks, before: readonly Step[]): Exclude<Step, IoctlStep> {
  const shown = picks.rarely(4) ? picks.any(before.filter(isShown)) : undefined;
  if (shown !== undefined) return growShown(shown);
  const range = drawRange(picks);
  const access = picks.one(['rw', 'rw', 'ro', 'none'] as const);
  switch (picks.below(6)) {
    case 5:
      return drawMremap(range.start, picks);
    case 0:
    case 1:
      return { do: 'munmap', ...range };
    case 2:
      return { do: 'mprotect', ...range, access };
    default:
      return { do: 'mmap', ...range, access };
  }
}

type Shown = Extract<Step, { do: 'mmap' }>;

function isShown(step: Step): step is Shown {
  return step.do === 'mmap' && step.file !== undefined;
}

/** What shows a file, or the registers of a device, may not grow. */
function growShown({ start }: Shown): Exclude<Step, IoctlStep> {
  return { do: 'mremap', start, bytes: PAGE_SIZE, newBytes: 2n * PAGE_SIZE };
}

/** Moves a page or two to another place, or leaves the second behind. */
function drawMremap(near: bigint, picks: Picks): Exclude<Step, IoctlStep> {
  // Pairs of pages, so that neither place crosses the end of its half.
  const start = near & -(2n * PAGE_SIZE);
  const pages = 1 + picks.below(2);
  const size = { bytes: BigInt(pages) * PAGE_SIZE, newBytes: BigInt(1 + picks.below(pages)) * PAGE_SIZE };
  // Almost half of the region away, so that the two places are apart and both in it.
  const half = SCRATCH.bytes / 2n;
  const distance = half - BigInt(PAGES_MAX) * PAGE_SIZE;
  const to = start < SCRATCH.start + half ? start + distance : start - distance;
  return { do: 'mremap', start, ...size, ...(picks.rarely(3) ? {} : { to }) };
}

function drawRange(picks: Picks): { start: bigint; bytes: bigint } {
  return {
    start: SCRATCH.start + BigInt(picks.below(SCRATCH_PAGES - PAGES_MAX)) * PAGE_SIZE,
    bytes: BigInt(1 + picks.below(PAGES_MAX)) * PAGE_SIZE,
  };
}
