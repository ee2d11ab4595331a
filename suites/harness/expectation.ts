import { ERRNO, errnoName } from '../../models/base/errno.js';
import { present } from '../../models/base/assert.js';
import { readU32, sameBytes, viewOf, writeNumber } from '../../models/base/bytes.js';
import { hex } from '../../models/base/u64.js';
import { decodeRanges } from '../../models/layout/iova_range.js';
import { readMember } from '../../models/layout/struct.js';
import type { CallDescription } from '../../models/ioctls/description.js';
import type { Returned } from '../../models/outcome.js';
import {
  type RawIoctl,
  type RawStep,
  type RawTransfer,
  buffersOf,
  handleOf,
} from '../../models/program/raw.js';
import type { Profile } from '../../models/profiles/index.js';
import type { Expectation, InjectionExpectation } from './expected_step.js';

/**
 * Holds an answer against what a scenario expects of it.
 * @param step with its references resolved, so that unchanged bytes are known
 * @returns what is wrong, in words
 */
export function checkExpectation(
  expectation: Expectation,
  profile: Profile,
  step: RawStep,
  call: CallDescription | undefined,
  returned: Returned,
): string | undefined {
  const expected = expectedErrno(expectation, profile);
  const seen = errnoName(returned.errno);
  const { injection, or } = expectation;
  if (injection !== undefined) {
    const wrong = checkInjection(injection, profile, returned);
    if (wrong !== undefined) return wrong;
    if (returned.errno !== 0)
      return injection.writesBack === true ? undefined : checkUntouched(buffersOf(step), returned);
  }
  if (or === seen) return undefined;
  if (seen !== expected) return `expected ${expected}, saw ${seen}`;
  const { counters } = expectation;
  if (counters !== undefined) return checkCounters(counters, returned);
  const wanted = expectedValue(expectation, step);
  if (returned.errno === 0 && wanted !== undefined && returned.value !== wanted)
    return `expected to return ${String(wanted)}, saw ${String(returned.value)}`;
  if (step.do === 'read') {
    const { words = [] } = expectation;
    return words === 'any' ? undefined : checkWords(words, step, returned);
  }
  if (step.do !== 'ioctl' || call === undefined) return undefined;
  const fd = checkNewFd(step, returned);
  if (fd !== undefined) return fd;
  const behind = checkBehind(expectation, step.buffers, call, returned);
  if (behind !== undefined) return behind;
  const names = Object.keys(expectation.outputs);
  if (returned.errno !== 0 && names.length === 0) return checkUntouched(step.buffers, returned);
  for (const name of names) {
    const wrong = checkOutput(name, expectation, profile, step.buffers, call, returned);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

/** What must be returned on success, if that is known. */
function expectedValue({ value }: Expectation, step: RawStep): number | undefined {
  if (value !== 'descriptor') return value ?? (ANSWER_BY_VALUE.has(step.do) ? undefined : 0);
  const fd = step.do === 'ioctl' ? step.fds.find(({ direction }) => direction === 'hidden') : undefined;
  return handleOf(present(fd, 'a descriptor that the call makes').slot);
}

/** Steps whose scenarios say what is returned; all others return 0 on success. */
const ANSWER_BY_VALUE: ReadonlySet<RawStep['do']> = new Set(['read', 'write', 'poll']);

/** A call that succeeds and makes a descriptor has to tell it. */
function checkNewFd({ fds, buffers }: RawIoctl, { errno, out }: Returned): string | undefined {
  if (errno !== 0) return undefined;
  for (const fd of fds) {
    if (fd.direction !== 'out') continue;
    const bytes = out[fd.buffer] ?? buffers[fd.buffer]?.bytes ?? new Uint8Array();
    if (readU32(bytes, fd.offset) !== handleOf(fd.slot))
      return `expected the new descriptor at offset ${String(fd.offset)}, saw another number`;
  }
  return undefined;
}

/** What is made to fail may make the call fail: an allocation with ENOMEM, a place of iommufd's tests with an error of its own. */
function checkInjection(
  { isInjected, besides }: InjectionExpectation,
  profile: Profile,
  { errno, injected }: Returned,
): string | undefined {
  if (isInjected === 'yes' && injected === undefined) return 'expected something to fail, and nothing did';
  if (isInjected === 'no' && injected !== undefined) return 'the call makes more allocations than were tried';
  if (errno === 0 || injected === 'iommufd') return undefined;
  const seen = errnoName(errno);
  if (injected === undefined) return `expected OK, saw ${seen}, and nothing was made to fail`;
  return errno === ERRNO.ENOMEM || seen === besides?.[profile.id]
    ? undefined
    : `expected OK or ENOMEM, saw ${seen}`;
}

/** The answer that a profile's kernel must give. */
function expectedErrno({ errno }: Expectation, profile: Profile): string {
  return typeof errno === 'string' ? errno : (errno[profile.id] ?? `an answer for profile ${profile.id}`);
}

function checkCounters(
  expected: { pinned: number; locked: number },
  { counters }: Returned,
): string | undefined {
  const { pinned, locked } = counters ?? { pinned: -1, locked: -1 };
  if (pinned !== expected.pinned)
    return `expected ${String(expected.pinned)} pinned pages, saw ${String(pinned)}`;
  if (locked !== expected.locked)
    return `expected ${String(expected.locked)} locked pages, saw ${String(locked)}`;
  return undefined;
}

/** A read must have written the expected words and nothing behind them. */
function checkWords(
  words: readonly number[],
  { buffers }: RawTransfer,
  { out }: Returned,
): string | undefined {
  const given = buffers[0]?.bytes ?? new Uint8Array();
  const expected = given.slice();
  for (const [at, word] of words.entries()) writeNumber(expected, at * 4, 4, BigInt(word));
  const seen = out[0] ?? given;
  if (sameBytes(expected, seen)) return undefined;
  return `expected to read ${Buffer.from(expected).toString('hex')}, saw ${Buffer.from(seen).toString('hex')}`;
}

type Buffers = readonly { readonly bytes: Uint8Array }[];

function checkUntouched(buffers: Buffers, { out }: Returned): string | undefined {
  const touched = buffers.findIndex(({ bytes }, index) => !sameBytes(bytes, out[index] ?? bytes));
  if (touched < 0) return undefined;
  return `the failing call wrote to ${touched === 0 ? 'the struct' : `array ${String(touched)}`}`;
}

function checkBehind(
  { behind }: Expectation,
  buffers: Buffers,
  { layout }: CallDescription,
  { out }: Returned,
): string | undefined {
  if (behind === undefined) return undefined;
  const bytes = out[0] ?? buffers[0]?.bytes ?? new Uint8Array();
  const seen = bytes.subarray(layout.bytes, layout.bytes + behind.length);
  if (sameBytes(seen, behind)) return undefined;
  return `expected ${toHex(behind)} behind the struct, saw ${toHex(seen)}`;
}

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function checkOutput(
  name: string,
  { outputs }: Expectation,
  profile: Profile,
  buffers: Buffers,
  call: CallDescription,
  { out }: Returned,
): string | undefined {
  const stated = outputs[name];
  const expected =
    typeof stated === 'object' && 'byProfile' in stated ? (stated.byProfile[profile.id] ?? 0) : stated;
  const bytes1 = out[1] ?? buffers[1]?.bytes ?? new Uint8Array();
  if (expected instanceof Uint8Array) {
    const seen = Buffer.from(bytes1.subarray(0, expected.length)).toString('hex');
    const want = Buffer.from(expected).toString('hex');
    return want === seen ? undefined : `expected ${name} ${want}, saw ${seen}`;
  }
  if (typeof expected === 'object') {
    const bytes = bytes1;
    const seen = decodeRanges(bytes).slice(0, expected.length);
    const [want, got] = [
      formatRanges(expected),
      formatRanges(seen.map(({ start, last }) => [start, last] as const)),
    ];
    return want === got ? undefined : `expected ${name} ${want}, saw ${got}`;
  }
  const member = call.layout.memberOf(name);
  const bytes = out[0] ?? buffers[0]?.bytes;
  if (member === undefined || bytes === undefined) return `${call.name} has no member ${name} to look at`;
  const seen = readMember(member, viewOf(bytes));
  return BigInt(seen) === BigInt(expected ?? 0)
    ? undefined
    : `expected ${name} ${hex(expected ?? 0)}, saw ${hex(seen)}`;
}

function formatRanges(ranges: readonly (readonly [bigint, bigint])[]): string {
  return `[${ranges.map(([start, last]) => `${hex(start)}-${hex(last)}`).join(' ')}]`;
}
