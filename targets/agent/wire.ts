/**
 * The numbers that the agent and its host share. The C side includes them as a generated header (`cHeader`), so there is one
 * definition. The frames themselves are written by `encode.ts` and `src/program.c`, read by `src/program.c` and `decode.ts`.
 */
import {
  VFIO_CREATE_DIRECTORY,
  VFIO_DEVICE_NAME,
  VFIO_PCI_ADDRESS,
  VFIO_PCI_DIRECTORY,
  VFIO_PLACES,
} from '../../models/program/vfio_nodes.js';

/** Starts each frame: "ICTS". */
export const FRAME_MAGIC = 0x53544349;

/** Raised whenever a frame changes its form; host and agent of different versions refuse each other. */
export const WIRE_VERSION = 12;

/** A frame: magic, type and payload length, 32 bits each, then the payload. */
export const FRAME_HEADER_BYTES = 12;

/** The largest payload, in bytes. */
export const FRAME_BYTES_MAX = 4 << 20;

/** Frame types, host to agent below 16, agent to host from 16. */
export const FRAME = {
  ARENA: 1,
  RUN: 2,
  BENCH: 3,
  /** To the init of the kernel's selftests: seconds and what to preload, 32 bits each; the program and its arguments, each ended by 0. */
  EXECUTE: 4,
  /** What code of the kernel is watched from now on. */
  COVERAGE: 5,
  /** A RUN whose payload lies in the shared memory: the offset there and how many bytes, 32 bits each. */
  RUN_PLACED: 6,
  HELLO: 16,
  RESULTS: 17,
  BENCHED: 18,
  DIED: 19,
  TROUBLE: 20,
  /** What the program printed. */
  OUTPUT: 21,
  /** An offset in the trace, 64 bits, and bytes that belong there. */
  TRACE: 22,
  /** The status of the program as wait(2) gives it, and whether its time was up, 32 bits each. */
  ENDED: 23,
  /** RESULTS whose payload lies in the shared memory. */
  RESULTS_PLACED: 24,
} as const;

/** What the init of the kernel's selftests preloads into a program: nothing, the recorder, or what notes the code that is reached. */
export const PRELOAD = { nothing: 0, recorder: 1, kcov: 2 } as const;

/** Operations of a step. */
export const OP = {
  OPEN: 1,
  CLOSE: 2,
  IOCTL: 3,
  MMAP: 4,
  MUNMAP: 5,
  PROCESS: 6,
  COUNTERS: 7,
  READ: 8,
  WRITE: 9,
  POLL: 10,
  MEMFD: 11,
  TRUNCATE: 12,
  DUP: 13,
  MPROTECT: 14,
  FORK: 15,
  EXIT: 16,
  MREMAP: 18,
  CLOEXEC: 24,
  EXEC: 20,
  /** A descriptor changes over: SEND, then RECEIVE, each with a BY before it unless it is the first process's. */
  PASS: 21,
  SEND: 22,
  RECEIVE: 23,
  /** The steps that follow are in lanes: how many lanes, and of each its steps and the bytes that they take. */
  LANES: 25,
  /** Before a step that another process than the first carries out. */
  BY: 17,
  /** Before an ioctl, read or write: which of its allocations fails, 16 bits. */
  FAIL_NTH: 19,
} as const;

/** What a step opens. */
export const NODE = { iommu: 0, vfio_device: 1, vfio_group: 2, vfio_pci: 3 } as const;

/** Where the number of a descriptor is found. */
export const FD = { in: 0, out: 1, hidden: 2 } as const;

/** What follows the tag byte of a step's result, in this order. */
export const RESULT = {
  /** An error number, 16 bits. */
  ERRNO: 1,
  /** A return value other than 0, 32 bits. */
  VALUE: 2,
  /** A count, and each changed buffer: index, length (16 bits), bytes. */
  CHANGED: 4,
  /** VmPin and VmLck in pages, 64 bits each. */
  COUNTERS: 8,
  /** The address of a changed guard byte, 64 bits. */
  STRAY: 16,
  /** What was made to fail, 8 bits. */
  INJECTED: 32,
} as const;

/** What was made to fail: an allocation of the slab or of pages, or a place that the kernel's own tests of iommufd have. */
export const INJECTED = { nothing: 0, slab: 1, pages: 2, iommufd: 3, other: 4 } as const;

/** What of the traces of kcov the results of a program tell: places in the code, or pairs of places that followed each other. */
export const COVERAGE = { off: 0, places: 1, edges: 2 } as const;

/** Offsets of places, and numbers of pairs, are below this. */
export const COVERAGE_SPACE = 1 << 26;

/** Ranges of code that can be watched. */
export const COVERAGE_RANGES_MAX = 4096;

/** Access to memory, and kinds of arena regions. */
export const ACCESS = { rw: 0, ro: 1, none: 2, rwx: 3 } as const;
export const REGION = {
  PRIVATE: 1,
  /** Filled with guard bytes. */
  GUARDED: 2,
  /** Laid out anew after a program that changed its mappings. */
  SCRATCH: 4,
} as const;

/**
 * Offsets in the memory that host and agent share: who is running what. 32 bits each; `LANES` is the first of a word for each lane,
 * which is the step it runs plus 1, or 0.
 */
export const PROGRESS = { BATCH: 0, PROGRAM: 4, STEP: 8, LANES: 12 } as const;

/** Bytes of the memory that host and agent share, a power of two: the progress, then places for payloads. */
export const SHARED_BYTES = 4 << 20;

/**
 * Places of payloads that would have to be carried through the port page by page: two for batches and two for results, which take
 * turns, so that one is filled while the other is read. The host has no more than two batches under way.
 */
export const PLACES = { BATCHES: 1 << 16, RESULTS: (1 << 16) + 2 * (960 << 10), EACH: 960 << 10 } as const;

/** Name of the virtio port. */
export const PORT_NAME = 'iommufd-cts';

/** The header that the C sources include. */
export function cHeader(programLimits: {
  readonly slots: number;
  readonly steps: number;
  readonly handles: number;
  readonly processes: number;
  readonly lanes: number;
  readonly laneSteps: number;
  readonly hugePages: number;
}): string {
  const define = (name: string, value: number | string) => `#define ${name} ${String(value)}`;
  const table = (prefix: string, values: Readonly<Record<string, number>>) =>
    Object.entries(values).map(([name, value]) => define(`${prefix}_${name.toUpperCase()}`, value));
  return [
    '/* Generated from targets/agent/wire.ts. */',
    define('FRAME_MAGIC', `${String(FRAME_MAGIC)}u`),
    define('WIRE_VERSION', WIRE_VERSION),
    define('FRAME_BYTES_MAX', FRAME_BYTES_MAX),
    define('SHARED_BYTES', SHARED_BYTES),
    define('PORT_NAME', `"${PORT_NAME}"`),
    define('VFIO_CREATE_DIRECTORY', `"${VFIO_CREATE_DIRECTORY}"`),
    define('VFIO_DEVICE_NAME', `"${VFIO_DEVICE_NAME}"`),
    define('VFIO_PCI_ADDRESS', `"${VFIO_PCI_ADDRESS}"`),
    define('VFIO_PCI_DIRECTORY', `"${VFIO_PCI_DIRECTORY}"`),
    define('VFIO_PLACES', `{ ${vfioPlaces().join(', ')} }`),
    define('SLOTS_MAX', programLimits.slots),
    define('STEPS_MAX', programLimits.steps),
    define('FD_HANDLE_BASE', programLimits.handles),
    define('PROCESSES_MAX', programLimits.processes),
    define('LANES_MAX', programLimits.lanes),
    define('LANE_STEPS_MAX', programLimits.laneSteps),
    define('HUGE_PAGES_MAX', programLimits.hugePages),
    define('COVERAGE_SPACE', COVERAGE_SPACE),
    define('COVERAGE_RANGES_MAX', COVERAGE_RANGES_MAX),
    ...table('FRAME', FRAME),
    ...table('PRELOAD', PRELOAD),
    ...table('OP', OP),
    ...table('NODE', NODE),
    ...table('FD', FD),
    ...table('RESULT', RESULT),
    ...table('INJECTED', INJECTED),
    ...table('COVERAGE', COVERAGE),
    ...table('ACCESS', ACCESS),
    ...table('REGION', REGION),
    ...table('PROGRESS', PROGRESS),
    ...table('PLACES', PLACES),
    '',
  ].join('\n');
}

/** Of each node what tells its name, and the directory that it is in: the initializer of an array. */
function vfioPlaces(): string[] {
  return Object.entries(VFIO_PLACES).map(
    ([node, { told, nodes }]) => `[NODE_${node.toUpperCase()}] = { "${told}", "${nodes}" }`,
  );
}
