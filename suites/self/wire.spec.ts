import { assert } from 'chai';
import { assemble } from '../../models/program/assemble.js';
import { PROGRAM_SCHEMA, ProgramError, type Step } from '../../models/program/program.js';
import { ByteReader, ByteWriter, WireError } from '../../targets/agent/cursor.js';
import { encodeBatch } from '../../targets/agent/encode.js';
import { decodeHello, decodeResults } from '../../targets/agent/decode.js';
import { INJECTED, OP, RESULT, WIRE_VERSION } from '../../targets/agent/wire.js';
import { type Frame, FrameSplitter, frameHeader } from '../../targets/qemu/frames.js';

function frame(type: number, text: string): Buffer {
  return Buffer.concat([frameHeader(type, text.length), Buffer.from(text)]);
}

function textOf({ type, payload }: Frame): [number, string] {
  return [type, Buffer.from(payload).toString()];
}

describe('frames', () => {
  const stream = Buffer.concat([frame(1, 'hello'), frame(2, ''), frame(3, 'a longer one')]);
  const expected = [
    [1, 'hello'],
    [2, ''],
    [3, 'a longer one'],
  ];

  for (const pieces of [1, 2, 3, 7, stream.length]) {
    it(`arrive whole from pieces of ${String(pieces)} bytes`, () => {
      const splitter = new FrameSplitter();
      const frames: Frame[] = [];
      for (let at = 0; at < stream.length; at += pieces)
        frames.push(...splitter.push(stream.subarray(at, at + pieces)));
      assert.deepEqual(frames.map(textOf), expected);
    });
  }

  it('are not made of something else', () => {
    assert.throws(() => new FrameSplitter().push(Buffer.from('[    0.1] not a frame')), WireError);
  });

  it('have an end', () => {
    const endless = Buffer.from(frameHeader(1, 0xffff_ffff));
    assert.throws(() => new FrameSplitter().push(endless), WireError);
  });
});

describe('results of the agent', () => {
  const program = assemble({
    schema: PROGRAM_SCHEMA,
    steps: [
      { do: 'open', label: 'f' },
      { do: 'ioctl', file: 'f', call: 'IOMMU_IOAS_ALLOC', args: {} },
      { do: 'counters' },
    ],
  });

  function results(write: (to: ByteWriter) => void): Uint8Array {
    const to = new ByteWriter();
    to.u32(5);
    to.u32(1);
    to.u32(0);
    to.u8(0);
    to.u16(0);
    write(to);
    return to.bytes.slice();
  }

  it('are read step by step', () => {
    const struct = Uint8Array.of(12, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0);
    const payload = results((to) => {
      to.u8(0);
      to.u8(RESULT.CHANGED);
      to.u8(1);
      to.u8(0);
      to.u16(struct.length);
      to.append(struct);
      to.u8(RESULT.COUNTERS);
      to.u64(3n);
      to.u64(4n);
      to.u64(0n);
      to.u64(0n);
    });
    const { batch, programs, left } = decodeResults(payload, [program]);
    assert.equal(batch, 5);
    assert.deepEqual(programs[0]?.steps, [
      { status: 'returned', errno: 0, value: 0, out: [] },
      { status: 'returned', errno: 0, value: 0, out: [struct] },
      { status: 'returned', errno: 0, value: 0, out: [], counters: { pinned: 3, locked: 4 } },
    ]);
    assert.deepEqual(left, { pinned: 0, locked: 0 });
  });

  it('tell of writes beside the buffers', () => {
    const payload = results((to) => {
      to.u8(0);
      to.u8(RESULT.ERRNO | RESULT.STRAY);
      to.u16(22);
      to.u64(0x1234n);
      to.u8(0);
    });
    const [only] = decodeResults(payload, [program]).programs;
    assert.deepEqual(only?.strayWrites, [{ step: 1, address: 0x1234n }]);
    assert.deepInclude(only?.steps[1], { errno: 22, value: -1 });
  });

  it('tell what was made to fail', () => {
    const payload = results((to) => {
      to.u8(0);
      to.u8(RESULT.ERRNO | RESULT.INJECTED);
      to.u16(12);
      to.u8(INJECTED.pages);
      to.u8(RESULT.COUNTERS);
      to.u64(0n);
      to.u64(0n);
    });
    const [only] = decodeResults(payload, [program]).programs;
    assert.deepInclude(only?.steps[1], { errno: 12, injected: 'pages' });
  });

  it('tell what code was reached, if that was asked for', () => {
    const payload = results((to) => {
      for (const tag of [0, 0, 0]) to.u8(tag);
      to.u8(1);
      to.u32(2);
      for (const place of [0x1234, 0x3ff_ffff]) to.u32(place);
    });
    const [only] = decodeResults(payload, [program], true).programs;
    assert.isTrue(only?.coverage?.isCut);
    assert.deepEqual([...only.coverage.numbers], [0x1234, 0x3ff_ffff]);
  });

  it('that end too early are refused', () => {
    const payload = results((to) => {
      to.u8(RESULT.CHANGED);
    });
    assert.throws(() => decodeResults(payload, [program]), WireError, /ends too early/);
  });

  it('of another version of the agent are refused', () => {
    const hello = (version: number) => Buffer.from(`wire=${String(version)}\nrelease=7.3.4\n`);
    assert.equal(decodeHello(hello(WIRE_VERSION)).release, '7.3.4');
    assert.throws(() => decodeHello(hello(WIRE_VERSION + 1)), WireError, /version/);
  });
});

describe('programs on the wire', () => {
  /** A program of one call, which a process of its own may make, and of which an allocation may fail. */
  function encoded(...steps: Step[]): Uint8Array {
    const to = new ByteWriter();
    encodeBatch(to, 1, [assemble({ schema: PROGRAM_SCHEMA, steps: [{ do: 'open', label: 'f' }, ...steps] })]);
    return to.bytes.slice();
  }

  const alloc = { do: 'ioctl', file: 'f', call: 'IOMMU_IOAS_ALLOC', args: {} } as const;

  it('say before a call which of its allocations fails', () => {
    const plain = encoded(alloc);
    const failing = encoded({ ...alloc, failNth: 0x102 });
    const at = plain.indexOf(OP.IOCTL, 13);
    assert.deepEqual([...failing.subarray(at, at + 4)], [OP.FAIL_NTH, 2, 1, OP.IOCTL]);
    assert.equal(failing.length, plain.length + 3);
  });

  it('say who makes the call before that', () => {
    const fork = { do: 'fork', label: 'child' } as const;
    const bytes = encoded(fork, { ...alloc, by: 'child', failNth: 1 });
    const at = bytes.indexOf(OP.BY, 13);
    assert.deepEqual([...bytes.subarray(at, at + 6)], [OP.BY, 1, OP.FAIL_NTH, 1, 0, OP.IOCTL]);
  });

  it('name no allocation that cannot be counted', () => {
    for (const failNth of [0, -1, 1.5, 0x1_0000]) {
      assert.throws(() => encoded({ ...alloc, failNth }), ProgramError, /failNth/);
    }
  });
});

describe('numbers on the wire', () => {
  it('come back as they went, across the growth of the buffer', () => {
    const to = new ByteWriter();
    for (let count = 0; count < 20_000; count++) {
      to.u8(count & 0xff);
      to.u64(BigInt(count) << 40n);
    }
    const from = new ByteReader(to.bytes);
    for (let count = 0; count < 20_000; count++) {
      assert.equal(from.u8(), count & 0xff);
      assert.equal(from.u64(), BigInt(count) << 40n);
    }
    assert.equal(from.left, 0);
  });
});
