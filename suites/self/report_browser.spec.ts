import { assert } from 'chai';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { renderHtml } from '../../reports/html/page.js';
import { DATA, FAILED, LARGE } from './report_data.js';
import {
  type OpenReport,
  assertAccessible,
  assertLinksResolve,
  launchBrowser,
  openReport,
} from './report_page.js';

describe('the HTML report in a browser', () => {
  let directory: string;
  let browser: Browser | undefined;

  before(async function () {
    browser = await launchBrowser();
    if (browser === undefined) this.skip();
    directory = await mkdtemp(join(tmpdir(), 'iommufd-cts-browser-'));
    await writeFile(join(directory, 'report.html'), await renderHtml(DATA));
  });

  after(async () => {
    if (browser === undefined) return;
    await browser.close();
    await rm(directory, { recursive: true });
  });

  function open(colorScheme: 'light' | 'dark', place = ''): Promise<OpenReport> {
    return openReport(browser, join(directory, 'report.html'), colorScheme, place);
  }

  for (const scheme of ['light', 'dark'] as const) {
    it(`has no errors, nor anything that axe finds (${scheme})`, async () => {
      const report = await open(scheme);
      await assertAccessible(report);
      await assertLinksResolve(report);
    });
  }

  it('is small and opens at once with as much in it as there may be', async () => {
    const html = await renderHtml(LARGE);
    assert.isBelow(Buffer.byteLength(html), 15_000_000);
    await writeFile(join(directory, 'large.html'), html);
    assert.isDefined(browser);
    const page = await browser.newPage();
    const session = await page.context().newCDPSession(page);
    await session.send('Performance.enable');
    await page.goto(pathToFileURL(join(directory, 'large.html')).href);
    // Of the processor: what else the machine does is not the page's fault.
    const { metrics } = await session.send('Performance.getMetrics');
    assert.isBelow(metrics.find(({ name }) => name === 'ProcessTime')?.value ?? Infinity, 2);
    assert.equal(await page.locator('#scenarios .list tr').count(), 250);
    await page.close();
  });

  it('filters scenarios by words and by status', async () => {
    const { page } = await open('light');
    const shown = page.locator('#scenarios .list tr');
    assert.equal(await shown.count(), 2);
    await page.locator('input.search').pressSequentially('wraps');
    await page.waitForFunction('document.querySelectorAll("#scenarios .list tr").length === 1');
    assert.equal(await shown.locator('.id').textContent(), FAILED.id);
    await page.selectOption('.status-filter', 'passed');
    assert.equal(await page.locator('.shown').textContent(), '0 of 2 scenarios');
    await page.selectOption('.status-filter', 'failed');
    await page.selectOption('.area-filter', 'ioas');
    assert.equal(await page.locator('.shown').textContent(), '1 of 2 scenarios');
  });

  it('opens the file of a line that a deep link leads to', async () => {
    const { page } = await open('light', '#line-sizes.c-11');
    assert.isTrue(await page.locator('#line-sizes\\.c-11').isVisible());
    assert.isFalse(await page.locator('#line-other\\.h-1').isVisible());
  });

  it('shows only what was not reached, with the lines around it', async () => {
    const { page } = await open('light', '#file-sizes.c');
    await page.locator('.only-missed').press('Space');
    const shown = await page
      .locator('#file-sizes\\.c .source tbody tr:visible td:first-child')
      .allTextContents();
    assert.deepEqual(shown, ['8', '9', '10', '11', '12', '13']);
    assert.isFalse(await page.locator('#function-sizes\\.c-grow').isVisible());
    assert.isTrue(await page.locator('#function-sizes\\.c-shrink').isVisible());
  });

  it('goes to a function by its name', async () => {
    const { page } = await open('light');
    await page.locator('.go').fill('shrink');
    await page.locator('.go').press('Enter');
    await page.waitForFunction('location.hash === "#function-sizes.c-shrink"');
    assert.isTrue(await page.locator('#function-sizes\\.c-shrink').isVisible());
  });

  it('leads from a changed line to the source, also by keyboard', async () => {
    const { page } = await open('light', '#patch-function-sizes.c-grow');
    const line = page.locator('#line-sizes\\.c-5');
    assert.isFalse(await line.isVisible());
    await page.locator('#patch-function-sizes\\.c-grow a', { hasText: /^5$/ }).press('Enter');
    await line.waitFor({ state: 'visible' });
    assert.equal(await line.locator('td').nth(1).textContent(), 'fault injection');
  });

  it('opens what a deep link leads to', async () => {
    const { page } = await open('light', '#call-IOMMU_IOAS_MAP');
    assert.isTrue(await page.locator('#call-IOMMU_IOAS_MAP li').first().isVisible());
  });
});
