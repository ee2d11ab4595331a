import { appendFile, cp, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { assert } from 'chai';
import { makeContext } from '../../cli/context.js';
import { Interruption } from '../../cli/interruption.js';
import { keptRecording } from '../../targets/selftests/kept.js';
import { TRACE_HEADER_BYTES } from '../../targets/trace/format.js';
import { readTrace } from '../../targets/trace/reader.js';
import { type RunningCli, runCli, startCli } from '../self/cli.js';
import { makeDirectory, removeDirectory } from '../self/temporary.js';
import { fastKernels, guestsOf } from './guests.js';

/** What a kept recording is of, without what made it. */
function runOf(name: string): string {
  return name.replace(/-by-.*/, '');
}

describe("the kernel's own selftests, recorded", () => {
  let directory: string;
  let trace: string;

  beforeEach(async () => {
    directory = await makeDirectory();
    trace = join(directory, 'selftests.trace');
  });

  afterEach(() => removeDirectory(directory));

  /** Begins to record, and waits until the guest runs cases. */
  async function startRecording(): Promise<{ readonly running: RunningCli; readonly guest: number }> {
    const running = startCli(['record-selftests', '-o', trace]);
    for (;;) {
      const [guest] = await guestsOf(running);
      const recorded = await readFile(trace).catch(() => '');
      if (guest !== undefined && recorded.length > TRACE_HEADER_BYTES) return { running, guest };
      await sleep(200);
    }
  }

  it('a fixture on every kernel: cases, records, and a trace that can be read', async () => {
    for (const { id } of await fastKernels()) {
      const { code, stdout, stderr } = await runCli([
        'record-selftests',
        '--kernel',
        id,
        '-o',
        trace,
        '--',
        '-f',
        'iommufd',
      ]);
      assert.equal(code, 0, stdout + stderr);
      assert.match(stdout, /^iommufd on Linux .*: 1\d cases, 1\d passed, 0 failed, 0 skipped in /m, id);
      const { records, troubles } = readTrace(await readFile(trace), trace);
      assert.deepEqual(troubles, [], id);
      assert.isAbove(records.filter(({ kind }) => kind === 'ioctl').length, 70, id);
    }
  });

  it('a recording is kept, and taken again as long as nothing has changed', async () => {
    const [kernel] = await fastKernels();
    assert.isDefined(kernel);
    const context = makeContext(process.env, new Interruption());
    const request = {
      kernel,
      program: 'iommufd',
      arguments: ['-f', 'iommufd'],
      accelerator: 'auto',
      secondsMax: 600,
      interrupted: context.interrupted,
      onPhase: () => undefined,
      onOutput: () => undefined,
    } as const;
    const made = await keptRecording(request, context, true);
    const taken = await keptRecording(request, context, false);
    assert.deepEqual([made.isEarlier, taken.isEarlier], [false, true]);
    assert.isNotEmpty(made.trace.records);
    assert.deepEqual(taken.run, made.run);
    assert.deepEqual(taken.trace, made.trace);

    const recordings = () => readdir(join(context.cache, 'recordings'));
    const kept = await recordings();
    const initSources = join(directory, 'init');
    await cp(context.initSources, initSources, { recursive: true });
    await appendFile(join(initSources, 'init.c'), '\n');
    const other = await keptRecording(request, { ...context, initSources }, false);
    assert.isFalse(other.isEarlier);
    // It replaces what the other init recorded.
    assert.sameMembers(kept.map(runOf), (await recordings()).map(runOf));
    assert.isFalse((await keptRecording(request, context, false)).isEarlier);
  });

  it('a guest that is killed: 2, and one sentence', async () => {
    const { running, guest } = await startRecording();
    process.kill(guest, 'SIGKILL');
    const { code, stderr, stdout } = await running.ended;
    assert.equal(code, 2, stdout + stderr);
    assert.match(
      stderr,
      /\niommufd-cts: the virtual machine ended while the selftests ran: QEMU ended on SIGKILL\n$/,
    );
  });

  it('Ctrl-C: 2, the trace is whole as far as it goes, and no guest stays behind', async () => {
    const { running, guest } = await startRecording();
    await sleep(3000);
    running.process.kill('SIGINT');
    const { code, stderr, stdout } = await running.ended;
    assert.equal(code, 2, stdout + stderr);
    assert.match(stderr, /\niommufd-cts: interrupted; the trace has what was recorded until then\n$/);
    assert.isNotEmpty(readTrace(await readFile(trace), trace).records);
    assert.throws(() => process.kill(guest, 0), /ESRCH/);
  });

  it('time that is up: 2, with the cases so far', async () => {
    const { code, stdout, stderr } = await runCli(['record-selftests', '-o', trace, '--time', '3']);
    assert.equal(code, 2, stdout + stderr);
    assert.match(stdout, /\nended after 3 s, with \d+ of \d+ cases\n/);
  });
});
