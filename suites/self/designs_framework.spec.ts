import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { assert } from 'chai';
import { reduceDesignProgram, showsDefect } from '../../fuzz/designs/reduce.js';
import { searchDesign } from '../../fuzz/designs/search.js';
import { callsOn, take } from '../../models/designs/framework/call.js';
import { designProgramText, parseDesignProgram } from '../../models/designs/framework/check_program.js';
import { type Design, defineDesign, variantOf } from '../../models/designs/framework/design.js';
import { runDesign } from '../../models/designs/framework/execute.js';
import { PAUSE } from '../../models/designs/framework/locks.js';
import { describeOutcome } from '../../models/designs/framework/outcome.js';
import { type DesignStep, describeProgram } from '../../models/designs/framework/program.js';
import { designByName } from '../../models/designs/index.js';
import { present } from '../../models/base/assert.js';
import { judgePlay } from '../designs/judge.js';
import { playsOf } from '../designs/row.js';
import { doorbellReviewed, doorbellRows, doorbellV1 } from './design_example.js';

const ROOT = resolve(import.meta.dirname, '../../..');

/** Steps of a design that exists for the tests: a counter, and locks. */
interface Counter {
  value: number;
}

const call = callsOn<Counter>();
const named = (name: string) => ({ name, doc: `does ${name}`, source: 'the test', args: {}, rules: [] });

const COUNTER: Design = defineDesign<Counter>({
  name: 'counter',
  title: 'a counter',
  source: 'the test',
  kind: 'proposal',
  seed: 9,
  defects: [],
  initial: () => ({ value: 0 }),
  view: ({ value }) => ({ pins: [{ of: 'the counter', actual: value, expected: value }] }),
  calls: [
    call({
      ...named('add'),
      *effect({ state }) {
        const { value } = state;
        yield PAUSE;
        state.value = value + 1;
        return state.value;
      },
    }),
    call({
      ...named('add_locked'),
      rules: [take('the lock')],
      *effect({ state }) {
        const { value } = state;
        yield PAUSE;
        state.value = value + 1;
        return state.value;
      },
    }),
    call({
      ...named('a_then_b'),
      *effect(c) {
        yield* c.lock('a');
        yield* c.lock('b');
        c.unlock('b');
        c.unlock('a');
        return 0;
      },
    }),
    call({
      ...named('b_then_a'),
      *effect(c) {
        yield* c.lock('b');
        yield* c.lock('a');
        c.unlock('a');
        c.unlock('b');
        return 0;
      },
    }),
    call({
      ...named('sleep_in_atomic'),
      *effect(c) {
        yield* c.lock('spin', 'atomic');
        c.sleeps('allocates');
        return 0;
      },
    }),
    call({
      ...named('forget_lock'),
      *effect(c) {
        yield* c.lock('a');
        return 0;
      },
    }),
    call({
      ...named('unlock_foreign'),
      effect: ({ unlock }) => {
        unlock('a');
      },
    }),
    call({
      ...named('wait_for_one'),
      *effect({ state, until }) {
        yield* until('the first addition', () => state.value > 0);
        return state.value;
      },
    }),
  ],
});

/** Steps in the lanes A and B, one call each. */
function race(one: string, two: string): DesignStep[] {
  return [
    { call: one, lane: 'A' },
    { call: two, lane: 'B' },
  ];
}

/** All outcomes of a step, over all orders, sorted. */
function outcomesOf(steps: readonly DesignStep[], at: number): string[] {
  return (runDesign(COUNTER, { steps }).outcomes[at] ?? []).map(describeOutcome).sort();
}

describe('the framework of designs', () => {
  it('runs lanes in all their orders', () => {
    const { orders } = runDesign(COUNTER, { steps: race('add', 'add') });
    assert.equal(orders, 6, 'two sections each');
    assert.deepEqual(outcomesOf(race('add', 'add'), 0), ['1', '2']);
  });

  it('a lost update shows only without the lock', () => {
    const last = { call: 'add' };
    assert.deepEqual(outcomesOf([...race('add', 'add'), last], 2), ['2', '3']);
    assert.deepEqual(outcomesOf([...race('add_locked', 'add_locked'), last], 2), ['3']);
  });

  it('finds a deadlock in some order, and says on what', () => {
    const { breaches } = runDesign(COUNTER, { steps: race('a_then_b', 'b_then_a') });
    assert.deepEqual(outcomesOf(race('a_then_b', 'b_then_a'), 0), ['0', 'deadlock']);
    assert.match(breaches[0]?.what ?? '', /waits for [ab], which nobody will release/);
    assert.isDefined(breaches[0]?.order);
  });

  it('a lane waits for what another does; alone it waits for ever', () => {
    assert.deepEqual(outcomesOf(race('wait_for_one', 'add'), 0), ['1']);
    assert.deepEqual(outcomesOf([{ call: 'wait_for_one' }], 0), ['deadlock']);
  });

  const misuses: readonly (readonly [what: string, steps: readonly string[], kind: string])[] = [
    ['sleeping under a spinlock', ['sleep_in_atomic'], 'sleep in atomic context'],
    ['a lock that an earlier call kept', ['forget_lock', 'a_then_b'], 'deadlock'],
    ['releasing what is not held', ['unlock_foreign'], 'deadlock'],
  ];
  for (const [what, names, kind] of misuses) {
    it(`${what} is undefined behaviour, not an exception`, () => {
      const { outcomes, breaches } = runDesign(COUNTER, { steps: names.map((name) => ({ call: name })) });
      assert.deepEqual(outcomes[names.length - 1]?.map(describeOutcome), [kind]);
      assert.deepEqual(
        breaches.map(({ invariant }) => invariant),
        ['defined_result'],
      );
    });
  }

  it('stops at undefined behaviour', () => {
    const steps = [{ call: 'sleep_in_atomic' }, { call: 'add' }];
    assert.deepEqual(outcomesOf(steps, 1), []);
  });

  it('refuses lanes with too many orders', () => {
    const steps = Array.from({ length: 16 }, (_, at) => ({ call: 'add', lane: at % 2 === 0 ? 'A' : 'B' }));
    assert.throws(() => runDesign(COUNTER, { steps }), /the lanes have more than 20000 orders/);
  });

  it('lets a variant begin with another state, and show more of it', () => {
    const variant = variantOf<Counter>(COUNTER, {
      name: 'counter from 5',
      title: 'a counter',
      source: 'the test',
      kind: 'reviewed',
      initial: () => ({ value: 5 }),
      view: ({ value }) => ({ pins: [{ of: 'the counter', actual: value, expected: 6 }] }),
    });
    const { outcomes, breaches } = runDesign(variant, { steps: [{ call: 'add' }] });
    assert.deepEqual(outcomes.flat().map(describeOutcome), ['6']);
    assert.deepEqual(breaches, []);
    assert.lengthOf(runDesign(variant, { steps: [{ call: 'add' }, { call: 'add' }] }).breaches, 1);
  });

  it('gives the same for the same seed', () => {
    const texts = [1, 1, 2].map((seed) => JSON.stringify(searchDesign(doorbellV1, seed, 200)));
    assert.equal(texts[0], texts[1]);
    assert.notEqual(texts[0], texts[2]);
  });
});

describe('programs of designs', () => {
  const proposal = present(designByName('ioasid-rfc'), 'ioasid-rfc');
  const free = { call: 'IOMMU_IOASID_FREE', args: { ioasid: 0 } };

  it('survive being written and read', () => {
    const steps: DesignStep[] = [
      { call: 'IOMMU_IOASID_ALLOC', args: { flags: 'ENFORCE_SNOOP' }, as: 'a' },
      { call: 'IOMMU_MAP_DMA', args: { ioasid: { ref: 'a', plus: 1 }, iova: 0x2000n }, lane: 'A' },
    ];
    const text = designProgramText(proposal, { steps });
    assert.deepEqual(parseDesignProgram(JSON.parse(text), proposal), { steps });
  });

  const refused: readonly (readonly [what: string, json: unknown, says: RegExp])[] = [
    ['no object', [], /^a program of a design is an object/],
    ['another schema', { schema: 2, steps: [] }, /^the schema is 2, this version reads 1$/],
    ['no schema', { steps: [] }, /^the schema is missing/],
    ['another design', { schema: 1, design: 'mmap', steps: [] }, /^the program is for the design "mmap"/],
    ['no steps', { schema: 1 }, /^steps is not a list$/],
    ['a step that is none', { schema: 1, steps: [7] }, /^step 1 is no object$/],
    [
      'a member without meaning',
      { schema: 1, steps: [{ ...free, fd: 3 }] },
      /^step 1 has fd, which means nothing$/,
    ],
    [
      'an unknown call',
      { schema: 1, steps: [{ call: 'FREE' }] },
      /^step 1 calls FREE, which ioasid-rfc does not have$/,
    ],
    ['a call without a name', { schema: 1, steps: [{}] }, /^step 1 names no call$/],
    [
      'an unknown argument',
      { schema: 1, steps: [{ ...free, args: { id: 1 } }] },
      /^step 1 passes id, which IOMMU_IOASID_FREE does not take$/,
    ],
    [
      'a missing argument',
      { schema: 1, steps: [{ call: 'IOMMU_IOASID_FREE' }] },
      /^step 1 does not say ioasid$/,
    ],
    [
      'a number that does not fit',
      { schema: 1, steps: [{ ...free, args: { ioasid: 2 ** 40 } }] },
      /^step 1 passes 1099511627776 for ioasid, which does not fit$/,
    ],
    [
      'half a number',
      { schema: 1, steps: [{ ...free, args: { ioasid: 0.5 } }] },
      /^step 1 passes 0.5 for ioasid/,
    ],
    [
      'an unknown name',
      { schema: 1, steps: [{ ...free, args: { ioasid: 0, place: 'nowhere' } }] },
      /^step 1 passes "nowhere" for place; it knows fine, unreadable, unwritable$/,
    ],
    [
      'a list as a value',
      { schema: 1, steps: [{ ...free, args: { ioasid: [] } }] },
      /^step 1 has the argument ioasid that is no number, name or reference$/,
    ],
    [
      'a label that nobody made',
      { schema: 1, steps: [{ ...free, args: { ioasid: { ref: 'a' } } }] },
      /^step 1 uses a, which no step before it has made$/,
    ],
    [
      'a label twice',
      { schema: 1, steps: [1, 2].map(() => ({ call: 'IOMMU_IOASID_ALLOC', as: 'a' })) },
      /^step 2 makes a a second time$/,
    ],
    [
      'a label of nothing',
      { schema: 1, steps: [{ ...free, as: 'a' }] },
      /^step 1 labels a result of IOMMU_IOASID_FREE, which makes nothing$/,
    ],
    [
      'a lane that is no name',
      { schema: 1, steps: [{ ...free, lane: 1 }] },
      /^step 1 has the lane 1, which is no name$/,
    ],
    [
      'a step between lanes',
      { schema: 1, steps: [{ ...free, lane: 'A' }, free, { ...free, lane: 'A' }] },
      /^step 2 has no lane, but stands between/,
    ],
  ];
  for (const [what, json, says] of refused) {
    it(`with ${what} are refused in one sentence`, () => {
      assert.throws(() => parseDesignProgram(json, proposal), says);
    });
  }

  it('are reduced to what shows the defect, with simple values', () => {
    const steps: DesignStep[] = [
      { call: 'open', as: 'f' },
      { call: 'IOMMU_IOASID_ALLOC', args: { fd: { ref: 'f' }, addr_width: 63 }, as: 'a' },
      { call: 'IOMMU_CHECK_EXTENSION', args: { value: 2 } },
      { call: 'IOMMU_IOASID_FREE', args: { fd: { ref: 'f' }, ioasid: { ref: 'a' } } },
      { call: 'IOMMU_IOASID_FREE', args: { fd: { ref: 'f' }, ioasid: { ref: 'a' } } },
    ];
    const reduced = reduceDesignProgram(proposal, { steps }, 'D1.2');
    assert.equal(
      describeProgram(proposal, reduced),
      'a = IOMMU_IOASID_ALLOC(); IOMMU_IOASID_FREE(ioasid a); IOMMU_IOASID_FREE(ioasid a)',
    );
  });

  it('of a race keep both lanes', () => {
    const steps: DesignStep[] = [
      { call: 'IOMMU_CHECK_EXTENSION' },
      { call: 'IOMMU_IOASID_ALLOC', lane: 'A' },
      { ...free, lane: 'B' },
      { ...free, lane: 'B' },
    ];
    const reduced = reduceDesignProgram(proposal, { steps }, 'D1.5');
    assert.lengthOf(reduced.steps, 2);
    assert.isTrue(showsDefect(proposal, reduced, 'D1.5'));
  });
});

describe('the example of docs/designs/write-your-own.md', () => {
  const designs = new Map([doorbellV1, doorbellReviewed].map((design) => [design.name, design]));

  for (const placed of playsOf(doorbellRows)) {
    it(`${placed.row.id} on ${placed.design}: ${placed.row.title}`, () => {
      assert.deepEqual(judgePlay(placed, designs.get(placed.design)).problems, []);
    });
  }

  it('is the file that is tested', async () => {
    const page = await readFile(join(ROOT, 'docs/designs/write-your-own.md'), 'utf8');
    const file = await readFile(join(ROOT, 'suites/self/design_example.ts'), 'utf8');
    assert.equal(
      /```ts\n([\s\S]*?)```/.exec(page)?.[1],
      file,
      'copy suites/self/design_example.ts into the page',
    );
  });

  it('a random search finds what one lane can show, and nothing on the reviewed design', () => {
    const { found, unexplained } = searchDesign(doorbellV1, 1, 300);
    assert.sameMembers(
      found.map(({ defect }) => defect),
      ['D9.1', 'D9.2'],
    );
    assert.deepEqual(unexplained, []);
    const reviewed = searchDesign(doorbellReviewed, 1, 300);
    assert.deepEqual([...reviewed.found, ...reviewed.unexplained], []);
  });

  it('a wrong expectation is told', () => {
    const [row] = doorbellRows.rows;
    const wrong = playsOf({
      ...doorbellRows,
      rows: [
        {
          ...present(row, 'a row'),
          proposal: { steps: [{ call: 'DOORBELL_FREE', args: { id: 5 }, gives: 'ENOENT' }], breaks: [] },
        },
      ],
    });
    const { problems } = judgePlay(present(wrong[0], 'a play'), doorbellV1);
    assert.lengthOf(problems, 2);
    assert.match(
      problems[0] ?? '',
      /^step 1, DOORBELL_FREE\(id 5\): it gives NULL dereference, expected is ENOENT$/,
    );
    assert.match(problems[1] ?? '', /^step 1, DOORBELL_FREE, breaks defined_result \(D9.1\)/);
  });
});
