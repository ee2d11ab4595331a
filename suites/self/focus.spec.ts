import { assert } from 'chai';
import { type CampaignEvent, type WorkerStats, emptyStats } from '../../fuzz/campaign/events.js';
import { Pool } from '../../fuzz/campaign/pool.js';
import { ProgramStream, type StreamOptions } from '../../fuzz/campaign/stream.js';
import { type PastEntry, Worker } from '../../fuzz/campaign/worker.js';
import { Workplace } from '../../fuzz/campaign/workplace.js';
import { hashOfProgram } from '../../fuzz/corpus/store.js';
import { judgeOnModel, judgeWithFeatures } from '../../fuzz/feedback/features.js';
import { type Focus, FocusFeatures } from '../../fuzz/feedback/focus.js';
import { rulesThatCite } from '../../fuzz/generate/cited_calls.js';
import { samplePrograms } from '../../fuzz/generate/program.js';
import { mutateProgram } from '../../fuzz/mutate/mutate.js';
import { Behaviour } from '../../models/behaviour.js';
import { type AssembledProgram, assemble } from '../../models/program/assemble.js';
import { DEFAULT_PROFILE } from '../../models/profiles/index.js';
import { SimTarget, runOnModel } from '../../targets/sim.js';
import { ScenarioBuilder } from '../harness/builder.js';
import { APERTURE_START as A, P } from '../harness/constants.js';

const BEHAVIOUR = new Behaviour(DEFAULT_PROFILE);

const FILE = 'drivers/iommu/iommufd/io_pagetable.c';
const UNMAP = {
  focus: ['IOMMU_IOAS_UNMAP', 'IOMMU_OPTION'],
  functions: [`${FILE}:iopt_unmap_iova_range`],
};

describe('what a function of the kernel decides', () => {
  it('is what descriptions cite it for', () => {
    const decided = rulesThatCite({ file: FILE, function: 'iopt_unmap_iova_range' });
    assert.deepEqual(decided.map(({ because }) => because).sort(), [
      'IOMMU_IOAS_UNMAP/EBUSY.locked',
      'IOMMU_IOAS_UNMAP/ENOENT.straddles',
      'VFIO_IOMMU_UNMAP_DMA/EBUSY.locked',
      'VFIO_IOMMU_UNMAP_DMA/ENOENT.straddles',
    ]);
  });

  it('is nothing in a file of another name', () => {
    assert.isEmpty(
      rulesThatCite({ file: 'drivers/iommu/iommufd/pages.c', function: 'iopt_unmap_iova_range' }),
    );
  });
});

describe('what a campaign is about', () => {
  /** @param edges that the kernel tells of */
  function isMet(
    focus: FocusFeatures,
    write: (t: ScenarioBuilder) => unknown,
    edges: number[] = [],
  ): boolean {
    const t = new ScenarioBuilder();
    write(t);
    const program = assemble(t.program);
    const outcome = runOnModel(program, BEHAVIOUR);
    const coverage = { numbers: Uint32Array.from(edges), isCut: false };
    return focus.areMetBy(judgeWithFeatures(program, { ...outcome, coverage }, BEHAVIOUR, 'exact').features);
  }

  const unmapsAll = (t: ScenarioBuilder): void => {
    const ioas = t.ioas();
    t.map(ioas, { iova: A });
    t.unmap(ioas, A, P);
  };
  const unmapsHalf = (t: ScenarioBuilder): void => {
    const ioas = t.ioas();
    t.map(ioas, { iova: A, length: 2n * P });
    t.unmap(ioas, A, P);
  };

  it('is met where a function decides', () => {
    const focus = new FocusFeatures(UNMAP);
    assert.isTrue(isMet(focus, unmapsHalf));
    assert.isFalse(isMet(focus, unmapsAll));
  });

  it('is met by any answer of a call for which no function is named', () => {
    const focus = new FocusFeatures({ focus: ['IOMMU_IOAS_UNMAP'] });
    assert.isTrue(isMet(focus, unmapsAll));
    assert.isFalse(isMet(focus, (t) => t.destroy(t.ioas())));
    // No function that is named decides about this one.
    assert.isTrue(isMet(new FocusFeatures(UNMAP), (t) => t.getOption('RLIMIT_MODE')));
  });

  it('is met by edges of the functions that are told of', () => {
    assert.isTrue(isMet(new FocusFeatures(UNMAP), unmapsAll, [7]));
    assert.isFalse(isMet(new FocusFeatures({ focus: ['IOMMU_OPTION'] }), unmapsAll, [7]));
  });
});

describe('a campaign with a focus', () => {
  const options: StreamOptions = { seed: 1, worker: 0, stepsMax: 8, focus: [] };

  /** How often the tenth of 100 programs is what is mutated, of all mutations in five batches. */
  function shareOfTenth(isInFocus: boolean): number {
    const pool = new Pool();
    const programs = samplePrograms(BEHAVIOUR, { seed: 5, count: 100, stepsMax: 6 });
    for (const [at, program] of programs.entries()) pool.add(at - 100, program, isInFocus && at === 9);
    const tenth = hashOfProgram(pool.at(9));
    const parents: boolean[] = [];
    const stream = new ProgramStream(BEHAVIOUR, options, pool, (program) => {
      parents.push(hashOfProgram(program) === tenth);
      return program;
    });
    for (let batch = 3; batch < 8; batch++) stream.batch(batch);
    assert.isAbove(parents.length, 150);
    return parents.filter(Boolean).length / parents.length;
  }

  it('makes half of its mutations of programs that came to it', () => {
    assert.isBelow(shareOfTenth(false), 0.05);
    assert.approximately(shareOfTenth(true), 0.5, 0.1);
  });

  it('goes on as if nothing had been', async () => {
    const whole = await entriesOf(256, []);
    const [before, after] = [
      whole.filter(({ index }) => index < 128),
      whole.filter(({ index }) => index >= 128),
    ];
    const inFocus = whole.filter(({ isInFocus }) => isInFocus).length;
    assert.isAbove(inFocus, 10);
    assert.isBelow(inFocus, whole.length);
    assert.deepEqual(namesOf(await entriesOf(256, before)), namesOf(after));
  });

  function namesOf(entries: readonly PastEntry[]): string[] {
    return entries.map(
      ({ index, program, isInFocus }) => `${String(index)} ${hashOfProgram(program)} ${String(isInFocus)}`,
    );
  }

  it('counts the programs that came to it', async () => {
    const ran: AssembledProgram[] = [];
    const { stats } = await workOn(128, [], UNMAP, (program) => ran.push(program));
    const focus = new FocusFeatures(UNMAP);
    const came = ran.filter((program) => focus.areMetBy(judgeOnModel(program, BEHAVIOUR).features));
    assert.lengthOf(ran, 128);
    assert.isAbove(came.length, 0);
    assert.equal(stats.inFocus, came.length);
    assert.equal((await workOn(64, [], { focus: [] })).stats.inFocus, 0);
  });

  async function entriesOf(programs: number, past: readonly PastEntry[]): Promise<readonly PastEntry[]> {
    return (await workOn(programs, past, UNMAP)).entries;
  }

  /**
   * What a worker adds to a corpus that has some entries, and what it has done then.
   * @param onRun hears of each program that runs
   */
  async function workOn(
    programs: number,
    past: readonly PastEntry[],
    focus: Focus,
    onRun: (program: AssembledProgram) => unknown = () => undefined,
  ): Promise<{ readonly entries: readonly PastEntry[]; readonly stats: WorkerStats }> {
    const entries: PastEntry[] = [];
    const stats = { ...emptyStats(), next: past.length === 0 ? 0 : 128 };
    const report = (event: CampaignEvent): Promise<void> => {
      if (event.kind === 'entry') entries.push(event);
      return Promise.resolve();
    };
    const session = await new SimTarget(BEHAVIOUR).start();
    const listening = {
      ...session,
      run: (batch: readonly AssembledProgram[]) => {
        for (const program of batch) onRun(program);
        return session.run(batch);
      },
    };
    const place = { start: () => Promise.resolve(session), behaviour: BEHAVIOUR, isDeterministic: true };
    const worker = new Worker(
      new Workplace(place, listening, () => Promise.resolve()),
      { ...options, ...focus, programs, target: 'sim', reductions: 0 },
      { stats, entries: past, first: [], titles: [] },
      report,
      mutateProgram,
    );
    await worker.run(new AbortController().signal);
    return { entries, stats };
  }
});
