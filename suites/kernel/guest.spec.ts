import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { assert } from 'chai';
import { type Ended, type RunningCli, TALKATIVE, runCli, startCli } from '../self/cli.js';
import { makeDirectory, removeDirectory } from '../self/temporary.js';
import { fastKernels, guestsOf, untilUnderWay } from './guests.js';

/** A finding that is a warning each time. */
const WARNS = 'corpus/findings/map-page-count-warn.json';

/** The guest of a command, when it has carried something out. */
async function guestUnderWay(running: RunningCli): Promise<number> {
  assert.isTrue(await running.underWay);
  const [guest] = await guestsOf(running);
  return guest ?? assert.fail('there is no guest');
}

/** Kills guests as they come until the command ends. */
async function killAll(running: RunningCli): Promise<void> {
  while (running.process.exitCode === null) {
    for (const guest of await guestsOf(running)) process.kill(guest, 'SIGKILL');
    await sleep(500);
  }
}

describe('guests', () => {
  let directory: string;
  let kernel: string;

  before(async () => {
    directory = await makeDirectory();
    const [first] = await fastKernels();
    assert.isDefined(first, 'a kernel in the cache: "npm run test:kernel" builds two');
    kernel = first.id;
  });

  after(() => removeDirectory(directory));

  function onKernel(...args: string[]): Promise<Ended> {
    return runCli([...args, '--kernel', kernel]);
  }

  it('a kernel without IOMMUFD: every scenario is skipped with the reason, which is no pass', async () => {
    const { code, stdout, stderr } = await onKernel(
      'run',
      'object',
      '--append',
      'initcall_blacklist=iommufd_init',
    );
    assert.equal(code, 2, stdout + stderr);
    assert.equal(stderr, 'iommufd-cts: nothing was tested: the target lacks CONFIG_IOMMUFD: /dev/iommu\n');
    assert.match(stdout, /skipped 9: the target lacks CONFIG_IOMMUFD/);
  });

  it('an image that QEMU does not boot: 2, with what it said last', async () => {
    const image = join(directory, 'bzImage');
    const bytes = Buffer.alloc(0x1000);
    bytes.write('HdrS', 0x202, 'latin1');
    await writeFile(image, bytes);
    const { code, stderr, stdout } = await runCli(['run', 'object', '--kernel', image]);
    assert.equal(code, 2, stdout + stderr);
    assert.match(
      stderr,
      /^iommufd-cts: the kernel .*bzImage (ended before the agent started|did not reach the agent)/,
    );
  });

  it('a guest killed in the middle of a run is replaced, and nothing is lost', async () => {
    const running = startCli(['run', 'mock', '--kernel', kernel], TALKATIVE);
    process.kill(await guestUnderWay(running), 'SIGKILL');
    const { code, stdout, stderr } = await running.ended;
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /the virtual machine was replaced once; the first reason: QEMU ended on SIGKILL/);
    assert.match(stdout, / passed, 0 failed, /);
  });

  it('guests that are killed again and again: 2, and no finding', async () => {
    const running = startCli(['run', 'viommu', '--repeat', '50', '--kernel', kernel], TALKATIVE);
    await guestUnderWay(running);
    await killAll(running);
    const { code, stdout, stderr } = await running.ended;
    assert.equal(code, 2, stdout + stderr);
    assert.match(stdout, / 0 failed/);
    assert.match(stdout, /not run for trouble of the test bed/);
  });

  it('Ctrl-C: 2, the results so far are kept, and no guest stays behind', async () => {
    const file = join(directory, 'interrupted.json');
    const args = ['run', '--repeat', '20', '--kernel', kernel, '--reporter', `json=${file}`];
    const running = startCli(args, TALKATIVE);
    const guest = await guestUnderWay(running);
    running.process.kill('SIGINT');
    const { code, stdout, stderr } = await running.ended;
    assert.equal(code, 2, stdout + stderr);
    const report = JSON.parse(await readFile(file, 'utf8')) as {
      interrupted: boolean;
      results: { status: string }[];
    };
    assert.isTrue(report.interrupted);
    assert.isNotEmpty(report.results);
    assert.isTrue(report.results.every(({ status }) => status === 'passed'));
    assert.throws(() => process.kill(guest, 0), /ESRCH/);
  });

  it('a panic is the fault of the program that ran, and the next one runs on a new guest', async () => {
    const { code, stdout, stderr } = await onKernel(
      'replay',
      WARNS,
      'corpus/bench/sub_page.json',
      '--append',
      'panic_on_warn=1',
    );
    assert.equal(code, 1, stdout + stderr);
    assert.match(stdout, /3 {2}crashed {6}IOMMU_IOAS_MAP/);
    assert.match(stdout, /PROBLEM at step 3: the kernel crashed: WARNING in iopt_insert_area/);
    assert.match(stdout, /23 steps, as the model allows/);
  });

  it('a write beside the buffers is noticed', async () => {
    const file = join(directory, 'stray.json');
    const ioas = { ref: 'ioas.out_ioas_id' };
    const steps = [
      { do: 'open', label: 'f' },
      { do: 'ioctl', file: 'f', label: 'ioas', call: 'IOMMU_IOAS_ALLOC', args: {} },
      {
        do: 'ioctl',
        file: 'f',
        call: 'IOMMU_TEST_OP_ADD_RESERVED',
        args: { id: ioas, start: '0x1000', length: '0x1000' },
      },
      // The array has room for one range, and the call is told that it has room for two.
      {
        do: 'ioctl',
        file: 'f',
        call: 'IOMMU_IOAS_IOVA_RANGES',
        args: { ioas_id: ioas, num_iovas: 2, allowed_iovas: { room: 1 } },
      },
    ];
    await writeFile(file, JSON.stringify({ schema: 1, steps }));
    const { code, stdout, stderr } = await onKernel('replay', file);
    assert.equal(code, 1, stdout + stderr);
    assert.match(stdout, /PROBLEM at step 4: the kernel wrote to 0x[0-9a-f]+, outside of every buffer/);
  });

  it('a reference to a member that memory ended before is 0', async () => {
    const file = join(directory, 'edge.json');
    const steps = [
      { do: 'open', label: 'f' },
      { do: 'ioctl', file: 'f', label: 'a', call: 'IOMMU_IOAS_ALLOC', args: {}, at: { edge: 4 } },
      { do: 'ioctl', file: 'f', call: 'IOMMU_DESTROY', args: { id: { ref: 'a.out_ioas_id' } } },
    ];
    await writeFile(file, JSON.stringify({ schema: 1, steps }));
    const { code, stdout, stderr } = await runCli(['replay', file, '--kernel', kernel]);
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /3 steps, as the model allows/);
  });

  it('a campaign whose guest is killed goes on with another one', async () => {
    const out = join(directory, 'campaign');
    const running = startCli(['fuzz', '--kernel', kernel, '--programs', '200', '--out', out, '--json']);
    await untilUnderWay(running, out);
    const guests = await guestsOf(running);
    for (const guest of guests) process.kill(guest, 'SIGKILL');
    const { code, stdout, stderr } = await running.ended;
    assert.equal(code, 0, stdout + stderr);
    const [, restarts] =
      /^\{"schema":1,"seed":1,"programs":200,.*"restarts":(\d+),"lost":0/m.exec(stdout) ?? [];
    assert.equal(Number(restarts), guests.length, stdout);
    assert.isNotEmpty(guests);
  });

  it('the console is kept in a file that was asked for', async () => {
    const file = join(directory, 'console.log');
    const { code, stdout, stderr } = await onKernel('replay', WARNS, '--console', file);
    assert.equal(code, 0, stdout + stderr);
    assert.match(await readFile(file, 'utf8'), /WARNING: .*iopt_insert_area/);
  });

  it('a scenario that is repeated ends the same each time, and a shard runs its part', async () => {
    const { code, stdout, stderr } = await onKernel(
      'run',
      'option',
      '--repeat',
      '3',
      '--shard',
      '2/3',
      '--reporter',
      'json',
    );
    assert.equal(code, 0, stdout + stderr);
    const { results } = JSON.parse(stdout) as { results: { programs: number }[] };
    assert.lengthOf(results, 4);
  });
});
