import type { Argv } from 'yargs';
import { type KernelFunction, callsThatCite } from '../../fuzz/generate/cited_calls.js';
import type { KernelCoverage } from '../../reports/kernel_coverage.js';
import type { Scenario } from '../../suites/harness/scenario.js';
import { UsageError } from '../errors.js';
import type { DiffOfFile } from './diff_file.js';
import { changedFunctions, isAbout, linesOf, tellWhy, testsThatReach } from './focus.js';
import { type FocusFiles, readFocusDiff } from './focus_files.js';

/** Options of commands that run only what a change of the kernel touches. */
export function addTouchedOptions(yargs: Argv): Argv {
  return yargs
    .option('focus-diff', {
      type: 'string',
      describe: 'a unified diff of the kernel: only scenarios that come to functions that it changes',
    })
    .option('coverage', {
      type: 'string',
      describe: 'what "coverage --json" wrote: tells for --focus-diff which scenarios come to a function',
    });
}

/** Scenarios that come to what a diff changes. */
export interface TouchedScenarios {
  readonly scenarios: readonly Scenario[];
  /** Why these, a line for each function. */
  readonly told: readonly string[];
}

/**
 * Of some scenarios those that come to a function that a diff changes: those that reached it when that was measured, or else those
 * about the calls whose descriptions cite it.
 */
export function touchedBy(
  diff: readonly DiffOfFile[],
  coverage: KernelCoverage | undefined,
  scenarios: readonly Scenario[],
): TouchedScenarios {
  const found = changedFunctions(diff).map((changed) => ({
    changed,
    ...comeTo(changed, coverage, scenarios),
  }));
  const touched = new Set(found.flatMap((each) => each.scenarios));
  return {
    scenarios: scenarios.filter((scenario) => touched.has(scenario)),
    told: found.map(tellWhy),
  };
}

interface Reason {
  readonly scenarios: readonly Scenario[];
  /** The rest of a sentence about the function. */
  readonly why: string;
}

function comeTo(
  changed: KernelFunction,
  coverage: KernelCoverage | undefined,
  scenarios: readonly Scenario[],
): Reason {
  const lines = linesOf(changed, coverage) ?? [];
  if (coverage !== undefined && lines.length > 0) {
    const reached = testsThatReach(lines, coverage);
    const those = scenarios.filter(({ id }) => reached.has(id));
    return { scenarios: those, why: `was reached by ${countOf(those)}` };
  }
  const calls = callsThatCite(changed);
  const those = scenarios.filter((scenario) => calls.some((call) => isAbout(scenario, call)));
  if (calls.length > 0) return { scenarios: those, why: `decides of ${calls.join(', ')}: ${countOf(those)}` };
  const unknown =
    coverage === undefined ? 'nothing that was measured is given (--coverage)' : 'was not measured';
  return { scenarios: [], why: `is cited by no call, and ${unknown}: no scenarios` };
}

function countOf({ length }: readonly Scenario[]): string {
  return length === 1 ? '1 scenario' : `${String(length)} scenarios`;
}

/**
 * Of the selected scenarios those that come to what a diff changes; without a diff, all of them. Why is told on stderr.
 * @param command whose line it is
 * @throws UsageError when no scenario is known to come there
 */
export async function selectTouched(
  selected: readonly Scenario[],
  files: FocusFiles,
  command: string,
): Promise<readonly Scenario[]> {
  const focus = await readFocusDiff(files);
  if (focus === undefined) return selected;
  const { scenarios, told } = touchedBy(focus.diff, focus.measured, selected);
  if (scenarios.length === 0) {
    throw new UsageError(
      `no scenario of those selected is known to come to what ${focus.path} changes: leave out --focus-diff, or give what "coverage --json" wrote with --coverage`,
    );
  }
  for (const why of [...told, ...focus.unnamed]) process.stderr.write(`${command}: ${why}\n`);
  const how =
    focus.measured === undefined ? ', by citations alone: what was measured tells more (--coverage)' : '';
  process.stderr.write(`${command}: ${String(scenarios.length)} of ${countOf(selected)}${how}\n`);
  return scenarios;
}
