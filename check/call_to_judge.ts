import type { World } from '../models/state/world.js';
import type { TraceRecord } from '../targets/trace/reader.js';
import type { Judge, Judgement } from './judge.js';
import type { TracedProcess } from './process.js';
import type { Processes } from './processes.js';

/** What judging a recorded call needs. The process is the world's current one. */
export interface CallToJudge {
  readonly record: TraceRecord;
  readonly process: TracedProcess;
  readonly processes: Processes;
  readonly world: World;
  readonly judge: Judge;
}

/** A call that the model says nothing about; it changes nothing that the model follows. */
export function unspecified(why: string): Judgement {
  return { verdict: { kind: 'unspecified', why }, isFollowed: true };
}
