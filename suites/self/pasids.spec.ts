import { assert } from 'chai';
import { join } from 'node:path';
import { readProgramFile } from '../../fuzz/corpus/program_file.js';
import { samplePrograms } from '../../fuzz/generate/program.js';
import { Behaviour } from '../../models/behaviour.js';
import { ModelRun } from '../../models/model_run.js';
import { type AssembledProgram, assemble } from '../../models/program/assemble.js';
import { DEFAULT_PROFILE } from '../../models/profiles/index.js';
import { judgeByModel } from '../../models/program_verdict.js';
import { usesPasids } from '../../models/state/destroy.js';
import { runOnModel } from '../../targets/sim.js';
import { planScenario } from '../harness/plan.js';
import { SCENARIOS } from '../index.js';

const FINDING = join(import.meta.dirname, '../../../corpus/findings/pasids-outlive-device.json');

const behaviour = new Behaviour(DEFAULT_PROFILE);

/** Runs a program on the model; whether it ends as the model can tell, and with PASIDs attached. */
function endOf({ steps }: AssembledProgram): { pasids: boolean; pasidsMost: number; isKnown: boolean } {
  const run = new ModelRun(behaviour, 'exact', []);
  let isKnown = true;
  let pasidsMost = 0;
  for (const step of steps) {
    isKnown &&= run.execute(step) !== undefined;
    for (const { objects } of run.world.contexts) {
      for (const object of objects.objects) {
        if (object.type === 'DEVICE') pasidsMost = Math.max(pasidsMost, object.attachments.size);
      }
    }
  }
  return { pasids: run.world.contexts.some(usesPasids), pasidsMost, isKnown };
}

describe('PASIDs', () => {
  it('are detached at the end of every scenario, whose files are closed without a step of their own', () => {
    for (const scenario of SCENARIOS) {
      for (const { assembled, caseName } of planScenario(scenario, scenario.cases, behaviour, false)) {
        assert.isFalse(endOf(assembled).pasids, `${scenario.id} ${caseName}`);
      }
    }
  });

  it('are detached before the files of random programs are closed, which attach several', () => {
    const programs = samplePrograms(behaviour, { seed: 5, count: 500, stepsMax: 20 }).map(assemble);
    const ends = programs.map(endOf);
    assert.isTrue(ends.every(({ isKnown, pasids }) => isKnown && !pasids));
    assert.isAtLeast(Math.max(...ends.map(({ pasidsMost }) => pasidsMost)), 4);
  });

  it('that are left attached are a known finding where the files close, with or without a step, and so is what the kernel keeps', async () => {
    const { schema, steps } = await readProgramFile(FINDING);
    const attached = steps.slice(
      0,
      steps.findIndex((step) => step.do === 'ioctl' && step.call === 'IOMMU_DESTROY'),
    );
    const warned = ['iommufd_device_unbind', '__iommu_group_free_device', 'iommufd_fops_release'];
    const splats = warned.map((where) => ({ title: `WARNING in ${where}`, text: '' }));
    const leftovers = ['1 pages stayed pinned and 0 locked'];
    for (const last of [[], [{ do: 'close', file: 'f' }]] as const) {
      const program = assemble({ schema, steps: [...attached, ...last] });
      const outcome = runOnModel(program, behaviour);
      const verdict = judgeByModel(program, { ...outcome, splats, leftovers }, behaviour, 'exact');
      assert.deepEqual(verdict.problems, []);
      assert.include(verdict.findings, 'pasids-outlive-device');
      assert.lengthOf(verdict.unspecified, 1);
    }
    const without = assemble({ schema, steps: attached.slice(0, -1) });
    const clean = { ...runOnModel(without, behaviour), splats, leftovers };
    assert.lengthOf(judgeByModel(without, clean, behaviour, 'exact').problems, warned.length + 1);
  });
});
