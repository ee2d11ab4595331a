import type { ResultLine, RunReport } from '../../reports/run_report.js';

/** A scenario's result: passed, unless a part of it says otherwise. */
export function line(id: string, part: Partial<ResultLine> = {}): ResultLine {
  return {
    id,
    doc: `about ${id}`,
    status: 'passed',
    details: [],
    findings: [],
    skippedCases: [],
    ms: 1.4,
    programs: 2,
    covers: [],
    ...part,
  };
}

/** The report of a run on a kernel. */
export function report(results: readonly ResultLine[], part: Partial<RunReport> = {}): RunReport {
  return {
    schema: 1,
    tool: 'iommufd-cts 1.2.3',
    target: 'qemu',
    description: 'Linux 7.3.4 in QEMU',
    kernel: '7.3.4-fast',
    profile: '7.3',
    reading: 'exact',
    notes: ['the virtual machine was replaced once'],
    results,
    ms: 1234,
    isInterrupted: false,
    rules: { seen: 3, all: 9 },
    ...part,
  };
}
