import { assert } from 'chai';
import { HangWatch } from '../../targets/qemu/hang_watch.js';
import { momentNow, ownTime, ticksIn } from '../../targets/qemu/own_time.js';
import type { Progress } from '../../targets/qemu/shared_memory.js';

const STEP: Progress = { batch: 1, program: 2, step: 3, lanes: [0] };
const NEXT: Progress = { ...STEP, step: 4 };

describe('the share of others in the processors', () => {
  it('is read as proc(5) has it', () => {
    const stat = 'cpu  100 1 20 3000 40 5 6 70 999 9\ncpu0 1 1 1 1 1 1 1 1 1 1\n';
    assert.deepEqual(ticksIn(stat), { stolen: 70, all: 100 + 1 + 20 + 3000 + 40 + 5 + 6 + 70 });
    assert.deepEqual(ticksIn(''), { stolen: 0, all: 0 });
  });

  it('is no part of the own time', () => {
    const from = { ms: 1000, stolen: 50, all: 500 };
    assert.equal(ownTime(from, { ms: 3000, stolen: 200, all: 700 }), 500);
    assert.equal(ownTime(from, { ms: 3000, stolen: 50, all: 700 }), 2000);
    assert.equal(ownTime({ ...from, stolen: 0, all: 0 }, { ms: 3000, stolen: 0, all: 0 }), 2000);
  });

  it('is there on this machine, or nothing is stolen', () => {
    const now = momentNow();
    assert.isAtLeast(now.all, now.stolen);
    assert.isAbove(now.ms, 0);
  });
});

describe('a guest whose step does not move on', () => {
  /** Whether it hangs, at each of some looks, of a watch with steps of 30 s; the step is the same but where another is said. */
  function looks(
    ...moments: readonly {
      readonly at: number;
      readonly stolen?: number;
      readonly printed?: number;
      readonly step?: Progress;
    }[]
  ): boolean[] {
    let look = 0;
    const watch = new HangWatch(30_000, () => {
      const { at, stolen = 0 } = moments[look] ?? assert.fail('there is another look');
      return { ms: at * 1000, stolen: stolen * 100, all: at * 100 };
    });
    return moments.map(({ printed = 0, step = STEP }, number) => {
      look = number;
      return watch.sees(step, printed);
    });
  }

  it('hangs after its time', () => {
    assert.deepEqual(looks({ at: 0 }, { at: 30 }, { at: 31 }), [false, false, true]);
  });

  it('does not hang while others have the processors', () => {
    const stolen = looks({ at: 0 }, { at: 100, stolen: 80 }, { at: 152, stolen: 121 });
    assert.deepEqual(stolen, [false, false, true]);
  });

  it('does not hang while it prints', () => {
    const printing = looks(
      { at: 0, printed: 5 },
      { at: 29, printed: 5 },
      { at: 90, printed: 700 },
      { at: 91, printed: 700 },
      { at: 92, printed: 700 },
    );
    assert.deepEqual(printing, [false, false, false, false, true]);
  });

  it('is given up some time, whatever it prints, and even if others have all', () => {
    assert.deepEqual(looks({ at: 0 }, { at: 299, printed: 1 }, { at: 301, printed: 2 }), [
      false,
      false,
      true,
    ]);
    assert.deepEqual(looks({ at: 0 }, { at: 299, stolen: 299 }, { at: 301, stolen: 301 }), [
      false,
      false,
      true,
    ]);
  });

  it('has its time anew with each step, and after a rest', () => {
    const anew = looks({ at: 0 }, { at: 29, step: NEXT }, { at: 58, step: NEXT }, { at: 60, step: NEXT });
    assert.deepEqual(anew, [false, false, false, true]);
    let at = 0;
    const watch = new HangWatch(30_000, () => ({ ms: (at += 29_000), stolen: 0, all: 0 }));
    assert.deepEqual([watch.sees(STEP, 0), watch.sees(STEP, 0)], [false, false]);
    watch.rest();
    assert.deepEqual([watch.sees(STEP, 0), watch.sees(STEP, 0), watch.sees(STEP, 0)], [false, false, true]);
  });
});
