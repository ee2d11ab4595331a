import type { VNode } from 'preact';
import type { ResultLine } from '../run_report.js';
import { isUnexpected } from '../run_report.js';
import type { NamedRun, ReportData } from './data.js';
import { RuleLink } from './links.js';
import { Section, Table } from './parts.js';

/** Every scenario with its plan and its result in each run; the filter is list.js. */
export function Scenarios({ runs, scenarios }: ReportData): VNode {
  const results = runs.map(({ report }) => new Map(report.results.map((result) => [result.id, result])));
  const ran = scenarios.filter(({ id }) => results.some((run) => run.has(id)));
  return (
    <Section id="scenarios" title="Scenarios">
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

function Result({ result }: { run: NamedRun; result: ResultLine | undefined }): VNode {
  if (result === undefined) return <td class="status faint">did not run</td>;
  const { status, reason = '', details, findings, skippedCases, expected } = result;
  const unexpected = isUnexpected(result);
  const look = unexpected ? 'bad' : status === 'passed' ? 'good' : status === 'skipped' ? 'faint' : 'open';
  const lines = [
    ...(reason === '' ? [] : [reason]),
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
      <span class={look}>{unexpected ? `${status}, unexpected` : status}</span>
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
