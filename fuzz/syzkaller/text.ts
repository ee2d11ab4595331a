/**
 * The text of syzkaller's programs, as docs/program_syntax.md of syzkaller has it: calls of named system calls with typed
 * values. Only the form is known here; what calls and structs mean is not.
 */

/** Where something stands in a text, both counted from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export type Value =
  | NumberValue
  | VariableValue
  | PointerValue
  | DataValue
  | StructValue
  | ArrayValue
  | UnionValue
  | NothingValue;

/** The name of a value that the call writes, for later calls: `<r1=>0x0`. */
interface Produced {
  readonly produces?: string;
}

export interface NumberValue extends Produced {
  readonly is: 'number';
  readonly value: bigint;
}

/** The value that an earlier call returned or wrote: `r1`, `r1+0x1000`. */
export interface VariableValue extends Produced {
  readonly is: 'variable';
  readonly name: string;
  readonly plus: bigint;
}

/** `&(0x7f0000000000/0x1000)=…`; without an address, `&AUTO`: anywhere. */
export interface PointerValue {
  readonly is: 'pointer';
  readonly address: bigint | undefined;
  /** How much memory is meant, for a range of addresses. */
  readonly bytes?: bigint;
  /** What lies there. */
  readonly to?: Placed;
}

/** `"a5a5"`, `'text\x00'`; with a length, `""/16`. */
export interface DataValue {
  readonly is: 'data';
  readonly bytes: Uint8Array;
  readonly length?: number;
  readonly isReadable?: boolean;
}

export interface StructValue {
  readonly is: 'struct';
  readonly members: readonly Placed[];
}

export interface ArrayValue {
  readonly is: 'array';
  readonly items: readonly Placed[];
}

export interface UnionValue {
  readonly is: 'union';
  readonly option: string;
  readonly value?: Placed;
}

/** `nil`, or `AUTO`: whatever is right. */
export interface NothingValue {
  readonly is: 'nil' | 'auto';
}

/** A value of a text, and where it begins; values that are made have no place. */
export type Placed = Value & { readonly at?: Position };

export interface SyzCall {
  readonly name: string;
  readonly args: readonly Placed[];
  /** The variable that takes what is returned. */
  readonly result?: string;
  /** Which place is made to fail: `(fail_nth: 3)`. */
  readonly failNth?: number;
  /** Further annotations, `async` for example. */
  readonly annotations?: readonly string[];
  readonly at?: Position;
}

/** A line of a program. */
export type SyzLine = SyzCall | { readonly comment: string };

/** What is wrong with a text, in one sentence that names line and column. */
export class SyzError extends Error {
  override readonly name = 'SyzError';

  constructor(problem: string, at: Position | undefined) {
    super(at === undefined ? problem : `line ${String(at.line)}, column ${String(at.column)}: ${problem}`);
  }
}

export const num = (value: bigint | number, produces?: string): NumberValue => ({
  is: 'number',
  value: BigInt.asUintN(64, BigInt(value)),
  ...(produces === undefined ? {} : { produces }),
});

export const variable = (name: string, plus = 0n): VariableValue => ({
  is: 'variable',
  name,
  plus: BigInt.asUintN(64, plus),
});

export const pointer = (address: bigint, to?: Value, bytes?: bigint): PointerValue => ({
  is: 'pointer',
  address,
  ...(to === undefined ? {} : { to }),
  ...(bytes === undefined ? {} : { bytes }),
});

export const data = (bytes: Uint8Array): DataValue => ({ is: 'data', bytes });

/** Room that the call fills. */
export const room = (length: number): DataValue => ({ is: 'data', bytes: new Uint8Array(), length });

export const text = (content: string): DataValue => ({
  is: 'data',
  bytes: new TextEncoder().encode(`${content}\0`),
  isReadable: true,
});
