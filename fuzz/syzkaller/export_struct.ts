import { type Width, readNumber } from '../../models/base/bytes.js';
import { PAGE_SIZE } from '../../models/base/u64.js';
import { DRIVER_STRUCTS } from '../../models/layout/driver_data.js';
import type { DriverStruct, FieldTable } from '../../models/layout/field.js';
import { IOVA_RANGE } from '../../models/layout/iova_range.js';
import type { Member, StructLayout } from '../../models/layout/struct.js';
import { GUARD_BYTE } from '../../models/program/arena.js';
import type { RawBuffer } from '../../models/program/raw.js';
import { toData } from './memory.js';
import { type Value, data, num, pointer, room, variable } from './text.js';
import {
  RAW_OPTIONS,
  type Variant,
  directionOf,
  membersOf,
  resourceOf,
  targetDirectionOf,
} from './variants.js';

/** A value of an earlier call that is passed. */
export interface Passed {
  readonly offset: number;
  readonly bytes: Width;
  readonly variable: string;
  readonly plus: bigint;
}

/** A value that later calls are passed. */
export interface Produced {
  readonly offset: number;
  readonly bytes: Width;
  readonly variable: string;
}

/** Bytes in memory, with what is not known of them beforehand. */
export interface Image {
  readonly buffer: RawBuffer;
  readonly passed: readonly Passed[];
  readonly produced: readonly Produced[];
}

/** The struct of an ioctl and what its pointers lead to. */
export interface Images {
  readonly struct: Image;
  readonly arrays: readonly Image[];
}

/** The struct in the form of a variant; undefined if it has another. */
export function exportStruct(variant: Variant, images: Images): Value | undefined {
  const { struct } = images;
  const { layout } = variant.call;
  const visible = struct.buffer.bytes.length;
  const isCut = ({ offset, field }: Member): boolean => offset < visible && offset + field.bytes > visible;
  if (visible > layout.bytes || layout.members.some((member) => isPointer(member) && isCut(member)))
    return undefined;
  const image: Image = {
    ...struct,
    buffer: { ...struct.buffer, bytes: padded(struct.buffer.bytes, layout) },
  };
  const members = membersOf(variant);
  if (!hasOnly(members, image)) return undefined;
  const values: Value[] = [];
  for (const member of members) {
    const value = memberValue(variant, member, { ...images, struct: image });
    if (value === undefined) return undefined;
    values.push(value);
  }
  return { is: 'struct', members: values };
}

/** A struct that is cut off by a hole is as if it were whole, with 0 in what is not there. */
function padded(bytes: Uint8Array, { bytes: length }: StructLayout<FieldTable>): Uint8Array {
  const whole = new Uint8Array(length);
  whole.set(bytes);
  return whole;
}

/** Whether nothing but the members has a value. */
function hasOnly(members: readonly Member[], { buffer, passed, produced }: Image): boolean {
  const rest = buffer.bytes.slice();
  for (const { offset, field } of members) rest.fill(0, offset, offset + field.bytes);
  const isMember = ({ offset, bytes }: Omit<Produced, 'variable'>) =>
    members.some((member) => member.offset === offset && member.field.bytes === bytes);
  return rest.every((byte) => byte === 0) && [...passed, ...produced].every(isMember);
}

function memberValue(variant: Variant, member: Member, images: Images): Value | undefined {
  const { offset, field } = member;
  const { passed, produced, buffer } = images.struct;
  const number = readNumber(buffer.bytes, offset, field.bytes);
  const source = passed.find((one) => one.offset === offset);
  const produces = produced.find((one) => one.offset === offset)?.variable;
  const direction = directionOf(variant, member);
  const fixed = variant.fixed[member.name];
  if (fixed !== undefined && (source !== undefined || number !== fixed)) return undefined;
  if (source !== undefined || produces !== undefined) {
    const isAllowed =
      resourceOf(variant, member) !== undefined &&
      (source === undefined || direction !== 'out') &&
      (produces === undefined || direction !== 'in') &&
      (direction !== 'out' || number === 0n);
    if (!isAllowed) return undefined;
    const value = source === undefined ? num(number) : variable(source.variable, source.plus);
    return produces === undefined ? value : { ...value, produces };
  }
  if (variant.members[member.name]?.isSplit === true) return undefined;
  if (direction === 'out') return number === 0n ? num(0) : undefined;
  return isPointer(member) ? pointerValue(variant, member, number, images.arrays) : num(number);
}

function isPointer({ field: { role } }: Member): boolean {
  return role.is === 'array' || role.is === 'user_va';
}

function pointerValue(
  variant: Variant,
  member: Member,
  address: bigint,
  arrays: readonly Image[],
): Value | undefined {
  if (address === 0n) return num(0);
  const fact = variant.members[member.name];
  const place = toData(address);
  if (place === undefined || fact?.isNumber === true) return undefined;
  if (fact?.isPages === true)
    return address % PAGE_SIZE === 0n ? pointer(place, undefined, PAGE_SIZE) : undefined;
  const array = arrays.find(({ buffer }) => buffer.address === address);
  if (array === undefined) return pointer(place);
  const contents = contentsOf(variant, member, array);
  return contents === undefined ? undefined : pointer(place, contents);
}

/** What a pointer leads to, in the form of a variant; undefined if it has another. */
function contentsOf(
  variant: Variant,
  member: Member,
  { buffer: { bytes }, passed }: Image,
): Value | undefined {
  const { role } = member.field;
  if (role.is !== 'array' || passed.length > 0) return undefined;
  const isRanges = role.element === 'iommu_iova_range';
  if (targetDirectionOf(variant, member) === 'out') {
    const filler = role.direction === 'out' ? GUARD_BYTE : 0;
    if (!bytes.every((byte) => byte === filler)) return undefined;
    return isRanges ? structsOf(IOVA_RANGE, new Uint8Array(bytes.length)) : room(bytes.length);
  }
  const { struct, structs } = variant.members[member.name] ?? {};
  if (isRanges) return structsOf(IOVA_RANGE, bytes);
  if (structs !== undefined) return structsOf(DRIVER_STRUCTS[structs], bytes);
  return struct === undefined ? data(bytes) : driverStruct(struct, bytes);
}

function driverStruct(name: DriverStruct, bytes: Uint8Array): Value | undefined {
  const layout = DRIVER_STRUCTS[name];
  return bytes.length === layout.bytes ? structOf(layout, bytes) : undefined;
}

function structsOf(layout: StructLayout<FieldTable>, bytes: Uint8Array): Value | undefined {
  if (bytes.length % layout.bytes !== 0) return undefined;
  const items: Value[] = [];
  for (let at = 0; at < bytes.length; at += layout.bytes) {
    const item = structOf(layout, bytes.subarray(at, at + layout.bytes));
    if (item === undefined) return undefined;
    items.push(item);
  }
  return { is: 'array', items };
}

function structOf({ members }: StructLayout<FieldTable>, bytes: Uint8Array): Value | undefined {
  const isRight = members.every(
    ({ offset, field }) => field.direction !== 'out' || readNumber(bytes, offset, field.bytes) === 0n,
  );
  if (!isRight) return undefined;
  return {
    is: 'struct',
    members: members.map(({ offset, field }) => num(readNumber(bytes, offset, field.bytes))),
  };
}

/** The struct as bytes of any form; undefined if even that cannot be said. */
export function exportBytes(call: Variant['call'], { struct, arrays }: Images): Value | undefined {
  const pieces: { readonly offset: number; readonly bytes: number; readonly value: Value }[] = [];
  for (const { offset, bytes, variable: name, plus } of struct.passed) {
    if (bytes !== 4 && bytes !== 8) return undefined;
    const produces = struct.produced.find((one) => one.offset === offset)?.variable;
    const value = { ...variable(name, plus), ...(produces === undefined ? {} : { produces }) };
    pieces.push({ offset, bytes, value: { is: 'union', option: RAW_OPTIONS[bytes], value } });
  }
  for (const { offset, bytes, variable: produces } of struct.produced) {
    if (bytes !== 4 && bytes !== 8) return undefined;
    if (pieces.some((piece) => piece.offset === offset)) continue;
    const value = num(readNumber(struct.buffer.bytes, offset, bytes), produces);
    pieces.push({ offset, bytes, value: { is: 'union', option: RAW_OPTIONS[bytes], value } });
  }
  for (const member of call.layout.members) {
    const { offset, field } = member;
    const isThere = offset + field.bytes <= struct.buffer.bytes.length;
    if (!isPointer(member) || !isThere || pieces.some((piece) => piece.offset === offset)) continue;
    const address = readNumber(struct.buffer.bytes, offset, field.bytes);
    const place = toData(address);
    if (place === undefined) continue;
    const array = arrays.find(({ buffer }) => buffer.address === address);
    const contents = array === undefined ? undefined : bytesOf(array);
    pieces.push({
      offset,
      bytes: field.bytes,
      value: { is: 'union', option: RAW_OPTIONS.pointer, value: pointer(place, contents) },
    });
  }
  return joined(struct.buffer.bytes, pieces);
}

function bytesOf({ buffer, passed }: Image): Value {
  const pieces = passed.flatMap(({ offset, bytes, variable: name, plus }) =>
    bytes !== 4 && bytes !== 8
      ? []
      : [
          {
            offset,
            bytes,
            value: { is: 'union', option: RAW_OPTIONS[bytes], value: variable(name, plus) } as const,
          },
        ],
  );
  return joined(buffer.bytes, pieces);
}

/** Bytes with pieces in between that are more than bytes. */
function joined(
  bytes: Uint8Array,
  pieces: readonly { readonly offset: number; readonly bytes: number; readonly value: Value }[],
): Value {
  const items: Value[] = [];
  let at = 0;
  const addBytes = (end: number): void => {
    if (end > at) items.push({ is: 'union', option: RAW_OPTIONS.data, value: data(bytes.subarray(at, end)) });
  };
  for (const { offset, bytes: length, value } of pieces.toSorted((one, two) => one.offset - two.offset)) {
    addBytes(offset);
    items.push(value);
    at = offset + length;
  }
  addBytes(bytes.length);
  return { is: 'array', items };
}
