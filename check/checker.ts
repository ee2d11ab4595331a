import { Behaviour } from '../models/behaviour.js';
import { DEFAULT_PROFILE, type Profile, profileOfRelease } from '../models/profiles/index.js';
import type { OpenFile } from '../models/state/open_file.js';
import { UserMemory } from '../models/state/user_memory.js';
import { World } from '../models/state/world.js';
import { ROLE } from '../targets/trace/format.js';
import type { Trace, TraceRecord } from '../targets/trace/reader.js';
import { unspecified } from './call_to_judge.js';
import { nameOf, numberOf } from './calls.js';
import { FILE_CALLS } from './file_calls.js';
import { Judge, type Judgement } from './judge.js';
import { judgeIoctl } from './ioctl_calls.js';
import { textOf } from './lines.js';
import { Processes } from './processes.js';
import type { JudgedCall } from './verdict.js';

/** What a trace was held against, and what came of it. */
export interface Checked {
  readonly profile: Profile;
  /** What a reader must know to trust the result. */
  readonly notes: readonly string[];
  readonly calls: readonly JudgedCall[];
}

/**
 * Holds a trace against the model, call by call.
 * @param asked the kernel that is expected; without it, the one that the trace names
 */
export function checkTrace(trace: Trace, asked?: Profile): Checked {
  const release = releaseOf(trace);
  const known = release === undefined ? undefined : profileOfRelease(release);
  const profile = asked ?? known ?? DEFAULT_PROFILE;
  const kernel = release === undefined ? 'the kernel of this trace' : `Linux ${release}`;
  const guess = `no profile was made for ${kernel}; it is held against that of ${profile.id}`;
  return {
    profile,
    notes: asked === undefined && known === undefined ? [guess] : [],
    calls: new Checker(new Behaviour(profile)).check(trace.records),
  };
}

function releaseOf({ records }: Trace): string | undefined {
  for (const record of records) {
    const release = record.kind === 'process' ? textOf(record, ROLE.RELEASE) : undefined;
    if (release !== undefined) return release;
  }
  return undefined;
}

/** Calls whose answer depends on the state of the file. */
const CALLS_ON_STATE: ReadonlySet<string> = new Set(['ioctl', 'read', 'write', 'poll', 'mmap']);

/** Goes through the records of a trace. */
class Checker {
  readonly #world = new World(new UserMemory([], undefined, true));
  readonly #processes = new Processes(this.#world);
  readonly #judge: Judge;
  /** Files whose state the model does not know any more, and why. */
  readonly #lost = new WeakMap<OpenFile, string>();

  constructor(behaviour: Behaviour) {
    // A program writes to its memory without a call that a trace would tell of.
    this.#world.memory.physical.contents.isHidden = true;
    this.#judge = new Judge(this.#world, behaviour);
  }

  /** @param records in the order in which the calls began */
  check(records: readonly TraceRecord[]): JudgedCall[] {
    const calls: JudgedCall[] = [];
    const queue = [...records];
    for (let at = 0; at < queue.length; at++) {
      const record = queue[at] as TraceRecord;
      const judgement = this.#step(record);
      if (judgement === undefined) continue;
      const next = overlapping(queue, at);
      if (next !== undefined && judgement.adopt !== undefined) {
        // The kernel may have carried them out the other way round.
        queue.splice(next + 1, 0, record);
        continue;
      }
      const { verdict } = this.#adopt(record, judgement);
      calls.push({ record, name: nameOf(record), verdict });
    }
    return calls;
  }

  /** Takes over a record; the judgement if it is of a call that is judged. */
  #step(record: TraceRecord): Judgement | undefined {
    const process = this.#processes.of(record);
    const judgeCall = record.kind === 'ioctl' ? judgeIoctl : FILE_CALLS[record.kind];
    if (process === undefined || judgeCall === undefined) {
      this.#processes.follow(record);
      return process === undefined && judgeCall !== undefined
        ? unspecified('the trace does not tell of the beginning of its process')
        : undefined;
    }
    if (process.unjudged !== undefined) return unspecified(process.unjudged);
    process.enter();
    const fd = numberOf(record, 'fd');
    const file = record.kind === 'open' ? undefined : process.fileOf(fd);
    const why = file === undefined ? process.unknownBecause(fd) : this.#lost.get(file);
    if (why !== undefined && CALLS_ON_STATE.has(record.kind)) return unspecified(why);
    return judgeCall({
      record,
      process,
      processes: this.#processes,
      world: this.#world,
      judge: this.#judge,
    });
  }

  /** Takes over an answer whatever the verdict, and notes what it makes of the file. */
  #adopt(record: TraceRecord, judgement: Judgement): Judgement {
    const process = this.#processes.of(record);
    process?.enter();
    const adopted = judgement.adopt?.() ?? judgement;
    const file = record.kind === 'open' ? undefined : process?.fileOf(numberOf(record, 'fd'));
    if (file !== undefined && !adopted.isFollowed) {
      this.#lost.set(file, `what ${nameOf(record)} has changed before is not known`);
    }
    return adopted;
  }
}

/** The next record of a call that was under way at the same time as one, if there is any. */
function overlapping(records: readonly TraceRecord[], at: number): number | undefined {
  const record = records[at] as TraceRecord;
  for (let next = at + 1; next < records.length; next++) {
    const other = records[next] as TraceRecord;
    if (other.start >= record.end) return undefined;
    if (other.thread !== record.thread && other.kind === 'ioctl') return next;
  }
  return undefined;
}
