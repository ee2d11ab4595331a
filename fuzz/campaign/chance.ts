import { Picks } from '../generate/picks.js';

/** Numbers behind the decisions about one program. */
const PICKS = 64;

/** One number for several, spread over 32 bits, so that neighbours have nothing in common. Source: the finalizer of MurmurHash3. */
export function mixSeeds(...seeds: readonly number[]): number {
  let mixed = 0;
  for (const seed of seeds) {
    mixed = (Math.imul(mixed, 0x9e37_79b1) ^ seed) >>> 0;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85eb_ca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
    mixed = (mixed ^ (mixed >>> 16)) >>> 0;
  }
  return mixed | 0;
}

/** Decisions drawn from a seed. */
export function picksOf(seed: number): Picks {
  return new Picks(Array.from({ length: PICKS }, (_, at) => mixSeeds(seed, at) & 0xffff));
}
