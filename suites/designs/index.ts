import { seed0 } from './seed0.js';
import { seed1 } from './seed1.js';
import { seed2 } from './seed2.js';
import { seed3 } from './seed3.js';
import { seed4 } from './seed4.js';
import { type PlacedPlay, type RowFile, playsOf } from './row.js';

/** The only registry of row files. */
export const ROW_FILES: readonly RowFile[] = [seed0, seed1, seed2, seed3, seed4];

export const PLAYS: readonly PlacedPlay[] = ROW_FILES.flatMap(playsOf);
