import { render } from 'preact-render-to-string';
import { Calls } from './calls.js';
import { Campaigns } from './campaigns.js';
import { chartsOf } from './charts.js';
import { Coverage } from './coverage.js';
import type { ReportData } from './data.js';
import { Designs } from './designs.js';
import { Findings } from './findings.js';
import { Matrix } from './matrix.js';
import { Model } from './model.js';
import { Patch } from './patch.js';
import { PlacesContext, placesOf } from './links.js';
import { Scenarios } from './scenarios.js';
import { scripts } from './script.js';
import { STYLE } from './style.js';
import { Summary } from './summary.js';

/** A report as one file that needs no other and no network. */
export async function renderHtml(data: ReportData): Promise<string> {
  const { tool, runs, campaigns, coverages, patches, designs } = data;
  const drawn = await Promise.all(
    campaigns.map(async (campaign) => [campaign, await chartsOf(campaign)] as const),
  );
  const hasStates = runs.some(({ report }) => report.states !== undefined);
  const parts: readonly (readonly [id: string, title: string, isThere: boolean])[] = [
    ['summary', 'Summary', true],
    ['patch', 'Patch', patches.length > 0],
    ['scenarios', 'Scenarios', runs.length > 0],
    ['findings', 'Findings', true],
    ['calls', 'Calls and rules', true],
    ['model', 'Model coverage', true],
    ['matrix', 'Call matrix', hasStates],
    ['coverage', 'Kernel coverage', coverages.length > 0],
    ['campaigns', 'Campaigns', campaigns.length > 0],
    ['designs', 'Designs', designs.length > 0],
  ];
  const html = render(
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>iommufd-cts report</title>
        <style dangerouslySetInnerHTML={{ __html: STYLE }} />
      </head>
      <body>
        <a class="skip" href="#main">
          To the content
        </a>
        <header>
          <h1>iommufd-cts report</h1>
          <p class="faint">{tool}</p>
        </header>
        <nav aria-label="Parts">
          <ul>
            {parts
              .filter(([, , isThere]) => isThere)
              .map(([id, title]) => (
                <li>
                  <a href={`#${id}`}>{title}</a>
                </li>
              ))}
          </ul>
        </nav>
        <main id="main">
          <PlacesContext.Provider value={placesOf(data)}>
            <Summary {...data} />
            {patches.length > 0 && <Patch {...data} />}
            {runs.length > 0 && <Scenarios {...data} />}
            <Findings {...data} />
            <Calls {...data} />
            <Model {...data} />
            {hasStates && <Matrix {...data} />}
            {coverages.length > 0 && <Coverage {...data} />}
            {campaigns.length > 0 && <Campaigns drawn={drawn} />}
            {designs.length > 0 && <Designs {...data} />}
          </PlacesContext.Provider>
        </main>
        <script dangerouslySetInnerHTML={{ __html: await scripts() }} />
      </body>
    </html>,
  );
  return `<!DOCTYPE html>\n${html}\n`;
}
