import type { VNode } from 'preact';
import { renderShare } from '../kernel_coverage.js';
import { Bar } from './bar.js';
import type { DesignBranches, ReportData, RuleRow } from './data.js';
import { RuleLink } from './links.js';
import { Count, Section, Table, numbers } from './parts.js';

/** How much of the model was shown: rules and effects, what invariants looked at, branches of designs. */
export function Model(data: ReportData): VNode {
  return (
    <Section id="model" title="Coverage of the model">
      <Rules {...data} />
      {data.runs.length > 0 && <Invariants {...data} />}
      {data.runs.some(({ report }) => report.flags !== undefined) && <Flags {...data} />}
      {data.branches.length > 0 && <Branches {...data} />}
    </Section>
  );
}

interface NamedRule extends RuleRow {
  readonly name: string;
}

const isEffect = ({ id }: NamedRule): boolean => id === 'OK';
const isUntold = ({ errno }: NamedRule): boolean => errno === 'unspecified';
const isRefusal = (rule: NamedRule): boolean => !isEffect(rule) && !isUntold(rule);

function Rules({ calls, runs }: ReportData): VNode {
  const all: NamedRule[] = calls.flatMap(({ name, rules }) =>
    rules.map((rule) => ({ ...rule, name: `${name}/${rule.id}` })),
  );
  const kinds = [
    ['effects: calls that succeed', all.filter(isEffect)],
    ['rules: calls that are refused', all.filter(isRefusal)],
    ['reasons not to tell what is right', all.filter(isUntold)],
  ] as const;
  const told = runs.flatMap(({ name, report: { rules } }) =>
    rules.answered === undefined ? [] : [{ name, answered: new Set(rules.answered) }],
  );
  const shown = new Set(told.flatMap(({ answered }) => [...answered]));
  const holes = all.filter((rule) => !isUntold(rule) && rule.scenarios.length === 0 && !shown.has(rule.name));
  return (
    <>
      <Table
        label="Rules and effects"
        columns={[
          'of the model',
          ...numbers('there are', 'with a scenario', 'in campaigns', ...told.map(({ name }) => `in ${name}`)),
        ]}
      >
        {kinds.map(([kind, rules]) => (
          <tr>
            <th scope="row">{kind}</th>
            <Count of={rules.length} />
            <Count of={rules.filter(({ scenarios }) => scenarios.length > 0).length} />
            <Count of={rules.filter(({ isInCampaigns }) => isInCampaigns).length} />
            {told.map(({ answered }) => (
              <Count of={rules.filter(({ name }) => answered.has(name)).length} />
            ))}
          </tr>
        ))}
      </Table>
      {holes.length > 0 && (
        <details>
          <summary>Effects and rules that no scenario is about and no run has shown: {holes.length}</summary>
          <ul>
            {holes.map(({ name }) => (
              <li>
                <RuleLink rule={name} />
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

function Invariants({ invariants, runs }: ReportData): VNode {
  return (
    <Table
      label="Invariants"
      caption="Steps after which an invariant had something to look at; one that never had is a hole"
      columns={['invariant', 'says', 'not covered', ...numbers(...runs.map(({ name }) => name))]}
    >
      {invariants.map(({ id, statement, notCovered }) => (
        <tr id={`invariant-${id}`}>
          <th scope="row">{id}</th>
          <td>{statement}</td>
          <td class="faint">{notCovered}</td>
          {runs.map(({ report }) => (
            <Looks of={report.invariants?.[id]} />
          ))}
        </tr>
      ))}
    </Table>
  );
}

/** Reports of older versions do not say. */
function Looks({ of }: { of: number | undefined }): VNode {
  if (of === undefined) return <td class="number faint">not told</td>;
  return of === 0 ? <td class="number bad">never</td> : <Count of={of} />;
}

/** Which flags calls were made with, and what answered. */
function Flags({ calls, runs }: ReportData): VNode {
  const told = runs.flatMap(({ name, report: { flags } }) => (flags === undefined ? [] : [{ name, flags }]));
  return (
    <Table
      label="Flags"
      caption="Calls by flag: how many succeeded, and by how many rules others were refused"
      columns={['call', 'flag', ...told.map(({ name }) => name)]}
    >
      {calls.flatMap(({ name, flags }) => {
        const seen = told.flatMap((run) => Object.keys(run.flags[name] ?? {}));
        return [...new Set([...flags, ...seen])].map((flag) => (
          <tr>
            <th scope="row">{name}</th>
            <td>{flag}</td>
            {told.map((run) => (
              <Answers of={run.flags[name]?.[flag] ?? {}} />
            ))}
          </tr>
        ));
      })}
    </Table>
  );
}

function Answers({ of }: { of: Readonly<Record<string, number>> }): VNode {
  const { OK: succeeded = 0, ...refused } = of;
  const rules = Object.entries(refused);
  if (succeeded === 0 && rules.length === 0) return <td class="bad">never made</td>;
  return (
    <td>
      {succeeded === 0 ? 'none succeeded' : `${succeeded.toLocaleString('en')} succeeded`}
      {rules.length > 0 && (
        <details>
          <summary>refused by {rules.length}</summary>
          {rules.map(([rule, count]) => `${rule} ${String(count)}`).join(', ')}
        </details>
      )}
    </td>
  );
}

function Branches({ branches }: { branches: readonly DesignBranches[] }): VNode {
  return (
    <Table
      label="Branches of designs"
      caption="Rules and effects of designs that the rows of the patch discussions come to"
      columns={['design', 'branches', ...numbers('shown'), 'not shown']}
    >
      {branches.map(({ design, all, missed }) => (
        <tr>
          <th scope="row">{design}</th>
          <td>
            <Bar of={(100 * (all - missed.length)) / Math.max(all, 1)} />
          </td>
          <td class="number">{renderShare({ reached: all - missed.length, all })}</td>
          <td>
            {missed.length > 0 && (
              <details>
                <summary>{missed.length}</summary>
                {missed.join(', ')}
              </details>
            )}
          </td>
        </tr>
      ))}
    </Table>
  );
}
