import junit, { type Builder } from 'junit-report-builder';
import { type RunReport, byArea, isUnexpected, unexpectedPass } from './run_report.js';

/** JUnit XML: one suite for each area, one case for each scenario. */
export function renderJunit({ results, description, profile, reading }: RunReport): string {
  // Its types describe an ES module, what is loaded is the builder itself.
  const builder = (junit as unknown as Builder).newBuilder();
  for (const [area, scenarios] of byArea(results)) {
    const seconds = scenarios.reduce((sum, { ms }) => sum + ms, 0) / 1000;
    const suite = builder.testSuite().name(area).time(seconds);
    suite.property('target', description).property('profile', profile).property('reading', reading);
    for (const result of scenarios) {
      const { id, status, reason = '', flaky, details, skippedCases, findings, ms, expected } = result;
      const testCase = suite
        .testCase()
        .className(`iommufd-cts.${id.slice(0, id.indexOf(':')).replaceAll('/', '.')}`)
        .name(id)
        .time(ms / 1000);
      const skips = skippedCases.map((skipped) => `case ${skipped.name} skipped: ${skipped.reason}`);
      const known = findings.map((finding) => `known finding: ${finding}`);
      const notes = [...skips, ...known, ...(flaky === undefined ? [] : [`flaky: ${flaky}`])];
      if (notes.length > 0) testCase.standardOutput(printable(notes.join('\n')));
      const text = printable(details.join('\n'));
      if (status === 'failed' && expected !== undefined) {
        testCase.skipped().standardOutput(printable(`failed as expected: ${expected.reason}\n${text}`));
      } else if (status === 'passed' && isUnexpected(result))
        testCase.failure(printable(unexpectedPass(result)));
      else if (status === 'failed') testCase.failure(printable(reason)).stacktrace(text);
      else if (status === 'skipped') testCase.skipped().standardOutput(printable(`skipped: ${reason}`));
      else if (status !== 'passed') testCase.error(printable(`${status}: ${reason}`), status, text);
    }
  }
  return builder.build();
}

/** XML has no way to write most control characters. */
function printable(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, '?');
}
