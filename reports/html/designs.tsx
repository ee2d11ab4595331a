import type { VNode } from 'preact';
import type { ReportData } from './data.js';
import { Section, Table } from './parts.js';

const LOOKS = { holds: 'good', breaks: 'bad', 'n/a': 'faint' } as const;

/** Designs of the patch discussions against the invariants. */
export function Designs({ designs }: ReportData): VNode {
  const names = [...new Set(designs.map(({ design }) => design))];
  const invariants = [...new Set(designs.map(({ invariant }) => invariant))];
  return (
    <Section id="designs" title="Designs of the patch discussions">
      <Table label="Designs and invariants" columns={['invariant', ...names]}>
        {invariants.map((invariant) => (
          <tr>
            <th scope="row">{invariant}</th>
            {names.map((name) => {
              const one = designs.find((it) => it.design === name && it.invariant === invariant);
              const verdict = one?.verdict ?? 'n/a';
              return (
                <td>
                  <span class={LOOKS[verdict]}>{verdict}</span>
                  {one !== undefined && one.programs.length > 0 && (
                    <details>
                      <summary>by {one.programs.length}</summary>
                      {one.programs.map((program) => (
                        <p>
                          <code>{program}</code>
                        </p>
                      ))}
                    </details>
                  )}
                </td>
              );
            })}
          </tr>
        ))}
      </Table>
    </Section>
  );
}
