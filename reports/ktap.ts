import { type ResultLine, type RunReport, byArea } from './run_report.js';

const VERSION = 'KTAP version 1';

/** KTAP, as the kernel's own tests write it: one test for each area, one subtest for each scenario. */
export function renderKtap({ results }: RunReport): string {
  const areas = [...byArea(results)];
  const lines = [VERSION, `1..${String(areas.length)}`];
  for (const [index, [area, scenarios]] of areas.entries()) {
    lines.push(`  ${VERSION}`, `  # Subtest: ${area}`, `  1..${String(scenarios.length)}`);
    for (const [at, result] of scenarios.entries()) lines.push(...renderResult(result, at + 1));
    const isGood = scenarios.every(({ status }) => status === 'passed' || status === 'skipped');
    lines.push(`${isGood ? 'ok' : 'not ok'} ${String(index + 1)} ${area}`);
  }
  return `${lines.join('\n')}\n`;
}

function renderResult(result: ResultLine, number: number): string[] {
  const { id, status, reason = '', details, skippedCases, findings } = result;
  const isGood = status === 'passed' || status === 'skipped';
  const line = `  ${isGood ? 'ok' : 'not ok'} ${String(number)} ${id}${directive(result)}`;
  const skips = skippedCases.map((skipped) => `  # case ${skipped.name} skipped: ${skipped.reason}`);
  const known = findings.map((finding) => `  # known finding: ${finding}`);
  if (status === 'passed' || status === 'skipped') return [...skips, ...known, line];
  const texts = details.length === 0 ? [reason] : details;
  return [...skips, ...known, ...texts.map((text) => `  # ${text.replaceAll('\n', ' ')}`), line];
}

/** Trouble of the test bed and unknown answers are no failures of the kernel: KTAP calls that ERROR. */
function directive({ status, reason = '' }: ResultLine): string {
  const text = reason.replaceAll('\n', ' ');
  if (status === 'skipped') return ` # SKIP ${text}`;
  return status === 'infra' || status === 'unspecified' ? ` # ERROR ${text}` : '';
}
