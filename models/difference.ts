import { sameBytes, viewOf } from './base/bytes.js';
import { hex } from './base/u64.js';
import type { CallDescription } from './ioctls/description.js';
import { DRIVER_STRUCTS } from './layout/driver_data.js';
import type { FieldTable } from './layout/field.js';
import { IOVA_RANGE } from './layout/iova_range.js';
import { type Member, type StructLayout, readMember } from './layout/struct.js';
import type { Returned } from './outcome.js';
import { type RawBuffer, type RawIoctl, type RawStep, buffersOf } from './program/raw.js';

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
  const differences: Difference[] = [];
  for (const [index, buffer] of buffersOf(step).entries()) {
    const want = expected.out[index] ?? buffer.bytes;
    const got = seen.out[index] ?? buffer.bytes;
    if (want === got || sameBytes(want, got)) continue;
    const places = contentOf(step, buffer, call).flatMap((part) => placesIn(part, want, got));
    differences.push(...(places.length > 0 ? places : [firstByte(index, want, got)]));
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

/** A struct in a buffer, and how its members are called there. */
interface Part {
  readonly layout: StructLayout<FieldTable>;
  readonly offset: number;
  readonly prefix: string;
}

/** What a buffer holds: the call's struct, or what one of its pointers leads to; nothing where that is not known. */
function contentOf(step: RawStep, { address, bytes }: RawBuffer, call: CallDescription | undefined): Part[] {
  if (call === undefined || step.do !== 'ioctl') return [];
  if (address === step.arg) return [{ layout: call.layout, offset: 0, prefix: '' }];
  const role = pointerTo(address, step, call)?.field.role;
  if (role?.is !== 'array') return [];
  if (role.element === 'iommu_iova_range') {
    return Array.from({ length: Math.ceil(bytes.length / IOVA_RANGE.bytes) }, (_, index) => ({
      layout: IOVA_RANGE,
      offset: index * IOVA_RANGE.bytes,
      prefix: `element ${String(index)} `,
    }));
  }
  const [struct, another] = role.structs;
  if (struct === undefined || another !== undefined) return [];
  return [{ layout: DRIVER_STRUCTS[struct], offset: 0, prefix: `${struct}.` }];
}

/** The member that leads to an address. */
function pointerTo(address: bigint, step: RawIoctl, { layout }: CallDescription): Member | undefined {
  const struct = step.buffers.find((buffer) => buffer.address === step.arg)?.bytes ?? new Uint8Array();
  return layout.members.find(
    (member) =>
      member.field.role.is === 'array' &&
      member.offset + member.field.bytes <= struct.length &&
      readMember(member, viewOf(struct)) === address,
  );
}

function placesIn({ layout, offset, prefix }: Part, want: Uint8Array, got: Uint8Array): Difference[] {
  const [expected, seen] = [want.subarray(offset), got.subarray(offset)];
  const bytes = Math.min(expected.length, seen.length);
  return layout.members.flatMap((member) => {
    if (member.offset + member.field.bytes > bytes) return [];
    const [one, two] = [readMember(member, viewOf(expected)), readMember(member, viewOf(seen))];
    return one === two ? [] : [{ where: prefix + member.name, expected: hex(one), seen: hex(two) }];
  });
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
