import type { AnnotatedCoverage, ReportData } from '../../reports/html/data.js';
import type { StoredCoverage, StoredLine } from '../../reports/kernel_coverage.js';
import type { ChangedFunction, ChangedLine, PatchView } from '../../reports/patch_view.js';
import { line, report } from './report_example.js';

export const PASSED = line('ioas/map:range,fixed', {
  covers: ['IOMMU_IOAS_MAP/EINVAL.length', 'gone/EIO.rule'],
  doc: 'A fixed range <is> mapped.',
  findings: ['reserved-not-checked'],
});

export const FAILED = line('ioas/map:range,wraps', {
  status: 'failed',
  details: ['allowed EOVERFLOW, seen OK'],
});

/** A file of some kernel, made up for these tests. */
export const SOURCE = `// A file & its functions.
int grow(int by)
{
\tif (by < 0)
\t\treturn -1;
\treturn tell(by);
}

int shrink(void)
{
\treturn 0;
}
`;

export const SOURCE_FILE = 'drivers/iommu/iommufd/sizes.c';

const REACHED: readonly StoredLine[] = [
  {
    ...{ line: 4, function: 'grow', tests: 2 },
    first: `${PASSED.id}, program 1`,
    means: 'alone',
    theirs: true,
  },
  {
    ...{ line: 5, function: 'grow', tests: 1 },
    first: `${FAILED.id}, program 3`,
    means: 'injection',
    theirs: false,
  },
  {
    ...{ line: 6, function: 'grow', tests: 1 },
    first: 'random programs of seed 9, program 4',
    means: 'lanes',
    theirs: false,
  },
  { ...{ line: 11, function: 'shrink', tests: 0 }, theirs: true },
];

/** What `coverage` writes. */
export const COVERAGE: StoredCoverage = {
  ...{ tool: 'iommufd-cts test', kernel: '7.3.4-sanitize', source: 'Debian linux-source-0 0.1' },
  ...{ description: 'Linux 7.3.4 in QEMU', programs: 1234, tests: 2, cut: 1 },
  theirs: ['iommufd: 3 passed'],
  files: [
    {
      file: SOURCE_FILE,
      reachable: REACHED,
      within: [{ line: 3, function: 'grow', tests: 2, first: `${PASSED.id}, program 1`, means: 'alone' }],
    },
    {
      file: 'drivers/iommu/iommufd/other.h',
      reachable: [{ line: 1, function: 'known', tests: 0, theirs: false }],
    },
  ],
};

/** The source of one file is there, that of the other is not. */
const ANNOTATED: AnnotatedCoverage = {
  coverage: COVERAGE,
  texts: new Map([[SOURCE_FILE, SOURCE.split('\n')]]),
  lack: undefined,
};

const CHANGED: readonly ChangedLine[] = [
  {
    ...{ change: 'added', line: 4, text: '\tif (by < 0)', execution: 'executed', means: 'alone' },
    tests: [PASSED.id, FAILED.id, 'random programs of seed 9', 'stored programs'],
    first: `${PASSED.id}, program 1`,
  },
  {
    ...{ change: 'added', line: 5, text: '\t\treturn -1;', execution: 'in part', means: 'injection' },
    ...{ tests: [FAILED.id], first: `${FAILED.id}, program 3` },
  },
  {
    ...{ change: 'added', line: 7, text: '} // <end>', execution: 'no trace point', at: 6, means: 'lanes' },
    ...{ tests: ['random programs of seed 9'], first: 'random programs of seed 9, program 4' },
  },
];

/** What was executed of a diff. */
const PATCH: PatchView = {
  ...{ schema: 1, tool: 'iommufd-cts test', patch: 'my.patch', kernel: COVERAGE.kernel },
  ...{ source: COVERAGE.source, programs: COVERAGE.programs, tests: COVERAGE.tests },
  functions: [
    { file: SOURCE_FILE, function: 'grow', enteredBy: 4, others: 1, lines: CHANGED },
    {
      ...{ file: SOURCE_FILE, function: 'shrink', enteredBy: 0, others: 0 },
      lines: [
        {
          ...{ change: 'removed', line: 12, last: 13, text: '\tif (none)', execution: 'not executed' },
          ...{ at: 11, tests: [] },
        },
      ],
    },
    {
      ...{ file: 'drivers/iommu/iommufd/other.h', function: '', others: 0 },
      lines: [1, 3].map((number): ChangedLine => ({
        ...{ change: 'added', line: number, text: 'int other;', execution: 'not executed', tests: [] },
      })),
    },
  ],
  unmeasured: ['mm/gup.c'],
};

/** A report with one of everything. */
export const DATA: ReportData = {
  tool: 'iommufd-cts test',
  runs: [
    {
      name: 'a-kernel',
      report: report([PASSED, FAILED], {
        description: 'Linux 7.3.4 & more',
        rules: { seen: 2, all: 3 },
        invariants: { areas_disjoint: 1234, never_looked: 0 },
        flags: { IOMMU_IOAS_MAP: { WRITEABLE: { OK: 17, 'EINVAL.length': 3 } } },
        states: {
          IOMMU_IOAS_MAP: {
            'ioas_id: IOAS: empty': { WRITEABLE: { OK: 17 }, none: { 'EINVAL.length': 1 } },
            'ioas_id: no object': { WRITEABLE: { 'ENOENT.ioas': 2 } },
          },
        },
      }),
    },
  ],
  scenarios: [PASSED, FAILED, { id: 'ioas/never:ran', doc: 'no run has it', covers: [] }],
  calls: [
    {
      name: 'IOMMU_IOAS_MAP',
      flags: ['FIXED_IOVA', 'WRITEABLE'],
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
  coverages: [ANNOTATED],
  patches: [{ view: PATCH, measured: ANNOTATED }],
  designs: [{ design: 'mmap-v2', invariant: 'window_rule', verdict: 'breaks', programs: ['a; b'] }],
  branches: [{ design: 'mmap-v2', all: 3, missed: ['mmap/EINVAL.size'] }],
  invariants: [
    { id: 'areas_disjoint', statement: 'No two areas share an IOVA.', notCovered: 'Areas that come.' },
    { id: 'never_looked', statement: 'It is so.', notCovered: 'Nothing.' },
  ],
  changes: new Map([
    [
      'a-kernel',
      {
        ...{ schema: 1, kind: 'runs', from: 'an older kernel', to: 'a kernel' },
        sections: [
          {
            title: 'Verdicts that changed',
            entries: [{ about: FAILED.id, says: 'failed, before passed' }],
          },
        ],
      },
    ],
  ]),
  coverageChanges: new Map([
    [
      COVERAGE.kernel,
      {
        ...{ schema: 1, kind: 'coverages', from: 'an earlier measurement', to: 'that of now' },
        sections: [
          {
            title: 'Lines gained',
            entries: [
              {
                about: `${SOURCE_FILE}: grow()`,
                says: 'line 6, first by random programs of seed 9, program 4',
              },
              { about: `${SOURCE_FILE}: vanish()`, says: 'entered now: line 20' },
            ],
          },
        ],
      },
    ],
  ]),
};

const SCENARIOS_OF_LARGE = Array.from({ length: 250 }, (_, at) =>
  line(`ioas/map:range,number_${String(at)}`),
);

const LINES_OF_LARGE = 11_000;

/** A series that changes 3,000 lines of 150 functions. */
const FUNCTIONS_OF_LARGE = Array.from({ length: 150 }, (_, at): ChangedFunction => ({
  ...{ file: SOURCE_FILE, function: `f${String(at)}`, enteredBy: 200, others: 3 },
  lines: Array.from({ length: 20 }, (__, line): ChangedLine => ({
    ...{ change: 'added', line: 20 * at + line + 1, text: '\tlength = PAGE_SIZE;', execution: 'executed' },
    tests: SCENARIOS_OF_LARGE.slice(0, 200).map(({ id }) => id),
  })),
}));

const ANNOTATED_LARGE: AnnotatedCoverage = {
  ...ANNOTATED,
  coverage: {
    ...COVERAGE,
    files: [
      {
        file: SOURCE_FILE,
        reachable: Array.from({ length: LINES_OF_LARGE / 5 }, (_, at): StoredLine => {
          const first = `ioas/map:range,number_${String(at % 250)}, program 1`;
          return { line: 5 * at + 1, function: `f${String(at >> 3)}`, tests: 1, first, means: 'alone' };
        }),
      },
    ],
  },
  texts: new Map([
    [SOURCE_FILE, Array.from({ length: LINES_OF_LARGE }, (_, at) => `\tlength = ${String(at)} & PAGE_MASK;`)],
  ]),
};

/** 250 scenarios on four targets, a campaign of a million programs, and a source as long as that of iommufd. */
export const LARGE: ReportData = {
  ...DATA,
  scenarios: SCENARIOS_OF_LARGE,
  runs: ['7.3.4-fast', '7.3.4-sanitize', '6.12.117-fast', 'model'].map((name) => ({
    name,
    report: report(SCENARIOS_OF_LARGE),
  })),
  campaigns: DATA.campaigns.map((campaign) => ({
    ...campaign,
    moments: Array.from({ length: 36_000 }, (_, at) => {
      return { seconds: at, programs: at * 28, coverage: at, corpus: at, findings: 1 };
    }),
  })),
  patches: [{ view: { ...PATCH, functions: FUNCTIONS_OF_LARGE }, measured: ANNOTATED_LARGE }],
  coverages: [ANNOTATED_LARGE],
};
