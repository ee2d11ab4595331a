/**
 * The vocabulary of a call description's field table. A field says how many bytes it has and what it means; where it lies is
 * computed (`struct.ts`). The meaning drives generation, program files, documentation and metamorphic reruns.
 */

/** What a field means. */
export type Role =
  | { readonly is: 'size' }
  /** `likely` are numbers that mean something, for generated programs. */
  | { readonly is: 'number'; readonly likely?: readonly number[] }
  | { readonly is: 'reserved' }
  | { readonly is: 'flags'; readonly bits: Readonly<Record<string, number>> }
  | { readonly is: 'choice'; readonly values: Readonly<Record<string, number>> }
  | { readonly is: 'id'; readonly of: readonly string[] }
  | { readonly is: 'iova' }
  | { readonly is: 'length' }
  | { readonly is: 'granule' }
  | { readonly is: 'user_va' }
  | { readonly is: 'offset' }
  | { readonly is: 'count' }
  | {
      readonly is: 'array';
      readonly element: ArrayElement;
      readonly direction: Direction;
      /** What the words of driver data are members of; more than one where it depends on the object. */
      readonly structs: readonly DriverStruct[];
    }
  | { readonly is: 'array_bytes' }
  | { readonly is: 'element_bytes' }
  | { readonly is: 'fd'; readonly of: readonly FdKind[] };

/** What a descriptor that calls pass or return can be of. */
export type FdKind = 'iommufd' | 'fault' | 'veventq' | 'access' | 'memfd' | 'dmabuf';

/** What a user pointer leads to: ranges of IOVAs, data of the driver in words of 32 bits, or a bitmap, also in words. */
export type ArrayElement = 'iommu_iova_range' | 'word' | 'bitmap_word';

/** A struct of the mock driver's data, as it is called in C (`driver_data.ts`). */
export type DriverStruct =
  | 'iommu_hwpt_selftest'
  | 'iommu_hwpt_invalidate_selftest'
  | 'iommu_viommu_selftest'
  | 'iommu_viommu_invalidate_selftest'
  | 'iommu_test_hw_info';

/** Who writes a field: user space (`in`), the kernel (`out`), or both. */
export type Direction = 'in' | 'out' | 'inout';

/** One member of a struct. `T` is `bigint` for 64-bit members, else `number`. */
export interface Field<T extends number | bigint> {
  readonly bytes: 1 | 2 | 4 | 8;
  readonly signed: boolean;
  readonly role: Role;
  readonly direction: Direction;
  /** One phrase for the manual. */
  readonly doc: string;
  /** Never present: carries the type of the decoded value. */
  readonly value?: T;
}

/** A field table, in memory order. */
export type FieldTable = Readonly<Record<string, Field<number> | Field<bigint>>>;

/** The decoded struct of a field table. Mutable: effects write the kernel's copy of it. */
export type ArgsOf<F extends FieldTable> = {
  -readonly [Name in keyof F]: F[Name] extends Field<bigint> ? bigint : number;
};

function u32Field(role: Role, doc: string, direction: Direction = 'in'): Field<number> {
  return { bytes: 4, signed: false, role, direction, doc };
}

function u64Field(role: Role, doc: string, direction: Direction = 'in'): Field<bigint> {
  return { bytes: 8, signed: false, role, direction, doc };
}

/** The first member of every struct: how many bytes user space knows of. */
export const sizeField = (): Field<number> =>
  u32Field({ is: 'size' }, 'bytes of this struct that user space knows of');

/** The first member of VFIO's structs: how many bytes there are, and on the way back how many it takes. */
export const argszField = (direction?: Direction): Field<number> =>
  u32Field({ is: 'size' }, 'bytes of this struct and of the room behind it', direction);

export const u32 = (doc: string, direction?: Direction): Field<number> =>
  u32Field({ is: 'number' }, doc, direction);

/** A number of which some values are worth a try. */
export const number32 = (doc: string, likely: readonly number[]): Field<number> =>
  u32Field({ is: 'number', likely }, doc);

export const u64 = (doc: string, direction?: Direction): Field<bigint> =>
  u64Field({ is: 'number' }, doc, direction);

/** A member that must be zero, or is documented to be ignored. */
export const reserved32 = (): Field<number> => u32Field({ is: 'reserved' }, 'must be 0');

export const reserved16 = (): Field<number> => ({
  ...reserved32(),
  bytes: 2,
});

export const reserved8 = (): Field<number> => ({
  ...reserved32(),
  bytes: 1,
});

export const flags32 = (bits: Readonly<Record<string, number>>): Field<number> =>
  u32Field({ is: 'flags', bits }, `combination of ${Object.keys(bits).join(', ') || 'nothing: must be 0'}`);

export const choice16 = (values: Readonly<Record<string, number>>): Field<number> => ({
  ...choice32(values),
  bytes: 2,
});

export const choice32 = (values: Readonly<Record<string, number>>, direction?: Direction): Field<number> =>
  u32Field({ is: 'choice', values }, `one of ${Object.keys(values).join(', ')}`, direction);

/** A number that is the whole argument of a call. */
export const choice64 = (values: Readonly<Record<string, number>>): Field<bigint> =>
  u64Field({ is: 'choice', values }, `one of ${Object.keys(values).join(', ')}`);

/** An object id. `of` names the object types that the call accepts or creates. */
export const id32 = (of: readonly string[], direction?: Direction): Field<number> =>
  u32Field({ is: 'id', of }, `id of ${of.join(' or ')}`, direction);

export const iova64 = (doc: string, direction?: Direction): Field<bigint> =>
  u64Field({ is: 'iova' }, doc, direction);

export const length64 = (doc: string, direction?: Direction): Field<bigint> =>
  u64Field({ is: 'length' }, doc, direction);

/** An offset in a file, in bytes. */
export const offset64 = (doc: string): Field<bigint> => u64Field({ is: 'offset' }, doc);

export const userVa64 = (doc: string): Field<bigint> => u64Field({ is: 'user_va' }, doc);

export const count32 = (doc: string, direction?: Direction): Field<number> =>
  u32Field({ is: 'count' }, doc, direction);

/** A user pointer to an array of structs. */
export const rangeArray64 = (doc: string, direction: 'in' | 'out'): Field<bigint> =>
  u64Field({ is: 'array', element: 'iommu_iova_range', direction, structs: [] }, doc);

/** A user pointer to data whose meaning is the driver's. */
export const data64 = (
  doc: string,
  direction: Direction,
  ...structs: readonly DriverStruct[]
): Field<bigint> => u64Field({ is: 'array', element: 'word', direction, structs }, doc);

/** A user pointer to a bitmap with one bit for so many bytes of a range of IOVAs as the granule says. */
export const bitmap64 = (doc: string, direction: 'in' | 'inout'): Field<bigint> =>
  u64Field({ is: 'array', element: 'bitmap_word', direction, structs: [] }, doc);

/** Bytes that one bit of a bitmap stands for. */
export const granule64 = (doc: string): Field<bigint> => u64Field({ is: 'granule' }, doc);

/** Bytes of the data that a pointer of the same struct leads to. */
export const dataBytes32 = (doc: string, direction?: Direction): Field<number> =>
  u32Field({ is: 'array_bytes' }, doc, direction);

/** Bytes of one element of the data that a pointer of the same struct leads to. */
export const elementBytes32 = (doc: string): Field<number> => u32Field({ is: 'element_bytes' }, doc);

export const u16 = (doc: string, direction?: Direction): Field<number> => ({
  ...u32(doc, direction),
  bytes: 2,
});

/** The number of a descriptor of one of some kinds of files. */
export const fdS32 = (of: readonly FdKind[], doc: string, direction?: Direction): Field<number> => ({
  ...u32Field({ is: 'fd', of }, doc, direction),
  signed: true,
});

/** A number of bytes in 32 bits. */
export const length32 = (doc: string): Field<number> => u32Field({ is: 'length' }, doc);

/** The number of a descriptor. `of` names the kinds of files that it can be of. */
export const fd32 = (of: readonly FdKind[], direction?: Direction): Field<number> =>
  u32Field({ is: 'fd', of }, `descriptor of ${of.join(' or ')}`, direction);

/** A single byte. */
export const u8 = (doc: string, direction?: Direction): Field<number> => ({
  ...u32(doc, direction),
  bytes: 1,
});
