import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assert } from 'chai';
import { compareDesigns } from '../../cli/diff/designs.js';
import { answersThatDiffer } from '../../cli/diff/answers.js';
import { compareKernels } from '../../cli/diff/kernels.js';
import { compareRuns } from '../../cli/diff/runs.js';
import { readRun } from '../../cli/run_file.js';
import { findDesign } from '../../cli/designs/run_rows.js';
import { linux612 } from '../../models/profiles/linux_6_12.js';
import { linux73 } from '../../models/profiles/linux_7_3.js';
import { type Comparison, renderComparison, renderComparisonMarkdown } from '../../reports/comparison.js';
import { renderJson } from '../../reports/json.js';
import { assertRefused, runCli } from './cli.js';
import { line, report } from './report_example.js';
import { makeDirectory, removeDirectory } from './temporary.js';

/** What a section says of something. */
function said({ sections }: Comparison, title: string, about: string): string | undefined {
  return sections.find((one) => one.title === title)?.entries.find((entry) => entry.about === about)?.says;
}

describe('diff of kernels', () => {
  const comparison = compareKernels(linux612, linux73);
  const back = compareKernels(linux73, linux612);

  it('names calls, values, refusals, moved ones and findings', () => {
    assert.match(said(comparison, 'Calls that are new', 'IOMMU_VIOMMU_ALLOC') ?? '', /refusals, /);
    assert.equal(
      said(comparison, 'What there is, and what is taken', 'misalignedMapErrno'),
      'mapping what is not a multiple of the domain’s smallest page is refused with: ENXIO, before EINVAL',
    );
    assert.match(
      said(comparison, 'Refusals in another order', 'IOMMU_IOAS_MAP/EINVAL.length_zero') ?? '',
      /^no longer decided before EOVERFLOW.user_va_wrap/,
    );
  });

  it('is the other way round from the other side', () => {
    assert.isDefined(said(back, 'Calls that are gone', 'IOMMU_VIOMMU_ALLOC'));
    assert.isUndefined(said(back, 'Calls that are new', 'IOMMU_VIOMMU_ALLOC'));
    assert.match(
      said(back, 'Refusals in another order', 'IOMMU_IOAS_MAP/EINVAL.length_zero') ?? '',
      /^now decided before/,
    );
  });

  it('is nothing between a kernel and itself', () => {
    assert.isEmpty(compareKernels(linux73, linux73).sections);
    assert.include(renderComparison(compareKernels(linux73, linux73)), 'no difference');
  });

  it('shows answers that differ, with a scenario that shows them', async () => {
    const answers = await answersThatDiffer(linux612, linux73);
    assert.isTrue(
      answers.some(
        ({ about, says }) => about === 'IOMMU_IOAS_MAP' && says.includes('EOVERFLOW.user_va_wrap'),
      ),
    );
  });
});

describe('diff of designs', () => {
  it('names invariants that stand otherwise', () => {
    const { sections } = compareDesigns(findDesign('ioasid-rfc'), findDesign('ioasid-rfc-merged'));
    const [changed] = sections;
    assert.equal(changed?.title, 'Invariants that stand otherwise');
    assert.isTrue(changed?.entries.some(({ says }) => says.startsWith('holds; before, broken by D')));
  });
});

describe('diff of runs', () => {
  let directory: string;
  before(async () => {
    directory = await makeDirectory();
  });
  after(() => removeDirectory(directory));

  async function stored(name: string, from: Parameters<typeof report>): Promise<string> {
    const file = join(directory, name);
    await writeFile(file, renderJson(report(...from)));
    return file;
  }

  it('tells verdicts, rules, findings, coverage and speed', async () => {
    const broken = [{ rule: 'IOMMU_IOAS_MAP/OK', says: 'it succeeds', cite: 'x.c', what: 'saw EINVAL' }];
    const before = await stored('before.json', [
      [line('a/b:c', { ms: 10 }), line('a/b:gone'), line('a/b:d', { findings: ['old'] })],
      { ms: 1000, rules: { seen: 1, all: 2, answered: ['A/OK', 'B/OK'] } },
    ]);
    const after = await stored('after.json', [
      [line('a/b:c', { ms: 900, status: 'failed', reason: 'saw EINVAL', broken }), line('a/b:d')],
      { ms: 2000, rules: { seen: 1, all: 2, answered: ['A/OK', 'C/OK'] } },
    ]);
    const comparison = compareRuns(await readRun(before), await readRun(after));
    for (const [title, about, says] of [
      ['Verdicts that changed', 'a/b:c', 'failed, before passed: saw EINVAL'],
      ['Scenarios that are gone', 'a/b:gone', 'passed'],
      ['Rules that do not hold any more', 'IOMMU_IOAS_MAP/OK', 'a/b:c: saw EINVAL'],
      ['Kernel findings not seen any more', 'old', 'in 1 scenarios'],
      ['Rules that are answered now', 'C/OK', 'an answer followed it'],
      ['Rules that are not answered any more', 'B/OK', 'an answer followed it'],
      ['Speed', 'a/b:c', '900 ms, before 10 ms'],
      ['Speed', 'programs per second', '2, before 6'],
    ] as const) {
      assert.equal(said(comparison, title, about), says, title);
    }
    assert.include(renderComparisonMarkdown(comparison), '| `a/b:c`');
  });

  it('on the command line: data, and one sentence for what is nothing of the kind', async () => {
    const file = await stored('same.json', [[line('a/b:c')], {}]);
    const { code, stdout, stderr } = await runCli(['diff', file, file, '--json']);
    assert.equal(code, 0, stdout);
    assert.include(JSON.parse(stdout), { schema: 1, kind: 'runs' });
    assert.notInclude(stderr, 'nothing was compared');
    const other = await stored('other.json', [[line('d/e:f')], {}]);
    const strange = await runCli(['diff', file, other]);
    assert.equal(strange.code, 0);
    assert.include(strange.stderr, `${file} has none of the scenarios of ${other}: nothing was compared\n`);
    assertRefused(await runCli(['diff', '7.3', file]), 64, /are not of one kind/);
    assertRefused(await runCli(['diff', 'nonsense', '7.3']), 64, /no report, kernel or design nonsense/);
  });
});
