import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { assert } from 'chai';
import { assertRefused, runCli } from './cli.js';
import { makeDirectory, removeDirectory } from './temporary.js';

const FILES = ['comment.md', 'junit.xml', 'result.json', 'result.ktap', 'result.sarif', 'result.txt'];
const PLANTED = 'IOMMU_OPTION/EOPNOTSUPP.op:drop';

describe('gate', () => {
  let out: string;
  before(async () => {
    out = await makeDirectory();
  });
  after(() => removeDirectory(out));
  const gate = (...args: string[]) =>
    runCli(['gate', 'option', '--target', 'sim', '--programs', '20', '--out', out, ...args]);

  it('what is as it should be: one line, all reports, 0', async () => {
    const { code, stdout, stderr } = await gate();
    assert.equal(code, 0, stdout + stderr);
    assert.match(
      stdout,
      /^gate: PASS · the embedded model, .* · \d+ scenarios · \d+ programs · 0 unexpected · .*\n$/,
    );
    assert.includeMembers(await readdir(out), FILES);
    const { results } = JSON.parse(await readFile(join(out, 'result.json'), 'utf8')) as {
      readonly results: readonly { readonly id: string }[];
    };
    for (const part of ['option/', 'stored/findings:', 'random/programs:seed,1'])
      assert.isTrue(
        results.some(({ id }) => id.startsWith(part)),
        part,
      );
  });

  it('a planted difference: 1, and the call and the rule at fault; as a baseline, none', async () => {
    const { code, stdout } = await gate('--mutant', PLANTED);
    assert.equal(code, 1, stdout);
    assert.match(stdout, /^✗ IOMMU_OPTION\/EOPNOTSUPP\.op in option\//m);
    assert.match(stdout, /\ngate: FAIL · /);
    assert.include(
      await readFile(join(out, 'result.sarif'), 'utf8'),
      '"ruleId": "IOMMU_OPTION/EOPNOTSUPP.op"',
    );
    const again = await gate('--mutant', PLANTED, '--baseline', join(out, 'result.json'));
    assert.equal(again.code, 0, again.stdout);
  });

  it('what makes no sense is refused', async () => {
    assertRefused(await gate('--programs', 'many'), 64, /--programs takes a whole number/);
    // On a machine that lacks all tools as well: what was asked for is wrong first.
    const bare = { PATH: '/nowhere' };
    assertRefused(await runCli(['gate', '--source', '/nowhere'], bare), 64, /no kernel source tree/);
  });
});
