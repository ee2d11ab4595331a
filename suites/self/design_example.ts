import { handle } from '../../models/designs/framework/argument.js';
import { callsOn } from '../../models/designs/framework/call.js';
import { type Design, defineDesign, variantOf } from '../../models/designs/framework/design.js';
import { PAUSE } from '../../models/designs/framework/locks.js';
import type { View } from '../../models/designs/framework/view.js';
import type { RowFile } from '../designs/row.js';

// 1. The state: plain data, as the patch keeps it.

interface Doorbell {
  readonly id: number;
  isReady: boolean;
  isFreed: boolean;
  /** Mappings of it that are alive. */
  mappings: number;
}

interface State {
  /** What the ids find. */
  readonly table: Map<number, Doorbell>;
  /** Also those that are gone. */
  readonly all: Doorbell[];
}

const call = callsOn<State>();

// 2. The view: what invariants are to see of it.

function viewOf({ table, all }: State): View {
  return {
    objects: [...table.values()].map(({ id, isReady, mappings }) => ({
      name: `doorbell ${String(id)}`,
      handle: id,
      isReachable: true,
      isComplete: isReady,
      lastingUsers: mappings,
    })),
    pages: all.map(({ id, isFreed }) => ({ page: `page of doorbell ${String(id)}`, isFreed })),
    mappings: all
      .filter(({ mappings }) => mappings > 0)
      .map(({ id }) => ({ by: 'a VMA', page: `page of doorbell ${String(id)}` })),
  };
}

// 3. The calls: arguments, rules in the order of the text, an effect.

const DOORBELL = handle('the id that ALLOC returned', ['doorbell']);

const alloc = call({
  name: 'DOORBELL_ALLOC',
  doc: 'Makes a doorbell and returns its id.',
  source: '[PATCH 1/2], doorbell_alloc',
  makes: [{ kind: 'doorbell' }],
  args: {},
  rules: [],
  *effect({ state, has }) {
    const bell: Doorbell = { id: state.all.length + 1, isReady: false, isFreed: false, mappings: 0 };
    state.all.push(bell);
    if (has('D9.3')) {
      state.table.set(bell.id, bell);
      yield PAUSE;
    }
    bell.isReady = true;
    state.table.set(bell.id, bell);
    return bell.id;
  },
});

const map = call({
  name: 'mmap',
  doc: 'Maps the page of a doorbell.',
  source: '[PATCH 1/2], doorbell_mmap',
  args: { id: DOORBELL },
  rules: [
    {
      id: 'ENXIO.id',
      says: 'no doorbell has the id',
      cite: '[PATCH 1/2], doorbell_mmap',
      when: ({ state, args }) => !state.table.has(args.id),
    },
  ],
  effect: ({ state, args }) => {
    const bell = state.table.get(args.id);
    if (bell !== undefined) bell.mappings += 1;
  },
});

const free = call({
  name: 'DOORBELL_FREE',
  doc: 'Frees a doorbell.',
  source: '[PATCH 2/2], doorbell_free',
  args: { id: DOORBELL },
  destroys: ({ id }) => `doorbell ${String(id)}`,
  rules: [
    {
      id: 'ENOENT.id',
      says: 'no doorbell has the id',
      cite: '[PATCH 2/2], doorbell_free',
      when: ({ state, args, has }) => !state.table.has(args.id) && !has('D9.1'),
    },
    {
      id: 'EBUSY.mapped',
      says: 'the doorbell is mapped',
      cite: 'Re: [PATCH 2/2]',
      when: ({ state, args, has }) => (state.table.get(args.id)?.mappings ?? 0) > 0 && !has('D9.2'),
    },
  ],
  effect: (c) => {
    const bell = c.state.table.get(c.args.id);
    if (bell === undefined) return c.undefined('D9.1', 'NULL dereference', 'the lookup found nothing');
    c.state.table.delete(bell.id);
    bell.isFreed = true;
    return 0;
  },
});

// 4. The proposal with its defects, and what reviewers made of it.

export const doorbellV1: Design = defineDesign<State>({
  name: 'doorbell-v1',
  title: 'Doorbells for user space',
  source: '[PATCH 0/2] doorbells, an example',
  kind: 'proposal',
  seed: 9,
  calls: [alloc, map, free],
  initial: () => ({ table: new Map(), all: [] }),
  view: viewOf,
  defects: [
    {
      id: 'D9.1',
      says: 'FREE of an unknown id uses what the lookup did not find',
      breaks: ['defined_result'],
      source: '[PATCH 2/2]',
    },
    {
      id: 'D9.2',
      says: 'FREE frees a page that is mapped',
      breaks: ['no_unmapped_while_mmapped'],
      source: '[PATCH 2/2]',
    },
    {
      id: 'D9.3',
      says: 'ALLOC enters the doorbell into the table before it is ready',
      breaks: ['publish_last'],
      source: '[PATCH 1/2]',
      isRace: true,
    },
  ],
});

export const doorbellReviewed: Design = variantOf(doorbellV1, {
  name: 'doorbell-v1-reviewed',
  title: 'Doorbells with a count of mappings',
  source: 'Re: [PATCH 2/2] doorbells',
  kind: 'reviewed',
});

// 5. The rows: programs, and what must come of them.

export const doorbellRows: RowFile = {
  seed: 9,
  proposal: 'doorbell-v1',
  merged: 'doorbell-v1-reviewed',
  bystanders: [],
  rows: [
    {
      id: 'S9-01',
      title: 'free of an unknown id',
      source: '[PATCH 2/2]',
      defects: ['D9.1'],
      proposal: { steps: [{ call: 'DOORBELL_FREE', args: { id: 5 }, gives: 'NULL dereference' }] },
      merged: { steps: [{ call: 'DOORBELL_FREE', args: { id: 5 }, gives: 'ENOENT' }] },
    },
    {
      id: 'S9-02',
      title: 'free while mapped',
      source: 'Re: [PATCH 2/2]',
      defects: ['D9.2'],
      proposal: {
        steps: [
          { call: 'DOORBELL_ALLOC', as: 'bell', gives: 1 },
          { call: 'mmap', args: { id: { ref: 'bell' } } },
          { call: 'DOORBELL_FREE', args: { id: { ref: 'bell' } }, gives: 0 },
        ],
      },
      merged: {
        steps: [
          { call: 'DOORBELL_ALLOC', as: 'bell', gives: 1 },
          { call: 'mmap', args: { id: { ref: 'bell' } } },
          { call: 'DOORBELL_FREE', args: { id: { ref: 'bell' } }, gives: 'EBUSY' },
        ],
      },
    },
    {
      id: 'S9-03',
      title: 'mmap of a doorbell that is being made (race)',
      source: 'Re: [PATCH 1/2]',
      defects: ['D9.3'],
      proposal: {
        steps: [
          { call: 'DOORBELL_ALLOC', lane: 'A' },
          { call: 'mmap', args: { id: 1 }, lane: 'B', gives: ['OK', 'ENXIO'] },
        ],
      },
      merged: {
        steps: [
          { call: 'DOORBELL_ALLOC', lane: 'A' },
          { call: 'mmap', args: { id: 1 }, lane: 'B', gives: ['OK', 'ENXIO'] },
        ],
      },
    },
  ],
};
