import { type Comparison, type Entry, section } from '../../reports/comparison.js';
import { type RunReport, changedVerdicts, summarise } from '../../reports/run_report.js';

/** Scenarios that got slower are told from this on: a factor, and milliseconds. */
const SLOWER_FACTOR = 2;
const SLOWER_MS = 500;

const TOLD_MAX = 20;

/** Two runs: verdicts and rules that changed, what is answered and seen now or no more, and how long it took. */
export function compareRuns(from: RunReport, to: RunReport): Comparison {
  return {
    schema: 1,
    kind: 'runs',
    from: describe(from),
    to: describe(to),
    sections: [
      ...section('Verdicts that changed', verdicts(from, to)),
      ...section('Scenarios that are new', scenariosOnlyOf(to, from)),
      ...section('Scenarios that are gone', scenariosOnlyOf(from, to)),
      ...section('Rules that do not hold any more', brokenOnlyIn(to, from)),
      ...section('Rules that hold again', brokenOnlyIn(from, to)),
      ...section('Kernel findings seen now', findingsOnlyIn(to, from)),
      ...section('Kernel findings not seen any more', findingsOnlyIn(from, to)),
      ...section('Rules that are answered now', answeredOnlyIn(to, from)),
      ...section('Rules that are not answered any more', answeredOnlyIn(from, to)),
      ...section('Speed', speed(from, to)),
    ],
  };
}

function describe({ description, kernel, profile, reading, results }: RunReport): string {
  const what = [description, kernel, profile, reading].filter((part) => part !== '').join(', ');
  const { passed, failed, skipped, unspecified, infra } = summarise(results);
  return `${what}: ${String(passed)} passed, ${String(failed)} failed, ${String(skipped)} skipped, ${String(unspecified + infra)} unknown`;
}

function verdicts(from: RunReport, to: RunReport): Entry[] {
  return changedVerdicts(from.results, to.results).flatMap(({ id, before, now, reason }) => {
    if (before === undefined) return [];
    return [{ about: id, says: `${now}, before ${before}${reason === undefined ? '' : `: ${reason}`}` }];
  });
}

function scenariosOnlyOf(one: RunReport, { results: others }: RunReport): Entry[] {
  const known = new Set(others.map(({ id }) => id));
  return one.results
    .filter(({ id }) => !known.has(id))
    .map(({ id, status }) => ({ about: id, says: status }));
}

function brokenOnlyIn(one: RunReport, other: RunReport): Entry[] {
  const known = new Set(brokenOf(other).map(({ about }) => about));
  return brokenOf(one).filter(({ about }, at, all) => {
    return !known.has(about) && all.findIndex((entry) => entry.about === about) === at;
  });
}

function brokenOf({ results }: RunReport): Entry[] {
  return results.flatMap(({ id, broken = [] }) =>
    broken.map(({ rule, what }) => ({ about: rule, says: `${id}: ${what}` })),
  );
}

function findingsOnlyIn(one: RunReport, other: RunReport): Entry[] {
  const seenIn = ({ results }: RunReport, finding: string) =>
    results.filter(({ findings }) => findings.includes(finding)).map(({ id }) => id);
  const findings = [...new Set(one.results.flatMap((result) => result.findings))].sort();
  return findings
    .filter((finding) => seenIn(other, finding).length === 0)
    .map((finding) => ({ about: finding, says: `in ${String(seenIn(one, finding).length)} scenarios` }));
}

/** Nothing where an older report does not have them. */
function answeredOnlyIn({ rules: { answered = [] } }: RunReport, { rules }: RunReport): Entry[] {
  if (rules.answered === undefined) return [];
  const known = new Set(rules.answered);
  return answered
    .filter((rule) => !known.has(rule))
    .map((rule) => ({ about: rule, says: 'an answer followed it' }));
}

function speed(from: RunReport, to: RunReport): Entry[] {
  const old = new Map(from.results.map(({ id, ms }) => [id, ms]));
  const slower = to.results
    .flatMap(({ id, ms }) => {
      const was = old.get(id) ?? ms;
      const isSlower = ms > was * SLOWER_FACTOR && ms - was > SLOWER_MS;
      return isSlower ? [{ about: id, says: `${String(ms)} ms, before ${String(was)} ms` }] : [];
    })
    .slice(0, TOLD_MAX);
  return [
    { about: 'milliseconds', says: `${String(to.ms)}, before ${String(from.ms)}` },
    { about: 'programs per second', says: `${rate(to)}, before ${rate(from)}` },
    ...slower,
  ];
}

function rate({ results, ms }: RunReport): string {
  const programs = results.reduce((sum, result) => sum + result.programs, 0);
  return ms === 0 ? '0' : String(Math.round((programs * 1000) / ms));
}
