import { assert } from 'chai';
import { samplePrograms } from '../../fuzz/generate/program.js';
import { Behaviour } from '../../models/behaviour.js';
import { isOfEvents } from '../../models/state/event_files.js';
import { ModelRun } from '../../models/model_run.js';
import { assemble } from '../../models/program/assemble.js';
import { PROFILES } from '../../models/profiles/index.js';

const PROGRAMS = 1600;

/** How often random programs did what takes several steps to come to. */
interface Depth {
  /** Faults read, and answered. */
  read: number;
  answered: number;
  /** The most faults that waited for an answer at once. */
  answerable: number;
  /** Events read, and marks of lost ones that waited. */
  events: number;
  marks: number;
}

function depthOf(behaviour: Behaviour): Depth {
  const depth: Depth = { read: 0, answered: 0, answerable: 0, events: 0, marks: 0 };
  for (const program of samplePrograms(behaviour, { seed: 7, count: PROGRAMS, stepsMax: 30 })) {
    const run = new ModelRun(behaviour, 'exact', []);
    for (const step of assemble(program).steps) {
      const file = 'slot' in step ? run.world.fds.get(step.slot) : undefined;
      const value = run.execute(step)?.returned.value ?? 0;
      if (value > 0 && step.do === 'write') depth.answered += 1;
      if (!isOfEvents(file)) continue;
      if (file.kind === 'fault') {
        if (step.do === 'read' && value > 0) depth.read += 1;
        depth.answerable = Math.max(depth.answerable, file.object.queue.answerable.size);
      } else {
        if (step.do === 'read' && value > 0) depth.events += 1;
        if (file.object.queue.records.some(({ payload }) => payload === undefined)) depth.marks += 1;
      }
    }
  }
  return depth;
}

describe('queues of faults and events', () => {
  for (const profile of PROFILES) {
    it(`are read, answered and filled by random programs for ${profile.id}`, () => {
      const depth = depthOf(new Behaviour(profile));
      assert.isAtLeast(depth.read, 12);
      assert.isAtLeast(depth.answered, 10);
      assert.isAtLeast(depth.answerable, 3);
      if (!profile.hasViommus) return;
      assert.isAtLeast(depth.events, 12);
      assert.isAtLeast(depth.marks, 6);
    });
  }
});
