import type { Width } from '../../models/base/bytes.js';
import type { FieldTable } from '../../models/layout/field.js';
import type { StructLayout } from '../../models/layout/struct.js';
import { type NumberValue, type Placed, type PointerValue, SyzError, type VariableValue } from './text.js';

/** What stands in memory where a text has more than a number. */
export interface Mark {
  readonly bytes: Width;
  readonly value: Placed & (VariableValue | PointerValue | NumberValue);
}

/** The bytes of a value of a text. */
export class Cells {
  readonly marks = new Map<number, Mark>();
  /** Offsets of values that are left to syzkaller. */
  readonly automatic = new Set<number>();
  #bytes = new Uint8Array();

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Makes it so many bytes at least. */
  grow(length: number): void {
    if (length <= this.#bytes.length) return;
    const longer = new Uint8Array(length);
    longer.set(this.#bytes);
    this.#bytes = longer;
  }

  cut(length: number): void {
    if (length < this.#bytes.length) this.#bytes = this.#bytes.slice(0, length);
    for (const [offset, { bytes }] of this.marks) if (offset + bytes > length) this.marks.delete(offset);
  }

  /** A number, a variable or a pointer at an offset. */
  put(offset: number, bytes: Width, given: Placed): void {
    const value = given.is === 'union' && given.value !== undefined ? given.value : given;
    this.grow(offset + bytes);
    switch (value.is) {
      case 'number':
        for (let at = 0; at < bytes; at++)
          this.#bytes[offset + at] = Number((value.value >> BigInt(8 * at)) & 0xffn);
        if (value.produces !== undefined) this.marks.set(offset, { bytes, value });
        return;
      case 'variable':
      case 'pointer':
        this.marks.set(offset, { bytes, value });
        return;
      case 'auto':
        this.automatic.add(offset);
        return;
      case 'nil':
        return;
      default:
        throw new SyzError('a number, a variable or a pointer is expected here', value.at);
    }
  }

  putData(offset: number, data: Uint8Array): void {
    this.grow(offset + data.length);
    this.#bytes.set(data, offset);
  }
}

/** What a pointer leads to, as bytes; structs in it have the form of a layout. */
export function cellsOf(value: Placed, layout: StructLayout<FieldTable> | undefined): Cells {
  const cells = new Cells();
  append(cells, value, layout);
  return cells;
}

const OPTION_BYTES: Readonly<Record<string, Width>> = {
  ANYRES16: 2,
  id32: 4,
  ANYRES32: 4,
  id64: 8,
  ANYRES64: 8,
  ptr: 8,
  ANYPTR: 8,
  ANYPTR64: 8,
};

function append(cells: Cells, value: Placed, layout: StructLayout<FieldTable> | undefined): void {
  const end = cells.bytes.length;
  switch (value.is) {
    case 'data':
      cells.putData(end, value.bytes);
      if (value.length !== undefined) cells.grow(end + Math.max(value.length, value.bytes.length));
      return;
    case 'array':
      for (const item of value.items) append(cells, item, layout);
      return;
    case 'struct':
      appendStruct(cells, value, layout);
      return;
    case 'union':
      appendOption(cells, value, layout);
      return;
    default:
      throw new SyzError('data is expected here', value.at);
  }
}

function appendStruct(
  cells: Cells,
  { members, at }: Extract<Placed, { readonly is: 'struct' }>,
  layout: StructLayout<FieldTable> | undefined,
): void {
  const start = cells.bytes.length;
  for (const [index, member] of members.entries()) {
    const field = layout?.members[index];
    if (field === undefined) throw new SyzError('a struct with so many members is not known here', at);
    cells.put(start + field.offset, field.field.bytes, member);
  }
}

function appendOption(
  cells: Cells,
  { option, value, at }: Extract<Placed, { readonly is: 'union' }>,
  layout: StructLayout<FieldTable> | undefined,
): void {
  const bytes = OPTION_BYTES[option];
  if (value === undefined) throw new SyzError(`the option ${option} has no value`, at);
  if (bytes === undefined) append(cells, value, layout);
  else cells.put(cells.bytes.length, bytes, value);
}
