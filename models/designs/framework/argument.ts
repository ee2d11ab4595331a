import { hex } from '../../base/u64.js';

/** What an argument holds: a number up to 32 bits wide, or a 64-bit word. */
export type Value = number | bigint;

/** What all kinds of arguments say of themselves. */
interface ArgumentFace {
  readonly doc: string;
  /** Edges and ordinary values, the simplest first: random programs draw from them, and reduced ones return to them. */
  readonly values: readonly Value[];
  /** What a step that does not name the argument passes; undefined where each step must. */
  readonly usual: Value | undefined;
  readonly min: bigint;
  readonly max: bigint;
  /** Whether it is a word of 64 bits. */
  readonly isWide: boolean;
  /** Names of values or bits. */
  readonly names: Readonly<Record<string, Value>>;
  /** Whether the interface gives a value no meaning, so that it must be refused. */
  isUnknown(this: void, value: Value): boolean;
}

/** One argument of a call: the only description of it, for validation, random programs, reduction and text. */
export type Argument<V extends Value = Value> = ArgumentFace & {
  /** Only for types. */
  readonly holds?: V;
} & (
    | { readonly kind: 'number' }
    /** Bits; names joined by `|`. */
    | { readonly kind: 'flags' }
    /** One of a closed list that is no number of the interface: a device, a place in memory. */
    | { readonly kind: 'choice' }
    /** The result of a call that makes one of these kinds. */
    | { readonly kind: 'handle'; readonly of: readonly string[] }
  );

export type ArgumentTable = Readonly<Record<string, Argument>>;

/** The decoded arguments of a call. */
export type ValuesOf<T extends ArgumentTable> = {
  readonly [K in keyof T]: T[K] extends Argument<infer V> ? V : never;
};

interface NumberOptions<V extends Value> {
  readonly usual?: V;
  readonly values?: readonly V[];
  readonly names?: Readonly<Record<string, V>>;
  readonly isUnknown?: (this: void, value: V) => boolean;
}

/** What stands for the result of a step that has none, and for a handle that nothing ever made. */
export const NO_SUCH_HANDLE = 0x7fff_ffff;

export function u32(doc: string, options: NumberOptions<number> = {}): Argument<number> {
  return numberArgument(doc, options, { isWide: false, min: 0n, max: 0xffff_ffffn });
}

export function s32(doc: string, options: NumberOptions<number> = {}): Argument<number> {
  return numberArgument(doc, options, { isWide: false, min: -0x8000_0000n, max: 0x7fff_ffffn });
}

export function u64(doc: string, options: NumberOptions<bigint> = {}): Argument<bigint> {
  return numberArgument(doc, options, { isWide: true, min: 0n, max: (1n << 64n) - 1n });
}

function numberArgument<V extends Value>(
  doc: string,
  { usual, values = [], names = {}, isUnknown = () => false }: NumberOptions<V>,
  bounds: Pick<Argument, 'isWide' | 'min' | 'max'>,
): Argument<V> {
  const ordered = [...(usual === undefined ? [] : [usual]), ...values, ...Object.values(names)];
  return {
    kind: 'number',
    doc,
    usual,
    values: [...new Set(ordered)],
    names,
    isUnknown: (value) => isUnknown(value as V),
    ...bounds,
  };
}

/** Bits of 32. Those without a name have no meaning. */
export function flags(doc: string, names: Readonly<Record<string, number>>, usual = 0): Argument<number> {
  const known = Object.values(names).reduce((all, bit) => all | bit, 0) >>> 0;
  const bits = Object.values(names);
  return {
    kind: 'flags',
    doc,
    usual,
    values: [...new Set([usual, 0, ...bits, known, 0x80, known | 0x80])],
    names,
    isWide: false,
    min: 0n,
    max: 0xffff_ffffn,
    isUnknown: (value) => (Number(value) & ~known) !== 0,
  };
}

/**
 * One of a closed list.
 * @param usual the name that a step need not give
 * @param unknown names that the interface gives no meaning
 */
export function choice(
  doc: string,
  names: Readonly<Record<string, number>>,
  usual?: string,
  unknown: readonly string[] = [],
): Argument<number> {
  const values = Object.values(names);
  const first = usual === undefined ? undefined : names[usual];
  return {
    kind: 'choice',
    doc,
    usual: first,
    values: [...new Set([...(first === undefined ? [] : [first]), ...values])],
    names,
    isWide: false,
    min: BigInt(Math.min(...values)),
    max: BigInt(Math.max(...values)),
    isUnknown: (value) => unknown.some((name) => names[name] === value),
  };
}

interface HandleOptions<V extends Value> {
  readonly usual?: V;
  /** Numbers to try that no call has made. */
  readonly values?: readonly V[];
}

/** An id or a descriptor that another call has made. */
export function handle(
  doc: string,
  of: readonly string[],
  { usual, values = [0, 5, NO_SUCH_HANDLE] }: HandleOptions<number> = {},
): Argument<number> {
  const bounds = { isWide: false, min: -0x8000_0000n, max: 0xffff_ffffn };
  return { kind: 'handle', of, doc, usual, values, names: {}, isUnknown: () => false, ...bounds };
}

/** A 64-bit handle: a cookie, an offset for mmap(). */
export function wideHandle(
  doc: string,
  of: readonly string[],
  { usual, values = [0n, BigInt(NO_SUCH_HANDLE)] }: HandleOptions<bigint> = {},
): Argument<bigint> {
  const bounds = { isWide: true, min: 0n, max: (1n << 64n) - 1n };
  return { kind: 'handle', of, doc, usual, values, names: {}, isUnknown: () => false, ...bounds };
}

/** A page by its number, of so many. */
export function page(doc: string, count: number, usual?: number): Argument<number> {
  const values = Array.from({ length: count }, (_, at) => at);
  return {
    kind: 'number',
    doc,
    usual,
    values: [...new Set([...(usual === undefined ? [] : [usual]), ...values])],
    names: {},
    isWide: false,
    min: 0n,
    max: BigInt(count - 1),
    isUnknown: () => false,
  };
}

/** A value as programs and pages write it: by its name where it has one. */
export function describeValue(argument: Argument, value: Value): string {
  const names = Object.entries(argument.names);
  const name = names.find(([, named]) => named === value)?.[0];
  if (name !== undefined) return name;
  if (argument.kind === 'flags') return describeBits(names, Number(value));
  return value >= 0x1000 ? hex(value) : String(value);
}

function describeBits(names: readonly (readonly [string, Value])[], value: number): string {
  const set = names.filter(([, bit]) => Number(bit) !== 0 && (value & Number(bit)) === Number(bit));
  const rest = set.reduce((left, [, bit]) => left & ~Number(bit), value) >>> 0;
  const words = [...set.map(([name]) => name), ...(rest === 0 ? [] : [hex(rest)])];
  return words.length === 0 ? '0' : words.join('|');
}

/** The value that a name, or bits joined by `|`, stand for; undefined if one has no meaning. */
export function valueOfName(argument: Argument, text: string): Value | undefined {
  if (argument.kind !== 'flags') return argument.names[text];
  const bits = text.split('|').map((name) => argument.names[name]);
  return bits.reduce<number | undefined>(
    (all, bit) => (all === undefined || bit === undefined ? undefined : (all | Number(bit)) >>> 0),
    0,
  );
}
