import { execFile } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { assert } from 'chai';
import { manualPages } from '../../cli/manual.js';
import { INVARIANTS } from '../../models/invariants/index.js';
import { SCENARIOS } from '../index.js';
import { KSELFTESTS, casesOf, namesOf } from '../kselftest/catalogue.js';
import { GAPS } from '../kselftest/gaps.js';
import { runCli } from './cli.js';

const run = promisify(execFile);
const ROOT = resolve(import.meta.dirname, '../../..');

function page(name: string): Promise<string> {
  return readFile(join(ROOT, name), 'utf8');
}

describe('documentation', () => {
  it('the first example of the library does what it says', async () => {
    const code = /```js\n([\s\S]*?)```/.exec(await page('docs/api.md'))?.[1] ?? '';
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', code], { cwd: ROOT });
    assert.equal(stdout.trim(), '[ 0, 0, 0, 2 ]');
  });

  it('every command of --help is in docs/cli.md, with its options', async () => {
    const manual = await page('docs/cli.md');
    const { stdout } = await runCli(['--help']);
    const commands = [...stdout.matchAll(/^ {2}iommufd-cts ([\w-]+)/gm)].map(([, name]) => name ?? '');
    assert.isAtLeast(commands.length, 8);
    for (const command of commands) assert.include(manual, `\`${command}`, command);
  });

  it('the reference is the one that the descriptions give', async () => {
    const stored = (await readdir(join(ROOT, 'docs/reference'))).sort();
    const pages = await manualPages(join(ROOT, 'corpus'));
    const below = pages.map(({ file }) => file).filter((file) => !file.startsWith('..'));
    assert.deepEqual(stored, below.sort());
    for (const { file, text } of pages) {
      assert.equal(await page(`docs/reference/${file}`), text, `${file}: run "npm run reference"`);
    }
  });

  it('every command has help with an example', async () => {
    for (const command of [
      'run',
      'list',
      'designs',
      'explain',
      'replay',
      'export',
      'import',
      'kernel build',
      'test-kernel',
      'record-selftests',
      'bench',
      'doctor',
    ]) {
      const { code, stdout } = await runCli([...command.split(' '), '--help']);
      assert.equal(code, 0);
      assert.match(stdout, /Examples:\n {2}iommufd-cts /, command);
    }
  });

  it('numbers of scenarios and invariants are those there are', async () => {
    assert.include(await page('CHANGELOG.md'), `${String(SCENARIOS.length)} scenarios`);
    assert.equal(INVARIANTS.length, 14);
    assert.include(await page('README.md'), 'fourteen invariants');
  });
});

describe('the list of the kernel’s own selftests', () => {
  const cases = KSELFTESTS.map(({ fixtures }) => fixtures.flatMap(casesOf));

  it('has as many cases as they run', () => {
    assert.deepEqual(
      cases.map((of) => of.length),
      [246, 8],
    );
    const bodies = KSELFTESTS[0]?.fixtures.flatMap((fixture) => fixture.cases);
    assert.lengthOf(bodies ?? [], 66);
  });

  it('has every case and every gap that a scenario names', () => {
    const names = new Set(cases.flat().flatMap(namesOf));
    const wrong = SCENARIOS.flatMap(({ id, kselftest, gaps }) => [
      ...kselftest.filter((name) => !names.has(name)).map((name) => `${id}: ${name}`),
      ...gaps.filter((gap) => !(gap in GAPS)).map((gap) => `${id}: ${String(gap)}`),
    ]);
    assert.deepEqual(wrong, []);
  });
});

describe('explain', () => {
  const texts: readonly (readonly [id: string, says: readonly RegExp[]])[] = [
    [
      'IOMMU_IOAS_MAP',
      [/ioctl 0x3b85: 40 bytes/, /EEXIST\.area/, /In 6\.12, EINVAL\.length_zero comes before/],
    ],
    ['IOMMU_IOAS_MAP/EEXIST.area', [/answers EEXIST when/, /io_pagetable\.c/, /ioas\/map:fixed,overlap/]],
    ['IOMMU_IOAS_UNMAP/ENOENT.straddles', [/All the same/]],
    ['IOMMU_VIOMMU_ALLOC/EINVAL.parent', [/kernels 7\.3\.$/m]],
    ['envelope', [/EINVAL\.size/, /E2BIG\.tail/]],
    ['pages_pinned_once', [/Not covered:/]],
    ['ioas/map:fixed,overlap', [/Covers: IOMMU_IOAS_MAP\/EEXIST\.area/, /control/]],
    ['unfill-reads-unmapped', [/6\.12\.117/]],
  ];
  for (const [id, says] of texts) {
    it(id, async () => {
      const { code, stdout } = await runCli(['explain', id]);
      assert.equal(code, 0);
      for (const part of says) assert.match(stdout, part);
    });
  }

  it('list --json has what scripts need', async () => {
    const { stdout } = await runCli(['list', '--json']);
    const scenarios = JSON.parse(stdout) as Record<string, unknown>[];
    assert.lengthOf(scenarios, SCENARIOS.length);
    for (const scenario of scenarios) assert.containsAllKeys(scenario, ['id', 'doc', 'covers', 'needs']);
  });

  it('doctor --json says what is there', async () => {
    const { code, stdout } = await runCli(['doctor', '--json']);
    assert.equal(code, 0);
    assert.isNotNull(JSON.parse(stdout));
  });
});
