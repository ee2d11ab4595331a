import type { VNode } from 'preact';
import type { CallRow, ReportData, RuleRow } from './data.js';
import { ScenarioLink, placeOfRule } from './links.js';
import { Section, Table } from './parts.js';

/** Calls against errors: how many scenarios are about each, and all rules behind the numbers. */
export function Calls({ calls }: ReportData): VNode {
  const met = new Set(calls.flatMap(({ rules }) => rules.map(({ errno }) => errno)));
  const errnos = [...(met.delete('OK') ? ['OK'] : []), ...[...met].sort()];
  return (
    <Section id="calls" title="Calls and rules">
      <p>
        A number says how many rules give a call this answer; the darker, the more scenarios are about them. A
        dash: no scenario is. The names lead to the rules.
      </p>
      <Table label="Calls and errors" look="heat" columns={['call', ...errnos]}>
        {calls.map((call) => (
          <tr>
            <th scope="row">
              <a href={`#call-${call.name}`}>{call.name}</a>
            </th>
            {errnos.map((errno) => (
              <Heat rules={call.rules.filter((rule) => rule.errno === errno)} />
            ))}
          </tr>
        ))}
      </Table>
      {calls.map((call) => (
        <Rules {...call} />
      ))}
    </Section>
  );
}

/** Scenarios per rule from which on a cell is as dark as can be. */
const HOT = 12;

function Heat({ rules }: { rules: readonly RuleRow[] }): VNode {
  if (rules.length === 0) return <td class="cell" />;
  const scenarios = new Set(rules.flatMap((rule) => rule.scenarios)).size;
  const heat = Math.min(scenarios / HOT, 1) * 0.35;
  const title = `${String(rules.length)} rules, ${String(scenarios)} scenarios`;
  return (
    <td class="cell" title={title} style={`background: rgb(var(--heat) / ${heat.toFixed(2)})`}>
      {scenarios === 0 ? '–' : rules.length}
    </td>
  );
}

function Rules({ name, rules }: CallRow): VNode {
  return (
    <details id={`call-${name}`}>
      <summary>
        {name}: {rules.length} rules
      </summary>
      <ul>
        {rules.map(({ id, says, scenarios, isInCampaigns }) => (
          <li id={placeOfRule(`${name}/${id}`)}>
            <code>{id}</code> {says}
            <span class="faint">
              {' '}
              ({scenarios.length === 0 ? 'no scenario' : <Links ids={scenarios} />}
              {isInCampaigns ? '; answered in campaigns' : ''})
            </span>
          </li>
        ))}
      </ul>
    </details>
  );
}

/** Scenarios that are named; of the others there is the number. */
const NAMED_MAX = 3;

function Links({ ids }: { ids: readonly string[] }): VNode {
  return (
    <>
      {ids.slice(0, NAMED_MAX).map((id, at) => (
        <>
          {at === 0 ? '' : ', '}
          <ScenarioLink id={id} />
        </>
      ))}
      {ids.length > NAMED_MAX ? ` and ${String(ids.length - NAMED_MAX)} more` : ''}
    </>
  );
}
