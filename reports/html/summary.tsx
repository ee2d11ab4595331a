import type { VNode } from 'preact';
import type { Comparison } from '../comparison.js';
import { byThem, byUs, percent, renderShare, share, shareOfFunctions } from '../kernel_coverage.js';
import { patchInWords } from '../patch_view.js';
import { exitCodeOf, summarise } from '../run_report.js';
import type { Campaign, NamedRun, ReportData } from './data.js';
import { CodeLink, Named } from './links.js';
import { Count, Section, Table, numbers } from './parts.js';

const VERDICTS = {
  0: ['good', 'as expected'],
  1: ['bad', 'not as expected'],
  2: ['open', 'could not tell'],
} as const;

/** What ran on what, how it ended, and what an earlier run said differently. */
export function Summary(data: ReportData): VNode {
  const { runs, campaigns, coverages, patches, changes, coverageChanges } = data;
  return (
    <Section id="summary" title="Summary">
      <Verdict runs={runs} campaigns={campaigns} />
      {runs.length > 0 && <RunTable runs={runs} />}
      {campaigns.length > 0 && <CampaignTable campaigns={campaigns} />}
      {coverages.length > 0 && <CoverageTable coverages={coverages} />}
      {patches.map(({ view }) => (
        <p>
          <a href="#patch">Patch</a>: {patchInWords(view)}.
        </p>
      ))}
      {[...changes].map(([name, comparison]) => (
        <Changes
          place={`changes-${name}`}
          title={`${name}: what is new`}
          nameOf={(about) => <Named of={about} />}
          comparison={comparison}
        />
      ))}
      {[...coverageChanges].map(([kernel, comparison]) => (
        <Changes
          place={`coverage-changes-${kernel}`}
          title={`Coverage of ${kernel}: what is new`}
          nameOf={(about) => <CodeLink kernel={kernel} about={about} />}
          comparison={comparison}
        />
      ))}
    </Section>
  );
}

interface ChangesProps {
  readonly place: string;
  readonly title: string;
  /** What a difference is about, with a link where there is one. */
  readonly nameOf: (about: string) => VNode;
  readonly comparison: Comparison;
}

/** What is new since an earlier run, or an earlier coverage. */
function Changes({ place, title, nameOf, comparison: { from, sections } }: ChangesProps): VNode {
  return (
    <div id={place}>
      <h3>{title}</h3>
      <p class="faint">since {from}</p>
      {sections.length === 0 && <p>Nothing.</p>}
      {sections.map(({ title, entries }) => (
        <details open={entries.length <= OPEN_MAX}>
          <summary>
            {title}: {entries.length}
          </summary>
          <ul>
            {entries.map(({ about, says }) => (
              <li>
                {nameOf(about)}: {says}
              </li>
            ))}
          </ul>
        </details>
      ))}
    </div>
  );
}

/** Entries up to which a list is unfolded. */
const OPEN_MAX = 20;

/** The worst of all: a campaign is to find what was planted, and nothing else. */
function Verdict({ runs, campaigns }: { runs: readonly NamedRun[]; campaigns: readonly Campaign[] }): VNode {
  const codes = runs.map(({ report }) => exitCodeOf(report));
  const isWrong = campaigns.some(({ planted, findings }) => findings.length > 0 !== (planted !== undefined));
  const code = codes.includes(1) || isWrong ? 1 : codes.includes(2) ? 2 : 0;
  const [look, words] = VERDICTS[code];
  return <p class={`verdict ${look}`}>All in all: {words}.</p>;
}

function RunTable({ runs }: { runs: readonly NamedRun[] }): VNode {
  return (
    <Table
      label="Runs of scenarios"
      caption="Runs of scenarios"
      columns={[
        ...['run', 'on', 'expectations', 'verdict'],
        ...numbers('passed', 'failed', 'unexpected', 'skipped', 'unknown', 'rules answered', 'seconds'),
      ]}
    >
      {runs.map((run) => (
        <RunLine {...run} />
      ))}
    </Table>
  );
}

function RunLine({ name, report }: NamedRun): VNode {
  const { passed, failed, unexpected, skipped, unspecified, infra } = summarise(report.results);
  const [look, words] = VERDICTS[exitCodeOf(report)];
  const numbers = [passed, failed, unexpected, skipped, unspecified + infra].map(String);
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>{report.description}</td>
      <td>{report.profile === '' ? '' : `Linux ${report.profile}, ${report.reading}`}</td>
      <td class={look}>{report.isInterrupted ? `${words}, interrupted` : words}</td>
      {[...numbers, `${String(report.rules.seen)} of ${String(report.rules.all)}`].map((text) => (
        <td class="number">{text}</td>
      ))}
      <td class="number">{(report.ms / 1000).toFixed(1)}</td>
    </tr>
  );
}

function CampaignTable({ campaigns }: { campaigns: readonly Campaign[] }): VNode {
  return (
    <Table
      label="Campaigns in numbers"
      caption="Campaigns"
      columns={[
        ...['campaign', 'on'],
        ...numbers('seed', 'workers', 'programs', 'calls', 'coverage', 'corpus', 'findings', 'seconds'),
      ]}
    >
      {campaigns.map(({ name, target, planted, seed, workers, calls, moments, findings }) => {
        const last = moments.at(-1);
        const counts = [
          ...[seed, workers, last?.programs ?? 0, calls, last?.coverage ?? 0, last?.corpus ?? 0],
          ...[findings.length, Math.round(last?.seconds ?? 0)],
        ];
        return (
          <tr>
            <th scope="row">
              <a href={`#campaign-${name}`}>{name}</a>
            </th>
            <td>{planted === undefined ? target : `${target}, with ${planted} planted`}</td>
            {counts.map((count) => (
              <Count of={count} />
            ))}
          </tr>
        );
      })}
    </Table>
  );
}

function CoverageTable({ coverages }: Pick<ReportData, 'coverages'>): VNode {
  return (
    <Table
      label="Coverage in numbers"
      caption="Coverage of kernels"
      columns={[
        ...['kernel', 'on'],
        ...numbers('programs', 'tests', 'lines', '%', 'functions', '% of their own tests'),
      ]}
    >
      {coverages.map(({ coverage: { kernel, description, programs, tests, theirs, files } }) => {
        const lines = files.flatMap(({ reachable }) => reachable);
        const ours = share(lines, byUs);
        return (
          <tr>
            <th scope="row">
              <a href={`#coverage-${kernel}`}>{kernel}</a>
            </th>
            <td>{description}</td>
            <Count of={programs} />
            <Count of={tests} />
            <td class="number">{renderShare(ours)}</td>
            <td class="number">{percent(ours).toFixed(1)}</td>
            <td class="number">{renderShare(shareOfFunctions(lines, byUs))}</td>
            <td class="number">{theirs.length === 0 ? '' : percent(share(lines, byThem)).toFixed(1)}</td>
          </tr>
        );
      })}
    </Table>
  );
}
