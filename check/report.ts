import { ruleSourceByName } from '../models/rule_sources.js';
import type { Checked } from './checker.js';
import type { JudgedCall } from './verdict.js';

/** How many calls got which verdict. */
export interface Counts {
  readonly exact: number;
  readonly legal: number;
  readonly mismatch: number;
  readonly unspecified: number;
}

export function countVerdicts(calls: readonly JudgedCall[]): Counts {
  const counts = { exact: 0, legal: 0, mismatch: 0, unspecified: 0 };
  for (const { verdict } of calls) counts[verdict.kind] += 1;
  return counts;
}

type Reasons = readonly (readonly [why: string, count: number])[];

/** Why calls could not be judged, the most frequent reason first. */
export function reasonsOf(calls: readonly JudgedCall[]): Reasons {
  return tally(calls, ({ verdict }) => (verdict.kind === 'unspecified' ? verdict.why : undefined));
}

/** What was free in calls of which more than one answer is legal, the most frequent first. */
function freedomsOf(calls: readonly JudgedCall[]): Reasons {
  return tally(calls, ({ name, verdict }) =>
    verdict.kind === 'legal' ? `${name}, ${verdict.why}` : undefined,
  );
}

function tally(calls: readonly JudgedCall[], reasonOf: (call: JudgedCall) => string | undefined): Reasons {
  const counts = new Map<string, number>();
  for (const call of calls) {
    const reason = reasonOf(call);
    if (reason !== undefined) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a);
}

/** The calls that the model does not allow, in words, and at the end the counts. */
export function renderChecked(
  { calls, notes, profile }: Checked,
  troubles: readonly string[],
  shownMax: number,
): string {
  const mismatches = calls.filter(({ verdict }) => verdict.kind === 'mismatch');
  const hidden = mismatches.length - shownMax;
  const { exact, legal, mismatch, unspecified } = countVerdicts(calls);
  return [
    `expectations of ${profile.id}`,
    ...notes,
    ...troubles.map((trouble) => `the trace is not whole: ${trouble}`),
    ...mismatches.slice(0, shownMax).map(renderMismatch),
    ...(hidden > 0 ? [`${String(hidden)} more that are not allowed; --all shows them`] : []),
    ...freedomsOf(calls).map(([what, count]) => `legal ${String(count)} times: ${what}`),
    ...reasonsOf(calls).map(([why, count]) => `unspecified ${String(count)} times: ${why}`),
    `${String(calls.length)} calls: ${String(exact)} exact, ${String(legal)} legal, ${String(mismatch)} mismatch, ${String(unspecified)} unspecified`,
    '',
  ].join('\n');
}

function renderMismatch({ record, name, verdict }: JudgedCall): string {
  if (verdict.kind !== 'mismatch') return '';
  const { allowed, seen, places, onward } = verdict;
  const answers = allowed.map(({ answer, because }) => `  allowed  ${answer} (${because})${reason(because)}`);
  return [
    `NOT ALLOWED: call ${String(record.start)}, ${name} of process ${String(record.process)}, thread ${String(record.thread)}`,
    `  seen     ${seen}`,
    ...answers,
    ...places.map((place) => `  at       ${place}`),
    `  onward   ${onward}`,
  ].join('\n');
}

/** What a rule says, for readers who do not want to look it up. */
function reason(because: string): string {
  const slash = because.indexOf('/');
  const id = because.slice(slash + 1);
  const rule = ruleSourceByName(because.slice(0, slash))?.rules.find((candidate) => candidate.id === id);
  return rule === undefined ? '' : `: ${rule.says}`;
}
