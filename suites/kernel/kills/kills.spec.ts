import { copyFile, cp, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { assert } from 'chai';
import { makeContext } from '../../../cli/context.js';
import type { FuzzResult } from '../../../cli/fuzz/result.js';
import { Interruption } from '../../../cli/interruption.js';
import { findKernel, qemuOptions } from '../../../cli/target_options.js';
import { picksOf } from '../../../fuzz/campaign/chance.js';
import { type CampaignEvent, emptyStats } from '../../../fuzz/campaign/events.js';
import { Worker } from '../../../fuzz/campaign/worker.js';
import { Workplace } from '../../../fuzz/campaign/workplace.js';
import { mutateProgram } from '../../../fuzz/mutate/mutate.js';
import { Behaviour } from '../../../models/behaviour.js';
import { QemuTarget } from '../../../targets/qemu/index.js';
import { type RunningCli, startCli } from '../../self/cli.js';
import { makeDirectory, removeDirectory } from '../../self/temporary.js';
import { environmentOf } from '../../harness/environment.js';
import { fastKernels, guestsOf, untilUnderWay } from '../guests.js';

/** How often each is killed; more for those who have time: IOMMUFD_CTS_KILLS=25. */
const KILLS = Number(process.env.IOMMUFD_CTS_KILLS ?? 2);

/** A machine lives at most so long, from when its kernel begins to boot. */
const LIFE_MS_MAX = 12_000;

/** The C source that ends the agent's worker. */
const KILL_AGENT = join(import.meta.dirname, '../../../../suites/kernel/kills/kill_agent.c');

describe('test beds that are killed', function () {
  this.timeout(60_000 + 60_000 * KILLS);
  let directory: string;
  let kernel: string;
  let running: RunningCli | undefined;
  const over = new AbortController();

  before(async () => {
    directory = await makeDirectory();
    const [first] = await fastKernels();
    assert.isDefined(first, 'a kernel in the cache: "npm run test:kernel" builds two');
    kernel = first.id;
  });

  // A test that has run out of time leaves a campaign behind.
  after(async () => {
    over.abort();
    running?.process.kill('SIGKILL');
    await removeDirectory(directory);
  });

  it(`${String(KILLS)} times QEMU: the campaign goes on, loses nothing and finds nothing`, async () => {
    const out = join(directory, 'qemu');
    const campaign = startCli(['fuzz', '--kernel', kernel, '--time', '24h', '--out', out, '--json']);
    running = campaign;
    const isOver = (): boolean => campaign.process.exitCode !== null;
    // A kernel that does not come up at the beginning is taken for one that does not boot: that ends a campaign at once.
    await untilUnderWay(campaign, out);
    const killed = new Set<number>();
    const picks = picksOf(KILLS);
    while (!isOver() && killed.size < KILLS) {
      const guest = (await guestsOf(campaign)).find((id) => !killed.has(id));
      if (guest === undefined) await sleep(50);
      else {
        await sleep(picks.below(LIFE_MS_MAX));
        process.kill(guest, 'SIGKILL');
        killed.add(guest);
      }
    }
    while (!isOver() && !(await guestsOf(campaign)).some((id) => !killed.has(id))) await sleep(50);
    campaign.process.kill('SIGINT');
    const { stdout } = await campaign.ended;
    assert.equal(killed.size, KILLS, stdout);
    const result = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as FuzzResult;
    assert.include(result, { lost: 0 }, stdout);
    assert.deepEqual(result.findings, [], stdout);
    const files = (await readdir(join(out, 'corpus'))).filter((name) => name.endsWith('.json'));
    assert.lengthOf(files, result.corpus);
    assert.notMatch(await readFile(join(out, 'journal.jsonl'), 'utf8'), /"kind":"finding"/);
  });

  it(`${String(KILLS)} times the agent: no program is blamed, and none is lost`, async () => {
    const sources = join(directory, 'agent');
    const context = makeContext(process.env, new Interruption());
    await cp(context.agentSources, sources, { recursive: true });
    await copyFile(KILL_AGENT, join(sources, 'kill_agent.c'));
    const { bzImage, flavour } = await findKernel({ kernel, flavour: 'fast' }, context);
    const options = { accel: 'auto', append: undefined, console: undefined };
    const target = new QemuTarget(
      qemuOptions(bzImage, flavour, options, { ...context, agentSources: sources }),
    );
    const session = await target.start();
    const { profile } = await environmentOf(session);
    const events: CampaignEvent[] = [];
    const place = { start: () => target.start(), behaviour: new Behaviour(profile), isDeterministic: false };
    const workplace = new Workplace(place, session, () => Promise.resolve());
    const worker = new Worker(
      workplace,
      {
        ...{ seed: 1, worker: 0, stepsMax: 20, focus: [], target: 'qemu' },
        ...{ programs: Infinity, reductions: 0 },
      },
      { stats: emptyStats(), entries: [], first: [], titles: [] },
      (event) => {
        events.push(event);
        if (workplace.restarts >= KILLS) over.abort();
        return Promise.resolve();
      },
      mutateProgram,
    );
    await worker.run(over.signal);
    await workplace.stop();
    assert.isEmpty(events.filter(({ kind }) => kind === 'sighting' || kind === 'trouble'));
    const last = events.at(-1);
    assert.isTrue(last?.kind === 'progress' && last.stats.lost === 0 && last.stats.restarts >= KILLS);
  });
});
