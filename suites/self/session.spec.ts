import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assert } from 'chai';
import type { Outcome, ProgramOutcome } from '../../models/outcome.js';
import type { RawProgram } from '../../models/program/raw.js';
import { SPOILING_SPLATS } from '../../models/spoiling_splats.js';
import { QemuSession } from '../../targets/qemu/session.js';
import type { WatchedCode } from '../../targets/kcov/watched_code.js';
import { TestBedError } from '../../targets/target.js';
import { makeDirectory, removeDirectory } from './temporary.js';

const ORDINARY: RawProgram = {
  steps: [
    { do: 'open', slot: 0, isReadOnly: false, node: undefined },
    { do: 'close', slot: 0 },
  ],
};
/** The fake guest misbehaves when it meets this one. */
const ODD: RawProgram = { steps: [...ORDINARY.steps, { do: 'counters' }] };

/** The odd one stands among so many ordinary ones that several frames are under way. */
const PROGRAMS = [
  ...new Array<RawProgram>(100).fill(ORDINARY),
  ODD,
  ...new Array<RawProgram>(99).fill(ORDINARY),
];
const AT = 100;

const STEP_MS = 600;

/** Whether every step of a program was carried out and nothing is held against it. */
function isClean({ steps, splats, leftovers, strayWrites }: ProgramOutcome): boolean {
  const trouble = splats.length + leftovers.length + strayWrites.length;
  return trouble === 0 && steps.every(({ status }) => status === 'returned');
}

describe('a session with a guest that misbehaves', () => {
  let directory: string;
  let session: QemuSession | undefined;

  beforeEach(async () => {
    directory = await makeDirectory();
  });

  afterEach(async () => {
    await session?.stop();
    session = undefined;
    await removeDirectory(directory);
  });

  /** @param first what the shell is to do before */
  async function start(
    mode: string,
    watched?: WatchedCode,
    first = '',
    bootMs = 60_000,
  ): Promise<QemuSession> {
    const qemu = join(directory, 'qemu');
    const script = join(import.meta.dirname, 'fake_qemu.js');
    await writeFile(qemu, `#!/bin/sh\n${first}\nexec "${process.execPath}" "${script}" ${mode} "$@"\n`);
    await chmod(qemu, 0o755);
    const machine = {
      qemu,
      bzImage: 'k',
      initramfs: 'i',
      accelerator: 'tcg',
      hasIommu: false,
      memoryMib: 1,
      cpus: 1,
      bootMs,
    } as const;
    const watching = watched === undefined ? {} : { watched };
    const spoiling = SPOILING_SPLATS;
    session = await QemuSession.start({ machine, stepMs: STEP_MS, spoiling, ...watching }, ({ release }) => ({
      description: 'a fake',
      release,
      capabilities: new Set(),
    }));
    return session;
  }

  /** Runs the programs; all but the odd one must be clean, whatever became of the guest. */
  async function outcomeOfOdd(mode: string): Promise<ProgramOutcome> {
    const outcomes = await (await start(mode)).run(PROGRAMS);
    assert.lengthOf(outcomes, PROGRAMS.length);
    const dirty = outcomes.flatMap((outcome, at) => (at !== AT && !isClean(outcome) ? [at] : []));
    assert.deepEqual(dirty, []);
    return outcomes[AT] ?? assert.fail('no outcome of the odd program');
  }

  const statusesOf = ({ steps }: ProgramOutcome): Outcome['status'][] => steps.map(({ status }) => status);

  it('well-behaved: everything is returned, and no guest is replaced', async () => {
    assert.isTrue(isClean(await outcomeOfOdd('good')));
    assert.isEmpty(session?.troubles());
  });

  it('one that is killed before it has booted is started again, a few times', async () => {
    const starts = join(directory, 'starts');
    const killedUpTo = (times: number): string =>
      `echo >> '${starts}'; if [ $(wc -l < '${starts}') -le ${String(times)} ]; then kill -9 $$; fi`;
    await start('good', undefined, killedUpTo(2));
    assert.lengthOf(await readFile(starts, 'utf8'), 3);
    const error: unknown = await start('good', undefined, killedUpTo(9)).catch((thrown: unknown) => thrown);
    assert.instanceOf(error, TestBedError);
    assert.match((error as Error).message, /ended before the agent started \(QEMU ended on SIGKILL\)/);
    assert.lengthOf(await readFile(starts, 'utf8'), 6);
  });

  it('one that ends by itself before it has booted is not started again', async () => {
    const starts = join(directory, 'starts');
    const error: unknown = await start('good', undefined, `echo >> '${starts}'; exit 1`).catch(
      (thrown: unknown) => thrown,
    );
    assert.instanceOf(error, TestBedError);
    assert.lengthOf(await readFile(starts, 'utf8'), 1);
  });

  it('one that never greets is given up, with what it said last', async () => {
    const error: unknown = await start('good', undefined, 'echo "[ 0.1] lost"; exec sleep 60', 1).catch(
      (thrown: unknown) => thrown,
    );
    assert.instanceOf(error, TestBedError);
    assert.equal(
      (error as Error).message,
      'the kernel k did not reach the agent within 0.001 s; its last word was "[ 0.1] lost"',
    );
  });

  it('a kernel without kcov cannot tell what was reached: one sentence says so', async () => {
    const watched = { tells: 'places', base: 0n, ranges: [] } as const;
    const error: unknown = await start('good', watched).catch((thrown: unknown) => thrown);
    assert.instanceOf(error, TestBedError);
    assert.match(
      (error as Error).message,
      /^the kernel k cannot tell which of its code runs: it has no kcov; .*"kernel build --flavour sanitize"/,
    );
  });

  it('pages that stay pinned are the program’s that left them', async () => {
    const { leftovers } = await outcomeOfOdd('leftover');
    assert.deepEqual(leftovers, ['5 pages stayed pinned and 0 locked']);
    assert.match(session?.troubles()[0] ?? '', /replaced 2 times/);
  });

  it('a kernel that KASAN complains of is replaced after the program that made it', async () => {
    const { splats } = await outcomeOfOdd('splat');
    assert.deepEqual(
      splats.map(({ title }) => title),
      ['KASAN: slab-use-after-free in iommufd_destroy'],
    );
    assert.match(session?.troubles()[0] ?? '', /replaced once; the first reason: a program left the kernel/);
  });

  for (const [mode, what] of [
    ['spoils', 'make it warn'],
    ['spoils_then_dies', 'end the agent'],
    ['spoils_then_panics', 'make it panic'],
  ] as const) {
    it(`a kernel that a known finding has spoiled is replaced, and programs that ${what} after it are run on another one`, async () => {
      const { splats } = await outcomeOfOdd(mode);
      assert.deepEqual(
        splats.map(({ title }) => title),
        ['WARNING in iommufd_device_unbind'],
      );
      assert.isAtLeast(session?.restarts ?? 0, 1);
    });
  }

  it('a worker that dies is the fault of the step that ran', async () => {
    const outcome = await outcomeOfOdd('death');
    assert.deepEqual(statusesOf(outcome), ['skipped', 'crashed', 'skipped']);
    assert.deepInclude(outcome.steps[1], { title: 'the process died on signal 9' });
  });

  it('a worker that dies in lanes is the fault of the steps that ran at the same time', async () => {
    const outcome = await outcomeOfOdd('death_in_lanes');
    assert.deepEqual(statusesOf(outcome), ['skipped', 'crashed', 'crashed']);
  });

  it('a panic is the fault of the step that ran', async () => {
    const outcome = await outcomeOfOdd('panic');
    assert.deepEqual(statusesOf(outcome), ['skipped', 'crashed', 'skipped']);
    assert.deepInclude(outcome.steps[1], { title: 'panic: something is wrong' });
  });

  it('QEMU ending without a word is tried again, and then trouble of the test bed', async () => {
    const outcome = await outcomeOfOdd('exit');
    assert.deepInclude(outcome.steps[1], { status: 'infra', error: 'QEMU ended with code 3' });
    assert.match(session?.troubles()[0] ?? '', /replaced 3 times/);
  });

  it('a step that does not return is hung', async () => {
    assert.deepEqual(statusesOf(await outcomeOfOdd('hang')), ['skipped', 'hung', 'skipped']);
  });

  it('what the agent cannot do is trouble of the test bed', async () => {
    const outcome = await outcomeOfOdd('trouble');
    assert.deepInclude(outcome.steps[1], {
      status: 'infra',
      error: 'the agent reports: a patch lies outside of its buffer',
    });
  });

  it('bytes that are no frame end the guest, not the run', async () => {
    const outcome = await outcomeOfOdd('garbage');
    assert.deepInclude(outcome.steps[1], {
      status: 'infra',
      error: 'the agent sent something that is no frame',
    });
  });

  it('an agent of another version is refused', async () => {
    try {
      await start('old_agent');
    } catch (error) {
      assert.instanceOf(error, TestBedError);
      assert.match((error as Error).message, /the agent speaks version/);
      return;
    }
    assert.fail('the agent was accepted');
  });

  it('what is asked of a stopped session is trouble of the test bed', async () => {
    const stopped = await start('good');
    await stopped.stop();
    const [outcome] = await stopped.run([ORDINARY]);
    assert.deepInclude(outcome?.steps[0], { status: 'infra', error: 'the run was stopped' });
  });
});
