import { type RunReport, summarise } from './run_report.js';

/** The machine-readable result of a run; its shape is a contract (docs/cli.md). */
export function renderJson(report: RunReport): string {
  const {
    schema,
    tool,
    target,
    description,
    kernel,
    profile,
    reading,
    notes,
    results,
    ms,
    isInterrupted,
    rules,
  } = report;
  const lines = results.map(({ id, status, reason, ms: scenarioMs, covers, details, programs }) => ({
    id,
    status,
    ...(reason === undefined ? {} : { reason }),
    ms: Math.round(scenarioMs),
    covers,
    programs,
    ...(details.length === 0 ? {} : { details }),
  }));
  const document = {
    schema,
    tool,
    target,
    description,
    kernel,
    profile,
    reading,
    // Scenarios are written by hand: no chance is involved.
    seed: null,
    notes,
    interrupted: isInterrupted,
    ms: Math.round(ms),
    rules,
    summary: summarise(results),
    results: lines,
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}
