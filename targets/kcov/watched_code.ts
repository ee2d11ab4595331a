import { CALL_BYTES, type CodePlaces, type Place } from './places.js';

/** Code of a kernel, from an offset up to another. */
export interface CodeRange {
  readonly start: number;
  readonly end: number;
}

/** What programs are to tell of the code that they reach. Source: Documentation/dev-tools/kcov.rst. */
export interface WatchedCode {
  /** Offsets of places that were reached, or pairs of places that followed each other, by a hash. */
  readonly tells: 'places' | 'edges';
  /** The address that offsets count from. */
  readonly base: bigint;
  /** In order; other code is not told of. */
  readonly ranges: readonly CodeRange[];
}

/** Watches places that are wanted; neighbours are one range. */
export function watch(
  { base, places }: CodePlaces,
  tells: WatchedCode['tells'],
  isWanted: (place: Place) => boolean,
): WatchedCode {
  const ranges: { start: number; end: number }[] = [];
  let open: { start: number; end: number } | undefined;
  for (const place of places) {
    if (!isWanted(place)) open = undefined;
    else if (open === undefined)
      ranges.push((open = { start: place.offset, end: place.offset + CALL_BYTES }));
    else open.end = place.offset + CALL_BYTES;
  }
  return { tells, base, ranges };
}
