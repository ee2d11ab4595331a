import { type RunReport, summarise } from './run_report.js';

/** The machine-readable result of a run; its shape is a contract (docs/cli.md). */
export function renderJson(report: RunReport): string {
  const { results, ms, isInterrupted, ...facts } = report;
  const lines = results.map(
    ({
      id,
      status,
      reason,
      flaky,
      ms: scenarioMs,
      covers,
      details,
      skippedCases,
      findings,
      programs,
      orders = {},
      broken = [],
      source,
      expected,
    }) => ({
      id,
      status,
      ...(reason === undefined ? {} : { reason }),
      ...(flaky === undefined ? {} : { flaky }),
      ...(expected === undefined ? {} : { expected }),
      ms: Math.round(scenarioMs),
      covers,
      programs,
      ...(source === undefined ? {} : { source }),
      ...(broken.length === 0 ? {} : { broken }),
      ...(details.length === 0 ? {} : { details }),
      ...(findings.length === 0 ? {} : { findings }),
      ...(Object.keys(orders).length === 0 ? {} : { orders }),
      ...(skippedCases.length === 0 ? {} : { skippedCases }),
    }),
  );
  const document = {
    ...facts,
    // Scenarios are written by hand: no chance is involved.
    seed: null,
    interrupted: isInterrupted,
    ms: Math.round(ms),
    summary: summarise(results),
    results: lines,
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}
