import { type ResultLine, type RunReport, byArea, isGood, unexpectedPass } from './run_report.js';

const VERSION = 'KTAP version 1';

/** KTAP, as the kernel's own tests write it: one test for each area, one subtest for each scenario. */
export function renderKtap({ results }: RunReport): string {
  const areas = [...byArea(results)];
  const lines = [VERSION, `1..${String(areas.length)}`];
  for (const [index, [area, scenarios]] of areas.entries()) {
    lines.push(`  ${VERSION}`, `  # Subtest: ${area}`, `  1..${String(scenarios.length)}`);
    for (const [at, result] of scenarios.entries()) lines.push(...renderResult(result, at + 1));
    lines.push(`${scenarios.every(isGood) ? 'ok' : 'not ok'} ${String(index + 1)} ${area}`);
  }
  return `${lines.join('\n')}\n`;
}

function renderResult(result: ResultLine, number: number): string[] {
  const { id, status, reason = '', flaky, details, skippedCases, findings } = result;
  const isOk = isGood(result) && status !== 'failed';
  const line = `  ${isOk ? 'ok' : 'not ok'} ${String(number)} ${id}${directive(result)}`;
  const skips = skippedCases.map((skipped) => `  # case ${skipped.name} skipped: ${skipped.reason}`);
  const known = findings.map((finding) => `  # known finding: ${finding}`);
  const luck = flaky === undefined ? [] : [`  # flaky: ${flaky.replaceAll('\n', ' ')}`];
  if (isOk) return [...skips, ...known, ...luck, line];
  const texts = details.length > 0 ? details : [status === 'passed' ? unexpectedPass(result) : reason];
  return [...skips, ...known, ...texts.map((text) => `  # ${text.replaceAll('\n', ' ')}`), line];
}

/** Trouble of the test bed and unknown answers are no failures of the kernel: KTAP calls that ERROR, and a foreseen failure XFAIL. */
function directive({ status, reason = '', expected }: ResultLine): string {
  if (status === 'failed' && expected !== undefined)
    return ` # XFAIL ${expected.reason.replaceAll('\n', ' ')}`;
  const text = reason.replaceAll('\n', ' ');
  if (status === 'skipped') return ` # SKIP ${text}`;
  return status === 'infra' || status === 'unspecified' ? ` # ERROR ${text}` : '';
}
