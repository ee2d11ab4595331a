import { join } from 'node:path';
import { assert } from 'chai';
import fc from 'fast-check';
import { readProgramFile, writeProgramFile } from '../../fuzz/corpus/program_file.js';
import { titleShown } from '../../fuzz/findings/shown.js';
import { Picks } from '../../fuzz/generate/picks.js';
import { samplePrograms } from '../../fuzz/generate/program.js';
import { type Shows, reduceProgram } from '../../fuzz/reduce/reduce.js';
import { present } from '../../models/base/assert.js';
import { Behaviour } from '../../models/behaviour.js';
import { ModelRun } from '../../models/model_run.js';
import { mutantName } from '../../models/mutants.js';
import { assemble } from '../../models/program/assemble.js';
import { programText } from '../../models/program/json.js';
import { type Program, ProgramError, type Step, placedSteps } from '../../models/program/program.js';
import { DEFAULT_PROFILE } from '../../models/profiles/index.js';
import { ScenarioBuilder } from '../harness/builder.js';
import { allMutants } from '../harness/mutation.js';
import { deviceAndViommu } from '../viommu/set_up.js';
import { runCli } from './cli.js';
import { PLANTED, type Planted, firstSteps, hide } from './planted.js';
import { makeDirectory, removeDirectory } from './temporary.js';

const model = new Behaviour(DEFAULT_PROFILE);
const mutants = new Map(allMutants(DEFAULT_PROFILE).map((mutant) => [mutantName(mutant), mutant]));

const STEPS = 30;

/** Names what a program shows; undefined for nothing. */
type TitleOf = (program: Program) => string | undefined;

function titleBy(by: Planted['by']): TitleOf {
  if (typeof by === 'string') return titleByMutant(by);
  return (program) => (comesInOrder(by, becauseOf(program)) ? by.join(', ') : undefined);
}

function titleByMutant(name: string): TitleOf {
  const behaviour = new Behaviour(DEFAULT_PROFILE, present(mutants.get(name), name));
  return (program) => titleShown(program, behaviour, model);
}

/** The rule that decides each step, and who carries it out. */
function becauseOf(program: Program): string[] {
  const { steps } = assemble(program);
  const run = new ModelRun(model, 'exact', []);
  return placedSteps(program).map(({ step, lane }, at) => {
    const raw = steps[at];
    const because = raw === undefined ? undefined : run.execute(raw)?.because;
    return `${lane === undefined ? '' : 'lane '}${step.by === undefined ? '' : 'p '}${because ?? ''}`;
  });
}

function comesInOrder(wanted: readonly string[], seen: readonly string[]): boolean {
  let next = 0;
  for (const one of seen) if (one === wanted[next]) next += 1;
  return next === wanted.length;
}

/** Programs whose steps stand around those of a failure. */
const NOISE = samplePrograms(model, { seed: 1, count: 100, stepsMax: 40 });

/** The program among the steps of another one, on its file if that is possible: the first that leaves it able to show the same. */
function hiddenProgram({ program }: Planted, index: number, titleOf: TitleOf): Program {
  const title = titleOf(program);
  const count = STEPS - placedSteps(program).length;
  for (const sharesFile of [true, false]) {
    for (const at of NOISE.keys()) {
      const start = firstSteps(NOISE[(at + 3 * index) % NOISE.length] ?? program, count);
      if (start === undefined) continue;
      const picks = new Picks(fc.sample(fc.nat(0xffff), { seed: index, numRuns: STEPS }));
      const candidate = hide(program, start, sharesFile, picks);
      if (placedSteps(candidate).length >= STEPS && shows(candidate, title, titleOf)) return candidate;
    }
  }
  return assert.fail('the program cannot be hidden');
}

function shows(program: Program, title: string | undefined, titleOf: TitleOf): boolean {
  try {
    return titleOf(program) === title;
  } catch (error) {
    if (error instanceof ProgramError) return false;
    throw error;
  }
}

const OPTIONS = { budget: 5000, batch: 1 } as const;

function showing(title: string | undefined, titleOf: TitleOf): Shows {
  return (candidates) => Promise.resolve(candidates.map((candidate) => titleOf(candidate) === title));
}

describe('reduction', () => {
  const excess: number[] = [];

  for (const [index, one] of PLANTED.entries()) {
    const name = typeof one.by === 'string' ? one.by : one.by.join(', ');
    it(`of ${name}: at most 2 steps more than are necessary, and the same finding`, async () => {
      const titleOf = titleBy(one.by);
      const title = titleOf(one.program);
      assert.isDefined(title);
      const least = placedSteps(one.program).length;
      assert.isAtLeast(least, 3);
      assert.isAtMost(least, 8);
      const hidden = hiddenProgram(one, index, titleOf);
      const { program, isMinimal } = await reduceProgram(hidden, showing(title, titleOf), OPTIONS);
      assert.equal(titleOf(program), title);
      assert.isTrue(isMinimal);
      excess.push(placedSteps(program).length - least);
      assert.isAtMost(placedSteps(program).length, least + 2);
    });
  }

  it('of 30 planted failures: the median is within one step of what is necessary', () => {
    assert.lengthOf(excess, 30);
    const sorted = excess.sort((one, two) => one - two);
    assert.isAtMost(sorted[15] ?? Infinity, 1);
  });

  it('lets an object that was made earlier take the part of one that takes more steps to make', async () => {
    const titleOf = titleByMutant('IOMMU_DESTROY/EBUSY.users:errno:EINVAL');
    const t = new ScenarioBuilder();
    const { parent } = deviceAndViommu(t);
    t.destroy(parent);
    const { program } = await reduceProgram(t.program, showing(titleOf(t.program), titleOf), OPTIONS);
    const done = program.steps.map((step) => (step.do === 'ioctl' ? step.call : step.do));
    assert.deepEqual(done, ['open', 'IOMMU_IOAS_ALLOC', 'IOMMU_TEST_OP_MOCK_DOMAIN', 'IOMMU_DESTROY']);
  });

  it('is the same each time, however many programs are asked about at a time', async () => {
    const one = present(PLANTED[0], 'a planted failure');
    const titleOf = titleBy(one.by);
    const hidden = hiddenProgram(one, 0, titleOf);
    const reduceBy = (batch: number) =>
      reduceProgram(hidden, showing(titleOf(hidden), titleOf), { ...OPTIONS, batch });
    const { program } = await reduceBy(1);
    assert.deepEqual((await reduceBy(1)).program, program);
    assert.deepEqual((await reduceBy(40)).program, program);
  });

  it('is the same whatever order the members of a call are in, which a file does not keep', async () => {
    const titleOf = titleByMutant('IOMMU_IOAS_MAP/EEXIST.area:drop');
    const t = new ScenarioBuilder();
    const ioas = t.ioas();
    t.map(ioas, { iova: 0x4000n, length: 0x4000n });
    t.map(ioas, { iova: 0x5000n, length: 0x4000n });
    const reversed = (step: Step): Step =>
      step.do === 'ioctl' ? { ...step, args: Object.fromEntries(Object.entries(step.args).reverse()) } : step;
    const texts: string[] = [];
    for (const program of [t.program, { ...t.program, steps: t.program.steps.map(reversed) }]) {
      const reduction = await reduceProgram(program, showing(titleOf(program), titleOf), OPTIONS);
      texts.push(programText(reduction.program));
    }
    assert.equal(texts[0], texts[1]);
  });

  it('ends with the best so far when its budget does, or when it is stopped', async () => {
    const one = present(PLANTED[0], 'a planted failure');
    const titleOf = titleBy(one.by);
    const hidden = hiddenProgram(one, 0, titleOf);
    const shown = showing(titleOf(hidden), titleOf);
    const some = await reduceProgram(hidden, shown, { budget: 5, batch: 1 });
    assert.isFalse(some.isMinimal);
    assert.equal(some.tried, 5);
    assert.equal(titleOf(some.program), titleOf(hidden));
    const stopped = await reduceProgram(hidden, shown, { ...OPTIONS, stopped: AbortSignal.abort() });
    assert.deepEqual(stopped, { program: hidden, tried: 0, isMinimal: false });
  });
});

describe('the command reduce', () => {
  let directory: string;
  let file: string;

  beforeEach(async () => {
    directory = await makeDirectory();
    file = join(directory, 'long.json');
    const { program } = present(PLANTED[0], 'a planted failure');
    const counters = { do: 'counters' } as const;
    await writeProgramFile(file, { ...program, steps: program.steps.flatMap((step) => [step, counters]) });
  });

  afterEach(() => removeDirectory(directory));

  it('writes the smallest program beside the file, and says how reliable it is', async () => {
    const mutant = 'IOMMU_DESTROY/EBUSY.users:errno:EINVAL';
    const { code, stdout } = await runCli(['reduce', file, '--mutant', mutant]);
    assert.equal(code, 0);
    assert.match(stdout, /\n8 steps became 4 in \d+ tries, shown by 5 of 5 runs\n/);
    const { steps, about } = await readProgramFile(join(directory, 'long.reduced.json'));
    assert.lengthOf(steps, 4);
    assert.equal(about, 'IOMMU_DESTROY: allowed is EBUSY (IOMMU_DESTROY/EBUSY.users), seen EINVAL');
  });

  it('says of a program that shows nothing that it does: 2', async () => {
    const { code, stdout } = await runCli(['reduce', file]);
    assert.equal(code, 2);
    assert.match(stdout, /does here what the model says, and shows no finding\n$/);
  });

  it('says how mutants are called: 64', async () => {
    const { code, stderr } = await runCli(['reduce', file, '--mutant', 'IOMMU_DESTROY/EBUSY.users']);
    assert.equal(code, 64);
    assert.match(stderr, /has no mutant .*; of IOMMU_DESTROY there are .*EBUSY\.users:drop/);
  });
});
