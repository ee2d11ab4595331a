import { present } from '../base/assert.js';
import type { ArgsOf, Field, FieldTable } from './field.js';

/** Where a member lies. */
export interface Member {
  readonly name: string;
  readonly offset: number;
  readonly field: Field<number> | Field<bigint>;
}

/** A C struct computed from a field table: natural alignment, padded to its widest member. */
export interface StructLayout<F extends FieldTable> {
  readonly members: readonly Member[];
  /** sizeof, in bytes. */
  readonly bytes: number;
  /** offsetofend of a member, in bytes. */
  endOf(name: keyof F & string): number;
  memberOf(name: string): Member | undefined;
  /** Decodes the kernel's zero-filled copy of at least `bytes` bytes. */
  decode(copy: DataView): ArgsOf<F>;
  encode(args: ArgsOf<F>, into: DataView): void;
}

type AnyArgs = Record<string, number | bigint>;

/** A run of members that starts aligned to its widest one; a union member is a segment with the union's size. */
export interface Segment {
  readonly fields: FieldTable;
  /** Bytes the segment takes if that is more than its own members need. */
  readonly bytesMin?: number;
  /** Alignment of the segment if that is more than its own members need. */
  readonly alignMin?: number;
}

/** Computes the layout that a C compiler gives the members of a field table. */
export function layoutStruct<F extends FieldTable>(fields: F): StructLayout<F> {
  return layoutSegments<F>([{ fields }]);
}

/** Computes the layout of a struct whose members come in segments; `F` is the union of their tables. */
export function layoutSegments<F extends FieldTable>(segments: readonly Segment[]): StructLayout<F> {
  const members: Member[] = [];
  let end = 0;
  let widest = 1;
  for (const { fields, bytesMin = 0, alignMin = 1 } of segments) {
    const alignment = Math.max(alignMin, ...Object.values(fields).map((field) => field.bytes));
    const start = roundUp(end, alignment);
    end = start;
    for (const [name, field] of Object.entries(fields)) {
      const offset = roundUp(end, field.bytes);
      members.push({ name, offset, field });
      end = offset + field.bytes;
    }
    end = Math.max(end, start + bytesMin);
    widest = Math.max(widest, alignment);
  }
  const byName = new Map(members.map((member) => [member.name, member]));
  return {
    members,
    bytes: roundUp(end, widest),
    memberOf: (name) => byName.get(name),
    endOf(name) {
      const { offset, field } = present(byName.get(name), `member ${name}`);
      return offset + field.bytes;
    },
    decode(copy) {
      const args: AnyArgs = {};
      for (const member of members) args[member.name] = readMember(member, copy);
      return args as ArgsOf<F>;
    },
    encode(args, into) {
      for (const member of members) {
        writeMember(member, present((args as AnyArgs)[member.name], member.name), into);
      }
    },
  };
}

/** A struct in memory of its own. */
export function bytesOf<F extends FieldTable>(layout: StructLayout<F>, args: ArgsOf<F>): Uint8Array {
  const bytes = new Uint8Array(layout.bytes);
  layout.encode(args, new DataView(bytes.buffer));
  return bytes;
}

function roundUp(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}

/** Reads one member from a struct that starts at the view's start. */
export function readMember({ field, offset }: Member, from: DataView): number | bigint {
  switch (field.bytes) {
    case 8:
      return from.getBigUint64(offset, true);
    case 4:
      return field.signed ? from.getInt32(offset, true) : from.getUint32(offset, true);
    case 2:
      return from.getUint16(offset, true);
    case 1:
      return from.getUint8(offset);
  }
}

/** Writes one member; a value too wide for it keeps its low bits, as an assignment in C does. */
export function writeMember({ field, offset }: Member, value: number | bigint, into: DataView): void {
  switch (field.bytes) {
    case 8:
      into.setBigUint64(offset, BigInt(value), true);
      return;
    case 4:
      into.setUint32(offset, Number(value), true);
      return;
    case 2:
      into.setUint16(offset, Number(value), true);
      return;
    case 1:
      into.setUint8(offset, Number(value));
  }
}
