import type { DesignInvariant } from './invariant.js';

export const pinsBalance: DesignInvariant = {
  id: 'pins_balance',
  statement:
    'Each page is pinned exactly as often as there are users who need it pinned, per page and per tier.',
  notCovered: 'Who made a pin; two errors that cancel out.',
  facet: 'pins',
  holdsAtPauses: false,
  check: ({ after: { pins = [] } }) =>
    pins
      .filter(({ actual, expected }) => actual !== expected)
      .map(({ of, actual, expected }) => `${of} has ${count(actual, 'pin')} instead of ${String(expected)}`),
};

export const chargesEqualPins: DesignInvariant = {
  id: 'charges_equal_pins',
  statement: 'Every account is charged with exactly what is held for it, and never with more than its limit.',
  notCovered: 'What exceeds a limit for a moment inside one call.',
  facet: 'accounts',
  holdsAtPauses: false,
  check: ({ after: { accounts = [] } }) =>
    accounts.flatMap(({ of, actual, expected, limit }) => [
      ...(actual === expected ? [] : [`${of} is charged ${String(actual)} instead of ${String(expected)}`]),
      ...(limit !== undefined && actual > limit
        ? [`${of} is charged with more than the limit of ${String(limit)}`]
        : []),
    ]),
};

export const referencesBalance: DesignInvariant = {
  id: 'references_balance',
  statement: 'Whatever is counted has as many references as it has users.',
  notCovered: 'Short-lived references inside a call.',
  facet: 'references',
  holdsAtPauses: false,
  check: ({ after: { references = [] } }) =>
    references
      .filter(({ actual, expected }) => actual !== expected)
      .map(
        ({ of, actual, expected }) =>
          `${of} has ${count(actual, 'reference')} instead of ${String(expected)}`,
      ),
};

function count(n: number, noun: string): string {
  return `${String(n)} ${noun}${n === 1 ? '' : 's'}`;
}
