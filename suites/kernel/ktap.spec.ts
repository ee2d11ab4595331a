import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { assert } from 'chai';
import { execa } from 'execa';
import { renderKtap } from '../../reports/ktap.js';
import { sourceTreeOf } from '../../targets/kernels/source.js';
import { runCli } from '../self/cli.js';
import { line, report } from '../self/report_example.js';
import { makeDirectory, removeDirectory } from '../self/temporary.js';
import { fastKernels } from './guests.js';

describe("ktap, read by the kernels' own parser", () => {
  let directory: string;
  before(async () => {
    directory = await makeDirectory();
  });
  after(() => removeDirectory(directory));
  const file = (): string => join(directory, 'result.ktap');

  /** The last line of what `kunit.py parse` of each kernel's source says. */
  async function parsed(): Promise<string[]> {
    const kernels = await fastKernels();
    return Promise.all(
      kernels.map(async (kernel) => {
        const tree = await sourceTreeOf(kernel, join(dirname(kernel.bzImage), '../..'));
        return runPython([join(tree, 'tools/testing/kunit/kunit.py'), 'parse', file()]);
      }),
    );
  }

  it('a run: as many tests as scenarios, all of them passed', async () => {
    const { code, stdout, stderr } = await runCli(['run', 'option', '--reporter', `ktap=${file()}`]);
    assert.equal(code, 0, stdout + stderr);
    for (const said of await parsed()) {
      assert.match(said, /Ran (\d+) tests: passed: \1$/);
    }
  });

  it('one result of each kind', async () => {
    const results = [
      line('ioas/map:one', { findings: ['map-page-count-warn'] }),
      line('ioas/map:two', { status: 'failed', reason: 'saw OK', details: ['step 1\nsaw OK'] }),
      line('ioas/copy:three', { status: 'skipped', reason: 'no test commands' }),
      line('mock/domain:four', { status: 'unspecified', reason: 'the model cannot tell' }),
      line('mock/domain:five', { status: 'infra', reason: 'the machine is gone' }),
    ];
    await writeFile(file(), renderKtap(report(results)));
    for (const said of await parsed()) assert.match(said, /Ran 5 tests: passed: 1, failed: 3, skipped: 1$/);
  });
});

/** The last line that a Python program prints. It must not leave compiled files in the source. */
async function runPython(args: readonly string[]): Promise<string> {
  const env = { PYTHONDONTWRITEBYTECODE: '1' };
  // Failed tests make it end with 1; what it says is what counts.
  const { stdout, code } = await execa('python3', args, { env, reject: false });
  assert.isUndefined(code, 'python3 is installed');
  return stdout.trim().split('\n').at(-1) ?? '';
}
