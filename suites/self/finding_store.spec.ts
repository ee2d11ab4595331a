import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assert } from 'chai';
import { factsOf } from '../../fuzz/findings/facts.js';
import type { Sighting } from '../../fuzz/findings/finding.js';
import { FindingStore } from '../../fuzz/findings/store.js';
import { Behaviour } from '../../models/behaviour.js';
import type { Mutant } from '../../models/mutants.js';
import type { ProgramOutcome } from '../../models/outcome.js';
import { assemble } from '../../models/program/assemble.js';
import { PROGRAM_SCHEMA, type Program, type Step } from '../../models/program/program.js';
import { DEFAULT_PROFILE } from '../../models/profiles/index.js';
import { judgeByModel } from '../../models/program_verdict.js';
import { runOnModel } from '../../targets/sim.js';
import { exitCodeOfError } from '../../cli/errors.js';
import { makeDirectory, removeDirectory } from './temporary.js';

const PROGRAM: Program = {
  schema: PROGRAM_SCHEMA,
  steps: [
    { do: 'open', label: 'f' },
    { do: 'ioctl', file: 'f', call: 'IOMMU_DESTROY', args: { id: 7 } },
  ],
};

const SIGHTING: Sighting = {
  title: 'IOMMU_DESTROY: allowed is ENOENT (IOMMU_DESTROY/ENOENT.object), seen EINVAL',
  kind: 'model',
  suspect: 'either',
  allowed: 'ENOENT (IOMMU_DESTROY/ENOENT.object)',
  seen: 'EINVAL',
  program: PROGRAM,
  profile: '7.3',
  target: 'sim',
  seed: 3,
};

const MUTANT: Mutant = { kind: 'errno', call: 'IOMMU_DESTROY', rule: 'ENOENT.object', errno: 'EINVAL' };

const model = new Behaviour(DEFAULT_PROFILE);

/** The title of what a program shows; what a target made of it can be changed before it is judged. */
function titleOf(
  steps: readonly Step[],
  mutant: Mutant | undefined,
  change: (outcome: ProgramOutcome) => ProgramOutcome = (outcome) => outcome,
): string | undefined {
  const assembled = assemble({ schema: PROGRAM_SCHEMA, steps });
  const outcome = change(runOnModel(assembled, new Behaviour(DEFAULT_PROFILE, mutant)));
  return factsOf(assembled, judgeByModel(assembled, outcome, model, 'exact'))?.title;
}

describe('titles of findings', () => {
  it('name the call, what was allowed and what was seen, whatever the ids', () => {
    const destroy = (id: number): Step => ({ do: 'ioctl', file: 'f', call: 'IOMMU_DESTROY', args: { id } });
    const open: Step = { do: 'open', label: 'f' };
    assert.equal(titleOf([open, destroy(7)], MUTANT), SIGHTING.title);
    const alloc: Step = { do: 'ioctl', file: 'f', call: 'IOMMU_IOAS_ALLOC', args: {} };
    assert.equal(titleOf([open, alloc, destroy(9)], MUTANT), SIGHTING.title);
    assert.isUndefined(titleOf([open, destroy(7)], undefined));
  });

  it('name members that differ, without their values', () => {
    const alloc: Step = { do: 'ioctl', file: 'f', call: 'IOMMU_IOAS_ALLOC', args: {} };
    const title = (id: number) =>
      titleOf([{ do: 'open', label: 'f' }, alloc], undefined, (outcome) => ({
        ...outcome,
        steps: outcome.steps.map((step, at) => {
          if (at !== 1 || step.status !== 'returned') return step;
          const struct = new Uint8Array(step.out[0] ?? []);
          struct[8] = id;
          return { ...step, out: [struct] };
        }),
      }));
    assert.equal(
      title(5),
      'IOMMU_IOAS_ALLOC: allowed is OK (IOMMU_IOAS_ALLOC/OK), seen OK; another out_ioas_id',
    );
    assert.equal(title(6), title(5));
  });

  it('name crashes, kernel messages and what stays behind without numbers', () => {
    const open: Step[] = [{ do: 'open', label: 'f' }];
    const withMore = (more: Partial<ProgramOutcome>) =>
      titleOf(open, undefined, (outcome) => ({ ...outcome, ...more }));
    assert.equal(
      withMore({ splats: [{ title: 'WARNING in iopt_new', text: '' }] }),
      'the kernel printed "WARNING in iopt_new"',
    );
    assert.equal(
      withMore({ leftovers: ['12 pages stayed pinned and 0 locked'] }),
      'after the program N pages stayed pinned and N locked',
    );
    assert.equal(
      withMore({ strayWrites: [{ step: 0, address: 0x1234n }] }),
      'open: a write outside of every buffer',
    );
    assert.equal(
      withMore({ steps: [{ status: 'crashed', title: 'KASAN: use-after-free in iopt_x', console: '' }] }),
      'open: the kernel crashed: KASAN: use-after-free in iopt_x',
    );
    assert.equal(withMore({ steps: [{ status: 'hung' }] }), 'open: the call did not return');
  });
});

describe('the store of findings', () => {
  let directory: string;

  beforeEach(async () => {
    directory = join(await makeDirectory(), 'findings');
  });

  afterEach(() => removeDirectory(join(directory, '..')));

  it('keeps findings, and counts those of a title', async () => {
    const store = await FindingStore.open(directory);
    assert.isTrue(await store.add(SIGHTING));
    assert.isFalse(await store.add({ ...SIGHTING, seed: 9 }));
    assert.isTrue(await store.add({ ...SIGHTING, title: 'another' }));
    const reopened = await FindingStore.open(directory);
    assert.deepEqual(reopened.findings, store.findings);
    assert.deepEqual(reopened.find(SIGHTING.title), { ...SIGHTING, count: 2, shown: 0, tried: 0 });
    assert.isFalse(await reopened.add(SIGHTING));
    assert.equal((await FindingStore.open(directory)).find(SIGHTING.title)?.count, 3);
  });

  it('loses no count of many sightings at a time', async () => {
    const store = await FindingStore.open(directory);
    await Promise.all(Array.from({ length: 100 }, () => store.add(SIGHTING)));
    assert.equal((await FindingStore.open(directory)).find(SIGHTING.title)?.count, 100);
  });

  it('has a directory for each, with the reduced program and forms for others', async () => {
    const store = await FindingStore.open(directory);
    await store.add(SIGHTING);
    await store.setReduced(SIGHTING.title, PROGRAM, { shown: 4, tried: 5 });
    await store.addFiles(SIGHTING.title, { 'repro.c': 'int main;\n' });
    const [name = ''] = await readdir(directory);
    assert.match(name, /^iommu-destroy-allowed-is-enoent-.*-[0-9a-f]{8}$/);
    assert.sameMembers(await readdir(join(directory, name)), [
      'finding.json',
      'program.json',
      'reduced.json',
      'repro.c',
    ]);
    assert.equal(await readFile(join(directory, name, 'repro.c'), 'utf8'), 'int main;\n');
    const found = (await FindingStore.open(directory)).find(SIGHTING.title);
    assert.deepEqual([found?.shown, found?.tried, found?.reduced], [4, 5, PROGRAM]);
  });

  it('forgets what a process had begun when it died', async () => {
    await (await FindingStore.open(directory)).add(SIGHTING);
    await mkdir(join(directory, '.unfinished-abc'));
    await writeFile(join(directory, '.unfinished-abc/program.json'), '{');
    assert.lengthOf((await FindingStore.open(directory)).findings, 1);
    assert.lengthOf(await readdir(directory), 1);
  });

  const WRONG: readonly (readonly [what: string, file: string, text: string, says: RegExp])[] = [
    ['a foreign file', '../notes.txt', 'hello', /notes\.txt is no finding: findings are directories/],
    ['a finding cut short', 'finding.json', '{"title": "x', /finding\.json is not JSON/],
    ['a finding without a title', 'finding.json', '{"schema": 1}', /finding\.json is no finding: .*title/],
    ['another schema', 'finding.json', '{"schema": 2}', /finding\.json has schema 2: use a newer/],
    ['a program cut short', 'program.json', '{"schema": 1, "steps": [', /program\.json is not JSON/],
    ['a reduced program cut short', 'reduced.json', '{', /reduced\.json is not JSON/],
  ];

  for (const [what, file, text, says] of WRONG) {
    it(`refuses ${what} in one sentence that names the file`, async () => {
      await (await FindingStore.open(directory)).add(SIGHTING);
      const [name = ''] = await readdir(directory);
      await writeFile(join(directory, name, file), text);
      const error = await FindingStore.open(directory).then(
        () => assert.fail('the directory was read'),
        (reason: unknown) => reason as Error,
      );
      assert.match(error.message, says);
      assert.notInclude(error.message, '\n');
      assert.equal(exitCodeOfError(error), 64);
    });
  }

  it('refuses a directory without a finding, and the same finding twice', async () => {
    await mkdir(join(directory, 'empty'), { recursive: true });
    const refusal = async () =>
      FindingStore.open(directory).then(
        () => assert.fail('the directory was read'),
        (reason: unknown) => (reason as Error).message,
      );
    assert.match(await refusal(), /empty\/finding\.json cannot be read/);
    await writeFile(join(directory, 'empty/program.json'), '{"schema": 1, "steps": []}');
    await removeDirectory(join(directory, 'empty'));
    const store = await FindingStore.open(directory);
    await store.add(SIGHTING);
    const [name = ''] = await readdir(directory);
    await mkdir(join(directory, 'copy'));
    for (const file of ['finding.json', 'program.json'])
      await writeFile(join(directory, 'copy', file), await readFile(join(directory, name, file)));
    assert.match(await refusal(), /has the same finding as/);
  });
});
