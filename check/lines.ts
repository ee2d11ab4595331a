/** What /proc says of a process, as traces keep it. */
import { PAGE_SIZE } from '../models/base/u64.js';
import type { Access } from '../models/program/arena.js';
import type { TraceRecord } from '../targets/trace/reader.js';

/** A line of /proc/PID/maps. */
export interface MapsLine {
  readonly start: bigint;
  /** Exclusive. */
  readonly end: bigint;
  readonly access: Access;
  readonly isShared: boolean;
  /** Of what is mapped, in pages. */
  readonly offset: number;
  /** Device and inode of what is mapped; undefined for private anonymous memory. */
  readonly inode: string | undefined;
  readonly name: string;
}

const MAPS_LINE = /^([0-9a-f]+)-([0-9a-f]+) ([r-])([w-])[x-]([sp]) ([0-9a-f]+) (\S+) (\d+) *(.*)$/;

function parseMapsLine(line: string): MapsLine | undefined {
  const [, start, end, read, write, sharing, offset = '0', device = '', inode = '0', name = ''] =
    MAPS_LINE.exec(line) ?? [];
  if (start === undefined || end === undefined) return undefined;
  return {
    start: BigInt(`0x${start}`),
    end: BigInt(`0x${end}`),
    access: accessOf(read === 'r', write === 'w'),
    isShared: sharing === 's',
    offset: Number(BigInt(`0x${offset}`) / PAGE_SIZE),
    inode: inode === '0' ? undefined : `${device} ${inode}`,
    name,
  };
}

/** What may be read of memory that may be written may be read on x86-64. */
export function accessOf(read: boolean, write: boolean): Access {
  if (write) return 'rw';
  return read ? 'ro' : 'none';
}

/** A line about a descriptor. */
export interface FileLine {
  readonly fd: number;
  readonly inode: string;
  readonly bytes: bigint;
  /** What the link in /proc/PID/fd says. */
  readonly name: string;
}

const FILE_LINE = /^(\d+) (\S+ \d+) (\d+) [0-9a-f]+ -?\d+ [0-9a-f]+ (.*)$/;

function parseFileLine(line: string): FileLine | undefined {
  const [, fd, inode, bytes = '0', name = ''] = FILE_LINE.exec(line) ?? [];
  return fd === undefined || inode === undefined
    ? undefined
    : { fd: Number(fd), inode, bytes: BigInt(bytes), name };
}

const DECODER = new TextDecoder();

/** The text of the first part of a role; undefined if there is none. */
export function textOf({ parts }: TraceRecord, role: number): string | undefined {
  const part = parts.find((candidate) => candidate.role === role);
  return part === undefined ? undefined : DECODER.decode(part.bytes);
}

/** The mappings that a record tells of, for each of its parts that does. */
export function mapsOf(record: TraceRecord, role: number): MapsLine[] {
  return linesOf(record, role, parseMapsLine);
}

export function filesOf(record: TraceRecord, role: number): FileLine[] {
  return linesOf(record, role, parseFileLine);
}

function linesOf<T>(record: TraceRecord, role: number, parse: (line: string) => T | undefined): T[] {
  const lines = (textOf(record, role) ?? '').split('\n').filter((line) => line !== '');
  return lines.map(parse).filter((line) => line !== undefined);
}
