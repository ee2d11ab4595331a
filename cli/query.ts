import { globSource } from '../reports/glob.js';
import type { Scenario } from '../suites/harness/scenario.js';
import { UsageError } from './errors.js';

/** Scenarios that a wrong query is compared with. */
const SUGGESTIONS_MAX = 3;

/**
 * The scenarios that queries select, in their own order; without a query, all of them. A query is an id, a part of one up to a
 * separator (`ioas`, `ioas/map`, `ioas/map:fixed`), or has `*` for any run of characters.
 * @throws UsageError for a query that selects nothing
 */
export function select(scenarios: readonly Scenario[], queries: readonly string[]): Scenario[] {
  if (queries.length === 0) return [...scenarios];
  const patterns = queries.map((query) => ({ query, pattern: compile(query) }));
  for (const { query, pattern } of patterns) {
    if (!scenarios.some(({ id }) => pattern.test(id))) throw new UsageError(unknownQuery(scenarios, query));
  }
  return scenarios.filter(({ id }) => patterns.some(({ pattern }) => pattern.test(id)));
}

/** The part of a list that one of several machines runs; the parts are disjoint and together the whole. */
export function shard<T>(all: readonly T[], spec: string | undefined): T[] {
  if (spec === undefined) return [...all];
  const found = /^(\d+)\/(\d+)$/.exec(spec);
  const [index, count] = [Number(found?.[1]), Number(found?.[2])];
  if (found === null || count < 1 || index < 1 || index > count) {
    throw new UsageError(`--shard ${spec} makes no sense; write I/N with I from 1 to N, for example 2/4`);
  }
  return all.filter((_, at) => at % count === index - 1);
}

function compile(query: string): RegExp {
  return new RegExp(`^${globSource(query)}(?:$|(?<=[/:,])|[/:,])`);
}

function unknownQuery(scenarios: readonly Scenario[], query: string): string {
  const similar = scenarios
    .map(({ id }) => ({ id, distance: commonWords(id, query) }))
    .filter(({ distance }) => distance > 0)
    .sort((one, two) => two.distance - one.distance)
    .slice(0, SUGGESTIONS_MAX)
    .map(({ id }) => id);
  const hint =
    similar.length === 0 ? 'iommufd-cts list shows them all' : `did you mean ${similar.join(' or ')}?`;
  return `no scenario matches ${query}; ${hint}`;
}

function commonWords(id: string, query: string): number {
  const words = new Set(id.split(/[/:,_]/));
  return query.split(/[/:,_*]/).filter((word) => words.has(word)).length;
}
