import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from 'chai';
import { WireError } from '../../targets/agent/cursor.js';
import { type Place, decodePlace } from '../../targets/agent/decode.js';
import { encodePlace } from '../../targets/agent/encode.js';
import { PLACES, SHARED_BYTES } from '../../targets/agent/wire.js';
import { SharedMemory } from '../../targets/qemu/shared_memory.js';
import { TestBedError } from '../../targets/target.js';
import { makeDirectory, removeDirectory } from './temporary.js';

describe('the memory that host and guest share', () => {
  let directory: string;
  let shared: SharedMemory;
  let guest: number;

  before(async () => {
    directory = await makeDirectory();
    shared = new SharedMemory(join(directory, 'shared'));
    guest = openSync(shared.path, 'r+');
  });

  after(async () => {
    closeSync(guest);
    shared.close();
    await removeDirectory(directory);
  });

  function placed(payload: Uint8Array): Place {
    const place = shared.place(payload);
    assert.isDefined(place);
    return decodePlace(place);
  }

  it('has a batch where the guest is told that it is, and the next one elsewhere', () => {
    const payloads = ['the first batch', 'another', 'a third'].map((text) => Buffer.from(text));
    const offsets = payloads.map((payload) => {
      const { offset, bytes } = placed(payload);
      const seen = Buffer.alloc(bytes);
      readSync(guest, seen, 0, bytes, offset);
      assert.deepEqual(seen, payload);
      return offset;
    });
    assert.notEqual(offsets[0], offsets[1]);
    assert.equal(offsets[0], offsets[2]);
  });

  it('has no place for a batch that is too large', () => {
    assert.isUndefined(shared.place(new Uint8Array(PLACES.EACH + 1)));
    assert.isDefined(shared.place(new Uint8Array(PLACES.EACH)));
  });

  it('has results where the guest says', () => {
    const results = Buffer.from('results');
    const last = PLACES.RESULTS + PLACES.EACH;
    writeSync(guest, results, 0, results.length, last);
    assert.deepEqual(Buffer.from(shared.take(encodePlace({ offset: last, bytes: results.length }))), results);
  });

  it('has no places that overlap, and none beyond its end', () => {
    assert.isAtMost(PLACES.BATCHES + 2 * PLACES.EACH, PLACES.RESULTS);
    assert.isAtMost(PLACES.RESULTS + 2 * PLACES.EACH, SHARED_BYTES);
  });

  for (const [what, offset, bytes] of [
    ['before their places', PLACES.BATCHES, 8],
    ['beyond the end', SHARED_BYTES - 4, 8],
    ['in no bounds', PLACES.RESULTS, PLACES.EACH + 1],
  ] as const) {
    it(`has no results ${what}`, () => {
      assert.throws(() => shared.take(encodePlace({ offset, bytes })), WireError);
    });
  }

  it('is told not to be there when there is no room for it', () => {
    assert.throws(() => new SharedMemory('/dev/full'), TestBedError, /no memory for host and guest to share/);
  });
});
