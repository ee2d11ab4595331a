import type { VNode } from 'preact';
import type { ReportData } from './data.js';

const LOOKS = { holds: 'good', breaks: 'bad', 'n/a': 'faint' } as const;

/** Designs of the patch discussions against the invariants. */
export function Designs({ designs }: ReportData): VNode {
  const names = [...new Set(designs.map(({ design }) => design))];
  const invariants = [...new Set(designs.map(({ invariant }) => invariant))];
  return (
    <section id="designs" aria-labelledby="designs-title">
      <h2 id="designs-title">Designs of the patch discussions</h2>
      <div class="scroll" tabIndex={0} role="region" aria-label="Designs and invariants">
        <table>
          <thead>
            <tr>
              <th scope="col">invariant</th>
              {names.map((name) => (
                <th scope="col">{name}</th>
              ))}
            </tr>
          </thead>
          <tbody>
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
          </tbody>
        </table>
      </div>
    </section>
  );
}
