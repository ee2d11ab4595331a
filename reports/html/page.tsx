import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { render } from 'preact-render-to-string';
import { Calls } from './calls.js';
import { Campaigns } from './campaigns.js';
import { chartsOf } from './charts.js';
import type { ReportData } from './data.js';
import { Designs } from './designs.js';
import { Findings } from './findings.js';
import { Scenarios } from './scenarios.js';
import { STYLE } from './style.js';
import { Summary } from './summary.js';

/** A report as one file that needs no other and no network. */
export async function renderHtml(data: ReportData): Promise<string> {
  const { tool, runs, campaigns, designs } = data;
  const drawn = await Promise.all(
    campaigns.map(async (campaign) => [campaign, await chartsOf(campaign)] as const),
  );
  const parts: readonly (readonly [id: string, title: string, isThere: boolean])[] = [
    ['summary', 'Summary', true],
    ['scenarios', 'Scenarios', runs.length > 0],
    ['findings', 'Findings', true],
    ['calls', 'Calls and rules', true],
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
          <Summary {...data} />
          {runs.length > 0 && <Scenarios {...data} />}
          <Findings {...data} />
          <Calls {...data} />
          {campaigns.length > 0 && <Campaigns drawn={drawn} />}
          {designs.length > 0 && <Designs {...data} />}
        </main>
        <script dangerouslySetInnerHTML={{ __html: await scripts() }} />
      </body>
    </html>,
  );
  return `<!DOCTYPE html>\n${html}\n`;
}

/** list.js as it is, and what ties it to the table of scenarios. */
async function scripts(): Promise<string> {
  const library = fileURLToPath(import.meta.resolve('list.js/dist/list.min.js'));
  return `${await readFile(library, 'utf8')}\n${FILTER}`;
}

const FILTER = `
(() => {
  const section = document.getElementById('scenarios');
  if (section === null) return;
  const list = new List(section, { valueNames: ['id', 'doc', 'status'], listClass: 'list' });
  const status = section.querySelector('.status-filter');
  const shown = section.querySelector('.shown');
  const say = () => { shown.textContent = list.matchingItems.length + ' of ' + list.items.length + ' scenarios'; };
  status.addEventListener('change', () => {
    const wanted = status.value;
    list.filter(wanted === 'all' ? undefined : (item) =>
      [...item.elm.querySelectorAll('td.status > span')].some((span) => span.textContent.split(', ').includes(wanted)));
  });
  section.querySelector('form').addEventListener('submit', (event) => event.preventDefault());
  list.on('updated', say);
  say();
})();
// A deep link into something that is folded opens it.
const open = () => {
  const at = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (at instanceof HTMLDetailsElement) at.open = true;
};
addEventListener('hashchange', open);
open();
`;
