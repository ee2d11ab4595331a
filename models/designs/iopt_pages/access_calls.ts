import { u64 } from '../framework/argument.js';
import { U64_MAX, rangeWraps } from '../../base/u64.js';
import { decidedInEffect } from '../framework/call.js';
import { FAILS_AT, GONE_RFC, IOAS, TIER_RULES, WRITE, iova, noIoas, onMachine } from './arguments.js';
import { type PinErrors, pinRange, releaseHolder } from './access_effect.js';
import { type Holder, type Ioas, type Machine, areasIn, ioasAt } from './state.js';

const ACCESS = 'RFC 07/12, iopt_access_pages';

const ERRORS: PinErrors = {
  hole: 'EINVAL.hole',
  write: 'EPERM.write',
  gone: 'EINVAL.mm',
  isReadExact: true,
};

/** Whether areas follow each other without a gap over a range. */
function isCovered(ioas: Ioas, start: bigint, bytes: bigint): boolean {
  let next = start;
  for (const area of areasIn(ioas, start, start + bytes - 1n)) {
    if (area.iova > next || area.pages === undefined) return false;
    next = area.last + 1n;
  }
  return next >= start + bytes;
}

/** A part of the usual mapping, all of it, and more. */
const LENGTH = u64('bytes', { usual: 0x4000n, values: [0x1_0000n, 0x8000n, 0n] });

export const accessPages = onMachine({
  name: 'iopt_access_pages',
  isKernel: true,
  doc: 'Pins the pages of a range for a user in the kernel.',
  source: ACCESS,
  args: {
    ioas: IOAS,
    iova: iova('the first IOVA'),
    length: LENGTH,
    write: WRITE,
    fails_at: FAILS_AT,
  },
  rules: [
    noIoas(ACCESS),
    { id: 'EINVAL.length', says: 'the length is 0', cite: ACCESS, when: ({ args }) => args.length === 0n },
    {
      id: 'EOVERFLOW.range',
      says: 'the range wraps',
      cite: ACCESS,
      when: ({ args }) => args.length === U64_MAX || rangeWraps(args.iova, args.length),
    },
    {
      id: 'EINVAL.hole',
      says: 'there is something else than contiguous mappings',
      cite: ACCESS,
      when: decidedInEffect,
      contradicts: ({ state, args }) =>
        isCovered(ioasAt(state, args.ioas), args.iova, args.length)
          ? 'a range that is mapped as a whole is refused'
          : undefined,
    },
    {
      id: 'EPERM.write',
      says: 'the pages are mapped for reading and the user writes, or the other way round',
      cite: 'RFC 06/12, iopt_pages_add_user',
      when: decidedInEffect,
    },
    {
      id: 'EINVAL.unaligned',
      says: 'areas meet inside of a page',
      cite: ACCESS,
      when: decidedInEffect,
    },
    ...TIER_RULES,
    GONE_RFC,
  ],
  effect: (c) => {
    const { state, args } = c;
    const holder = pinRange(c, {
      ioas: ioasAt(state, args.ioas),
      iova: args.iova,
      length: args.length,
      isWrite: args.write === 1,
      failsAt: args.fails_at,
      access: undefined,
      errors: ERRORS,
    });
    if (holder.parts.length > 0) state.holders.push(holder);
  },
});

interface Range {
  readonly ioas: number;
  readonly iova: bigint;
  readonly length: bigint;
}

/** Who has a range. */
function holderOf({ holders }: Machine, range: Range): Holder | undefined {
  return holders.find(
    ({ ioas, iova: start, length: bytes }) =>
      ioas.id === range.ioas && start === range.iova && bytes === range.length,
  );
}

export const unaccessPages = onMachine({
  name: 'iopt_unaccess_pages',
  isKernel: true,
  doc: 'Gives back the pages of a range that iopt_access_pages() has given.',
  source: 'RFC 07/12, iopt_unaccess_pages',
  args: { ioas: IOAS, iova: iova('the first IOVA'), length: LENGTH },
  rules: [
    {
      id: 'ENOENT.holder',
      says: 'nobody has such a range, so that nobody would call',
      cite: 'RFC 07/12',
      when: ({ state, args }) => holderOf(state, args) === undefined,
    },
  ],
  effect: (c) => {
    const holder = holderOf(c.state, c.args);
    if (holder !== undefined) releaseHolder(c, holder);
  },
});
