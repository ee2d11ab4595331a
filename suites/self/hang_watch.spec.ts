import { assert } from 'chai';
import { HangWatch } from '../../targets/qemu/hang_watch.js';
import { type Moment, momentNow, ownTime, ticksIn } from '../../targets/qemu/own_time.js';
import type { Progress } from '../../targets/qemu/progress_page.js';

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
  /** A watch with steps of 30 s, at moments with a share of stolen time. */
  function watchAt(moments: readonly Moment[]): HangWatch {
    let at = 0;
    return new HangWatch(30_000, () => moments[at++] ?? assert.fail('there is another moment'));
  }

  function moment(seconds: number, stolenSeconds: number): Moment {
    return { ms: seconds * 1000, stolen: stolenSeconds * 100, all: seconds * 100 };
  }

  it('hangs after its time', () => {
    const watch = watchAt([moment(0, 0), moment(30, 0), moment(31, 0)]);
    assert.deepEqual([watch.sees(STEP), watch.sees(STEP), watch.sees(STEP)], [false, false, true]);
  });

  it('does not hang while others have the processors', () => {
    const watch = watchAt([moment(0, 0), moment(100, 80), moment(152, 121)]);
    assert.deepEqual([watch.sees(STEP), watch.sees(STEP), watch.sees(STEP)], [false, false, true]);
  });

  it('is given up some time, even if others have all', () => {
    const watch = watchAt([moment(0, 0), moment(299, 299), moment(301, 301)]);
    assert.deepEqual([watch.sees(STEP), watch.sees(STEP), watch.sees(STEP)], [false, false, true]);
  });

  it('has its time anew with each step, and after a rest', () => {
    const watch = watchAt([0, 29, 58, 90, 119].map((seconds) => moment(seconds, 0)));
    assert.isFalse(watch.sees(STEP));
    assert.isFalse(watch.sees(NEXT));
    assert.isFalse(watch.sees(NEXT));
    watch.rest();
    assert.isFalse(watch.sees(NEXT));
    assert.isFalse(watch.sees(NEXT));
  });
});
