import { assert } from 'chai';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { cached } from '../../targets/cached.js';

describe('things in the cache', () => {
  let cache: string;

  beforeEach(async () => {
    cache = await mkdtemp(join(tmpdir(), 'iommufd-cts-cached-'));
  });

  afterEach(async () => {
    await rm(cache, { recursive: true });
  });

  async function makeFile(work: string, text: string): Promise<string> {
    const file = join(work, 'made');
    await writeFile(file, text);
    await setTimeout(5);
    return file;
  }

  it('are made once for two that ask at the same time', async () => {
    const place = join(cache, 'agents', 'agent.cpio');
    let made = 0;
    const make = (work: string): Promise<string> => makeFile(work, `agent ${String(++made)}`);
    assert.deepEqual(await Promise.all([cached(place, make), cached(place, make)]), [place, place]);
    assert.equal(await cached(place, make), place);
    assert.equal(made, 1);
    assert.equal(await readFile(place, 'utf8'), 'agent 1');
  });

  it('leave nothing unfinished beside them', async () => {
    await cached(join(cache, 'agent.cpio'), (work) => makeFile(work, 'agent'));
    assert.deepEqual(await readdir(cache), ['agent.cpio']);
  });

  it('are rid of what a killed process was making, and of nothing else', async () => {
    const killed = spawn(process.execPath, ['--eval', '']);
    await once(killed, 'exit');
    const theirs = `.unfinished-elsewhere-${String(killed.pid)}-abc`;
    const ours = `.unfinished-${hostname()}-${String(killed.pid)}-abc`;
    const atWork = `.unfinished-${hostname()}-${String(process.ppid)}-abc`;
    for (const name of [theirs, ours, atWork]) await mkdir(join(cache, name));
    await cached(join(cache, 'agent.cpio'), (work) => makeFile(work, 'agent'));
    assert.sameMembers(await readdir(cache), ['agent.cpio', theirs, atWork]);
  });

  it('are not there after a failure, and are made again', async () => {
    const place = join(cache, 'agent.cpio');
    const failure = await cached(place, async (work) => {
      await makeFile(work, 'half');
      throw new Error('no compiler');
    }).catch((error: unknown) => error);
    assert.instanceOf(failure, Error);
    assert.deepEqual(await readdir(cache), []);
    await cached(place, (work) => makeFile(work, 'whole'));
    assert.equal(await readFile(place, 'utf8'), 'whole');
  });

  it('stay as another process has made them meanwhile', async () => {
    const place = join(cache, 'programs');
    await cached(place, async (work) => {
      await mkdir(place);
      await writeFile(join(place, 'program'), 'theirs');
      const ours = join(work, 'programs');
      await mkdir(ours);
      await writeFile(join(ours, 'program'), 'ours');
      return ours;
    });
    assert.equal(await readFile(join(place, 'program'), 'utf8'), 'theirs');
  });
});
