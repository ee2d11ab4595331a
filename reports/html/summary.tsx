import type { VNode } from 'preact';
import { exitCodeOf, summarise } from '../run_report.js';
import type { Campaign, NamedRun, ReportData } from './data.js';

const VERDICTS = {
  0: ['good', 'as expected'],
  1: ['bad', 'not as expected'],
  2: ['open', 'could not tell'],
} as const;

/** What ran on what, how it ended, and what an earlier run said differently. */
export function Summary({ runs, campaigns, changes }: ReportData): VNode {
  return (
    <section id="summary" aria-labelledby="summary-title">
      <h2 id="summary-title">Summary</h2>
      <Verdict runs={runs} campaigns={campaigns} />
      {runs.length > 0 && <RunTable runs={runs} />}
      {campaigns.length > 0 && <CampaignTable campaigns={campaigns} />}
      {[...changes].map(([name, list]) => (
        <details open id={`changes-${name}`}>
          <summary>
            {name}: {String(list.length)} scenarios end otherwise than in the earlier run
          </summary>
          <ul>
            {list.map(({ id, before, now }) => (
              <li>
                <a href={`#${id}`}>{id}</a>: {before ?? 'not there'} before, {now} now
              </li>
            ))}
          </ul>
        </details>
      ))}
    </section>
  );
}

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
    <div class="scroll" tabIndex={0} role="region" aria-label="Runs of scenarios">
      <table>
        <caption>Runs of scenarios</caption>
        <thead>
          <tr>
            {['run', 'on', 'expectations', 'verdict'].map((title) => (
              <th scope="col">{title}</th>
            ))}
            {['passed', 'failed', 'unexpected', 'skipped', 'unknown', 'rules answered', 'seconds'].map(
              (title) => (
                <th scope="col" class="number">
                  {title}
                </th>
              ),
            )}
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => (
            <RunLine {...run} />
          ))}
        </tbody>
      </table>
    </div>
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
    <div class="scroll" tabIndex={0} role="region" aria-label="Campaigns in numbers">
      <table>
        <caption>Campaigns</caption>
        <thead>
          <tr>
            <th scope="col">campaign</th>
            <th scope="col">on</th>
            {['seed', 'workers', 'programs', 'calls', 'coverage', 'corpus', 'findings', 'seconds'].map(
              (title) => (
                <th scope="col" class="number">
                  {title}
                </th>
              ),
            )}
          </tr>
        </thead>
        <tbody>
          {campaigns.map(({ name, target, planted, seed, workers, calls, moments, findings }) => {
            const last = moments.at(-1);
            const numbers = [
              ...[seed, workers, last?.programs ?? 0, calls, last?.coverage ?? 0, last?.corpus ?? 0],
              ...[findings.length, Math.round(last?.seconds ?? 0)],
            ];
            return (
              <tr>
                <th scope="row">
                  <a href={`#campaign-${name}`}>{name}</a>
                </th>
                <td>{planted === undefined ? target : `${target}, with ${planted} planted`}</td>
                {numbers.map((number) => (
                  <td class="number">{number.toLocaleString('en')}</td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
