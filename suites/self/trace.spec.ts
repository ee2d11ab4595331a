import { crc32 } from 'node:zlib';
import { assert } from 'chai';
import {
  KINDS,
  RECORD_HEADER,
  ROLE,
  TRACE_HEADER,
  TRACE_HEADER_BYTES,
  TRACE_VERSION,
  traceHeader,
} from '../../targets/trace/format.js';
import { type TraceRecord, readTrace } from '../../targets/trace/reader.js';
import { encodeRecord } from '../../targets/trace/writer.js';

function call(number: number, text = ''): TraceRecord {
  return {
    kind: 'close',
    process: 10,
    thread: 11,
    start: BigInt(2 * number + 1),
    end: BigInt(2 * number + 2),
    result: -9n,
    members: { fd: BigInt(number), device: 1n },
    parts: [{ role: ROLE.BEFORE, address: 0x1000n, wanted: 100n, bytes: new TextEncoder().encode(text) }],
  };
}

/** A file with the header that a recorder would leave behind after so many calls. */
function fileOf(records: readonly Uint8Array[], calls = records.length): Uint8Array {
  const header = traceHeader();
  new DataView(header.buffer).setBigUint64(TRACE_HEADER.SEQUENCE, BigInt(calls * 2), true);
  return Buffer.concat([header, ...records]);
}

const FOUR = [call(0, 'a'), call(1, 'twelve bytes'), call(2), call(3, 'more than sixteen bytes')];

describe('traces', () => {
  it('are read as they were written', () => {
    assert.deepEqual(readTrace(fileOf(FOUR.map(encodeRecord)), 'x'), {
      records: FOUR.map((record) => ({
        ...record,
        parts: record.parts.map((part) => ({ ...part, bytes: Buffer.from(part.bytes) })),
      })),
      troubles: [],
    });
  });

  it('are read in the order in which calls began', () => {
    const { records } = readTrace(fileOf([...FOUR].reverse().map(encodeRecord)), 'x');
    assert.deepEqual(
      records.map(({ start }) => start),
      [1n, 3n, 5n, 7n],
    );
  });

  it('keep what lies before a cut, wherever it is', () => {
    const whole = fileOf(FOUR.map(encodeRecord));
    const lastBytes = encodeRecord(call(3, 'more than sixteen bytes')).length;
    for (let cut = 1; cut < lastBytes; cut++) {
      const { records, troubles } = readTrace(whole.subarray(0, whole.length - cut), 'x');
      assert.lengthOf(records, 3);
      assert.equal(
        troubles[0],
        `the last ${String(lastBytes - cut)} bytes are a record that was not finished`,
      );
      assert.match(troubles[1] ?? '', /^2 beginnings or ends of calls have no record/);
    }
  });

  it('keep everything around damage, whichever byte it hits', () => {
    const whole = fileOf(FOUR.map(encodeRecord));
    const start = TRACE_HEADER_BYTES + encodeRecord(call(0, 'a')).length;
    const bytes = encodeRecord(call(1, 'twelve bytes')).length;
    for (let at = start; at < start + bytes; at++) {
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] ?? 0) ^ 0x11;
      const { records, troubles } = readTrace(damaged, 'x');
      assert.lengthOf(records, 3);
      assert.equal(troubles[0], `${String(bytes)} bytes at offset ${String(start)} are damaged`);
    }
  });

  it('with a cut record of a killed process go on behind it', () => {
    const [one, two, three] = FOUR.map(encodeRecord) as [Uint8Array, Uint8Array, Uint8Array];
    const { records, troubles } = readTrace(fileOf([one, two.subarray(0, 50), three], 3), 'x');
    assert.lengthOf(records, 2);
    assert.match(troubles[0] ?? '', /^50 bytes at offset \d+ are damaged$/);
  });

  it('may hold kinds of records that are not known', () => {
    const strange = Buffer.from(encodeRecord(call(1)));
    strange.writeUInt16LE(999, RECORD_HEADER.KIND);
    strange.writeUInt32LE(crc32(strange.subarray(RECORD_HEADER.KIND)), RECORD_HEADER.CHECKSUM);
    const { records, troubles } = readTrace(fileOf([encodeRecord(call(0)), strange]), 'x');
    assert.lengthOf(records, 1);
    assert.equal(troubles[0], '1 records have the kind 999, which is not known here');
  });

  it('name records that could not be written', () => {
    const file = fileOf([]);
    new DataView(file.buffer, file.byteOffset).setBigUint64(TRACE_HEADER.LOST, 3n, true);
    assert.match(readTrace(file, 'x').troubles[0] ?? '', /^3 records could not be written/);
  });

  it('name programs of 32 bits', () => {
    const introduction: TraceRecord = {
      ...call(0),
      kind: 'process',
      members: { pointer_bytes: 4n },
      parts: [],
    };
    assert.match(
      readTrace(fileOf([encodeRecord(introduction)]), 'x').troubles[0] ?? '',
      /process 10 .* 32 bits/,
    );
  });

  it('of newer versions, and files that are none, are refused in a sentence', () => {
    const future = fileOf([]);
    new DataView(future.buffer, future.byteOffset).setUint32(TRACE_HEADER.VERSION, TRACE_VERSION + 1, true);
    assert.throws(
      () => readTrace(future, 'x'),
      /^x has version 2 of the trace format, this reads 1; a newer/,
    );
    assert.throws(() => readTrace(new Uint8Array(), 'x'), 'x is no trace of iommufd-cts');
    assert.throws(() => readTrace(fileOf([]).subarray(0, 100), 'x'), 'x ends within its header');
    const damaged = fileOf([]);
    damaged[TRACE_HEADER.HEADER_BYTES + 2] = 1;
    assert.throws(() => readTrace(damaged, 'x'), /x is damaged: its header cannot have \d+ bytes/);
  });

  it('kinds have codes of their own', () => {
    const codes = Object.values(KINDS).map(({ code }) => code);
    assert.lengthOf(new Set(codes), codes.length);
  });
});
