import type { VNode } from 'preact';
import type { CampaignFinding, ReportData } from './data.js';
import { Section, Table, numbers } from './parts.js';

/** What campaigns have found, with the program step by step, and the kernel findings that are known and were seen. */
export function Findings({ campaigns, known, runs }: ReportData): VNode {
  const found = campaigns.flatMap(({ name, findings }) => findings.map((finding) => ({ name, finding })));
  return (
    <Section id="findings" title="Findings">
      {found.length === 0 && <p>The campaigns have found nothing that the model does not allow.</p>}
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

function Found({ campaign, finding }: { campaign: string; finding: CampaignFinding }): VNode {
  const { id, title, kind, suspect, allowed, seen, count, reliability, console, commands, steps } = finding;
  return (
    <article id={`found-${id}`} aria-labelledby={`found-${id}-title`}>
      <h3 id={`found-${id}-title`}>{title}</h3>
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
      <pre tabIndex={0}>{commands.join('\n')}</pre>
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
