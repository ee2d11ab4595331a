import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** list.js as it is, and what ties it to the page. */
export async function scripts(): Promise<string> {
  const library = fileURLToPath(import.meta.resolve('list.js/dist/list.min.js'));
  return [await readFile(library, 'utf8'), FILTER, COVERAGE, COPYING, DEEP_LINKS].join('\n');
}

/** The table of scenarios by words and status. */
const FILTER = `
(() => {
  const section = document.getElementById('scenarios');
  if (section === null) return;
  const list = new List(section, { valueNames: ['id', 'doc', 'status'], listClass: 'list' });
  const status = section.querySelector('.status-filter');
  const area = section.querySelector('.area-filter');
  const shown = section.querySelector('.shown');
  const say = () => { shown.textContent = list.matchingItems.length + ' of ' + list.items.length + ' scenarios'; };
  const isOfArea = ({ elm }) => area.value === '' || elm.id.startsWith(area.value + '/');
  const hasStatus = ({ elm }) => status.value === 'all' ||
    [...elm.querySelectorAll('td.status > span')].some((span) => span.textContent.split(', ').includes(status.value));
  const filter = () => list.filter((item) => isOfArea(item) && hasStatus(item));
  status.addEventListener('change', filter);
  area.addEventListener('change', filter);
  section.querySelector('form').addEventListener('submit', (event) => event.preventDefault());
  list.on('updated', say);
  say();
})();
`;

/** Functions by name, and whether all or only what was not reached is shown. */
const COVERAGE = `
for (const kernel of document.querySelectorAll('.kernel')) {
  kernel.querySelector('form').addEventListener('submit', (event) => event.preventDefault());
  const only = kernel.querySelector('.only-missed');
  const show = () => kernel.classList.toggle('missed-only', only.checked);
  only.addEventListener('change', show);
  show();
  const go = kernel.querySelector('.go');
  go.addEventListener('change', () => {
    const named = [...go.list.options].find(({ value }) => value === go.value);
    if (named !== undefined) location.hash = encodeURIComponent(named.dataset.place);
  });
}
`;

/** Commands go to the clipboard at the press of a button, where there is a script to do it. */
const COPYING = `
for (const commands of document.querySelectorAll('pre.commands')) {
  const button = document.createElement('button');
  button.type = 'button';
  button.textContent = 'Copy the commands';
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(commands.textContent);
    button.textContent = 'Copied';
  });
  commands.after(button);
}
`;

/** A deep link into something that is folded opens it. */
const DEEP_LINKS = `
(() => {
  const open = () => {
    const at = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (at === null) return;
    let opened = false;
    for (let folded = at.closest('details'); folded !== null; folded = folded.parentElement.closest('details')) {
      opened ||= !folded.open;
      folded.open = true;
    }
    if (opened) at.scrollIntoView();
  };
  addEventListener('hashchange', open);
  open();
})();
`;
