import type { Problem } from '../models/program_verdict.js';
import { errnoOf } from '../models/mutants.js';
import { ruleSourceByName } from '../models/rule_sources.js';
import type { BrokenRule } from '../reports/run_report.js';
import { type ProgramReport, describeProblem } from '../suites/harness/judge.js';

/** The rules that a target did not keep, each with the first answer that shows it. */
export function brokenRules(failures: readonly ProgramReport[]): BrokenRule[] {
  const broken = new Map<string, BrokenRule>();
  for (const report of failures) {
    for (const problem of report.problems) {
      for (const rule of rulesOf(report, problem)) {
        if (!broken.has(rule)) broken.set(rule, describeBroken(rule, describeProblem(report, problem)));
      }
    }
  }
  return [...broken.values()];
}

/** @param what the answer that shows it, in one line */
export function describeBroken(rule: string, what: string): BrokenRule {
  return { rule, ...statementOf(rule), what };
}

/** The rules that should have answered where something is wrong; none where that is not an answer. */
function rulesOf({ verdicts }: ProgramReport, { step, rules }: Problem): readonly string[] {
  if (rules !== undefined) return rules;
  const verdict = step === undefined ? undefined : verdicts[step];
  if (verdict?.kind === 'mismatch') return verdict.mismatch.rules;
  return verdict !== undefined && 'because' in verdict ? [verdict.because] : [];
}

/** What a rule says, and where the kernel decides so. */
function statementOf(id: string): Pick<BrokenRule, 'says' | 'cite'> {
  const slash = id.indexOf('/');
  const [name, ruleId] = [id.slice(0, slash), id.slice(slash + 1)];
  const source = ruleSourceByName(name);
  const rule = source?.rules.find((candidate) => candidate.id === ruleId);
  if (rule !== undefined) {
    return { says: `${name} answers ${errnoOf(rule.id) ?? 'as it may'} when ${rule.says}`, cite: rule.cite };
  }
  const cite = source?.call?.source ?? source?.operation?.source ?? '';
  return { says: ruleId === 'OK' ? `${name} succeeds` : `${name} answers by ${ruleId}`, cite };
}
