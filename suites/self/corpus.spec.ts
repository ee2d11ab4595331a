import { readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assert } from 'chai';
import { featuresOnModel, mergePrograms, minimizeCorpus } from '../../fuzz/corpus/minimize.js';
import { type Trouble, readProgramsOf } from '../../fuzz/corpus/read_directory.js';
import { CorpusStore, hashOfProgram } from '../../fuzz/corpus/store.js';
import { type Feature, featureName } from '../../fuzz/feedback/features.js';
import { Novelty } from '../../fuzz/feedback/novelty.js';
import { samplePrograms } from '../../fuzz/generate/program.js';
import { Behaviour } from '../../models/behaviour.js';
import { DEFAULT_PROFILE } from '../../models/profiles/index.js';
import { programText } from '../../models/program/json.js';
import { PROGRAM_SCHEMA, type Program, type Step } from '../../models/program/program.js';
import { runCli } from './cli.js';
import { makeDirectory, removeDirectory } from './temporary.js';

const BEHAVIOUR = new Behaviour(DEFAULT_PROFILE);

const ALLOC: Step = { do: 'ioctl', file: 'f', label: 'a', call: 'IOMMU_IOAS_ALLOC', args: {} };
const DESTROY: Step = {
  do: 'ioctl',
  file: 'f',
  call: 'IOMMU_DESTROY',
  args: { id: { ref: 'a.out_ioas_id' } },
};

function programOf(...steps: readonly Step[]): Program {
  return { schema: PROGRAM_SCHEMA, steps: [{ do: 'open', label: 'f' }, ...steps] };
}

function namesOf(program: Program): string[] {
  return [...featuresOnModel(program, BEHAVIOUR)].map(featureName);
}

async function coverageOf(store: CorpusStore): Promise<string[]> {
  const novelty = new Novelty();
  for await (const { program } of store.programs()) novelty.add(featuresOnModel(program, BEHAVIOUR));
  return novelty.names();
}

describe('feedback', () => {
  it('names rules that decided, and consecutive ones', () => {
    const names = namesOf(programOf(ALLOC, DESTROY, DESTROY));
    assert.includeMembers(names, [
      'IOMMU_DESTROY/OK',
      'IOMMU_DESTROY/ENOENT.object',
      'IOMMU_IOAS_ALLOC/OK > IOMMU_DESTROY/OK',
      'IOMMU_DESTROY/OK > IOMMU_DESTROY/ENOENT.object',
    ]);
    assert.notInclude(names, 'IOMMU_IOAS_ALLOC/OK > IOMMU_DESTROY/ENOENT.object');
  });

  it('tells numbers of objects apart', () => {
    const one = namesOf(programOf(ALLOC)).filter((name) => name.startsWith('state'));
    const two = namesOf(programOf(ALLOC, { ...ALLOC, label: 'b' })).filter((name) =>
      name.startsWith('state'),
    );
    assert.include(one, 'state IOAS 1');
    assert.include(two, 'state IOAS 2');
    assert.notInclude(one, 'state IOAS 2');
  });

  it('is the same each time', () => {
    const programs = samplePrograms(BEHAVIOUR, { seed: 3, count: 20, stepsMax: 20 });
    const features = (): Feature[][] => programs.map((program) => [...featuresOnModel(program, BEHAVIOUR)]);
    assert.deepEqual(features(), features());
  });
});

describe('a corpus', () => {
  let directory: string;

  beforeEach(async () => {
    directory = await makeDirectory();
  });

  afterEach(() => removeDirectory(directory));

  it('keeps each program once, whatever is said about it', async () => {
    const store = await CorpusStore.open(directory);
    const hash = await store.add(programOf(ALLOC));
    assert.equal(await store.add({ ...programOf(ALLOC), about: 'the same' }), hash);
    assert.deepEqual(await readdir(directory), [`${hash}.json`]);
    assert.deepEqual((await CorpusStore.open(directory)).hashes, [hash]);
    assert.deepEqual((await store.read(hash))?.program, programOf(ALLOC));
  });

  it('takes files of other names in, and forgets writes that were cut short', async () => {
    await writeFile(join(directory, 'mine.json'), programText(programOf(ALLOC)));
    const hash = hashOfProgram(programOf(ALLOC));
    await writeFile(join(directory, `${hash}.json.12345`), '{"schema": 1, "st');
    const store = await CorpusStore.open(directory);
    assert.deepEqual(await coverageOf(store), namesOf(programOf(ALLOC)).sort());
    assert.deepEqual(await readdir(directory), [`${hash}.json`]);
  });

  it('sets aside what is no program, and says why', async () => {
    const store = await CorpusStore.open(directory);
    const hash = await store.add(programOf(ALLOC));
    await writeFile(join(directory, `${hash}.json`), '{"schema": 1, "st');
    assert.isUndefined(await store.read(hash));
    assert.equal(store.size, 0);
    const reason = await readFile(join(directory, 'set-aside', `${hash}.json.reason`), 'utf8');
    assert.match(reason, /is not JSON/);
    assert.match(store.troubles[0]?.what ?? '', /set aside in .*is not JSON/);
    assert.isTrue((await stat(join(directory, 'set-aside', `${hash}.json`))).isFile());
  });

  it('drops steps that no description takes any more, with those that need them', async () => {
    const gone: Step = { do: 'ioctl', file: 'f', label: 'g', call: 'IOMMU_GONE', args: {} };
    const needing: Step = {
      do: 'ioctl',
      file: 'f',
      call: 'IOMMU_DESTROY',
      args: { id: { ref: 'g.out_id' } },
    };
    const before = programOf(ALLOC, gone, DESTROY, needing);
    const name = `${hashOfProgram(before)}.json`;
    await writeFile(join(directory, name), programText(before));
    const store = await CorpusStore.open(directory);
    assert.deepEqual(await coverageOf(store), namesOf(programOf(ALLOC, DESTROY)).sort());
    assert.deepEqual(store.hashes, [hashOfProgram(programOf(ALLOC, DESTROY))]);
    assert.match(store.troubles[0]?.what ?? '', /2 of 5 steps were dropped .*IOMMU_GONE/);
  });

  it('sets aside a program of which little would be left', async () => {
    const gone: Step = { do: 'ioctl', file: 'f', call: 'IOMMU_GONE', args: {} };
    await writeFile(join(directory, 'old.json'), programText(programOf(gone, gone)));
    const store = await CorpusStore.open(directory);
    assert.deepEqual(await coverageOf(store), []);
    assert.match(await readFile(join(directory, 'set-aside/old.json.reason'), 'utf8'), /IOMMU_GONE/);
  });

  it('keeps what it shows when it is minimized', async () => {
    const store = await CorpusStore.open(directory);
    for (const program of samplePrograms(BEHAVIOUR, { seed: 1, count: 40, stepsMax: 12 }))
      await store.add(program);
    // What it shows, others do.
    await store.add(programOf(ALLOC));
    const before = await coverageOf(store);
    const { before: many, after, coverage } = await minimizeCorpus(store, BEHAVIOUR);
    assert.isBelow(after, many);
    assert.deepEqual(await coverageOf(store), before);
    assert.equal(coverage, before.length);
    assert.equal((await minimizeCorpus(store, BEHAVIOUR)).after, after);
  });

  it('takes over what shows something new, and changes nothing where it comes from', async () => {
    const from = await CorpusStore.open(join(directory, 'from'));
    await from.add(programOf(ALLOC));
    await from.add(programOf(ALLOC, DESTROY));
    await writeFile(join(from.directory, 'corrupt.json'), 'no');
    const into = await CorpusStore.open(join(directory, 'into'));
    await into.add(programOf(ALLOC));
    const troubles: Trouble[] = [];
    const programs = readProgramsOf(from.directory, (trouble) => troubles.push(trouble));
    assert.deepEqual(await mergePrograms(into, programs, BEHAVIOUR), { added: 1, known: 1 });
    assert.equal(into.size, 2);
    assert.lengthOf(await readdir(from.directory), 3);
    assert.match(troubles[0]?.what ?? '', /left out: .*is not JSON/);
  });

  it('has commands', async () => {
    const store = await CorpusStore.open(join(directory, 'one'));
    await store.add(programOf(ALLOC));
    await store.add(programOf(ALLOC, DESTROY));
    const merged = await runCli(['corpus', 'merge', join(directory, 'two'), store.directory]);
    assert.match(merged.stdout, /2 programs added, 0 show nothing new; it has 2 now/, merged.stderr);
    const minimized = await runCli(['corpus', 'minimize', store.directory, '--json']);
    assert.include(JSON.parse(minimized.stdout), { schema: 1, before: 2, after: 1 });
    const shown = await runCli(['corpus', 'show', store.directory]);
    assert.match(shown.stdout, /: 1 programs of 3 steps, which show \d+ features/);
    const missing = await runCli(['corpus', 'minimize', join(directory, 'none')]);
    assert.equal(missing.code, 64);
    assert.match(missing.stderr, /none is no directory of programs/);
  });
});
