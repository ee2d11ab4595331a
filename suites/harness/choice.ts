import type { Expectation, ExpectedStep } from './expected_step.js';

/** Answers that steps may give together. */
export interface Alternative {
  /** Which order of the lanes it is, or what else has happened. */
  readonly name: string;
  /** By the index of the step. */
  readonly expectations: ReadonlyMap<number, Expectation>;
}

/** Several alternatives of which one must be what was seen. */
export type Choice = readonly Alternative[];

/**
 * What steps are expected to answer after each of several functions has said so.
 * @param steps all so far; undefined for those on which nothing can be hung
 * @param cases each says what some of the steps answer; the others answer as was said before
 */
export function choiceOf(
  steps: readonly (ExpectedStep | undefined)[],
  cases: Readonly<Record<string, () => unknown>>,
): Choice {
  const before = steps.map((step) => step?.expectation);
  const said = Object.entries(cases).map(([name, say]) => {
    say();
    const after = steps.map((step) => step?.expectation);
    for (const [index, step] of steps.entries()) {
      const expectation = before[index];
      if (expectation !== undefined) step?.restate(expectation);
    }
    return { name, after };
  });
  const touched = steps.flatMap((_, index) =>
    said.some(({ after }) => after[index] !== before[index]) ? [index] : [],
  );
  return said.map(({ name, after }) => {
    const entries = touched.flatMap((index): [number, Expectation][] => {
      const expectation = after[index];
      return expectation === undefined ? [] : [[index, expectation]];
    });
    return { name, expectations: new Map(entries) };
  });
}
