import type { VNode } from 'preact';
import type { NamedRun } from './data.js';
import { Section, Table, numbers } from './parts.js';

type Rules = ReadonlyMap<string, number>;

/** By state and flag. */
type Cells = ReadonlyMap<string, ReadonlyMap<string, Rules>>;

/** Calls from which on a cell is as dark as can be. */
const HOT = 1000;

/** How calls were made: on objects in which state, with which flags, and what answered; all runs together. */
export function Matrix({ runs }: { readonly runs: readonly NamedRun[] }): VNode {
  const calls = [...new Set(runs.flatMap(({ report }) => Object.keys(report.states ?? {})))].sort();
  return (
    <Section id="matrix" title="Calls, flags and states of objects">
      <p>
        A line is the state, before the call, of an object that the call names; a column is a flag that it is
        made with. The number says how many rules answered, success being one of them; the darker, the more
        calls. An empty cell was never met. A number’s title has the rules.
      </p>
      {calls.map((call) => (
        <OfCall call={call} cells={cellsOf(runs, call)} />
      ))}
    </Section>
  );
}

function cellsOf(runs: readonly NamedRun[], call: string): Cells {
  const cells = new Map<string, Map<string, Map<string, number>>>();
  for (const { report } of runs) {
    for (const [state, byFlag] of Object.entries(report.states?.[call] ?? {})) {
      const row = inside(cells, state);
      for (const [flag, byRule] of Object.entries(byFlag)) {
        const rules = inside(row, flag);
        for (const [rule, count] of Object.entries(byRule)) rules.set(rule, (rules.get(rule) ?? 0) + count);
      }
    }
  }
  return cells;
}

/** The map of a name, which is made if there is none. */
function inside<Inner>(maps: Map<string, Map<string, Inner>>, name: string): Map<string, Inner> {
  const known = maps.get(name) ?? new Map<string, Inner>();
  maps.set(name, known);
  return known;
}

function OfCall({ call, cells }: { call: string; cells: Cells }): VNode {
  const flags = [...new Set([...cells.values()].flatMap((row) => [...row.keys()]))].sort();
  return (
    <details id={`matrix-${call}`}>
      <summary>
        {call}: {cells.size} states, {flags.length} flags
      </summary>
      <Table label={`States and flags of ${call}`} look="heat" columns={['state', ...numbers(...flags)]}>
        {[...cells].sort(byName).map(([state, row]) => (
          <tr>
            <th scope="row">{state}</th>
            {flags.map((flag) => (
              <Cell rules={row.get(flag)} />
            ))}
          </tr>
        ))}
      </Table>
    </details>
  );
}

function byName([one]: readonly [string, unknown], [two]: readonly [string, unknown]): number {
  return one < two ? -1 : 1;
}

function Cell({ rules }: { rules: Rules | undefined }): VNode {
  if (rules === undefined) return <td class="cell" />;
  const calls = [...rules.values()].reduce((sum, count) => sum + count, 0);
  const heat = Math.min(Math.log(1 + calls) / Math.log(HOT), 1) * 0.35;
  const title = [...rules].map(([rule, count]) => `${rule} ${count.toLocaleString('en')}`).join(', ');
  return (
    <td
      class="cell"
      title={`${calls.toLocaleString('en')} calls: ${title}`}
      style={`background: rgb(var(--heat) / ${heat.toFixed(2)})`}
    >
      {rules.size}
    </td>
  );
}
