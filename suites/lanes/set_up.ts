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

type Orders = Readonly<Record<string, () => unknown>>;

/** Orders of calls that do not depend on one another: every one of the first with every one of the second. */
export function everyPair(first: Orders, second: Orders): Orders {
  const pairs = Object.entries(first).flatMap(([one, sayOne]) =>
    Object.entries(second).map(([two, sayTwo]) => [`${one}_${two}`, () => [sayOne(), sayTwo()]] as const),
  );
  return Object.fromEntries(pairs);
}
