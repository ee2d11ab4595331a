import { readNumber } from '../../models/base/bytes.js';
import { alignUp, PAGE_SIZE } from '../../models/base/u64.js';
import type { CallDescription } from '../../models/ioctls/description.js';
import { CALLS } from '../../models/ioctls/index.js';
import { DRIVER_STRUCTS } from '../../models/layout/driver_data.js';
import type { FieldTable } from '../../models/layout/field.js';
import { IOVA_RANGE } from '../../models/layout/iova_range.js';
import type { Member, StructLayout } from '../../models/layout/struct.js';
import { ARGS, EDGE, GUARD_BYTE, SEALED } from '../../models/program/arena.js';
import type { ArrayOperand, ArrayPlace, IoctlStep, Operand, Scalar } from '../../models/program/program.js';
import { Cells, type Mark, cellsOf } from './cells.js';
import type { ImportedMemory } from './import_memory.js';
import { type Placed, type PointerValue, type Position, SyzError, type VariableValue } from './text.js';
import { type Variant, membersOf } from './variants.js';

/** What an import knows while it reads the struct of a call. */
export interface StructContext {
  readonly memory: ImportedMemory;
  /** The value of a variable where a number is expected, or a descriptor. */
  operandOf(this: void, value: VariableValue & Placed, wantsFile: boolean): Scalar | { readonly fd: string };
  note(this: void, says: string, at: Position | undefined): void;
}

/** The struct of a call in the form of a variant. */
export function cellsOfStruct(variant: Variant, value: Placed, context: StructContext): Cells {
  const { layout } = variant.call;
  if (value.is === 'array' || value.is === 'data') return cellsOf(value, undefined);
  if (value.is !== 'struct') throw new SyzError(`${variant.name} takes a struct`, value.at);
  const cells = new Cells();
  cells.grow(layout.bytes);
  const members = formOf(variant, value.members.length);
  const rest = [...value.members];
  for (const member of members) {
    const given = rest.shift();
    if (given === undefined) break;
    if (member === undefined) continue;
    if (variant.members[member.name]?.isSplit === true) {
      cells.put(member.offset, 4, given);
      cells.put(member.offset + 4, 4, rest.shift() ?? { is: 'nil' });
    } else cells.put(member.offset, member.field.bytes, given);
    if (given.is === 'auto') putFixed(cells, variant, member);
  }
  const excess = rest.find((given) => !isZero(given));
  if (excess !== undefined) context.note('members behind those that are known are dropped', excess.at);
  return cells;
}

/** The members that a struct of a text has, in order; undefined for a reserved one that has no name. */
function formOf(variant: Variant, count: number): readonly (Member | undefined)[] {
  const { older, call } = variant;
  if (older?.length !== count) return membersOf(variant);
  return older.map((name) => (name === undefined ? undefined : call.layout.memberOf(name)));
}

function putFixed(cells: Cells, { fixed, name }: Variant, { name: member, offset, field }: Member): void {
  const value = fixed[member];
  const isOwn = field.role.is === 'size' || member === 'op';
  if (value !== undefined) cells.put(offset, field.bytes, { is: 'number', value });
  else if (!isOwn) throw new SyzError(`what AUTO means for ${member} of ${name} is not known`, undefined);
}

function isZero(value: Placed): boolean {
  switch (value.is) {
    case 'number':
      return value.value === 0n;
    case 'struct':
      return value.members.every(isZero);
    case 'array':
      return value.items.every(isZero);
    case 'data':
      return value.bytes.every((byte) => byte === 0);
    default:
      return value.is === 'nil';
  }
}

/** A call whose struct is of such bytes, for those that are passed with a number of no call. */
export function callOfForm(cells: Cells, isFile: (variable: string) => boolean): CallDescription | undefined {
  return CALLS.find((call) => {
    const { argument, layout, newFd } = call;
    if (argument === 'value' || newFd !== undefined || layout.bytes > cells.bytes.length) return false;
    const rest = cells.bytes.slice();
    for (const { offset, field } of layout.members) rest.fill(0, offset, offset + field.bytes);
    const tail = rest.subarray(layout.bytes);
    const isCovered =
      rest.subarray(0, layout.bytes).every((byte) => byte === 0) && tail.every((byte) => byte === tail[0]);
    return isCovered && [...cells.marks].every(([offset, mark]) => isForMark(layout, offset, mark, isFile));
  });
}

function isForMark(
  { members }: StructLayout<FieldTable>,
  at: number,
  { bytes, value }: Mark,
  isFile: (variable: string) => boolean,
): boolean {
  const member = members.find(({ offset, field }) => offset === at && field.bytes === bytes);
  if (member === undefined) return false;
  const { is } = member.field.role;
  if (value.is === 'pointer') return is === (value.to === undefined ? 'user_va' : 'array');
  return value.is === 'number' || isFile(value.name) === (is === 'fd');
}

/** Members of a struct that take a variable's value after the call. */
export interface Taken {
  readonly variable: string;
  readonly member: Member;
}

export interface ImportedStruct {
  readonly args: IoctlStep['args'];
  readonly tail?: IoctlStep['tail'];
  readonly taken: readonly Taken[];
}

/** The arguments of a call from the bytes of its struct. */
export function importStruct(
  call: CallDescription,
  variant: Variant | undefined,
  cells: Cells,
  context: StructContext,
): ImportedStruct {
  const args: Record<string, Operand> = {};
  const taken: Taken[] = [];
  const tail = tailOf(call, cells, context);
  for (const member of call.layout.members) {
    const mark = markAt(cells, member);
    const variable = mark === undefined ? undefined : producedBy(mark);
    if (variable !== undefined) taken.push({ variable, member });
    const operand =
      mark === undefined || mark.value.is === 'number'
        ? numberOf(member, cells)
        : markedOperand(variant, member, mark.value, cells, context);
    const usual = usualValue(call, member, tail?.bytes ?? 0);
    if (cells.automatic.has(member.offset) && operand === 0n) continue;
    if (typeof operand !== 'bigint' || operand !== usual) args[member.name] = narrow(operand, member);
  }
  refuseStray(call, cells);
  return { args, taken, ...(tail === undefined ? {} : { tail }) };
}

/** The variable that takes what the call writes. */
function producedBy({ value }: Mark): string | undefined {
  return value.is === 'pointer' ? undefined : value.produces;
}

/** What the assembler gives a member that is not named. */
function usualValue(call: CallDescription, { name, field }: Member, tailBytes: number): bigint {
  if (field.role.is === 'size') return BigInt(call.layout.bytes + tailBytes);
  return name === 'op' && call.op !== undefined ? BigInt(call.op) : 0n;
}

/** Members of less than 64 bits are plain numbers in programs. */
function narrow(operand: Operand, { field }: Member): Operand {
  return typeof operand === 'bigint' && field.bytes < 8 ? Number(operand) : operand;
}

function numberOf({ offset, field }: Member, { bytes }: Cells): bigint {
  const value = readNumber(bytes, offset, field.bytes);
  return field.signed ? BigInt.asIntN(field.bytes * 8, value) : value;
}

function markAt(cells: Cells, { offset, field, name }: Member): Mark | undefined {
  const mark = cells.marks.get(offset);
  if (mark !== undefined && mark.bytes !== field.bytes) {
    throw new SyzError(
      `${name} has ${String(field.bytes)} bytes and not ${String(mark.bytes)}`,
      mark.value.at,
    );
  }
  return mark;
}

function refuseStray({ layout, name }: CallDescription, { marks }: Cells): void {
  for (const [offset, { value }] of marks) {
    if (!layout.members.some((member) => member.offset === offset))
      throw new SyzError(`${name} has no member where this value stands`, value.at);
  }
}

/** What stands behind a struct, or what its size says that stands there. */
function tailOf(call: CallDescription, cells: Cells, { memory, note }: StructContext): IoctlStep['tail'] {
  const { bytes: length } = call.layout;
  const behind = cells.bytes.subarray(length);
  if (behind.length > 0) {
    const [value = 0] = behind;
    if (behind.some((byte) => byte !== value))
      note('different bytes behind the struct become equal ones', undefined);
    return { bytes: behind.length, value };
  }
  const size = call.layout.members.find(({ field }) => field.role.is === 'size');
  if (memory.isArena || size === undefined) return undefined;
  const said = Number(readNumber(cells.bytes, size.offset, 4));
  return said > length && said <= length + TAIL_BYTES_MAX ? { bytes: said - length, value: 0 } : undefined;
}

/** What a text of syzkaller may say that it has behind a struct: all of it is 0. */
const TAIL_BYTES_MAX = 4096;

function markedOperand(
  variant: Variant | undefined,
  member: Member,
  value: (VariableValue | PointerValue) & Placed,
  cells: Cells,
  context: StructContext,
): Operand {
  const { role } = member.field;
  if (value.is === 'variable') return context.operandOf(value, role.is === 'fd');
  if (role.is === 'array') return arrayOperand(variant, member, value, context);
  if (role.is !== 'user_va') throw new SyzError(`${member.name} is no pointer`, value.at);
  const length = lengthFor(value, cells, variant);
  const address = context.memory.addressOf(value, length);
  if (address === undefined) throw new SyzError(`there is no memory for ${member.name}`, value.at);
  if (value.to !== undefined) context.note('what lies in memory that is mapped is not kept', value.to.at);
  return address;
}

/** How much memory a pointer means. */
function lengthFor({ bytes, to }: PointerValue, cells: Cells, variant: Variant | undefined): bigint {
  const member = variant?.call.layout.members.find(({ field }) => field.role.is === 'length');
  const said = member === undefined ? 0n : readNumber(cells.bytes, member.offset, member.field.bytes);
  const there = bytes ?? BigInt(to?.is === 'data' ? to.bytes.length : 1);
  return said > there && said < LENGTH_MAX ? said : there;
}

/** More than that is no length of memory that is there. */
const LENGTH_MAX = 0x10_0000n;

function arrayOperand(
  variant: Variant | undefined,
  member: Member,
  value: PointerValue & Placed,
  context: StructContext,
): Operand {
  const { role } = member.field;
  if (role.is !== 'array') throw new SyzError(`${member.name} is no pointer`, value.at);
  const isRanges = role.element === 'iommu_iova_range';
  const { struct, structs } = variant?.members[member.name] ?? {};
  const driver = struct ?? structs;
  const layout: StructLayout<FieldTable> | undefined = isRanges
    ? IOVA_RANGE
    : driver && DRIVER_STRUCTS[driver];
  const contents = value.to === undefined ? new Cells() : cellsOf(value.to, layout);
  const elementBytes = isRanges ? IOVA_RANGE.bytes : 1;
  const place = placeOf(value, elementBytes, context.memory);
  if (typeof place === 'bigint') return place;
  const isFilled =
    role.direction === 'out' && (isRoom(value.to) || contents.bytes.every((byte) => byte === GUARD_BYTE));
  const isOdd = contents.bytes.length % 4 !== 0 && contents.bytes.every((byte) => byte === GUARD_BYTE);
  const operand: ArrayOperand =
    isFilled || isOdd || (role.direction === 'out' && !isRaw(value.to))
      ? { room: Math.floor(contents.bytes.length / elementBytes) }
      : isRanges
        ? { ranges: pairs(wordsOf(contents, 8, context)) }
        : { words: wordsOf(contents, 4, context) };
  return place === undefined ? operand : { ...operand, in: place };
}

/** Whether a value says only how much room there is. */
function isRoom(value: Placed | undefined): boolean {
  return (
    value === undefined || (value.is === 'data' && value.length !== undefined && value.bytes.length === 0)
  );
}

/** Whether a value is in the form that says each byte. */
function isRaw(value: Placed | undefined): boolean {
  return value?.is === 'array' && value.items.some(({ is }) => is === 'union');
}

/** Where an array lies: undefined for anywhere, a number for memory that is no array's. */
function placeOf(
  { address }: PointerValue,
  elementBytes: number,
  memory: ImportedMemory,
): ArrayPlace | bigint | undefined {
  if (!memory.isArena || address === undefined) return undefined;
  const there = memory.addressOf({ is: 'pointer', address }, 0n) ?? 0n;
  const edge = EDGE.start + EDGE.bytes - there;
  if (edge > 0n && edge <= EDGE.bytes) return { edge: Number(edge) / elementBytes };
  const half = (region: typeof ARGS): bigint => region.start + region.bytes / 2n;
  if (there === half(SEALED)) return 'sealed';
  if (there === half(ARGS)) return undefined;
  const isInArgs = there > half(ARGS) && there < ARGS.start + ARGS.bytes;
  return isInArgs ? { page_offset: Number(there % PAGE_SIZE) } : there;
}

function wordsOf({ bytes, marks }: Cells, width: 4 | 8, context: StructContext): Scalar[] {
  const padded = new Uint8Array(Number(alignUp(BigInt(bytes.length), BigInt(width))));
  padded.set(bytes);
  return Array.from({ length: padded.length / width }, (_, index) => {
    const mark = marks.get(index * width);
    if (mark?.value.is === 'variable') {
      const operand = context.operandOf(mark.value, false);
      if (typeof operand !== 'object' || 'ref' in operand) return operand;
    }
    const number = readNumber(padded, index * width, width);
    return width === 4 ? Number(number) : number;
  });
}

function pairs(words: readonly Scalar[]): [Scalar, Scalar][] {
  return Array.from({ length: words.length >> 1 }, (_, index) => [
    words[2 * index] ?? 0,
    words[2 * index + 1] ?? 0,
  ]);
}
