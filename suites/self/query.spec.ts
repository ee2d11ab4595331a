import { assert } from 'chai';
import { UsageError } from '../../cli/errors.js';
import { select, shard } from '../../cli/query.js';
import { SCENARIOS } from '../index.js';

function idsOf(...queries: string[]): string[] {
  return select(SCENARIOS, queries).map(({ id }) => id);
}

describe('queries', () => {
  it('without one, everything is selected', () => {
    assert.lengthOf(select(SCENARIOS, []), SCENARIOS.length);
  });

  it('an area, a file, a group and a whole id select what lies under them', () => {
    for (const query of ['ioas', 'ioas/map', 'ioas/map:fixed', 'ioas/map:fixed,overlap']) {
      const ids = idsOf(query);
      assert.isNotEmpty(ids);
      for (const id of ids) assert.isTrue(id === query || /^[/:,]/.test(id.slice(query.length)), id);
    }
    assert.deepEqual(idsOf('ioas/map:fixed,overlap'), ['ioas/map:fixed,overlap']);
  });

  it('a file does not select one whose name goes on', () => {
    assert.isFalse(idsOf('ioas/map').some((id) => id.startsWith('ioas/map_')));
  });

  it('a star stands for anything', () => {
    const ids = idsOf('*:order,*');
    assert.isNotEmpty(ids);
    for (const id of ids) assert.include(id, ':order,');
  });

  it('several select the union, in the order of the suites', () => {
    assert.deepEqual(idsOf('mock', 'object'), [...idsOf('object'), ...idsOf('mock')]);
  });

  it('that select nothing are refused, with a suggestion', () => {
    assert.throws(() => idsOf('ioas/map:fixed,overlapp'), UsageError, /did you mean ioas\/map:fixed/);
    assert.throws(() => idsOf('nonsense'), UsageError, /no scenario matches nonsense/);
  });

  it('have no characters with a meaning of their own besides the star', () => {
    assert.throws(() => idsOf('ioas/m.p'), UsageError);
    assert.throws(() => idsOf('('), UsageError);
  });
});

describe('shards', () => {
  for (const count of [1, 2, 3, 7]) {
    it(`${String(count)} of them are disjoint and together the whole`, () => {
      const parts = Array.from({ length: count }, (_, at) =>
        shard(SCENARIOS, `${String(at + 1)}/${String(count)}`),
      );
      const all = parts.flat();
      assert.lengthOf(all, SCENARIOS.length);
      assert.sameMembers(all, [...SCENARIOS]);
    });
  }

  for (const wrong of ['3', '0/2', '3/2', '1/0', 'a/b', '1/2/3', '-1/2', '']) {
    it(`"${wrong}" is none`, () => {
      assert.throws(() => shard(SCENARIOS, wrong), UsageError, /--shard/);
    });
  }
});
