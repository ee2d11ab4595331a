import type { ReportData } from '../../reports/html/data.js';
import { line, report } from './report_example.js';

const PASSED = line('ioas/map:range,fixed', {
  doc: 'A fixed range <is> mapped.',
  findings: ['reserved-not-checked'],
});

export const FAILED = line('ioas/map:range,wraps', {
  status: 'failed',
  details: ['allowed EOVERFLOW, seen OK'],
});

/** A report with one of everything. */
export const DATA: ReportData = {
  tool: 'iommufd-cts test',
  runs: [
    {
      name: 'a-kernel',
      report: report([PASSED, FAILED], { description: 'Linux 7.3.4 & more', rules: { seen: 2, all: 3 } }),
    },
  ],
  scenarios: [PASSED, FAILED, { id: 'ioas/never:ran', doc: 'no run has it' }],
  calls: [
    {
      name: 'IOMMU_IOAS_MAP',
      rules: [
        {
          ...{ id: 'EOVERFLOW.range', errno: 'EOVERFLOW', says: 'the range wraps', isInCampaigns: true },
          scenarios: [FAILED.id],
        },
        { id: 'EINVAL.length', errno: 'EINVAL', says: 'nothing to map', isInCampaigns: false, scenarios: [] },
      ],
    },
  ],
  known: [{ id: 'reserved-not-checked', title: 'Members may be anything.', kind: 'documentation' }],
  campaigns: [
    {
      ...{ name: 'night', target: '7.3.4-fast', seed: 7, workers: 2, planted: undefined, calls: 900 },
      moments: [
        { seconds: 1, programs: 10, coverage: 100, corpus: 5, findings: 0 },
        { seconds: 2, programs: 30, coverage: 150, corpus: 8, findings: 1 },
      ],
      findings: [
        {
          ...{ id: 'map-wraps', title: 'IOMMU_IOAS_MAP: OK', kind: 'model', suspect: 'either', count: 3 },
          ...{
            allowed: 'EOVERFLOW',
            seen: 'OK',
            reliability: 'shown by 5 of 5 runs',
            console: 'WARNING: <here>',
          },
          commands: ['iommufd-cts replay map-wraps/reduced.json'],
          steps: [{ text: 'open f', answer: 'OK (open/OK)', state: 'IOAS 1' }],
        },
      ],
    },
  ],
  designs: [{ design: 'mmap-v2', invariant: 'window_rule', verdict: 'breaks', programs: ['a; b'] }],
  changes: new Map([['a-kernel', [{ id: FAILED.id, before: 'passed', now: 'failed', reason: undefined }]]]),
};
