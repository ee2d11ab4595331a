import { FINDING_IDS, findingById } from '../../models/findings.js';
import { DESIGNS } from '../../models/designs/index.js';
import { REFUSING_SOURCES } from '../../models/rule_sources.js';
import type {
  AnnotatedCoverage,
  CallRow,
  DesignStanding,
  KnownFinding,
  NamedRun,
  ReportData,
} from '../../reports/html/data.js';
import { type RunReport, changedVerdicts, findingsOf } from '../../reports/run_report.js';
import { SCENARIOS } from '../../suites/index.js';
import { judgeAll, standingsOf } from '../designs/comparison.js';
import { coveringOf } from '../manual.js';
import type { ReadCampaign } from './campaign.js';

/** What there is to report. */
export interface Sources {
  readonly tool: string;
  readonly runs: readonly NamedRun[];
  readonly campaigns: readonly ReadCampaign[];
  readonly coverages: readonly AnnotatedCoverage[];
  /** An earlier run, which the runs are compared with. */
  readonly earlier: RunReport | undefined;
  /** Whether designs of the patch discussions are run for it. */
  readonly withDesigns: boolean;
}

/** All that the report shows, from what was read and what the project knows of itself. */
export function reportData({ tool, runs, campaigns, coverages, earlier, withDesigns }: Sources): ReportData {
  return {
    tool,
    runs,
    scenarios: SCENARIOS.map(({ id, doc, covers }) => ({ id, doc, covers })),
    calls: callRows(new Set(campaigns.flatMap(({ rules }) => [...rules]))),
    known: knownFindings(runs),
    campaigns: campaigns.map(({ campaign }) => campaign),
    coverages,
    designs: withDesigns ? designStandings() : [],
    changes: new Map(
      earlier === undefined
        ? []
        : runs.map(({ name, report }) => [name, changedVerdicts(earlier.results, report.results)]),
    ),
  };
}

function callRows(inCampaigns: ReadonlySet<string>): CallRow[] {
  return REFUSING_SOURCES.map(({ name, rules }) => ({
    name,
    rules: rules.map(({ id, says }) => ({
      id,
      errno: id.split('.')[0] ?? '',
      says,
      scenarios: coveringOf(`${name}/${id}`),
      isInCampaigns: inCampaigns.has(`${name}/${id}`),
    })),
  }));
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
function designStandings(): DesignStanding[] {
  const designs = DESIGNS.filter(({ kind }) => kind !== 'planted');
  const standings = standingsOf(designs, judgeAll(designs));
  const cells = new Map<string, DesignStanding & { readonly programs: string[] }>();
  for (const { design, invariant, verdict, program } of standings) {
    const key = `${design} ${invariant}`;
    const cell = cells.get(key) ?? { design, invariant, verdict, programs: [] };
    if (program !== undefined) cell.programs.push(program);
    cells.set(key, cell);
  }
  return [...cells.values()];
}
