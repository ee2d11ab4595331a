import type { ScenarioBuilder } from '../harness/builder.js';

/** Often enough that both orders come up in most runs. */
const ROUNDS = 12;

/** The same again and again: each round may come in another order. */
export function rounds(body: (round: bigint) => unknown): void {
  for (let round = 0n; round < ROUNDS; round++) body(round);
}

/** Two lanes of what the functions write; returns what they return. */
export function together<A, B>(t: ScenarioBuilder, first: () => A, second: () => B): [A, B] {
  const results: { one?: A; two?: B } = {};
  t.lanes(
    () => (results.one = first()),
    () => (results.two = second()),
  );
  return [results.one as A, results.two as B];
}
