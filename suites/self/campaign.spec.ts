import { appendFile, mkdir, readFile, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { assert } from 'chai';
import { exitCodeOfCampaign, type FuzzResult } from '../../cli/fuzz/result.js';
import { DiskQueue } from '../../fuzz/campaign/disk_queue.js';
import { type CampaignEvent, type WorkerStats, emptyStats } from '../../fuzz/campaign/events.js';
import { Journal, type JournalLine } from '../../fuzz/campaign/journal.js';
import { Worker } from '../../fuzz/campaign/worker.js';
import { type Place, Workplace } from '../../fuzz/campaign/workplace.js';
import { readProgramFile } from '../../fuzz/corpus/program_file.js';
import { hashOfProgram } from '../../fuzz/corpus/store.js';
import { mutateProgram } from '../../fuzz/mutate/mutate.js';
import { Behaviour } from '../../models/behaviour.js';
import { notRun } from '../../models/outcome.js';
import { DEFAULT_PROFILE } from '../../models/profiles/index.js';
import { SimTarget } from '../../targets/sim.js';
import type { Session } from '../../targets/target.js';
import { type Ended, runCli, startCli } from './cli.js';
import { makeDirectory, removeDirectory } from './temporary.js';

const BEHAVIOUR = new Behaviour(DEFAULT_PROFILE);
const SIM = new SimTarget(BEHAVIOUR);
const SIM_PLACE: Place = { start: () => SIM.start(), behaviour: BEHAVIOUR, isDeterministic: true };

/** What a worker reports of a place. */
async function eventsOf(
  place: Place,
  options: {
    readonly programs: number;
    readonly seed?: number;
    readonly worker?: number;
    readonly focus?: string[];
  },
): Promise<CampaignEvent[]> {
  const events: CampaignEvent[] = [];
  const report = (event: CampaignEvent): Promise<void> => {
    events.push(event);
    return Promise.resolve();
  };
  const workplace = new Workplace(place, await place.start(), (what) => report({ kind: 'trouble', what }), 1);
  const worker = new Worker(
    workplace,
    { seed: 1, worker: 0, stepsMax: 12, focus: [], target: 'sim', reductions: 0, ...options },
    { stats: emptyStats(), entries: [], first: [], titles: [] },
    report,
    mutateProgram,
  );
  await worker.run(new AbortController().signal);
  return events;
}

function entriesIn(events: readonly CampaignEvent[]): string[] {
  return events.flatMap((event) =>
    event.kind === 'entry' ? [`${String(event.index)} ${hashOfProgram(event.program)}`] : [],
  );
}

/** Sessions of the model that are changed a little. */
function placeWith(change: (session: Session) => Partial<Session>, isDeterministic = true): Place {
  const start = async (): Promise<Session> => {
    const session = await SIM.start();
    return { ...session, ...change(session) };
  };
  return { start, behaviour: BEHAVIOUR, isDeterministic };
}

describe('a worker of a campaign', () => {
  it('does the same for the same seed, and something else for another seed or worker', async () => {
    const one = entriesIn(await eventsOf(SIM_PLACE, { programs: 60 }));
    assert.deepEqual(entriesIn(await eventsOf(SIM_PLACE, { programs: 60 })), one);
    assert.notDeepEqual(entriesIn(await eventsOf(SIM_PLACE, { programs: 60, seed: 2 })), one);
    assert.notDeepEqual(entriesIn(await eventsOf(SIM_PLACE, { programs: 60, worker: 1 })), one);
  });

  it('does what it is to focus on more often', async () => {
    const focus = 'IOMMU_TEST_OP_DIRTY';
    const share = (events: readonly CampaignEvent[]): number => {
      const programs = events.flatMap((event) => (event.kind === 'entry' ? [event.program] : []));
      const about = programs.filter(({ steps }) =>
        steps.some((step) => step.do === 'ioctl' && step.call === focus),
      );
      return about.length / programs.length;
    };
    const usual = share(await eventsOf(SIM_PLACE, { programs: 100 }));
    assert.isAbove(share(await eventsOf(SIM_PLACE, { programs: 100, focus: [focus] })), usual + 0.3);
  });

  it('keeps a program of a kernel only if its news come again', async () => {
    let runs = 0;
    const place = placeWith(
      (session) => ({
        // The second time, nothing comes of it.
        run: async (programs) =>
          runs++ % 2 === 0
            ? session.run(programs)
            : programs.map(({ steps }) => notRun(steps.length, { status: 'hung' })),
      }),
      false,
    );
    const events = await eventsOf(place, { programs: 20 });
    assert.deepEqual(entriesIn(events), []);
    const last = events.at(-1);
    assert.isTrue(last?.kind === 'progress' && last.stats.unrepeated > 0);
    const steady = await eventsOf({ ...SIM_PLACE, isDeterministic: false }, { programs: 20 });
    assert.isNotEmpty(entriesIn(steady));
  });

  it('goes on with another machine when one gives up, and loses no program', async () => {
    let started = 0;
    const place = placeWith((session) => {
      const isDead = started++ === 0;
      return {
        restarts: isDead ? 3 : 0,
        run: (programs) =>
          isDead
            ? Promise.resolve(
                programs.map(({ steps }) => notRun(steps.length, { status: 'infra', error: 'it ended' })),
              )
            : session.run(programs),
      };
    });
    const events = await eventsOf(place, { programs: 20 });
    assert.deepEqual(
      events.filter(({ kind }) => kind === 'trouble'),
      [{ kind: 'trouble', what: 'it ended' }],
    );
    const last = events.at(-1);
    assert.include(last?.kind === 'progress' ? last.stats : {}, { next: 20, lost: 0, restarts: 4 });
    assert.deepEqual(entriesIn(events), entriesIn(await eventsOf(SIM_PLACE, { programs: 20 })));
  });

  it('gives up when machines end again and again', async () => {
    const place = placeWith(() => ({
      run: (programs) =>
        Promise.resolve(
          programs.map(({ steps }) => notRun(steps.length, { status: 'infra', error: 'it ended' })),
        ),
    }));
    const why = await eventsOf(place, { programs: 20 }).then(
      () => '',
      (error: unknown) => String(error),
    );
    assert.match(why, /TestBedError: it ended, 5 times in a row/);
  });

  it('counts a guest without memory, which is no finding', async () => {
    const crash = {
      status: 'crashed',
      title: 'the process died on signal 9',
      console: 'Out of memory: Killed',
    } as const;
    const place = placeWith(() => ({
      run: (programs) => Promise.resolve(programs.map(({ steps }) => notRun(steps.length, crash))),
    }));
    const events = await eventsOf(place, { programs: 3 });
    assert.deepEqual(
      events.map(({ kind }) => kind),
      ['progress'],
    );
    assert.isTrue(events[0]?.kind === 'progress' && events[0].stats.outOfMemory === 3);
  });
});

describe('a sighting', () => {
  it('has what the kernel printed, and comes once for each title', async () => {
    const crash = { status: 'crashed', title: 'KASAN: use-after-free', console: 'BUG: KASAN' } as const;
    const place = placeWith(() => ({
      run: (programs) => Promise.resolve(programs.map(({ steps }) => notRun(steps.length, crash))),
    }));
    const events = await eventsOf(place, { programs: 3 });
    const sightings = events.flatMap((event) => (event.kind === 'sighting' ? [event] : []));
    assert.lengthOf(sightings, 1);
    assert.equal(sightings[0]?.console, 'BUG: KASAN');
    assert.equal(sightings[0]?.sighting.suspect, 'kernel');
    assert.isTrue(events.some((event) => event.kind === 'again' && event.times === 2));
  });
});

describe('what a campaign writes', () => {
  let directory: string;

  beforeEach(async () => {
    directory = await makeDirectory();
  });

  afterEach(() => removeDirectory(directory));

  it('is tried again, in its order, when the disk was full', async () => {
    const queue = new DiskQueue();
    const written: number[] = [];
    let isFull = true;
    const write = (number: number) => (): Promise<void> => {
      if (isFull && number === 2) return Promise.reject(new Error('full'));
      written.push(number);
      return Promise.resolve();
    };
    for (const number of [1, 2, 3]) await queue.add(write(number));
    assert.deepEqual(written, [1]);
    assert.deepEqual([queue.waiting, queue.failures], [2, 2]);
    isFull = false;
    await queue.add(write(4));
    assert.deepEqual(written, [1, 2, 3, 4]);
    assert.equal(queue.waiting, 0);
  });

  it('has whole lines, whatever became of the last one', async () => {
    const line = (what: string): JournalLine => ({ kind: 'trouble', worker: 0, what });
    const journal = new Journal(join(directory, 'journal.jsonl'));
    await journal.append(line('one'));
    await appendFile(journal.path, '{"kind": "trouble", "wor\n{"kind": "tro');
    const troubles: string[] = [];
    assert.deepEqual(await journal.read((what) => troubles.push(what)), [line('one')]);
    assert.lengthOf(troubles, 1);
    assert.match(troubles[0] ?? '', /line 2 of .* is damaged/);
    await journal.append(line('two'));
    assert.deepEqual(await journal.read(() => undefined), [line('one'), line('two')]);
  });
});

/** The last line of `fuzz --json`. */
function resultIn({ stdout, stderr }: Ended): FuzzResult {
  const last = stdout.trim().split('\n').at(-1) ?? '';
  assert.match(last, /^\{/, stderr);
  return JSON.parse(last) as FuzzResult;
}

async function filesOfCorpus(directory: string): Promise<string[]> {
  return (await readdir(join(directory, 'corpus'))).filter((name) => name.endsWith('.json')).sort();
}

async function linesOf(directory: string): Promise<number> {
  const text = await readFile(join(directory, 'journal.jsonl'), 'utf8').catch(() => '');
  return text.split('\n').length - 1;
}

/** Hashes of programs that the journal says are in the corpus. */
async function hashesInJournal(directory: string): Promise<string[]> {
  const lines = await new Journal(join(directory, 'journal.jsonl')).read(() => undefined);
  return lines.flatMap((line) => (line.kind === 'entry' ? [line.program] : []));
}

/** What the journal last said of each worker. */
async function lastStatsOf(directory: string): Promise<Map<number, WorkerStats>> {
  const lines = await new Journal(join(directory, 'journal.jsonl')).read(() => undefined);
  return new Map(lines.flatMap((line) => (line.kind === 'trouble' ? [] : [[line.worker, line.stats]])));
}

describe('fuzz', () => {
  const programs = 130;
  let directory: string;
  let whole: FuzzResult;
  let wholeFiles: readonly string[];

  before(async () => {
    directory = await makeDirectory();
    const out = join(directory, 'whole');
    const ended = await runCli(['fuzz', '--programs', String(programs), '--out', out, '--json']);
    assert.equal(ended.code, 0, ended.stderr);
    whole = resultIn(ended);
    wholeFiles = await filesOfCorpus(out);
  });

  after(() => removeDirectory(directory));

  it('says what it has done as data', () => {
    assert.include(whole, { schema: 1, seed: 1, programs });
    assert.deepEqual(whole.findings, []);
    assert.deepEqual(whole.troubles, []);
    assert.isTrue(whole.canary?.found);
    assert.equal(whole.corpus, wholeFiles.length);
    assert.isAbove(whole.coverage, 300);
    assert.isAbove(whole.calls, programs);
  });

  it('tells the known findings, of all workers together', async () => {
    const out = join(directory, 'known');
    const ended = await runCli(['fuzz', '--programs', '120', '--workers', '2', '--out', out, '--json']);
    const sums: Record<string, number> = {};
    for (const { known } of (await lastStatsOf(out)).values())
      for (const [id, count] of Object.entries(known)) sums[id] = (sums[id] ?? 0) + count;
    assert.isNotEmpty(sums);
    assert.deepEqual(resultIn(ended).known, sums);
  });

  it('goes on after SIGKILL as if nothing had been, and loses nothing that was recorded', async () => {
    const out = join(directory, 'killed');
    for (const [start, lines] of [
      [['fuzz', '--programs', String(programs), '--out', out], 10],
      [['fuzz', '--programs', String(programs), '--resume', out], 60],
    ] as const) {
      const running = startCli(start);
      while ((await linesOf(out)) < lines) await sleep(5);
      running.process.kill('SIGKILL');
      await running.ended;
      const files = new Set(await filesOfCorpus(out));
      for (const hash of await hashesInJournal(out)) assert.isTrue(files.has(`${hash}.json`), hash);
    }
    const ended = await runCli(['fuzz', '--resume', out, '--programs', String(programs), '--json']);
    const resumed = resultIn(ended);
    assert.equal(ended.code, 0, ended.stderr);
    assert.deepEqual(await filesOfCorpus(out), wholeFiles);
    assert.equal(resumed.coverage, whole.coverage);
    assert.equal(resumed.calls, whole.calls);
  });

  it('runs workers side by side, and finds a planted difference', async () => {
    const out = join(directory, 'mutant');
    // One of which there is one shortest program: what shows EBUSY of DESTROY depends on whose object a worker meets first.
    const args = ['--mutant', 'IOMMU_IOAS_UNMAP/ENOENT.empty:errno:EINVAL', '--workers', '2'];
    const ended = await runCli(['fuzz', ...args, '--out', out, '--json']);
    const { findings } = resultIn(ended);
    assert.equal(ended.code, 1, ended.stderr);
    assert.match(findings[0]?.title ?? '', /^IOMMU_IOAS_UNMAP: allowed is ENOENT.*, seen EINVAL/);
    const { file = '' } = findings[0] ?? {};
    assert.match(await readFile(file, 'utf8'), /"IOMMU_IOAS_UNMAP"/);
    assert.lengthOf((await readProgramFile(join(file, '../reduced.json'))).steps, 3);
    assert.match(await readFile(join(file, '../repro.c'), 'utf8'), /int main\(/);
    assert.match(await readFile(join(file, '../repro.syz'), 'utf8'), /openat\$iommufd/);
    assert.match(
      await readFile(join(file, '../report.txt'), 'utf8'),
      /^Subject: \[BUG\] iommufd: IOMMU_IOAS_UNMAP/,
    );
    assert.isNotEmpty(await readdir(join(out, 'regressions')));
  });

  it('survives a full disk, and says so in one sentence', async () => {
    const out = join(directory, 'full');
    await mkdir(out);
    await symlink('/dev/full', join(out, 'journal.jsonl'));
    const ended = await runCli(['fuzz', '--programs', '20', '--out', out, '--json']);
    const { troubles } = resultIn(ended);
    assert.equal(ended.code, 2, ended.stderr);
    assert.lengthOf(troubles, 1);
    assert.match(troubles[0] ?? '', /^\d+ writes failed and \d+ are not on the disk: .*disk is full$/);
  });

  it('goes on without programs of the corpus that are damaged or gone', async () => {
    const out = join(directory, 'damaged');
    await runCli(['fuzz', '--programs', '30', '--out', out]);
    const [first = '', second = ''] = await filesOfCorpus(out);
    await writeFile(join(out, 'corpus', first), '{"schema"');
    await writeFile(join(out, 'corpus', second), '');
    const ended = await runCli(['fuzz', '--programs', '40', '--resume', out, '--json']);
    assert.equal(ended.code, 0, ended.stderr);
    const { troubles, programs: done } = resultIn(ended);
    assert.equal(done, 40);
    assert.lengthOf(troubles, 2);
    for (const trouble of troubles) assert.match(trouble, /set aside in .*is not JSON/);
  });

  it('is no success if the fuzzer is broken or something is not on the disk', () => {
    const good = {
      canary: { mutant: 'x', found: true, programs: 1 },
      findings: [],
      lost: [],
      unwritten: { writes: 0, failures: 0, reason: undefined },
    };
    assert.equal(exitCodeOfCampaign(good, false), 0);
    assert.equal(exitCodeOfCampaign(good, true), 2);
    assert.equal(exitCodeOfCampaign({ ...good, canary: { ...good.canary, found: false } }, false), 2);
    assert.equal(exitCodeOfCampaign({ ...good, lost: ['worker 0'] }, false), 2);
    assert.equal(exitCodeOfCampaign({ ...good, unwritten: { ...good.unwritten, writes: 1 } }, false), 2);
  });

  it('looks for defects of a design', async () => {
    const out = join(directory, 'design');
    const ended = await runCli([
      ...['fuzz', '--target', 'design:ioasid-rfc', '--programs', '100', '--out', out, '--json'],
    ]);
    const { findings, programs: done } = resultIn(ended);
    assert.equal(ended.code, 1, ended.stderr);
    assert.equal(done, 100);
    assert.match(findings[0]?.title ?? '', /^D1\.\d+$/);
    assert.match(await readFile(findings[0]?.file ?? '', 'utf8'), /"steps"/);
  });

  const wrong: readonly (readonly [what: string, args: readonly string[], says: RegExp])[] = [
    ['an unknown call', ['--focus', 'IOMMU_IOAS_MOP'], /--focus: there is no call IOMMU_IOAS_MOP/],
    ['no diff', ['--focus-diff', '/dev/null'], /\/dev\/null is no unified diff/],
    ['an unknown mutant', ['--mutant', 'IOMMU_DESTROY/x'], /has no mutant/],
    ['an unknown kernel', ['--kernel', 'nothing'], /there is no kernel nothing/],
    [
      'a kernel of the model',
      ['--kernel', 'nothing', '--target', 'sim'],
      /--target sim is the embedded model/,
    ],
    ['a time that is none', ['--time', 'soon'], /--time takes a duration/],
    ['an unknown target', ['--target', 'host'], /there is no target host here/],
    ['no programs', ['--programs', '0'], /--programs takes a whole number from 1 on/],
    ['no campaign to resume', ['--resume', '/nowhere'], /there is no campaign/],
    [
      'a campaign to resume with another seed',
      ['--resume', '/nowhere', '--seed', '2'],
      /--seed is as the campaign/,
    ],
    [
      'no corpus to begin with',
      ['--corpus', '/nowhere', '--out', 'OUT'],
      /nowhere is no directory of programs/,
    ],
    ['a directory in use', ['--out', 'WHOLE'], /there is a campaign in .* already: go on with --resume/],
    ['a directory that cannot be', ['--out', '/dev/null/x'], /null\/x cannot be the directory/],
  ];

  for (const [what, args, says] of wrong) {
    it(`refuses ${what}`, async () => {
      const places: Readonly<Record<string, string>> = {
        OUT: join(directory, 'out'),
        WHOLE: join(directory, 'whole'),
      };
      const ended = await runCli(['fuzz', ...args.map((arg) => places[arg] ?? arg)], {
        IOMMUFD_CTS_CACHE: join(directory, 'cache'),
      });
      assert.match(ended.stderr, says);
      assert.equal(ended.code, 64);
      assert.match(ended.stderr, /^iommufd-cts: [^\n]+\n$/);
    });
  }
});
