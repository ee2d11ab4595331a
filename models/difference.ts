import { sameBytes, viewOf } from './base/bytes.js';
import { hex } from './base/u64.js';
import type { CallDescription } from './ioctls/description.js';
import { IOVA_RANGE } from './layout/iova_range.js';
import { readMember } from './layout/struct.js';
import type { Returned } from './outcome.js';
import type { RawStep } from './program/raw.js';

/** A place where what came back is not what was expected. */
export interface Difference {
  readonly where: string;
  readonly expected: string;
  readonly seen: string;
}

/** Compares what two answers wrote to user memory; the first few places that differ, named as the call's header names them. */
export function compareOutputs(
  step: RawStep,
  call: CallDescription | undefined,
  expected: Returned,
  seen: Returned,
): Difference[] {
  if (step.do === 'counters') return compareCounters(expected, seen);
  if (step.do !== 'ioctl') return [];
  const differences: Difference[] = [];
  for (const [index, { bytes }] of step.buffers.entries()) {
    const want = expected.out[index] ?? bytes;
    const got = seen.out[index] ?? bytes;
    if (want !== got && !sameBytes(want, got)) differences.push(...placesIn(index, call, want, got));
  }
  return differences.slice(0, DIFFERENCES_MAX);
}

/** More places than these do not help a reader. */
const DIFFERENCES_MAX = 4;

function compareCounters({ counters: want }: Returned, { counters: got }: Returned): Difference[] {
  const differences: Difference[] = [];
  for (const name of ['pinned', 'locked'] as const) {
    if (want?.[name] !== got?.[name]) {
      differences.push({ where: `${name} pages`, expected: String(want?.[name]), seen: String(got?.[name]) });
    }
  }
  return differences;
}

function placesIn(
  buffer: number,
  call: CallDescription | undefined,
  want: Uint8Array,
  got: Uint8Array,
): Difference[] {
  const layout = buffer === 0 ? call?.layout : IOVA_RANGE;
  const places: Difference[] = [];
  const period = buffer === 0 ? want.length : IOVA_RANGE.bytes;
  for (let start = 0; start < want.length; start += period) {
    const end = Math.min(start + period, want.length);
    const expected = want.subarray(start, end);
    const seen = got.subarray(start, end);
    for (const member of layout?.members ?? []) {
      if (member.offset + member.field.bytes > Math.min(expected.length, seen.length)) continue;
      const [one, two] = [readMember(member, viewOf(expected)), readMember(member, viewOf(seen))];
      const where = buffer === 0 ? member.name : `element ${String(start / period)} ${member.name}`;
      if (one !== two) places.push({ where, expected: hex(one), seen: hex(two) });
    }
  }
  return places.length > 0 ? places : [firstByte(buffer, want, got)];
}

function firstByte(buffer: number, want: Uint8Array, got: Uint8Array): Difference {
  let at = 0;
  while (at < want.length && want[at] === got[at]) at++;
  return {
    where: `byte ${String(at)} of buffer ${String(buffer)}`,
    expected: hex(want[at] ?? 0),
    seen: at < got.length ? hex(got[at] ?? 0) : 'nothing',
  };
}
