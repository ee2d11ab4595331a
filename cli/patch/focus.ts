import { type KernelFunction, callsThatCite } from '../../fuzz/generate/cited_calls.js';
import { CALLS } from '../../models/ioctls/index.js';
import type { KernelCoverage, ReachableLine } from '../../reports/kernel_coverage.js';
import type { Scenario } from '../../suites/harness/scenario.js';
import { SCENARIOS } from '../../suites/index.js';
import type { DiffOfFile } from './diff_file.js';

/** What a campaign is to be about because of a diff. */
export interface DiffFocus {
  readonly calls: readonly string[];
  /** Functions that the diff changes. */
  readonly functions: readonly KernelFunction[];
  /** Why these, a line for each function. */
  readonly told: readonly string[];
}

/** Of what more calls than this come to, a campaign need not be about any. */
const CALLS_MAX = Math.floor(CALLS.length / 3);

/** Calls that are taken of those whose scenarios reach a function. */
const BY_SCENARIOS_MAX = 5;

/** So many times as often as others the scenarios of a call must reach a function. */
const LIFT_MIN = 1.5;

/** This share of the scenarios of a call must reach a function. */
const SHARE_MIN = 0.5;

/**
 * The calls that come to the functions that a diff changes: those whose descriptions cite a function, or, where none does and something was
 * measured, those whose scenarios reach it more often than others do.
 */
export function focusOf(diff: readonly DiffOfFile[], coverage: KernelCoverage | undefined): DiffFocus {
  const functions = changedFunctions(diff);
  const found = functions.map((changed) => ({ changed, ...callsOf(changed, coverage) }));
  return {
    calls: [...new Set(found.flatMap(({ calls }) => calls))].sort(),
    functions,
    told: found.map(tellWhy),
  };
}

/** Functions with a line that a diff adds or takes out, by the headings of its hunks. */
export function changedFunctions(diff: readonly DiffOfFile[]): KernelFunction[] {
  const byName = new Map<string, KernelFunction>();
  for (const { file, lines, removals } of diff) {
    const changed = [...lines.filter(({ isAdded }) => isAdded), ...removals];
    for (const { function: name } of changed)
      if (name !== undefined) byName.set(`${file}:${name}`, { file, function: name });
  }
  return [...byName.values()];
}

/** The line on a function. */
export function tellWhy({
  changed,
  why,
}: {
  readonly changed: KernelFunction;
  readonly why: string;
}): string {
  return `${changed.file}: ${changed.function}() ${why}`;
}

interface Reason {
  readonly calls: readonly string[];
  /** The rest of a sentence about the function. */
  readonly why: string;
}

function callsOf(changed: KernelFunction, coverage: KernelCoverage | undefined): Reason {
  const cited = callsThatCite(changed);
  if (cited.length > CALLS_MAX)
    return { calls: [], why: `decides of ${String(cited.length)} calls, too many to be about` };
  if (cited.length > 0) return { calls: cited, why: `decides of ${cited.join(', ')}` };
  const lines = linesOf(changed, coverage);
  if (coverage === undefined || lines === undefined)
    return {
      calls: [],
      why: 'is cited by no call, and nothing that was measured is given of it (--coverage)',
    };
  return callsThatReach(lines, coverage);
}

/** What was measured of a function; undefined where nothing was of its file. */
export function linesOf(
  { file, function: name }: KernelFunction,
  coverage: KernelCoverage | undefined,
): readonly ReachableLine[] | undefined {
  const measured = coverage?.files.find((each) => each.file === file);
  return measured && [...measured.lines, ...measured.within].filter((line) => line.function === name);
}

/** Ids of scenarios among others, which came to one of the lines. */
export function testsThatReach(
  lines: readonly ReachableLine[],
  { tests }: KernelCoverage,
): ReadonlySet<string | undefined> {
  return new Set(lines.flatMap((line) => line.tests.map((number) => tests[number])));
}

export function isAbout({ covers }: Scenario, call: string): boolean {
  return covers.some((rule) => rule.startsWith(`${call}/`));
}

function callsThatReach(lines: readonly ReachableLine[], coverage: KernelCoverage): Reason {
  const { tests } = coverage;
  const reached = testsThatReach(lines, coverage);
  const ran = new Set(tests);
  const scenarios = SCENARIOS.filter(({ id }) => ran.has(id));
  const usual = scenarios.filter(({ id }) => reached.has(id)).length / scenarios.length;
  const calls = CALLS.map((call) => {
    const own = scenarios.filter((scenario) => isAbout(scenario, call.name));
    return { call: call.name, share: own.filter(({ id }) => reached.has(id)).length / own.length };
  })
    .filter(({ share }) => share >= SHARE_MIN && share >= LIFT_MIN * usual)
    .sort((one, two) => two.share - one.share)
    .slice(0, BY_SCENARIOS_MAX)
    .map(({ call }) => call);
  if (calls.length > 0) return { calls, why: `is reached by most scenarios of ${calls.join(', ')}` };
  const count = String(reached.size);
  return {
    calls: [],
    why:
      reached.size === 0
        ? 'is reached by nothing that ran'
        : `is reached by ${count} tests, of no call more than of others`,
  };
}
