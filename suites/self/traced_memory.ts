import type { Access } from '../../models/program/arena.js';
import { PAGE_SIZE, alignUp, maxU64, minU64 } from '../../models/base/u64.js';
import { ARENA, GUARDED_REGIONS, GUARD_BYTE } from '../../models/program/arena.js';
import type { MmapAccess } from '../../models/program/program.js';
import type { RawBuffer } from '../../models/program/raw.js';
import { PART_BYTES_MAX, ROLE } from '../../targets/trace/format.js';
import type { TracePart } from '../../targets/trace/reader.js';

interface Mapping {
  readonly start: bigint;
  readonly end: bigint;
  readonly access: Access;
  /** 0 for memory of no file. */
  readonly inode: number;
  readonly isPrivate: boolean;
  readonly offset: bigint;
  readonly name: string;
}

/** The first inode of the arena's shared memory. */
const ARENA_INODE = 1000;

/** The address space of a traced program's process, as /proc would tell of it. */
export class TracedMemory {
  #mappings: Mapping[];

  constructor(mappings: readonly Mapping[] = arenaMappings()) {
    this.#mappings = [...mappings];
  }

  /** What a child has of it. */
  copy(): TracedMemory {
    return new TracedMemory(this.#mappings);
  }

  map(
    start: bigint,
    bytes: bigint,
    access: MmapAccess,
    of: Pick<Mapping, 'inode' | 'offset' | 'name' | 'isPrivate'>,
  ): void {
    this.#mappings.push({ start, end: start + alignUp(bytes, PAGE_SIZE), access: plain(access), ...of });
  }

  /** Changes the access to a range; without one, it is unmapped. */
  change(start: bigint, bytes: bigint, access: MmapAccess | undefined): void {
    const end = start + alignUp(bytes, PAGE_SIZE);
    this.#mappings = this.#mappings.flatMap((mapping) => {
      if (mapping.end <= start || mapping.start >= end) return [mapping];
      const pieces = access === undefined ? [] : within(mapping, start, end);
      return [
        ...cut(mapping, mapping.start, start),
        ...pieces.map((piece) => ({ ...piece, access: plain(access ?? 'none') })),
        ...cut(mapping, end, mapping.end),
      ];
    });
  }

  /** What mremap does to memory that does not grow. */
  move(start: bigint, bytes: bigint, newBytes: bigint, to: bigint): void {
    this.change(start + newBytes, bytes - newBytes, undefined);
    if (to === start) return;
    const moved = this.#mappings.flatMap((mapping) => within(mapping, start, start + newBytes));
    this.change(to, newBytes, undefined);
    this.change(start, newBytes, undefined);
    for (const mapping of moved) {
      const there = mapping.start - start + to;
      this.#mappings.push({ ...mapping, start: there, end: there + mapping.end - mapping.start });
    }
  }

  /** The lines of /proc/PID/maps that meet a range. */
  maps(start: bigint, end: bigint): TracePart {
    const lines = this.#mappings
      .filter((mapping) => mapping.start < end && mapping.end > start)
      .map(({ start: from, end: to, access, inode, offset, name, isPrivate }) => {
        const rights = { rw: 'rw-', ro: 'r--', none: '---' }[access];
        const sharing = isPrivate ? 'p' : 's';
        const device = inode === 0 ? '00:00' : '00:01';
        const range = `${from.toString(16)}-${to.toString(16)}`;
        return `${range} ${rights}${sharing} ${offset.toString(16)} ${device} ${String(inode)} ${name}\n`;
      });
    return textPart(ROLE.MAPS, lines.join(''));
  }

  /** Memory as far as it can be read. */
  peek(role: number, address: bigint, wanted: bigint, buffers: readonly RawBuffer[]): TracePart {
    const bytes: number[] = [];
    while (bytes.length < wanted && bytes.length < PART_BYTES_MAX) {
      const byte = this.#byteAt(address + BigInt(bytes.length), buffers);
      if (byte === undefined) break;
      bytes.push(byte);
    }
    return { role, address, wanted, bytes: Uint8Array.from(bytes) };
  }

  #byteAt(address: bigint, buffers: readonly RawBuffer[]): number | undefined {
    const isReadable = this.#mappings.some(
      ({ start, end, access }) => address >= start && address < end && access !== 'none',
    );
    if (!isReadable) return undefined;
    const buffer = buffers.find(
      ({ address: start, bytes }) => address >= start && address < start + BigInt(bytes.length),
    );
    if (buffer !== undefined) return buffer.bytes[Number(address - buffer.address)];
    const isGuarded = GUARDED_REGIONS.some(({ start, bytes }) => address >= start && address < start + bytes);
    return isGuarded ? GUARD_BYTE : 0;
  }
}

function arenaMappings(): Mapping[] {
  const inodes = new Map<string, number>();
  return ARENA.map(({ name, start, bytes, access, sharing, aliasOf }, index) => {
    const shared = inodes.get(aliasOf ?? '') ?? ARENA_INODE + index;
    const inode = sharing === 'private' ? 0 : shared;
    inodes.set(name, inode);
    return {
      start,
      end: start + bytes,
      access,
      inode,
      isPrivate: inode === 0,
      offset: 0n,
      name: inode === 0 ? '' : '/dev/zero (deleted)',
    };
  });
}

/** The part of a mapping that lies within a range, if any does. */
function within(mapping: Mapping, start: bigint, end: bigint): Mapping[] {
  return cut(mapping, maxU64(mapping.start, start), minU64(mapping.end, end));
}

function cut(mapping: Mapping, start: bigint, end: bigint): Mapping[] {
  if (start >= end) return [];
  return [{ ...mapping, start, end, offset: mapping.offset + start - mapping.start }];
}

function plain(access: MmapAccess): Access {
  return access === 'rwx' ? 'rw' : access;
}

export function textPart(role: number, content: string): TracePart {
  const bytes = new TextEncoder().encode(content);
  return { role, address: 0n, wanted: BigInt(bytes.length), bytes };
}
