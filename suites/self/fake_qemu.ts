/**
 * Stands in for QEMU and the guest: takes QEMU's command line, connects to the port, speaks the agent's protocol, and misbehaves
 * as its first argument says when it meets a program of three steps. Programs for it open, close and count; nothing else.
 */
import { openSync, readSync, writeSync } from 'node:fs';
import { connect } from 'node:net';
import { ByteReader, ByteWriter } from '../../targets/agent/cursor.js';
import { decodePlace } from '../../targets/agent/decode.js';
import { encodePlace } from '../../targets/agent/encode.js';
import { FRAME, OP, PLACES, RESULT, WIRE_VERSION } from '../../targets/agent/wire.js';
import { FrameSplitter, frameHeader } from '../../targets/qemu/frames.js';

const [mode = 'good', ...args] = process.argv.slice(2);

/** The value of `key=` in the argument that has it. */
function optionOf(key: string): string {
  return (
    args
      .map((arg) => new RegExp(`(?:^|,)${key}=([^,]+)`).exec(arg)?.[1])
      .find((value) => value !== undefined) ?? ''
  );
}

const sharedMemory = openSync(optionOf('mem-path'), 'r+');
const socket = connect(optionOf('path'));
const splitter = new FrameSplitter();

function send(type: number, payload: Uint8Array): void {
  socket.write(Buffer.concat([frameHeader(type, payload.length), payload]));
}

/** Reports where the worker ended: the step, and of each lane the step that it ran plus 1. */
function die(
  batch: number,
  finished: readonly (readonly number[])[],
  { step, lanes }: { readonly step: number; readonly lanes: readonly number[] },
): void {
  results(batch, finished);
  const died = new ByteWriter();
  for (const word of [batch, finished.length, step, ...lanes, 9]) died.u32(word);
  send(FRAME.DIED, died.bytes);
}

/** The operations of each program. */
function readPrograms(from: ByteReader): number[][] {
  return Array.from({ length: from.u32() }, () =>
    Array.from({ length: from.u16() }, () => {
      const op = from.u8();
      if (op !== OP.COUNTERS) from.u8();
      if (op === OP.OPEN) from.u16();
      return op;
    }),
  );
}

function noteProgress(batch: number, program: number, step: number): void {
  const words = Buffer.alloc(12);
  [batch, program, step].forEach((word, at) => words.writeUInt32LE(word, at * 4));
  writeSync(sharedMemory, words, 0, words.length, 0);
}

function putProgram(to: ByteWriter, ops: readonly number[], console: string): void {
  to.u8(0);
  to.u16(console.length);
  to.append(Buffer.from(console));
  for (const op of ops) {
    to.u8(op === OP.COUNTERS ? RESULT.COUNTERS : 0);
    if (op === OP.COUNTERS) {
      to.u64(0n);
      to.u64(0n);
    }
  }
}

function results(
  batch: number,
  programs: readonly (readonly number[])[],
  consoleOfOdd = '',
  pinned?: bigint,
): void {
  const to = new ByteWriter();
  to.u32(batch);
  to.u32(programs.length);
  to.u32(0);
  const odd = programs.findIndex((ops) => ops.length === 3);
  for (const [at, ops] of programs.entries()) {
    const isBehind = isSpoiled && (odd < 0 || at > odd);
    putProgram(to, ops, at === odd ? consoleOfOdd : isBehind ? FOLLOWING : '');
  }
  if (pinned !== undefined) {
    to.u64(pinned);
    to.u64(0n);
  }
  const offset = PLACES.RESULTS + (resultsPlaced++ % 2) * PLACES.EACH;
  writeSync(sharedMemory, to.bytes, 0, to.bytes.length, offset);
  send(FRAME.RESULTS_PLACED, encodePlace({ offset, bytes: to.bytes.length }));
}

/** Results take turns, so that those that follow one another do not lie in the same place. */
let resultsPlaced = 0;

/** Of a program that spoils the kernel, and of those that come after it in the same guest. */
const SPOILING = warningIn('iommufd_device_unbind');
const FOLLOWING = warningIn('__iommu_group_free_device');

function warningIn(place: string): string {
  return `WARNING: CPU: 0 PID: 1 at drivers/iommu/iommufd/device.c:1 ${place}+0x1/0x2\n---[ end trace 0 ]---\n`;
}

/** Whether the odd program has been run in this guest. */
let isSpoiled = false;

/** The odd program spoils the kernel: whoever comes after it makes it warn, dies, or takes the kernel down. */
function spoil(batch: number, programs: readonly (readonly number[])[], odd: number): void {
  const isLast = odd === programs.length - 1;
  isSpoiled = true;
  if (isLast || mode === 'spoils') results(batch, programs, SPOILING, 0n);
  else if (mode === 'spoils_then_dies') {
    results(batch, programs.slice(0, odd + 1), SPOILING);
    die(batch, [], { step: 1, lanes: [0, 0, 0] });
  } else {
    noteProgress(batch, odd + 1, 0);
    process.stdout.write(`${SPOILING}Kernel panic - not syncing: something is wrong\n`, () =>
      process.exit(0),
    );
  }
}

const KASAN = 'BUG: KASAN: slab-use-after-free in iommufd_destroy+0x1/0x2\n';

function run(payload: Uint8Array): void {
  const from = new ByteReader(payload);
  const batch = from.u32();
  const programs = readPrograms(from);
  const odd = programs.findIndex((ops) => ops.length === 3);
  if (odd < 0 || mode === 'good') {
    results(batch, programs, '', 0n);
    return;
  }
  noteProgress(batch, odd, 1);
  switch (mode) {
    case 'leftover':
      results(batch, programs, '', 5n);
      return;
    case 'spoils':
    case 'spoils_then_dies':
    case 'spoils_then_panics':
      spoil(batch, programs, odd);
      return;
    case 'splat':
      results(batch, programs, KASAN, 0n);
      return;
    case 'death':
      die(batch, programs.slice(0, odd), { step: 1, lanes: [0, 0, 0] });
      return;
    case 'death_in_lanes':
      die(batch, programs.slice(0, odd), { step: 0, lanes: [2, 3, 0] });
      return;
    case 'panic':
      process.stdout.write('Kernel panic - not syncing: something is wrong\n', () => process.exit(0));
      return;
    case 'exit':
      process.exit(3);
      return;
    case 'trouble':
      send(FRAME.TROUBLE, Buffer.from('a patch lies outside of its buffer'));
      return;
    case 'garbage':
      socket.write('this is no frame at all');
      return;
    default:
      // A hang: nothing comes back, nor of the frames after this one.
      socket.removeAllListeners('data');
  }
}

function fetchBatch(place: Uint8Array): Uint8Array {
  const { offset, bytes } = decodePlace(place);
  const payload = Buffer.alloc(bytes);
  readSync(sharedMemory, payload, 0, payload.length, offset);
  return payload;
}

socket.on('connect', () => {
  const version = mode === 'old_agent' ? WIRE_VERSION + 1 : WIRE_VERSION;
  send(FRAME.HELLO, Buffer.from(`wire=${String(version)}\nrelease=7.3.4\nprogress=1\nthp=1\niommufd=1\n`));
});
socket.on('data', (chunk: Buffer) => {
  for (const { type, payload } of splitter.push(chunk))
    if (type === FRAME.RUN_PLACED) run(fetchBatch(payload));
});
socket.on('close', () => process.exit(0));
