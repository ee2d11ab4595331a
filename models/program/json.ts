import { hex, wrapU64 } from '../base/u64.js';
import type { Program } from './program.js';

/** What JSON can hold. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Members that are text even if it looks like a number. */
const TEXT_KEYS = new Set(['about', 'call', 'do', 'file', 'label', 'by', 'fd', 'ref', 'access']);

const WORD = /^0x[0-9a-f]{1,16}$/i;

/** The text of a program file: keys sorted, 64-bit words as hexadecimal strings. */
export function programText(program: Program): string {
  return `${JSON.stringify(toJson(program), null, 2)}\n`;
}

/**
 * The program that a file holds. Its shape must have been checked against PROGRAM_JSON_SCHEMA before; names and values are
 * checked when it is assembled.
 */
export function programFromJson(json: Json): Program {
  return fromJson(json) as Program;
}

/** A program as it would come from its file: with its keys sorted, and without those that hold nothing. */
export function storedProgram(program: Program): Program {
  return stored(program) as Program;
}

function toJson(value: unknown): Json {
  if (typeof value === 'bigint') return hex(wrapU64(value));
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value !== 'object' || value === null) return value as Json;
  return mapMembers(value, toJson) as Json;
}

function fromJson(value: Json, key = ''): unknown {
  if (typeof value === 'string') return WORD.test(value) && !TEXT_KEYS.has(key) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map((element: Json) => fromJson(element));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, fromJson(member, name)]));
}

function stored(value: unknown, key = ''): unknown {
  if (typeof value === 'bigint') return wrapU64(value);
  if (typeof value === 'string') return fromJson(value, key);
  if (Array.isArray(value)) return value.map((element: unknown) => stored(element));
  if (typeof value !== 'object' || value === null) return value;
  return mapMembers(value, stored);
}

/** The members that hold something, by name. */
function mapMembers(value: object, map: (member: unknown, name: string) => unknown): object {
  const members = value as Readonly<Record<string, unknown>>;
  const mapped: Record<string, unknown> = {};
  for (const name of Object.keys(members).sort()) {
    if (members[name] !== undefined) mapped[name] = map(members[name], name);
  }
  return mapped;
}
