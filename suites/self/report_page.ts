import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import type { AxeResults } from 'axe-core';
import { assert } from 'chai';
import { type Browser, type Page, chromium } from 'playwright-core';
import { exists } from '../../targets/files.js';

/** Where Debian's package has it. */
const CHROMIUM = '/usr/bin/chromium';

/** It asks the network for nothing, which need not be there. */
const FLAGS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
  ...['--disable-background-networking', '--disable-component-update'],
];

/** A headless browser; where there is none, a reason is printed, and what needs it is to be skipped. */
export async function launchBrowser(): Promise<Browser | undefined> {
  if (await exists(CHROMIUM)) return chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  process.stdout.write(`    skipped: ${CHROMIUM} is not there (Debian package chromium)\n`);
  return undefined;
}

/** A page with a report, and what the browser complains of. */
export interface OpenReport {
  readonly page: Page;
  readonly complaints: readonly string[];
}

/** @param place what follows the address, as `#id` */
export async function openReport(
  browser: Browser | undefined,
  file: string,
  colorScheme: 'light' | 'dark' = 'light',
  place = '',
): Promise<OpenReport> {
  assert.isDefined(browser);
  const page = await browser.newPage({ colorScheme });
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(`${pathToFileURL(file).href}${place}`);
  return { page, complaints };
}

/** That axe finds nothing on a page with everything unfolded, and the browser has not complained. */
export async function assertAccessible({ page, complaints }: OpenReport): Promise<void> {
  await page.addScriptTag({ path: createRequire(import.meta.url).resolve('axe-core/axe.min.js') });
  await page.evaluate('for (const folded of document.querySelectorAll("details")) folded.open = true');
  const { violations } = await page.evaluate<AxeResults>('axe.run()');
  assert.deepEqual(
    violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`),
    [],
  );
  assert.deepEqual(complaints, []);
}

/** That each link of a page leads to something that is there; there are some. */
export async function assertLinksResolve({ page }: OpenReport): Promise<void> {
  const links = await page.evaluate<readonly string[]>(
    '[...document.querySelectorAll("a[href]")].map((link) => link.getAttribute("href"))',
  );
  assert.isNotEmpty(links);
  const ids = await page.evaluate<readonly string[]>(
    '[...document.querySelectorAll("[id]")].map(({ id }) => `#${id}`)',
  );
  const places = new Set(ids);
  assert.deepEqual(
    links.filter((href) => !places.has(decodeURIComponent(href))),
    [],
  );
}
