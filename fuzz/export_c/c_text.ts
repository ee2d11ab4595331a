import { viewOf } from '../../models/base/bytes.js';
import { hex, wrapU64 } from '../../models/base/u64.js';
import type { CallDescription } from '../../models/ioctls/description.js';
import { readMember } from '../../models/layout/struct.js';

const BYTES_PER_LINE = 16;

/** A number as C takes it. */
export function word(value: bigint | number): string {
  return `${hex(wrapU64(BigInt(value)))}u`;
}

/** Text as C takes it. */
export function quoted(text: string): string {
  return JSON.stringify(text);
}

/** An array of bytes; of a struct each member in a line with its name and value. */
export function byteArray(name: string, bytes: Uint8Array, struct: CallDescription | undefined): string[] {
  return [`\tstatic const uint8_t ${name}[] = {`, ...linesOf(bytes, struct), '\t};'];
}

function linesOf(bytes: Uint8Array, struct: CallDescription | undefined): string[] {
  const lines: string[] = [];
  let at = 0;
  for (const member of struct?.layout.members ?? []) {
    const { name, offset, field } = member;
    if (offset + field.bytes > bytes.length) break;
    lines.push(...plainLines(bytes.subarray(at, offset), 'padding'));
    at = offset + field.bytes;
    const value = hex(readMember(member, viewOf(bytes)));
    lines.push(line(bytes.subarray(offset, at), `${name} = ${value.replace('0x-', '-0x')}`));
  }
  lines.push(...plainLines(bytes.subarray(at), at > 0 ? 'behind the struct' : undefined));
  return lines;
}

function plainLines(bytes: Uint8Array, comment: string | undefined): string[] {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += BYTES_PER_LINE)
    lines.push(line(bytes.subarray(at, at + BYTES_PER_LINE), comment));
  return lines;
}

function line(bytes: Uint8Array, comment: string | undefined): string {
  const values = [...bytes].map((byte) => `0x${byte.toString(16).padStart(2, '0')},`).join(' ');
  return `\t\t${values}${comment === undefined ? '' : ` /* ${comment} */`}`;
}
