import { crc32 } from 'node:zlib';
import {
  KINDS,
  PART_HEADER,
  PART_HEADER_BYTES,
  RECORD_ALIGNMENT,
  RECORD_HEADER,
  RECORD_HEADER_BYTES,
  RECORD_MAGIC,
} from './format.js';
import type { TracePart, TraceRecord } from './reader.js';

/** The bytes of a record, as the recorder writes them. */
export function encodeRecord(record: TraceRecord): Uint8Array {
  const { kind, members, parts } = record;
  const names = KINDS[kind].members;
  const bodies = parts.map(encodePart);
  const membersEnd = RECORD_HEADER_BYTES + names.length * 8;
  const bytes = new Uint8Array(bodies.reduce((sum, body) => sum + body.length, membersEnd));
  const view = new DataView(bytes.buffer);
  view.setUint32(RECORD_HEADER.MAGIC, RECORD_MAGIC, true);
  view.setUint32(RECORD_HEADER.BYTES, bytes.length, true);
  view.setUint16(RECORD_HEADER.KIND, KINDS[kind].code, true);
  view.setUint8(RECORD_HEADER.MEMBERS, names.length);
  view.setUint8(RECORD_HEADER.PARTS, parts.length);
  view.setUint32(RECORD_HEADER.PROCESS, record.process, true);
  view.setUint32(RECORD_HEADER.THREAD, record.thread, true);
  view.setBigUint64(RECORD_HEADER.START, record.start, true);
  view.setBigUint64(RECORD_HEADER.END, record.end, true);
  view.setBigInt64(RECORD_HEADER.RESULT, record.result, true);
  for (const [index, name] of names.entries()) {
    view.setBigUint64(RECORD_HEADER_BYTES + index * 8, members[name] ?? 0n, true);
  }
  let at = membersEnd;
  for (const body of bodies) {
    bytes.set(body, at);
    at += body.length;
  }
  view.setUint32(RECORD_HEADER.CHECKSUM, crc32(bytes.subarray(RECORD_HEADER.KIND)), true);
  return bytes;
}

function encodePart({ role, address, wanted, bytes }: TracePart): Uint8Array {
  const padded = Math.ceil(bytes.length / RECORD_ALIGNMENT) * RECORD_ALIGNMENT;
  const part = new Uint8Array(PART_HEADER_BYTES + padded);
  const view = new DataView(part.buffer);
  view.setUint32(PART_HEADER.ROLE, role, true);
  view.setUint32(PART_HEADER.BYTES, bytes.length, true);
  view.setBigUint64(PART_HEADER.ADDRESS, address, true);
  view.setBigUint64(PART_HEADER.WANTED, wanted, true);
  part.set(bytes, PART_HEADER_BYTES);
  return part;
}
