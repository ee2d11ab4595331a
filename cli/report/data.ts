import { FINDING_IDS, findingById } from '../../models/findings.js';
import type { Design } from '../../models/designs/framework/design.js';
import { DESIGNS } from '../../models/designs/index.js';
import type { Comparison } from '../../reports/comparison.js';
import type {
  AnnotatedCoverage,
  DesignStanding,
  KnownFinding,
  MeasuredPatch,
  NamedRun,
  ReportData,
  ScenarioFacts,
} from '../../reports/html/data.js';
import type { StoredCoverage } from '../../reports/kernel_coverage.js';
import { findingsOf } from '../../reports/run_report.js';
import type { PlayReport } from '../../suites/designs/judge.js';
import { SCENARIOS } from '../../suites/index.js';
import { judgeAll, standingsOf } from '../designs/comparison.js';
import { compareCoverages } from '../diff/coverages.js';
import { compareRuns } from '../diff/runs.js';
import type { ReadCampaign } from './campaign.js';
import type { Inputs } from './inputs.js';
import { mergeByKernel } from './merge_coverage.js';
import { branchesOf, callRows, invariantFacts } from './model_coverage.js';

/** What there is to report. */
export interface Sources {
  readonly tool: string;
  readonly runs: readonly NamedRun[];
  readonly campaigns: readonly ReadCampaign[];
  readonly coverages: readonly AnnotatedCoverage[];
  readonly patches: readonly MeasuredPatch[];
  /** Earlier runs and coverages, which those of now are compared with. */
  readonly earlier: Pick<Inputs, 'runs' | 'coverages'>;
  /** Whether designs of the patch discussions are run for it. */
  readonly withDesigns: boolean;
}

/** All that the report shows, from what was read and what the project knows of itself. */
export function reportData(sources: Sources): ReportData {
  const { tool, runs, campaigns, coverages, patches, earlier, withDesigns } = sources;
  const designs = withDesigns ? DESIGNS.filter(({ kind }) => kind !== 'planted') : [];
  const plays = judgeAll(designs);
  return {
    tool,
    runs,
    scenarios: scenarioFacts(runs),
    calls: callRows(new Set(campaigns.flatMap(({ rules }) => [...rules]))),
    known: knownFindings(runs),
    campaigns: campaigns.map(({ campaign }) => campaign),
    coverages,
    patches,
    designs: designStandings(designs, plays),
    branches: branchesOf(designs, plays),
    invariants: invariantFacts(),
    changes: changesSince(earlier.runs, runs),
    coverageChanges: coverageChangesSince(mergeByKernel(earlier.coverages), coverages),
  };
}

/** What is new in runs, each beside the earlier run that held the same kernel against the same expectations. */
function changesSince(earlier: readonly NamedRun[], runs: readonly NamedRun[]): Map<string, Comparison> {
  const changes = new Map<string, Comparison>();
  for (const { name, report } of runs) {
    const before = earlier.find(
      ({ report: { target, profile, reading } }) =>
        target === report.target && profile === report.profile && reading === report.reading,
    );
    if (before !== undefined) changes.set(name, compareRuns(before.report, report));
  }
  return changes;
}

/**
 * What coverages have gained and lost, each beside the earlier one of the same kernel; one of a kernel that was not measured then, beside an
 * earlier one of a kernel that is not measured now: another build of the same tree is another kernel.
 */
function coverageChangesSince(
  earlier: readonly StoredCoverage[],
  coverages: readonly AnnotatedCoverage[],
): Map<string, Comparison> {
  const changes = new Map<string, Comparison>();
  const now = new Set(coverages.map(({ coverage }) => coverage.kernel));
  for (const { coverage } of coverages) {
    const before =
      earlier.find(({ kernel }) => kernel === coverage.kernel) ??
      earlier.find(({ kernel }) => !now.has(kernel));
    if (before !== undefined) changes.set(coverage.kernel, compareCoverages(before, coverage));
  }
  return changes;
}

/** Those of this version, and what runs of others have beside. */
function scenarioFacts(runs: readonly NamedRun[]): ScenarioFacts[] {
  const known = new Map<string, ScenarioFacts>(
    SCENARIOS.map(({ id, doc, covers }) => [id, { id, doc, covers }]),
  );
  for (const { report } of runs) {
    for (const { id, doc, covers } of report.results) if (!known.has(id)) known.set(id, { id, doc, covers });
  }
  return [...known.values()];
}

function knownFindings(runs: readonly NamedRun[]): KnownFinding[] {
  const ids = new Set(runs.flatMap(({ report }) => [...findingsOf(report.results).keys()]));
  const known = FINDING_IDS.filter((id) => ids.delete(id)).map((id) => {
    const { title, kind } = findingById(id);
    return { id, title, kind };
  });
  const others = [...ids].map((id) => ({ id, title: 'this version does not know it', kind: '' }));
  return [...known, ...others].sort((one, two) => (one.id < two.id ? -1 : 1));
}

/** Proposals and what became of them; designs with a planted defect are for the tests of the project. */
function designStandings(designs: readonly Design[], plays: readonly PlayReport[]): DesignStanding[] {
  const cells = new Map<string, DesignStanding & { readonly programs: string[] }>();
  for (const { design, invariant, verdict, program } of standingsOf(designs, plays)) {
    const key = `${design} ${invariant}`;
    const cell = cells.get(key) ?? { design, invariant, verdict, programs: [] };
    if (program !== undefined) cell.programs.push(program);
    cells.set(key, cell);
  }
  return [...cells.values()];
}
