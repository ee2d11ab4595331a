import { assert } from 'chai';
import fc from 'fast-check';
import { Picks } from '../../fuzz/generate/picks.js';
import { samplePrograms } from '../../fuzz/generate/program.js';
import { mutateProgram } from '../../fuzz/mutate/mutate.js';
import { Names } from '../../fuzz/mutate/labels.js';
import { OPERATORS } from '../../fuzz/mutate/operators.js';
import { Rewriter } from '../../fuzz/mutate/rewriter.js';
import { Behaviour } from '../../models/behaviour.js';
import { assemble } from '../../models/program/assemble.js';
import { type IoctlStep, type Program, placedSteps } from '../../models/program/program.js';
import { type Profile, PROFILES } from '../../models/profiles/index.js';
import { judgeByModel } from '../../models/program_verdict.js';
import { runOnModel } from '../../targets/sim.js';
import { planCase } from '../harness/plan.js';
import { SCENARIOS } from '../index.js';

const RUNS = 250;

const numbers = fc.array(fc.nat(0xffff), { minLength: 64, maxLength: 64, size: 'max' });

/** What a mutation may be of: programs of scenarios, and random ones. */
const scenarios: readonly Program[] = SCENARIOS.flatMap((scenario) =>
  scenario.cases.map((caseName) => planCase(scenario, caseName).program),
);

for (const profile of PROFILES) {
  describe(`mutated programs for ${profile.id}`, () => {
    const behaviour = new Behaviour(profile);
    const pool = [...scenarios, ...samplePrograms(behaviour, { seed: 7, count: 200, stepsMax: 20 })];
    const any = fc.nat(pool.length - 1).map((at) => pool[at] as Program);
    const donors = pool.filter((_, at) => at % 7 === 0).map((donor) => () => donor);

    it('can be assembled, are told by the model, and hold every invariant', () => {
      fc.assert(
        fc.property(any, fc.array(numbers, { minLength: 1, maxLength: 3 }), (program, rounds) => {
          let mutated = program;
          for (const round of rounds) {
            mutated = mutateProgram(mutated, donors, behaviour, new Picks(round), { canFail: true });
            const assembled = assemble(mutated);
            const outcome = runOnModel(assembled, behaviour);
            const { problems, unspecified } = judgeByModel(assembled, outcome, behaviour, 'exact');
            assert.deepEqual([...problems, ...unspecified], []);
          }
        }),
        { numRuns: RUNS, seed: 1 },
      );
    });

    it('are the same for the same numbers, and mostly others for others', () => {
      const [first] = pool.slice(-1) as [Program];
      const texts = Array.from({ length: 50 }, (_, seed) => {
        const round = fc.sample(numbers, { seed, numRuns: 1 })[0] ?? [];
        const again = mutateProgram(first, donors, behaviour, new Picks(round));
        assert.deepEqual(mutateProgram(first, donors, behaviour, new Picks(round)), again);
        return JSON.stringify(again, shown);
      });
      assert.isAbove(new Set(texts).size, 40);
    });

    it('stay short, however often they are mutated', () => {
      let program = pool[0] as Program;
      for (let seed = 0; seed < 60; seed++) {
        const round = fc.sample(numbers, { seed, numRuns: 1 })[0] ?? [];
        program = mutateProgram(program, donors, behaviour, new Picks(round));
      }
      assert.isBelow(placedSteps(program).length, 200);
    });
  });
}

describe('mutation', () => {
  const behaviour = new Behaviour(PROFILES[0] as Profile);
  const programs = samplePrograms(behaviour, { seed: 11, count: 12, stepsMax: 20 });

  for (const { name, does } of OPERATORS) {
    it(`can ${name}`, () => {
      const isDone = programs.some((program, at) => {
        const from = new Names(program);
        const steps = program.steps.map((step) => ({ step, from }));
        const donor = programs.at(at - 1) as Program;
        const others = new Names(donor);
        const round = fc.sample(numbers, { seed: at, numRuns: 1 })[0] ?? [];
        const material = {
          picks: new Picks(round),
          canFail: true,
          drawDonor: () => donor.steps.map((step) => ({ step, from: others })),
          drawKind: () => 'counters' as const,
        };
        return JSON.stringify(does(steps, material), shown) !== JSON.stringify(steps, shown);
      });
      assert.isTrue(isDone);
    });
  }

  it('never makes an allocation fail unless that is allowed', () => {
    const program = programs[0] as Program;
    for (let seed = 0; seed < 100; seed++) {
      const round = fc.sample(numbers, { seed, numRuns: 1 })[0] ?? [];
      const mutated = mutateProgram(program, [() => program], behaviour, new Picks(round));
      assert.isFalse(mutated.steps.some((step) => 'failNth' in step));
    }
  });

  it('gives what needs a step that is gone another one like it', () => {
    const open = { do: 'open', label: 'f' } as const;
    const call = (name: string, args: IoctlStep['args'], label: string): IoctlStep => ({
      do: 'ioctl',
      file: 'f',
      call: name,
      args,
      label,
    });
    const steps = [
      open,
      call('IOMMU_IOAS_ALLOC', {}, 'kept'),
      call('IOMMU_DESTROY', { id: { ref: 'gone.out_ioas_id' } }, 'destroyed'),
    ];
    const from = new Names({ schema: 1, steps: [...steps, call('IOMMU_IOAS_ALLOC', {}, 'gone')] });
    const written = new Rewriter(behaviour, new Picks([1, 2, 3])).write(
      steps.map((step) => ({ step, from })),
    );
    const destroy = written.steps[2];
    assert.deepEqual(destroy?.do === 'ioctl' ? destroy.args : undefined, { id: { ref: 'kept.out_ioas_id' } });
  });

  it('draws lanes whose labels are not those of lanes that are there', () => {
    const opened = new Names({ schema: 1, steps: [] });
    const call = (label: string): IoctlStep => ({
      do: 'ioctl',
      file: 'f',
      call: 'IOMMU_IOAS_ALLOC',
      args: {},
      label,
    });
    for (let seed = 0; seed < 20; seed++) {
      const round = fc.sample(numbers, { seed, numRuns: 1 })[0] ?? [];
      // Drawn lanes are named after the number of steps before them: 5, and 6 or more.
      const program = new Rewriter(behaviour, new Picks(round)).write([
        { step: { do: 'open', label: 'f' }, from: opened },
        ...['s5_0_0', 's6_0_0', 's7_1_0', 's8_0_0'].map((label) => ({ step: call(label), from: opened })),
        { draw: 'lanes' },
        { draw: 'lanes' },
      ]);
      assert.doesNotThrow(() => assemble(program));
    }
  });

  it('leaves out what finds nothing like what it needs', () => {
    const from = new Names({ schema: 1, steps: [{ do: 'memfd', label: 'm', bytes: 0x1000n }] });
    const candidates = [
      { step: { do: 'open', label: 'f' }, from },
      { step: { do: 'truncate', file: 'm', bytes: 0n }, from },
      { step: { do: 'exec', by: 'nobody' }, from },
    ] as const;
    const { steps } = new Rewriter(behaviour, new Picks([1])).write(candidates);
    assert.isFalse(steps.some(({ do: kind }) => kind === 'truncate' || kind === 'exec'));
  });
});

function shown(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
