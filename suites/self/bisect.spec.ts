import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { assert } from 'chai';
import { makeDirectory, removeDirectory } from './temporary.js';

const run = promisify(execFile);

const ROOT = join(import.meta.dirname, '../../..');

/** Takes the place of a gate on a kernel tree: the model, with a difference where the tree has a file `broken`. */
const GATE = `#!/bin/sh
shift 3
[ ! -e unbuildable ] || exit 2
[ ! -e broken ] || set -- "$@" --mutant IOMMU_IOAS_MAP/EEXIST.area:drop
exec "${process.execPath}" "${join(ROOT, 'dist/cli/main.js')}" gate --target sim "$@"
`;

/** What git takes from a hook that runs these tests would lead it to another repository, and the user's settings elsewhere. */
const OWN_GIT = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_'))),
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
};

function hasGit(): Promise<boolean> {
  return run('git', ['--version']).then(
    () => true,
    () => false,
  );
}

const COMMITS = 8;
const BROKEN_FROM = 6;
const UNBUILDABLE = 4;

describe('docs/ci/bisect.sh', () => {
  let directory: string;
  /** Of the commit that broke it. */
  let culprit: string;

  async function git(...args: readonly string[]): Promise<string> {
    const identity = ['-c', 'user.name=A', '-c', 'user.email=a@example.org'];
    const env = { ...OWN_GIT, IOMMUFD_CTS: `sh ${join(directory, 'gate.sh')}` };
    const { stdout } = await run('git', ['-C', join(directory, 'tree'), ...identity, ...args], { env });
    return stdout.trim();
  }

  before(async function () {
    directory = await makeDirectory();
    if (!(await hasGit())) {
      process.stderr.write('skipped, there is no git: docs/ci/bisect.sh\n');
      this.skip();
    }
    await writeFile(join(directory, 'gate.sh'), GATE);
    await mkdir(join(directory, 'tree'));
    await git('init', '-q');
    for (let number = 1; number <= COMMITS; number++) {
      await writeFile(join(directory, 'tree', 'number'), String(number));
      if (number === UNBUILDABLE) await writeFile(join(directory, 'tree', 'unbuildable'), '');
      if (number === UNBUILDABLE + 1) await git('rm', '-qf', 'unbuildable');
      if (number === BROKEN_FROM) await writeFile(join(directory, 'tree', 'broken'), '');
      await git('add', '.');
      await git('commit', '-qm', `commit ${String(number)}`);
      if (number === BROKEN_FROM) culprit = await git('rev-parse', 'HEAD');
    }
  });

  after(() => removeDirectory(directory));

  beforeEach(() => git('bisect', 'start', 'HEAD', `HEAD~${String(COMMITS - 1)}`));

  afterEach(() => git('bisect', 'reset'));

  function bisect(query: string): Promise<string> {
    const script = join(ROOT, 'docs/ci/bisect.sh');
    return git('bisect', 'run', 'sh', script, query, '--programs', '0');
  }

  it('finds the commit that broke it, past one of which nothing can be told', async () => {
    const said = await bisect('ioas/map:order');
    assert.include(said, `${culprit} is the first bad commit`);
    assert.match(said, /^gate: PASS/m);
    assert.match(said, /^gate: FAIL/m);
    assert.isEmpty(await git('status', '--porcelain'));
  });

  it('ends where the command line makes no sense', async () => {
    const error: unknown = await bisect('nonsense').catch((thrown: unknown) => thrown);
    assert.instanceOf(error, Error);
    assert.match(error.message, /no scenario matches nonsense/);
  });
});
