import type { VNode } from 'preact';
import type { Chart } from './charts.js';
import type { Campaign } from './data.js';
import { Section } from './parts.js';

/** How each campaign went, drawn over time, with the last numbers in words for those who cannot see it. */
export function Campaigns({ drawn }: { drawn: readonly (readonly [Campaign, readonly Chart[]])[] }): VNode {
  return (
    <Section id="campaigns" title="Campaigns">
      {drawn.map(([{ name, moments }, charts]) => {
        const last = moments.at(-1);
        return (
          <div id={`campaign-${name}`}>
            <h3>{name}</h3>
            <p>
              {last === undefined
                ? 'Nothing has happened yet.'
                : `After ${last.seconds.toFixed(0)} seconds: ${last.programs.toLocaleString('en')} programs, coverage ${last.coverage.toLocaleString('en')}, ${last.corpus.toLocaleString('en')} programs in the corpus, ${String(last.findings)} ${last.findings === 1 ? 'finding' : 'findings'}.`}
            </p>
            <div class="charts">
              {charts.map(({ title, svg }) => (
                <figure>
                  <figcaption>{title}</figcaption>
                  <div
                    role="img"
                    aria-label={`${title} of ${name} over time`}
                    dangerouslySetInnerHTML={{ __html: svg }}
                  />
                </figure>
              ))}
            </div>
          </div>
        );
      })}
    </Section>
  );
}
