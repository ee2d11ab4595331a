import { assert } from 'chai';
import { FINDING_IDS, type FindingId, findingById } from '../../models/findings.js';
import type { Kernel } from '../../targets/kernels/store.js';
import { runCli } from '../self/cli.js';
import { fastKernels } from './guests.js';

/** Findings after which a kernel can go on. */
const HARMLESS = FINDING_IDS.filter((id) => findingById(id).spoilsKernel === undefined);

/** Those after which it is not to be trusted. */
const SPOILING = FINDING_IDS.filter((id) => findingById(id).spoilsKernel !== undefined);

function programFileOf(id: FindingId): string {
  return `corpus/findings/${id}.json`;
}

function isFindingOf(kernel: Kernel, id: FindingId): boolean {
  return findingById(id).kernels.some((version) => kernel.id.startsWith(`${version}.`));
}

/** Replays a finding on a guest of its own. */
async function checkSpoiling(id: FindingId, fast: Kernel): Promise<void> {
  const isThere = isFindingOf(fast, id);
  const { code, stdout, stderr } = await runCli(['replay', programFileOf(id), '--kernel', fast.id]);
  const said = `${id} on ${fast.id}: ${stdout}${stderr}`;
  assert.equal(code, isThere && findingById(id).spoilsKernel === 'untold' ? 2 : 0, said);
  assert.equal(stdout.includes(`known findings seen: ${id}`), isThere, said);
  assert.notInclude(stdout, 'PROBLEM', said);
}

describe('kernel findings', () => {
  it('stored findings are as their pages say, on every kernel', async () => {
    for (const fast of await fastKernels()) {
      const { code, stdout, stderr } = await runCli([
        'replay',
        ...HARMLESS.map(programFileOf),
        '--kernel',
        fast.id,
      ]);
      assert.equal(code, 0, stdout + stderr);
      const reports = stdout.split(/^(?=corpus\/findings\/)/m);
      for (const id of HARMLESS) {
        // Where pages lie side by side depends on what has run before.
        if (id === 'unfill-reads-unmapped') continue;
        const report = reports.find((text) => text.startsWith(`${programFileOf(id)}:`)) ?? '';
        const isSeen = new RegExp(`known findings seen: .*\\b${id}\\b`).test(report);
        assert.equal(isSeen, isFindingOf(fast, id), report);
      }
    }
  });

  it('findings that leave a kernel not to be trusted are as their pages say, on guests of their own', async function () {
    this.timeout(900_000);
    // More guests at a time do not boot in the time that they have on a busy machine.
    await Promise.all(
      (await fastKernels()).map(async (fast) => {
        for (const id of SPOILING) await checkSpoiling(id, fast);
      }),
    );
  });
});
