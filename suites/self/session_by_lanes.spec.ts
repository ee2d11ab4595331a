import { assert } from 'chai';
import { type ProgramOutcome, notRun } from '../../models/outcome.js';
import type { RawProgram, RawStep } from '../../models/program/raw.js';
import { SessionByLanes } from '../../targets/qemu/session_by_lanes.js';
import { TestBedError } from '../../targets/target.js';

const CLOSE: RawStep = { do: 'close', slot: 0 };
const LANES: RawStep = { do: 'lanes', counts: [1, 1] };
const PLAIN: RawProgram = { steps: [CLOSE] };
const LONGER: RawProgram = { steps: [CLOSE, CLOSE, CLOSE] };
const WITH_LANES: RawProgram = { steps: [CLOSE, LANES, CLOSE, CLOSE] };

/** A machine that answers with its name, and may have been replaced. */
class Machine {
  readonly info = { description: 'a fake', release: '7.3.4', capabilities: new Set<never>() };
  isStopped = false;

  constructor(
    readonly name: string,
    readonly restarts: number,
  ) {}

  run(programs: readonly RawProgram[]): Promise<ProgramOutcome[]> {
    return Promise.resolve(
      programs.map(({ steps }) => notRun(steps.length, { status: 'infra', error: this.name })),
    );
  }

  bench(): Promise<bigint> {
    return Promise.resolve(1n);
  }

  troubles(): string[] {
    return this.restarts === 0 ? [] : [`${this.name} was replaced`];
  }

  stop(): Promise<void> {
    this.isStopped = true;
    return Promise.resolve();
  }
}

/** What each step of a program has for an error. */
function errorsOf(outcome: ProgramOutcome | undefined): string[] {
  return (outcome?.steps ?? []).map((step) => ('error' in step ? step.error : step.status));
}

describe('two machines as one session', () => {
  it('starts no second one for programs without lanes', async () => {
    const single = new Machine('single', 0);
    const session = new SessionByLanes(single, () => assert.fail('was started'));
    assert.lengthOf(await session.run([PLAIN, LONGER]), 2);
    await session.stop();
    assert.isTrue(single.isStopped);
  });

  it('runs programs with lanes on the second one, and answers in the order of the programs', async () => {
    const single = new Machine('single', 1);
    const lanes = new Machine('lanes', 2);
    let starts = 0;
    const session = new SessionByLanes(single, () => {
      starts += 1;
      return Promise.resolve(lanes);
    });
    const outcomes = await session.run([WITH_LANES, PLAIN, WITH_LANES, LONGER]);
    await session.run([WITH_LANES]);
    assert.deepEqual(outcomes.map(errorsOf), [
      ['lanes', 'lanes', 'lanes', 'lanes'],
      ['single'],
      ['lanes', 'lanes', 'lanes', 'lanes'],
      ['single', 'single', 'single'],
    ]);
    assert.strictEqual(starts, 1);
    assert.strictEqual(session.restarts, 3);
    assert.deepEqual(session.troubles(), ['single was replaced', 'for lanes: lanes was replaced']);
    await session.stop();
    assert.isTrue(single.isStopped && lanes.isStopped);
  });

  it('starts the second one again if it ends before it has started, and counts that', async () => {
    const starts = [() => Promise.reject(new TestBedError('QEMU ended')), () => new Machine('lanes', 0)];
    const session = new SessionByLanes(
      new Machine('single', 0),
      async () => starts.shift()?.() ?? assert.fail(),
    );
    const [outcome] = await session.run([WITH_LANES]);
    assert.deepEqual(errorsOf(outcome), ['lanes', 'lanes', 'lanes', 'lanes']);
    assert.strictEqual(session.restarts, 1);
    assert.deepEqual(session.troubles(), ['for lanes: a start came to nothing: QEMU ended']);
    await session.stop();
  });

  it('says so if the second one never starts, and runs the rest', async () => {
    let starts = 0;
    const session = new SessionByLanes(new Machine('single', 0), () => {
      starts += 1;
      return Promise.reject(new TestBedError('the kernel k does not boot'));
    });
    await session.run([WITH_LANES]);
    const [ofLanes, ofPlain] = await session.run([WITH_LANES, PLAIN]);
    assert.deepEqual(
      errorsOf(ofLanes),
      new Array(4).fill('the machine for lanes did not start: the kernel k does not boot'),
    );
    assert.deepEqual(errorsOf(ofPlain), ['single']);
    assert.strictEqual(starts, 3);
    await session.stop();
  });
});
