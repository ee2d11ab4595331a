import { assert } from 'chai';
import { Behaviour } from '../../models/behaviour.js';
import { ERRNO } from '../../models/base/errno.js';
import type { Outcome, ProgramOutcome, Returned } from '../../models/outcome.js';
import { DEFAULT_PROFILE } from '../../models/profiles/index.js';
import { assemble } from '../../models/program/assemble.js';
import { PROGRAM_SCHEMA, ProgramError, type Step, placedSteps } from '../../models/program/program.js';
import { judgeByModel } from '../../models/program_verdict.js';
import { ByteReader, ByteWriter } from '../../targets/agent/cursor.js';
import { encodeBatch } from '../../targets/agent/encode.js';
import { OP } from '../../targets/agent/wire.js';
import { runOnModel } from '../../targets/sim.js';
import { ScenarioBuilder } from '../harness/builder.js';
import { makeAccess, write } from '../access/set_up.js';
import { P } from '../harness/constants.js';
import { rounds, together } from '../lanes/set_up.js';

const BEHAVIOUR = new Behaviour(DEFAULT_PROFILE);

const OPEN: Step = { do: 'open', label: 'f' };
const ALLOC: Step = { do: 'ioctl', file: 'f', call: 'IOMMU_IOAS_ALLOC', args: {}, label: 'a' };

function destroy(ref: string, label?: string): Step {
  const call = { do: 'ioctl', file: 'f', call: 'IOMMU_DESTROY', args: { id: { ref } } } as const;
  return label === undefined ? call : { ...call, label };
}

function program(...steps: readonly Step[]) {
  return assemble({ schema: PROGRAM_SCHEMA, steps });
}

/** The step with what it answered replaced. */
function answering(outcome: ProgramOutcome, at: number, change: Partial<Returned>): ProgramOutcome {
  const steps = outcome.steps.map((step, index): Outcome => {
    return index === at && step.status === 'returned' ? { ...step, ...change } : step;
  });
  return { ...outcome, steps };
}

/** Answers that are swapped between two steps. */
function swapped({ steps, ...rest }: ProgramOutcome, one: number, two: number): ProgramOutcome {
  const place = (at: number) => (at === one ? two : at === two ? one : at);
  return { ...rest, steps: steps.map((step, at) => steps[place(at)] ?? step) };
}

describe('assembling lanes', () => {
  const WRONG: readonly (readonly [what: string, lanes: readonly (readonly Step[])[], says: RegExp])[] = [
    ['one lane', [[ALLOC]], /2 to 3 lanes/],
    ['four lanes', [[ALLOC], [ALLOC], [ALLOC], [ALLOC]], /2 to 3 lanes/],
    ['an empty lane', [[ALLOC], []], /1 to 4 steps/],
    ['five steps in a lane', [[ALLOC], new Array<Step>(5).fill(ALLOC)], /1 to 4 steps/],
    ['a fork in a lane', [[{ do: 'fork', label: 'p' }], [ALLOC]], /cannot have a step of the kind fork/],
    ['lanes in a lane', [[{ do: 'lanes', lanes: [] }], [ALLOC]], /no lanes of its own/],
    ['a result of another lane', [[ALLOC], [destroy('a.out_ioas_id')]], /the label a is of another lane/],
    [
      'a new descriptor',
      [[{ do: 'ioctl', file: 'f', call: 'IOMMU_FAULT_QUEUE_ALLOC', args: {}, fd: 'q' }], [ALLOC]],
      /makes no descriptors/,
    ],
    ['memory that lanes share', [[{ ...ALLOC, at: { edge: 4 } }], [ALLOC]], /no memory of their own/],
  ];

  for (const [what, lanes, says] of WRONG) {
    it(`refuses ${what}`, () => {
      assert.throws(() => program(OPEN, { do: 'lanes', lanes }), ProgramError, says);
    });
  }

  const steps: Step[] = [
    OPEN,
    { do: 'lanes', lanes: [[ALLOC, destroy('a.out_ioas_id', 'd')], [{ ...ALLOC, label: 'b' }]] },
    destroy('b.out_ioas_id'),
  ];

  it('puts their steps behind the one that starts them, and knows their results afterwards', () => {
    const { steps: raw, labels } = program(...steps);
    assert.deepEqual(
      raw.map((step) => step.do),
      ['open', 'lanes', 'ioctl', 'ioctl', 'ioctl', 'ioctl'],
    );
    assert.deepEqual([labels.get('a'), labels.get('d'), labels.get('b')], [2, 3, 4]);
    assert.deepEqual(
      placedSteps({ steps }).map(({ lane }) => lane),
      [undefined, undefined, 0, 0, 1, undefined],
    );
  });

  it('gives each lane memory of its own', () => {
    const structs = program(...steps).steps.flatMap((step) => (step.do === 'ioctl' ? [step.arg] : []));
    assert.equal(structs[0], structs[1]);
    assert.notEqual(structs[0], structs[2]);
  });

  it('tells the agent how long each lane is before their steps', () => {
    const to = new ByteWriter();
    encodeBatch(to, 1, [program(...steps)]);
    const from = new ByteReader(to.bytes);
    from.bytes(4 + 4 + 2 + 4);
    assert.deepEqual([from.u8(), from.u8()], [OP.LANES, 2]);
    const [first, second] = [0, 1].map(() => ({ steps: from.u8(), bytes: from.u32() }));
    assert.deepEqual([first?.steps, second?.steps], [2, 1]);
    const lane = new ByteReader(from.bytes(first?.bytes ?? 0));
    assert.equal(lane.u8(), OP.IOCTL);
    assert.equal(from.u8(), OP.IOCTL);
  });
});

describe('judging lanes', () => {
  /** Two calls that get ids, and then one of the ids is used. */
  const two = program(
    OPEN,
    { do: 'lanes', lanes: [[ALLOC], [{ ...ALLOC, label: 'b' }]] },
    destroy('a.out_ioas_id'),
  );
  const seen = runOnModel(two, BEHAVIOUR);

  it('accepts the order in which the model runs them', () => {
    assert.deepEqual(judgeByModel(two, seen, BEHAVIOUR, 'exact').problems, []);
  });

  it('accepts the other order', () => {
    assert.deepEqual(judgeByModel(two, swapped(seen, 2, 3), BEHAVIOUR, 'exact').problems, []);
  });

  it('refuses answers that no order explains', () => {
    const same = answering(seen, 3, { out: (seen.steps[2] as Returned).out });
    const [problem] = judgeByModel(two, same, BEHAVIOUR, 'exact').problems;
    assert.equal(problem?.kind, 'model');
    assert.match(problem?.what ?? '', /no order of the lanes explains the answers/);
  });

  it('keeps the order in each lane', () => {
    const ordered = program(
      OPEN,
      { do: 'lanes', lanes: [[ALLOC, destroy('a.out_ioas_id')], [{ ...ALLOC, label: 'b' }]] },
      { do: 'close', file: 'f' },
    );
    const first = runOnModel(ordered, BEHAVIOUR);
    const failing = answering(first, 3, { errno: ERRNO.ENOENT, value: -1 });
    assert.isNotEmpty(judgeByModel(ordered, failing, BEHAVIOUR, 'exact').problems);
  });

  it('explains what comes after by the order, too', () => {
    const t = new ScenarioBuilder();
    const ioas = t.ioas();
    together(
      t,
      () => t.map(ioas, { iova: P, access: 'r' }),
      () => t.ioctl('IOMMU_IOAS_UNMAP', { ioas_id: ioas, iova: 0, length: 0xffff_ffff_ffff_ffffn }),
    );
    t.unmap(ioas, P, P);
    const late = assemble(t.program);
    const run = runOnModel(late, BEHAVIOUR);
    // The area is mapped before everything is unmapped: nobody finds it later, and everything was one page.
    assert.deepEqual(judgeByModel(late, run, BEHAVIOUR, 'exact').problems, []);
    const found = answering(run, 5, { errno: 0, value: 0 });
    assert.isNotEmpty(judgeByModel(late, found, BEHAVIOUR, 'exact').problems);
  });

  it('knows ids that only an overlap explains', () => {
    const t = new ScenarioBuilder();
    const [home, other] = [t.ioas(), t.ioas()];
    const handle = t.mockDomain(home).out('out_stdev_id');
    together(
      t,
      () => t.ioctl('IOMMU_IOAS_ALLOC', {}),
      () => t.replace(handle, other),
    );
    const passing = assemble(t.program);
    const run = runOnModel(passing, BEHAVIOUR);
    // The page tables of the device have 5 and, afterwards, 6 or 7.
    const made = (id: number): ProgramOutcome => {
      const moved = Uint8Array.from((run.steps[6] as Returned).out[0] ?? []);
      const struct = Uint8Array.from((run.steps[5] as Returned).out[0] ?? []);
      struct[8] = id;
      moved.set([6], moved.indexOf(7));
      return answering(answering(run, 5, { out: [struct] }), 6, { out: [moved] });
    };
    assert.deepEqual(judgeByModel(passing, made(7), BEHAVIOUR, 'exact').problems, []);
    assert.isNotEmpty(judgeByModel(passing, made(2), BEHAVIOUR, 'exact').problems);
  });

  it('knows answers that only an overlap explains', () => {
    const t = new ScenarioBuilder();
    const ioas = t.ioas();
    together(
      t,
      () => t.map(ioas, { iova: P }),
      () => t.unmap(ioas, P, P),
    );
    const raced = assemble(t.program);
    const run = runOnModel(raced, BEHAVIOUR);
    const untouched = { value: -1, out: [] };
    const busy = answering(run, 4, { errno: ERRNO.EBUSY, ...untouched });
    assert.deepEqual(judgeByModel(raced, busy, BEHAVIOUR, 'exact').problems, []);
    const wrong = answering(run, 4, { errno: ERRNO.EPERM, ...untouched });
    assert.isNotEmpty(judgeByModel(raced, wrong, BEHAVIOUR, 'exact').problems);
  });

  it('knows objects that are half gone', () => {
    const t = new ScenarioBuilder();
    const ioas = t.ioas();
    const mock = t.mockDomain(ioas);
    together(
      t,
      () => t.destroy(mock.out('out_stdev_id')),
      () => [t.destroy(mock.out('out_stdev_id')), t.destroy(mock.out('out_idev_id')), t.destroy(ioas)],
    );
    t.destroy(ioas);
    const going = assemble(t.program);
    const run = runOnModel(going, BEHAVIOUR);
    const [handle, device, home, late] = [5, 6, 7, 8];
    const busy = { errno: ERRNO.EBUSY, value: -1 };
    const ok = { errno: 0, value: 0 };
    const verdict = (...answers: readonly (readonly [number, Partial<Returned>])[]) =>
      judgeByModel(
        going,
        answers.reduce((outcome, [at, change]) => answering(outcome, at, change), run),
        BEHAVIOUR,
        'exact',
      ).problems;
    assert.deepEqual(verdict(), []);
    assert.deepEqual(verdict([device, busy]), []);
    assert.deepEqual(verdict([device, busy], [home, busy], [late, ok]), []);
    // The page table goes before the device.
    assert.deepEqual(verdict([home, busy], [late, ok]).length, 1);
    // Nobody uses the handle.
    assert.isNotEmpty(verdict([handle, busy]));
    // Nothing is left of it after the lanes.
    assert.isNotEmpty(verdict([home, busy], [late, busy]));
  });

  it('knows copies of what is removed before they have a place', () => {
    const t = new ScenarioBuilder();
    const ioas = t.ioas();
    t.map(ioas, { iova: P });
    together(
      t,
      () => t.unmap(ioas, P, P),
      () => t.copy({ src: ioas, dst: ioas, from: P, iova: P }),
    );
    t.map(ioas, { iova: P });
    const copying = assemble(t.program);
    const [copied, late] = [5, 6];
    const run = answering(runOnModel(copying, BEHAVIOUR), copied, { errno: 0, value: 0 });
    const there = answering(run, late, { errno: ERRNO.EEXIST, value: -1, out: [] });
    assert.deepEqual(judgeByModel(copying, there, BEHAVIOUR, 'exact').problems, []);
    assert.isNotEmpty(judgeByModel(copying, run, BEHAVIOUR, 'exact').problems);
  });

  /** Rounds of two mappings that do not touch each other, and at the end an answer that is wrong. */
  function endingWrong(first: string, second: string) {
    const t = new ScenarioBuilder();
    const ioas = t.ioas();
    t.map(ioas, { iova: P, length: 32n * P });
    const access = makeAccess(t, 'a', ioas);
    rounds((round) => {
      const iova = (2n * round + 1n) * P;
      together(
        t,
        () => (first === 'write' ? write(t, access, iova, [1]) : t.map(ioas, { iova: 64n * P + iova })),
        () => (second === 'write' ? write(t, access, iova, [2]) : t.map(ioas, { iova: 65n * P + iova })),
      );
    });
    t.unmap(ioas, 0n, P);
    const program = assemble(t.program);
    const last = program.steps.length - 1;
    const wrong = answering(runOnModel(program, BEHAVIOUR), last, { errno: ERRNO.EPERM, value: -1, out: [] });
    return judgeByModel(program, wrong, BEHAVIOUR, 'exact');
  }

  it('tries no order that leads where another has led', () => {
    assert.isNotEmpty(endingWrong('map', 'map').problems);
  });

  it('says that it cannot tell where there are too many orders', () => {
    const { problems, unspecified } = endingWrong('write', 'write');
    assert.deepEqual(problems, []);
    assert.match(unspecified[0] ?? '', /no order of the lanes' steps was found/);
  });
});
