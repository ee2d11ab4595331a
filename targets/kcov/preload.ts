import { COVERAGE_SPACE } from '../agent/wire.js';
import { buildLibrary } from '../c_build.js';
import { ENVIRONMENT } from '../recorder/header.js';
import type { CodePlaces, Place } from './places.js';

/** Bytes of the file in which the library notes what was reached: a bit for each offset. */
export const REACHED_BYTES = COVERAGE_SPACE / 8;

/**
 * Compiles the library that notes what code of a kernel a program reaches.
 * @param sources the directory of its C source
 * @param cache where the result is kept, under the hash of what it was made of
 * @returns the path of the library
 * @throws TestBedError when there is no compiler or it fails
 */
export function buildPreload(sources: string, base: bigint, cache: string): Promise<string> {
  const header = [
    `#define TRACE_VARIABLE "${ENVIRONMENT.TRACE}"`,
    `#define COVERAGE_SPACE ${String(COVERAGE_SPACE)}`,
    `#define COVERAGE_BASE 0x${base.toString(16)}u`,
    '',
  ].join('\n');
  return buildLibrary('kcov', sources, header, cache);
}

/** The places that are noted in such a file. */
export function reachedIn(noted: Uint8Array, { places }: CodePlaces): Place[] {
  return places.filter(({ offset }) => ((noted[offset >> 3] ?? 0) & (1 << (offset & 7))) !== 0);
}
