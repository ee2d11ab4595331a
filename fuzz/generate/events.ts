import { HWPT_PAGE_RESPONSE, HWPT_PGFAULT, VEVENT_HEADER } from '../../models/layout/event_records.js';
import { EDGE_BYTES_MAX } from '../../models/program/arena.js';
import type { Step, StructPlace } from '../../models/program/program.js';
import { type EventFile, type FaultFile, isOfEvents } from '../../models/state/event_files.js';
import type { FaultQueue } from '../../models/state/fault_queue.js';
import type { OpenFile } from '../../models/state/open_file.js';
import type { World } from '../../models/state/world.js';
import type { Picks } from './picks.js';

/** Codes of answers, of which the last does not exist. */
const CODES_MAX = 2;

/** A cookie that no fault has. */
const NO_COOKIE = 0xffff;

/** The most faults that one step answers. */
const ANSWERS_MAX = 4;

/** More than any queue of a program holds, in bytes. */
const PLENTY = 4096;

/** A file of events under the name that the program has for it. */
interface Named<F extends EventFile> {
  readonly label: string;
  readonly file: F;
}

/** Reads, answers or polls a file of events; undefined where there is none. */
export function drawEventStep(
  world: World,
  labels: ReadonlyMap<number, string>,
  picks: Picks,
): Step | undefined {
  const named = picks.any(eventFiles(world, labels));
  if (named === undefined) return undefined;
  const { label, file } = named;
  if (picks.rarely(8)) return { do: 'poll', file: label };
  if (file.kind === 'fault') return drawFaultStep({ label, file }, picks);
  const { bytes } = VEVENT_HEADER;
  const sizes = [12, 12, 24, bytes, 20, bytes - 1, 11, 13, 36, PLENTY];
  return readStep(label, picks.any(sizes) ?? bytes, picks);
}

function drawFaultStep({ label, file }: Named<FaultFile>, picks: Picks): Step {
  const { waiting, answerable } = file.object.queue;
  if (answerable.size === 0 ? !picks.rarely(6) : waiting.length > 0 && picks.below(2) === 0) {
    const faults = picks.one([1, 1, 2, 3, waiting.length, 0]);
    const odd = picks.rarely(16) ? picks.below(HWPT_PGFAULT.bytes) : 0;
    return readStep(label, faults * HWPT_PGFAULT.bytes + odd, picks);
  }
  const words: number[] = [];
  for (let count = 1 + picks.below(ANSWERS_MAX); count > 0; count--) {
    const cookie = picks.any([...answerable.keys()]);
    words.push(picks.rarely(10) ? picks.below(5) : (cookie ?? 1));
    words.push(picks.rarely(10) ? CODES_MAX : picks.below(CODES_MAX));
  }
  const all = words.length * 4;
  const bytes = picks.rarely(24) ? { bytes: picks.below(all) } : {};
  return { do: 'write', file: label, words, ...bytes, ...drawPlace(all, picks), ...drawPosition(picks) };
}

function readStep(file: string, bytes: number, picks: Picks): Step {
  return { do: 'read', file, bytes, ...drawPlace(bytes, picks), ...drawPosition(picks) };
}

/** Files of events have no positions. */
export function drawPosition(picks: Picks): { readonly offset?: bigint } {
  return picks.unusual('positionedRead') ? { offset: BigInt(picks.below(2)) * 8n } : {};
}

/** Now and then memory ends inside the buffer, or cannot be written. */
function drawPlace(bytes: number, picks: Picks): { readonly at?: StructPlace } {
  if (!picks.rarely(10)) return {};
  return {
    at: picks.one<StructPlace>([
      'sealed',
      'hole',
      { edge: picks.below(Math.min(bytes, EDGE_BYTES_MAX) + 1) },
      'sealed',
    ]),
  };
}

/** What the queues show at the end of a program: everything that waits, that it can be answered, and that nothing is left then. */
export function emptyQueues(world: World, labels: ReadonlyMap<number, string>): Step[] {
  const seen = new Set<OpenFile>();
  return eventFiles(world, labels).flatMap(({ label, file }): Step[] => {
    if (seen.has(file)) return [];
    seen.add(file);
    const read: Step = { do: 'read', file: label, bytes: readableBytes(file) };
    const answers = file.kind === 'fault' ? answerAll(label, file.object.queue) : [];
    return [read, ...answers, { do: 'poll', file: label }];
  });
}

function readableBytes(file: EventFile): number {
  return file.kind === 'fault' ? (file.object.queue.waiting.length + 1) * HWPT_PGFAULT.bytes : PLENTY;
}

/** Answers each fault by its cookie, and then one that nobody has. */
function answerAll(file: string, { waiting, answerable, firstCookie }: FaultQueue): Step[] {
  const cookies = new Set(answerable.keys());
  for (let cookie = firstCookie; cookies.size < answerable.size + waiting.length; cookie++)
    cookies.add(cookie);
  const words = [...cookies, NO_COOKIE].flatMap((cookie) => [cookie, 0]);
  return [{ do: 'write', file, words, bytes: (cookies.size + 1) * HWPT_PAGE_RESPONSE.bytes }];
}

function eventFiles({ fds }: World, labels: ReadonlyMap<number, string>): Named<EventFile>[] {
  return [...fds.entries].flatMap(([slot, file]) => {
    const label = labels.get(slot);
    return label !== undefined && isOfEvents(file) ? [{ label, file }] : [];
  });
}
