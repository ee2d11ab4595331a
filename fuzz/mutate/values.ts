import { PAGE_SIZE } from '../../models/base/u64.js';
import { HUGE_PAGE_BYTES, TASK_SIZE } from '../../models/program/arena.js';
import type { Picks } from '../generate/picks.js';
import { WORD_EDGES } from '../generate/values.js';

/** What becomes of one thing, with how often and why: the visible bias. */
export interface Bias<F> {
  readonly name: string;
  /** Relative to the others of its list. */
  readonly weight: number;
  readonly why: string;
  readonly does: F;
}

/** One of a list, by weight. */
export function drawBias<F>(biases: readonly [Bias<F>, ...Bias<F>[]], picks: Picks): F {
  let left = picks.below(biases.reduce((sum, { weight }) => sum + weight, 0));
  for (const { weight, does } of biases) {
    left -= weight;
    if (left < 0) return does;
  }
  return biases[0].does;
}

type ChangeNumber = (value: bigint, picks: Picks) => bigint;

/** How numbers change: addresses, lengths, offsets, counts, values. */
export const NUMBER_CHANGES: readonly [Bias<ChangeNumber>, ...Bias<ChangeNumber>[]] = [
  {
    name: 'one more or less',
    weight: 4,
    why: 'comparisons that are strict where they should not be, alignment of 1',
    does: (value, picks) => value + picks.one([1n, -1n]),
  },
  {
    name: 'a page more or less',
    weight: 6,
    why: 'neighbours: ranges that touch, overlap by a page, or leave a page out',
    does: (value, picks) => value + picks.one([PAGE_SIZE, -PAGE_SIZE]),
  },
  {
    name: 'half a page more or less',
    weight: 3,
    why: 'the mock translates half pages, pages are pinned whole',
    does: (value, picks) => value + picks.one([PAGE_SIZE / 2n, -PAGE_SIZE / 2n]),
  },
  {
    name: 'cut or filled to a whole page',
    weight: 3,
    why: 'what is askew becomes straight: a later check decides',
    does: (value, picks) => (value + picks.one([0n, PAGE_SIZE - 1n])) & -PAGE_SIZE,
  },
  {
    name: 'an edge of the word',
    weight: 3,
    why: 'sums that wrap, signs, truncation: around 2^31, 2^32, 2^63 and 2^64',
    does: (_, picks) => picks.one(WORD_EDGES),
  },
  {
    name: 'a boundary of memory',
    weight: 2,
    why: 'a page, a huge page, the end of user space',
    does: (_, picks) =>
      picks.one([
        PAGE_SIZE,
        PAGE_SIZE - 1n,
        PAGE_SIZE + 1n,
        HUGE_PAGE_BYTES,
        TASK_SIZE,
        TASK_SIZE - PAGE_SIZE,
      ]),
  },
  {
    name: 'twice or half',
    weight: 2,
    why: 'other sizes of the same order',
    does: (value, picks) => picks.one([value * 2n, value / 2n]),
  },
  {
    name: 'a bit',
    weight: 1,
    why: 'what no other change foresees',
    does: (value, picks) => value ^ (1n << BigInt(picks.below(64))),
  },
  { name: 'zero', weight: 1, why: 'the value of what is not set', does: () => 0n },
];

/** A number changed, and cut to what a member holds. */
export function changeNumber(
  value: bigint,
  { bytes, signed }: { readonly bytes: number; readonly signed: boolean },
  picks: Picks,
): number | bigint {
  const changed = drawBias(NUMBER_CHANGES, picks)(value, picks);
  const bits = bytes * 8;
  const held = signed ? BigInt.asIntN(bits, changed) : BigInt.asUintN(bits, changed);
  return bytes === 8 ? held : Number(held);
}
