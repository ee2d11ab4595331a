import { readFile, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { assert } from 'chai';
import { readProgramFile } from '../../fuzz/corpus/program_file.js';
import { Behaviour } from '../../models/behaviour.js';
import { FINDING_IDS, type FindingId, findingById, hasFinding } from '../../models/findings.js';
import { CALLS } from '../../models/ioctls/index.js';
import { OPERATIONS } from '../../models/operations/index.js';
import type { ConsoleSplat, ProgramOutcome } from '../../models/outcome.js';
import { PROFILES, type Profile } from '../../models/profiles/index.js';
import { type AssembledProgram, assemble } from '../../models/program/assemble.js';
import { type ProgramVerdict, judgeByModel } from '../../models/program_verdict.js';
import { present } from '../../models/base/assert.js';
import { environmentOf } from '../harness/environment.js';
import { type ScenarioResult, ScenarioRunner } from '../harness/run.js';
import { SCENARIOS } from '../index.js';
import { SimTarget } from '../../targets/sim.js';
import type { Session } from '../../targets/target.js';
import { runCli } from './cli.js';

const ROOT = resolve(import.meta.dirname, '../../..');

/** Findings that rules, calls, operations and profiles name. */
const NAMED: readonly FindingId[] = [
  ...[...CALLS, ...OPERATIONS].flatMap(({ rules, findings = [] }) => [
    ...rules.flatMap(({ splat, finding }) => [splat?.finding ?? [], finding?.id ?? []].flat()),
    ...findings.map(({ id }) => id),
  ]),
  ...PROFILES.flatMap(({ possibleSplats }) => possibleSplats.map(({ finding }) => finding)),
];

/** What the model cannot show of itself: kernel messages that may come, and need not. */
const UNPREDICTABLE: ReadonlySet<FindingId> = new Set(['unfill-reads-unmapped', 'gone-payer-warns']);

async function programOf(id: FindingId): Promise<AssembledProgram> {
  return assemble(await readProgramFile(join(ROOT, 'corpus/findings', `${id}.json`)));
}

function session(profile: Profile): Promise<Session> {
  return new SimTarget(new Behaviour(profile)).start();
}

async function runOnModel(program: AssembledProgram, profile: Profile): Promise<ProgramOutcome> {
  const [outcome] = await (await session(profile)).run([program]);
  return present(outcome, 'an outcome');
}

const SPLAT: ConsoleSplat = {
  title: 'WARNING in iommufd_something_new',
  text: 'WARNING: ... at iommufd_something_new+0x1/0x2',
};

describe('kernel findings', () => {
  it('are those that the model knows of', () => {
    assert.sameMembers([...new Set(NAMED)], [...FINDING_IDS]);
  });

  for (const id of FINDING_IDS) {
    it(`${id} has a page, a program, and is explained`, async () => {
      const page = await readFile(join(ROOT, 'docs/findings', `${id}.md`), 'utf8');
      assert.match(page, new RegExp(`^# ${id}\\n\\n\\*\\*`));
      assert.include(page, `corpus/findings/${id}.json`);
      for (const kernel of findingById(id).kernels) assert.include(page, kernel);
      const { about, steps } = await readProgramFile(join(ROOT, 'corpus/findings', `${id}.json`));
      assert.isString(about);
      assert.isNotEmpty(steps);
      const { code, stdout } = await runCli(['explain', id]);
      assert.equal(code, 0);
      assert.equal(stdout, page);
    });

    for (const profile of PROFILES) {
      const { spoilsKernel } = findingById(id);
      if (spoilsKernel !== undefined || UNPREDICTABLE.has(id)) continue;
      const isThere = hasFinding(profile, id);
      it(`the program of ${id} ${isThere ? 'shows it' : 'does not show it'} as ${profile.id}`, async () => {
        const program = await programOf(id);
        const outcome = await runOnModel(program, profile);
        const { findings, problems } = judgeByModel(program, outcome, new Behaviour(profile), 'exact');
        assert.deepEqual(problems, []);
        assert.equal(findings.includes(id), isThere);
      });
    }
  }

  it('a program with an answer that the model cannot tell is judged up to there: 2', async () => {
    const { code, stdout } = await runCli(['replay', 'corpus/findings/copy-maps-behind-slice.json']);
    assert.match(stdout, /8 {2}skipped.*\n +the model cannot tell: /);
    assert.match(stdout, /9 steps, of which the model judges 7, as it allows/);
    assert.equal(code, 2);
  });

  it('no page and no program is about something else', async () => {
    for (const [directory, end] of [
      ['docs/findings', '.md'],
      ['corpus/findings', '.json'],
    ] as const) {
      const files = (await readdir(join(ROOT, directory))).filter((name) => name !== 'README.md');
      assert.sameMembers(
        files.map((name) => name.slice(0, -end.length)),
        [...FINDING_IDS],
      );
    }
  });
});

describe('a known finding', () => {
  const [recent] = PROFILES as readonly [Profile, ...Profile[]];
  let program: AssembledProgram;
  let outcome: ProgramOutcome;

  before(async () => {
    program = await programOf('map-page-count-warn');
    outcome = await runOnModel(program, recent);
  });

  function judge(splats: readonly ConsoleSplat[]): ProgramVerdict {
    return judgeByModel(program, { ...outcome, splats }, new Behaviour(recent), 'exact');
  }

  it('is no problem, and named', () => {
    const { findings, problems } = judge(outcome.splats);
    assert.isNotEmpty(outcome.splats);
    assert.deepEqual(problems, []);
    assert.deepEqual(findings, ['map-page-count-warn']);
  });

  it('hides no other kernel message beside it', () => {
    const { problems } = judge([...outcome.splats, SPLAT]);
    assert.deepEqual(
      problems.map(({ what }) => what),
      ['the kernel printed "WARNING in iommufd_something_new"'],
    );
  });

  it('is missed where it does not come', () => {
    assert.match(judge([]).problems[0]?.what ?? '', /did not print "WARNING in iopt_insert_area"/);
  });

  it('is a problem where it is not known', async () => {
    const other = await programOf('one-iova-refused');
    const answers = await runOnModel(other, recent);
    const planted = { ...answers, splats: outcome.splats };
    const { problems } = judgeByModel(other, planted, new Behaviour(recent), 'exact');
    assert.match(problems[0]?.what ?? '', /printed "WARNING in iopt_insert_area"/);
  });

  it('that hangs is no problem, and any other call that hangs is', async () => {
    const hanging = await programOf('copy-maps-behind-slice');
    const answers = await runOnModel(hanging, recent);
    const at = answers.steps.findIndex(({ status }) => status !== 'returned');
    const hungAt = (hung: number): ProgramVerdict => {
      const steps = answers.steps.map((step, index) =>
        index === hung ? ({ status: 'hung' } as const) : step,
      );
      return judgeByModel(hanging, { ...answers, steps }, new Behaviour(recent), 'exact');
    };
    assert.deepEqual(hungAt(at).problems, []);
    assert.include(hungAt(at).findings, 'copy-maps-behind-slice');
    assert.match(hungAt(at - 1).problems[0]?.what ?? '', /did not return/);
  });
});

describe('a scenario', () => {
  const [recent] = PROFILES as readonly [Profile, ...Profile[]];

  /** Runs a scenario on a model that also prints something. */
  async function run(id: string, planted: readonly ConsoleSplat[]): Promise<ScenarioResult> {
    const model = await session(recent);
    const target: Session = Object.assign(Object.create(model) as Session, {
      run: async (programs: readonly AssembledProgram[]) => {
        const outcomes = await model.run(programs);
        return outcomes.map((one) => ({ ...one, splats: [...one.splats, ...planted] }));
      },
    });
    const environment = await environmentOf(model, recent);
    const runner = new ScenarioRunner(target, environment, { reading: 'exact', withVariants: false });
    return runner.run(
      present(
        SCENARIOS.find((one) => one.id === id),
        id,
      ),
    );
  }

  it('passes with a known finding, and names it', async () => {
    const { status, findings } = await run('ioas/map:range,page_count', []);
    assert.equal(status, 'passed');
    assert.deepEqual(findings, ['map-page-count-warn']);
  });

  it('fails with a kernel message that is not known', async () => {
    const { status, reason } = await run('ioas/map:range,page_count', [SPLAT]);
    assert.equal(status, 'failed');
    assert.include(reason, SPLAT.title);
  });
});
