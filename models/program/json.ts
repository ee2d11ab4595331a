import { hex, wrapU64 } from '../base/u64.js';
import type { Program } from './program.js';

/** What JSON can hold. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Members that are text even if it looks like a number. */
const TEXT_KEYS = new Set(['about', 'call', 'do', 'file', 'label', 'by', 'fd', 'ref', 'access']);

const WORD = /^0x[0-9a-f]{1,16}$/i;

/** A program as files hold it: keys sorted, 64-bit words as hexadecimal strings. */
export function programToJson(program: Program): Json {
  return toJson(program);
}

/** The text of a program file. */
export function programText(program: Program): string {
  return `${JSON.stringify(programToJson(program), null, 2)}\n`;
}

/**
 * The program that a file holds. Its shape must have been checked against PROGRAM_JSON_SCHEMA before; names and values are
 * checked when it is assembled.
 */
export function programFromJson(json: Json): Program {
  return fromJson(json) as Program;
}

function toJson(value: unknown): Json {
  if (typeof value === 'bigint') return hex(wrapU64(value));
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value !== 'object' || value === null) return value as Json;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  members.sort(([one], [two]) => (one < two ? -1 : 1));
  return Object.fromEntries(members.map(([key, member]) => [key, toJson(member)]));
}

function fromJson(value: Json, key = ''): unknown {
  if (typeof value === 'string') return WORD.test(value) && !TEXT_KEYS.has(key) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map((element: Json) => fromJson(element));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, fromJson(member, name)]));
}
