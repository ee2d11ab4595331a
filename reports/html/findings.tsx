import type { VNode } from 'preact';
import type { CampaignFinding, ReportData } from './data.js';
import { type ResultLine, type RunReport, isUnexpected } from '../run_report.js';
import { RuleLink, ScenarioLink } from './links.js';
import { Section, Table, numbers } from './parts.js';

/** What campaigns have found, with the program step by step, and the kernel findings that are known and were seen. */
export function Findings({ campaigns, known, runs }: ReportData): VNode {
  const found = campaigns.flatMap(({ name, findings }) => findings.map((finding) => ({ name, finding })));
  const failed = runs.flatMap(({ name, report }) =>
    report.results.filter(isUnexpected).map((result) => ({ name, report, result })),
  );
  return (
    <Section id="findings" title="Findings">
      {found.length + failed.length === 0 && <p>Nothing was found that the model does not allow.</p>}
      {failed.length > 0 && <Failures failed={failed} />}
      {found.map(({ name, finding }) => (
        <Found campaign={name} finding={finding} />
      ))}
      {known.length > 0 && (
        <Table
          label="Known findings"
          caption="Known kernel findings that were seen"
          columns={[
            ...['finding', 'in one sentence', 'kind'],
            ...numbers(...runs.map(({ name }) => `scenarios of ${name}`)),
          ]}
        >
          {known.map(({ id, title, kind }) => (
            <tr id={`finding-${id}`}>
              <th scope="row">{id}</th>
              <td>{title}</td>
              <td>{kind}</td>
              {runs.map(({ report }) => (
                <td class="number">
                  {report.results.filter(({ findings }) => findings.includes(id)).length}
                </td>
              ))}
            </tr>
          ))}
        </Table>
      )}
    </Section>
  );
}

interface Failure {
  /** Of the run. */
  readonly name: string;
  readonly report: RunReport;
  readonly result: ResultLine;
}

/** Scenarios that did not end as expected, with the rules that were not kept. */
function Failures({ failed }: { failed: readonly Failure[] }): VNode {
  return (
    <Table
      label="Scenarios that did not end as expected"
      caption="Scenarios that did not end as expected"
      columns={['scenario', 'run', 'rules that were not kept', 'allowed and seen', 'command']}
    >
      {failed.map(({ name, report, result: { id, status, broken = [], details, reason } }) => (
        <tr>
          <th scope="row">
            <ScenarioLink id={id} />
          </th>
          <td>{name}</td>
          <td>
            {broken.map(({ rule }) => (
              <div>
                <RuleLink rule={rule} />
              </div>
            ))}
          </td>
          <td>{broken[0]?.what ?? details[0] ?? reason ?? status}</td>
          <td>
            <code>{commandOf(id, report)}</code>
          </td>
        </tr>
      ))}
    </Table>
  );
}

function commandOf(id: string, { kernel, profile, reading }: RunReport): string {
  const on = kernel === '' ? ['--profile', profile] : ['--kernel', kernel];
  return [
    'iommufd-cts',
    'run',
    `'${id}'`,
    ...on,
    ...(reading === 'exact' ? [] : ['--reading', reading]),
  ].join(' ');
}

function Found({ campaign, finding }: { campaign: string; finding: CampaignFinding }): VNode {
  const { id, title, kind, suspect, allowed, seen, count, reliability, console, commands, steps } = finding;
  const place = `found-${campaign}-${id}`;
  return (
    <article id={place} aria-labelledby={`${place}-title`}>
      <h3 id={`${place}-title`}>{title}</h3>
      <p class="faint">
        {campaign}: {kind}, suspect {suspect}, seen {String(count)} times, {reliability}
      </p>
      <dl>
        <dt>Allowed</dt>
        <dd>
          <code>{allowed}</code>
        </dd>
        <dt>Seen</dt>
        <dd>
          <code>{seen}</code>
        </dd>
      </dl>
      <pre class="commands" tabIndex={0}>
        {commands.join('\n')}
      </pre>
      <Table
        label={`Steps of ${title}`}
        caption="The smallest program that shows it, with what the model says"
        columns={[{ number: 'step' }, 'call', 'the model answers', 'state then']}
      >
        {steps.map(({ text, answer, state }, at) => (
          <tr>
            <td class="number">{at + 1}</td>
            <td>
              <code>{text}</code>
            </td>
            <td>{answer}</td>
            <td>{state}</td>
          </tr>
        ))}
      </Table>
      {console !== '' && (
        <details>
          <summary>Console</summary>
          <pre tabIndex={0}>{console}</pre>
        </details>
      )}
    </article>
  );
}
