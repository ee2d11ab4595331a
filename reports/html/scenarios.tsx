import type { VNode } from 'preact';
import type { ResultLine } from '../run_report.js';
import { areaOf, byArea, isGood, isUnexpected, summarise } from '../run_report.js';
import type { NamedRun, ReportData } from './data.js';
import { RuleLink } from './links.js';
import { Section, Table } from './parts.js';

/** Every scenario with its plan and its result in each run; the filter is list.js. */
export function Scenarios({ runs, scenarios }: ReportData): VNode {
  const results = runs.map(({ report }) => new Map(report.results.map((result) => [result.id, result])));
  const ran = scenarios.filter(({ id }) => results.some((run) => run.has(id)));
  return (
    <Section id="scenarios" title="Scenarios">
      <Areas runs={runs} />
      <form role="search" aria-label="Scenarios">
        <label>
          Search <input class="search" type="search" />
        </label>
        <label>
          Status{' '}
          <select class="status-filter">
            {['all', 'unexpected', 'passed', 'failed', 'skipped', 'unspecified', 'infra'].map((status) => (
              <option value={status}>{status}</option>
            ))}
          </select>
        </label>
        <label>
          Area{' '}
          <select class="area-filter">
            <option value="">all</option>
            {[...new Set(ran.map(({ id }) => areaOf(id)))].map((area) => (
              <option value={area}>{area}</option>
            ))}
          </select>
        </label>
        <p role="status" class="shown faint" />
      </form>
      <Table
        label="Results of scenarios"
        columns={['scenario', 'plan', ...runs.map(({ name }) => name)]}
        list
      >
        {ran.map(({ id, doc, covers }) => (
          <tr id={id}>
            <th scope="row" class="id">
              <a href={`#${id}`}>{id}</a>
            </th>
            <td class="doc">
              {doc}
              {covers.map((rule) => (
                <small>
                  {' '}
                  <RuleLink rule={rule} />
                </small>
              ))}
            </td>
            {runs.map((run, at) => (
              <Result run={run} result={results[at]?.get(id)} />
            ))}
          </tr>
        ))}
      </Table>
    </Section>
  );
}

/** How the scenarios of each area ended. */
function Areas({ runs }: Pick<ReportData, 'runs'>): VNode {
  const results = runs.map(({ report }) => byArea(report.results));
  const areas = new Set(results.flatMap((run) => [...run.keys()]));
  return (
    <Table label="Areas" caption="Scenarios by area" columns={['area', ...runs.map(({ name }) => name)]}>
      {[...areas].map((area) => (
        <tr>
          <th scope="row">{area}</th>
          {results.map((run) => (
            <AreaResult results={run.get(area) ?? []} />
          ))}
        </tr>
      ))}
    </Table>
  );
}

function AreaResult({ results }: { results: readonly ResultLine[] }): VNode {
  const { unexpected, ...counts } = summarise(results);
  const told = (['passed', 'failed', 'skipped', 'unspecified', 'infra'] as const)
    .filter((status) => counts[status] > 0)
    .map((status) => `${String(counts[status])} ${status}`);
  const look = unexpected > 0 ? 'bad' : results.every(isGood) ? 'good' : 'open';
  return <td class={look}>{told.join(', ')}</td>;
}

function Result({ result }: { run: NamedRun; result: ResultLine | undefined }): VNode {
  if (result === undefined) return <td class="status faint">did not run</td>;
  const { status, reason = '', flaky, details, findings, skippedCases, expected } = result;
  const unexpected = isUnexpected(result);
  const isPass = status === 'passed' && flaky === undefined;
  const look = unexpected ? 'bad' : isPass ? 'good' : status === 'skipped' ? 'faint' : 'open';
  const lines = [
    ...(reason === '' ? [] : [reason]),
    ...(flaky === undefined ? [] : [`flaky: ${flaky}`]),
    ...details,
    ...(expected === undefined ? [] : [`expected to fail: ${expected.reason}`]),
    ...skippedCases.map((one) => `case ${one.name} skipped: ${one.reason}`),
  ];
  const told = lines.length > 0 && (
    <details open={unexpected}>
      <summary>why</summary>
      <pre>{lines.join('\n')}</pre>
    </details>
  );
  return (
    <td class="status">
      <span class={look}>
        {unexpected ? `${status}, unexpected` : flaky === undefined ? status : `${status}, flaky`}
      </span>
      {findings.map((id) => (
        <>
          {' '}
          <a href={`#finding-${id}`}>{id}</a>
        </>
      ))}
      {told}
    </td>
  );
}
