import { assert } from 'chai';
import { sweepFailures } from '../../fuzz/injection/sweep.js';
import { CallPicker } from '../../fuzz/injection/targets.js';
import { Behaviour } from '../../models/behaviour.js';
import type { ProgramOutcome, Returned } from '../../models/outcome.js';
import type { Program } from '../../models/program/program.js';
import { DEFAULT_PROFILE } from '../../models/profiles/index.js';
import type { RawProgram } from '../../models/program/raw.js';
import { runOnModel } from '../../targets/sim.js';
import type { Session } from '../../targets/target.js';
import { ScenarioBuilder } from '../harness/builder.js';
import { runCli } from './cli.js';

const BEHAVIOUR = new Behaviour(DEFAULT_PROFILE);

/** A program with one call that is swept. */
function oneAlloc(): Program {
  const t = new ScenarioBuilder();
  t.ioas();
  return t.program;
}

/** A kernel that makes so many allocations in a call, and does something with the answer of a failing one. */
function kernelWith(
  allocations: number,
  change: (failed: Returned) => Returned = (failed) => failed,
): Session {
  return {
    info: { description: 'a kernel', release: '7.3', capabilities: new Set() },
    run: (programs: readonly RawProgram[]) =>
      Promise.resolve(programs.map((program) => runFailing(program, allocations, change))),
    troubles: () => [],
    restarts: 0,
    stop: () => Promise.resolve(),
  };
}

function runFailing(
  { steps }: RawProgram,
  allocations: number,
  change: (failed: Returned) => Returned,
): ProgramOutcome {
  const fails = (nth: number | undefined): boolean => nth !== undefined && nth <= allocations;
  const asked = steps.map((step) => (step.do === 'ioctl' ? step.failNth : undefined));
  // The model lets the first allocation fail, and no other.
  const program = steps.map((step, at) =>
    step.do === 'ioctl' && fails(asked[at]) ? { ...step, failNth: 1 } : step,
  );
  const outcome = runOnModel({ steps: program }, BEHAVIOUR);
  const changed = outcome.steps.map((one, at) =>
    one.status === 'returned' && fails(asked[at]) ? change(one) : one,
  );
  return { ...outcome, steps: changed };
}

async function sweepOne(session: Session, nthMax = 10) {
  const problems: string[] = [];
  const calls = new CallPicker(BEHAVIOUR, 1).pick(oneAlloc());
  const stats = await sweepFailures(session, BEHAVIOUR, calls, {
    nthMax,
    onMismatch: ({ nth, problem }) => problems.push(`${String(nth)}: ${problem.what}`),
  });
  return { calls, stats, problems };
}

describe('a sweep of failures', () => {
  it('makes one allocation after another fail, until none is left', async () => {
    const { calls, stats, problems } = await sweepOne(kernelWith(3));
    assert.deepEqual(
      calls.map(({ because }) => because),
      ['IOMMU_IOAS_ALLOC/OK'],
    );
    assert.deepEqual(problems, []);
    assert.include(stats, { swept: 1, unfinished: 0, programs: 4, infra: 0 });
    assert.equal(stats.failed.get('slab'), 3);
  });

  it('says of a call that it did not come to the end', async () => {
    const { stats } = await sweepOne(kernelWith(30), 5);
    assert.include(stats, { swept: 0, unfinished: 1, programs: 5 });
  });

  it('notices a failing call that answers something else', async () => {
    const { problems } = await sweepOne(kernelWith(3, (failed) => ({ ...failed, errno: 22 })));
    assert.lengthOf(problems, 1);
    assert.match(problems[0] ?? '', /^1: allowed is ENOMEM .* seen EINVAL/);
  });

  it('notices a failing call that leaves something behind', async () => {
    const keepsId: Session = {
      ...kernelWith(0),
      run: (programs) =>
        Promise.resolve(
          programs.map((program) => {
            const outcome = runOnModel(
              { steps: program.steps.map((step) => withoutFailure(step)) },
              BEHAVIOUR,
            );
            const steps = outcome.steps.map((one, at) => (at === 1 ? NO_MEMORY : one));
            return { ...outcome, steps };
          }),
        ),
    };
    const { problems } = await sweepOne(keepsId);
    assert.match(problems[0] ?? '', /^1: .*out_ioas_id: allowed 0x1, seen 0x2/);
  });

  it('is a command', async () => {
    const { code, stdout } = await runCli(['sweep', 'ioas/alloc', '--programs', '0']);
    assert.match(stdout, /\n(\d+) of \1 calls swept, 0 not to their end; .*\n0 mismatches\n/);
    assert.equal(code, 0);
  });
});

const NO_MEMORY: Returned = { status: 'returned', errno: 12, value: -1, out: [null], injected: 'slab' };

function withoutFailure(step: RawProgram['steps'][number]): RawProgram['steps'][number] {
  const plain = { ...step };
  if ('failNth' in plain) delete plain.failNth;
  return plain;
}
