import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { assert } from 'chai';
import { type Runtime, exportC, loadRuntime } from '../../fuzz/export_c/export.js';
import { Behaviour } from '../../models/behaviour.js';
import type { Mutant } from '../../models/mutants.js';
import type { Program } from '../../models/program/program.js';
import { profileOfRelease } from '../../models/profiles/index.js';
import { present } from '../../models/base/assert.js';
import type { Kernel } from '../../targets/kernels/store.js';
import { planCase } from '../harness/plan.js';
import { SCENARIOS } from '../index.js';
import { type Ended, runCli } from '../self/cli.js';
import { makeDirectory, removeDirectory } from '../self/temporary.js';
import { fastKernels } from './guests.js';

const RUNTIME = resolve(import.meta.dirname, '../../../fuzz/export_c/runtime');

/** Scenarios of many kinds of steps; the first case of each that both kernels have. */
const CHOSEN = [
  'object/destroy:',
  'ioas/map:',
  'ioas/map_huge:pages,counted',
  'ioas/allow_iovas:',
  'hwpt/nested:',
  'event/fault_file:read,records',
  'access/rw:',
  'vfio/map_dma:',
  'vfio/device_attach:',
  'vfio/group_device:',
  'process/exec:',
  'process/pass:',
  'process/fork:',
  'lanes/areas:map,and_unmap',
  'exhaustion/ioas:calls',
] as const;

/** A model that is wrong in one rule: what it expects is not what a kernel does. */
const WRONG: Mutant = { kind: 'errno', call: 'IOMMU_DESTROY', rule: 'EBUSY.users', errno: 'EINVAL' };

describe('programs as C, on kernels', () => {
  let directory: string;
  let runtime: Runtime;

  before(async () => {
    directory = await makeDirectory();
    runtime = await loadRuntime(RUNTIME);
  });

  after(() => removeDirectory(directory));

  async function compile(name: string, program: Program, behaviour: Behaviour): Promise<string> {
    const file = join(directory, name);
    await writeFile(`${file}.c`, exportC(program, behaviour, runtime));
    await promisify(execFile)('cc', ['-Wall', '-Werror', '-O0', '-static', '-o', file, `${file}.c`]);
    return file;
  }

  function boot(kernel: Kernel, files: readonly string[]): Promise<Ended> {
    return runCli(['boot', ...files, '--kernel', kernel.id]);
  }

  function behaviourOf({ version }: Kernel, mutant?: Mutant): Behaviour {
    return new Behaviour(present(profileOfRelease(version), `a profile of ${version}`), mutant);
  }

  it('say PASS where the kernel does as the model says', async () => {
    for (const kernel of await fastKernels()) {
      const behaviour = behaviourOf(kernel);
      const files: string[] = [];
      for (const [index, start] of CHOSEN.entries()) {
        const scenario = present(
          SCENARIOS.find(({ id }) => id.startsWith(start)),
          start,
        );
        const { program } = planCase(scenario, present(scenario.cases[0], 'a case'));
        files.push(await compile(`${kernel.id}-${String(index)}`, program, behaviour));
      }
      const { code, stdout, stderr } = await boot(kernel, files);
      assert.equal(code, 0, stdout + stderr);
      assert.lengthOf(stdout.match(/: PASS: \d+ steps answer as the model/g) ?? [], files.length, stdout);
    }
  });

  it('say FAIL with the first difference where it does not', async () => {
    const scenario = present(
      SCENARIOS.find(({ covers }) => covers.includes('IOMMU_DESTROY/EBUSY.users')),
      'a scenario',
    );
    for (const kernel of await fastKernels()) {
      const { program } = planCase(scenario, present(scenario.cases[0], 'a case'));
      const file = await compile(`${kernel.id}-wrong`, program, behaviourOf(kernel, WRONG));
      const { code, stdout, stderr } = await boot(kernel, [file]);
      assert.equal(code, 1, stdout + stderr);
      assert.match(
        stdout,
        /^FAIL: step \d+, .*IOMMU_DESTROY\(.*: allowed is EINVAL \(IOMMU_DESTROY\/EINVAL\.mutant\), seen EBUSY\n$/,
      );
    }
  });
});
