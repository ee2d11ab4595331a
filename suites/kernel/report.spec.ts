import { join } from 'node:path';
import { assert } from 'chai';
import type { Browser } from 'playwright-core';
import type { Kernel } from '../../targets/kernels/store.js';
import { runCli } from '../self/cli.js';
import { assertAccessible, assertLinksResolve, launchBrowser, openReport } from '../self/report_page.js';
import { makeDirectory, removeDirectory } from '../self/temporary.js';
import { debianKernels } from './guests.js';

/** Scenarios that every kernel passes or skips, and that show known findings on the way. */
const QUERY = ['ioas/alloc', 'ioas/copy', 'hwpt/alloc', 'viommu/alloc'];

describe('the HTML report of real runs', () => {
  let directory: string;
  let kernels: Kernel[];
  let browser: Browser | undefined;

  before(async function () {
    browser = await launchBrowser();
    if (browser === undefined) this.skip();
    directory = await makeDirectory();
    kernels = await debianKernels();
  });

  after(async () => {
    if (browser === undefined) return;
    await browser.close();
    await removeDirectory(directory);
  });

  it('of all kernels and of a campaign: no errors, nothing that axe finds, every link leads somewhere', async function () {
    this.timeout(900_000);
    for (const { id } of kernels) {
      const reporter = `json=${join(directory, 'runs', `${id}.json`)}`;
      const run = await runCli(['run', ...QUERY, '--kernel', id, '--reporter', reporter]);
      assert.equal(run.code, 0, run.stdout + run.stderr);
    }
    const [kernel] = kernels;
    assert.isDefined(kernel);
    const campaign = [
      '--kernel',
      kernel.id,
      '--programs',
      '64',
      '--out',
      join(directory, 'runs', 'campaign'),
    ];
    const fuzz = await runCli(['fuzz', ...campaign]);
    assert.equal(fuzz.code, 0, fuzz.stdout + fuzz.stderr);

    const file = join(directory, 'report.html');
    const report = await runCli(['report', join(directory, 'runs'), '-o', file]);
    assert.equal(report.code, 0, report.stderr);

    for (const scheme of ['light', 'dark'] as const) {
      const opened = await openReport(browser, file, scheme);
      await assertLinksResolve(opened);
      await assertAccessible(opened);
      const text = (await opened.page.locator('body').textContent()) ?? '';
      for (const { version } of kernels) assert.include(text, `Linux ${version} in QEMU`);
      assert.isTrue(await opened.page.locator('#campaign-campaign').isVisible());
      await opened.page.close();
    }
  });

  it('finds a scenario by a word of its id', async () => {
    const { page } = await openReport(browser, join(directory, 'report.html'));
    const shown = page.locator('#scenarios .list tr');
    const all = await shown.count();
    await page.locator('input.search').pressSequentially('viommu/alloc');
    await page.waitForFunction(`document.querySelectorAll("#scenarios .list tr").length < ${String(all)}`);
    assert.isNotEmpty(await shown.locator('.id').allTextContents());
    for (const id of await shown.locator('.id').allTextContents()) assert.match(id, /^viommu\/alloc:/);
  });
});
