import { cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assert } from 'chai';
import type { FuzzResult } from '../../cli/fuzz/result.js';
import { CorpusStore, hashOfProgram } from '../../fuzz/corpus/store.js';
import { Visitors } from '../../fuzz/corpus/visitors.js';
import { samplePrograms } from '../../fuzz/generate/program.js';
import { Behaviour } from '../../models/behaviour.js';
import { DEFAULT_PROFILE } from '../../models/profiles/index.js';
import type { Program } from '../../models/program/program.js';
import { assertRefused, runCli } from './cli.js';
import { makeDirectory, removeDirectory } from './temporary.js';

const PROGRAMS = samplePrograms(new Behaviour(DEFAULT_PROFILE), { seed: 7, count: 6, stepsMax: 6 });

describe('programs of other campaigns', () => {
  let shared: string;
  let troubles: string[];

  beforeEach(async () => {
    shared = await makeDirectory();
    troubles = [];
  });

  afterEach(() => removeDirectory(shared));

  /** @returns hashes, in their order */
  async function keep(campaign: string, ...programs: readonly Program[]): Promise<string[]> {
    const store = await CorpusStore.open(join(shared, campaign, 'corpus'));
    for (const program of programs) await store.add(program);
    return programs.map(hashOfProgram).sort();
  }

  function visitors(): Visitors {
    return new Visitors(shared, join(shared, 'own'), ({ file, what }) => troubles.push(`${file}: ${what}`));
  }

  it('come once, those of one’s own not at all', async () => {
    const [one, two, three, four] = PROGRAMS as [Program, Program, Program, Program];
    await keep('own', one);
    const first = await keep('a', two, three);
    const all = visitors();
    assert.deepEqual((await all.next(10)).map(hashOfProgram), first);
    assert.isEmpty(await all.next(10));
    const later = await keep('b', four);
    assert.deepEqual((await all.next(10)).map(hashOfProgram), later);
    assert.isEmpty(troubles);
  });

  it('come a few at a time, and one that several have comes once', async () => {
    const hashes = await keep('a', ...PROGRAMS);
    await keep('b', ...PROGRAMS);
    await keep('own');
    const all = visitors();
    const programs = [...(await all.next(4)), ...(await all.next(4)), ...(await all.next(4))];
    assert.deepEqual(programs.map(hashOfProgram), hashes);
  });

  it('that are damaged are told of once, and what is no campaign is passed over', async () => {
    const [hash = ''] = await keep('a', ...PROGRAMS.slice(0, 1));
    await keep('own');
    await writeFile(join(shared, 'a', 'corpus', 'broken.json'), '{');
    await writeFile(join(shared, 'a', 'corpus', `${hash}.json.123`), '{');
    await mkdir(join(shared, 'notes'));
    await writeFile(join(shared, 'README'), 'about it');
    const all = visitors();
    assert.lengthOf(await all.next(10), 1);
    assert.isEmpty(await all.next(10));
    assert.lengthOf(troubles, 1);
    assert.match(troubles[0] ?? '', /broken\.json: left out: .*is not JSON/);
  });

  it('may be out of reach for a while', async () => {
    await keep('own');
    const all = visitors();
    await keep('a', ...PROGRAMS);
    await cp(shared, `${shared}.away`, { recursive: true });
    await rm(join(shared, 'a'), { recursive: true });
    assert.isEmpty(await all.next(10));
    await cp(join(`${shared}.away`, 'a'), join(shared, 'a'), { recursive: true });
    await removeDirectory(`${shared}.away`);
    assert.lengthOf(await all.next(10), PROGRAMS.length);
  });
});

describe('fuzz --share', () => {
  let shared: string;

  before(async () => {
    shared = await makeDirectory();
  });

  after(() => removeDirectory(shared));

  async function fuzz(name: string, programs: number, ...more: readonly string[]): Promise<FuzzResult> {
    const args = ['fuzz', '--json', '--programs', String(programs), ...more];
    const { code, stdout, stderr } = await runCli(args);
    assert.equal(code, 0, stderr);
    const result = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as FuzzResult;
    assert.equal(result.directory, join(shared, name));
    return result;
  }

  const out = (name: string): string[] => ['--out', join(shared, name)];

  it('takes over what others have come to', async () => {
    const one = await fuzz('one', 64, ...out('one'), '--seed', '1', '--share', shared);
    assert.equal(one.visitors, 0);
    const two = await fuzz('two', 64, ...out('two'), '--seed', '2', '--share', shared);
    assert.equal(two.visitors, one.corpus);
    assert.equal(two.programs, 64);
    assert.isAbove(two.coverage, one.coverage);
    const corpusOf = (name: string): Promise<string[]> => readdir(join(shared, name, 'corpus'));
    const [ofOne, ofTwo] = [await corpusOf('one'), await corpusOf('two')];
    assert.isAbove(ofOne.filter((file) => ofTwo.includes(file)).length, ofOne.length * 0.9);
    const again = await fuzz('two', 128, '--resume', join(shared, 'two'), '--share', shared);
    assert.equal(again.programs, 128);
  });

  it('is refused where there is no such directory', async () => {
    const args = ['fuzz', '--share', join(shared, 'nowhere'), ...out('three')];
    assertRefused(await runCli(args), 64, /--share: there is no directory .*nowhere/);
  });
});
