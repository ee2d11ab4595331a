import { PAGE_SIZE, U64_MAX, pageOffset, sumOverflows } from '../../base/u64.js';
import { choice, flags, u32, u64 } from '../framework/argument.js';
import { type DesignRule, callsOn, decidedInEffect } from '../framework/call.js';
import { PLACES } from './memory.js';
import { DEVICES, FIRST_IOAS, type Machine, SECOND_IOAS } from './state.js';

export const onMachine = callsOn<Machine>();

/** The address spaces that are there from the start, and an id that nothing has. */
const SPACES = { first: FIRST_IOAS, second: SECOND_IOAS, none: 77 } as const;

/** Random programs take those that are there. */
const THERE = [FIRST_IOAS, SECOND_IOAS] as const;

export const IOAS = { ...choice('the IOAS', SPACES, 'first'), values: THERE };
export const OTHER_IOAS = { ...choice('the IOAS to copy to', SPACES, 'second'), values: THERE };

export const DEVICE = choice('the device', DEVICES, 'dev0');

/** Who asks: a user with a limit of locked memory, root, or a child of the user that exits afterwards. */
export const CALLERS = { user: 0, root: 1, child: 2 } as const;

export const CALLER = choice('who maps', CALLERS, 'user');

/** Where the struct of the call is. */
export const PLACE = u32('where the struct is', { usual: 0, names: { memory: 0, read_only: 1 } });

export const MAP_FLAGS = { FIXED: 1, WRITEABLE: 2, READABLE: 4 } as const;

const USUAL_FLAGS = MAP_FLAGS.FIXED | MAP_FLAGS.WRITEABLE | MAP_FLAGS.READABLE;

export const FLAGS_OF_MAP = {
  ...flags('how to map', MAP_FLAGS, USUAL_FLAGS),
  values: [USUAL_FLAGS, MAP_FLAGS.FIXED | MAP_FLAGS.READABLE, MAP_FLAGS.WRITEABLE, MAP_FLAGS.FIXED, 0, 0x87],
};

/** IOVAs: where mappings usually are, inside of them, behind them, and the ends. */
const IOVAS = [0x10_0000n, 0x10_4000n, 0x10_8000n, 0n, 0x10_0200n, U64_MAX - 8n * PAGE_SIZE + 1n] as const;

export const iova = (doc: string, usual: bigint = IOVAS[0]): ReturnType<typeof u64> =>
  u64(doc, { usual, values: [...IOVAS] });

/** Random programs take what most of them can be made of. */
const USEFUL = ['contiguous', 'scattered', 'read_only', 'inside', 'top', 'end'].map(
  (name) => PLACES[name] ?? 0,
);

export const ADDRESS = { ...choice('the memory', PLACES, 'contiguous'), values: USEFUL };

/** Bytes. */
export const length = (usual = 8n * PAGE_SIZE): ReturnType<typeof u64> =>
  u64('bytes', { usual, values: [8n * PAGE_SIZE, 4n * PAGE_SIZE, 16n * PAGE_SIZE, 0x1800n, 0n, U64_MAX] });

export const LENGTH = length();

/** Which allocation fails: of the call's reader, its page array, and what enters pages into domains and the xarray. */
export const FAILS_AT = u32('which allocation fails, counted from 1; 0 for none', {
  usual: 0,
  values: [1, 2, 3, 4, 5, 6],
});

export const WRITE = choice('whether the user writes', { read: 0, write: 1 }, 'write');

/** How moving pages between tiers ends a call. */
export const TIER_RULES = [
  {
    id: 'EFAULT.memory',
    says: 'memory cannot be pinned',
    cite: 'pages.c:pfn_reader_user_pin',
    when: decidedInEffect,
  },
  {
    id: 'EFAULT.mm',
    says: 'the process that mapped the memory is gone',
    cite: 'pages.c:pfn_reader_user_pin',
    when: decidedInEffect,
  },
  {
    id: 'ENOMEM.limit',
    says: 'the limit of locked memory is reached, which is found out once all is pinned',
    cite: 'pages.c:iopt_pages_update_pinned',
    when: decidedInEffect,
  },
  {
    id: 'ENOMEM.allocation',
    says: 'an allocation fails',
    cite: 'pages.c:batch_init, batch_to_domain, batch_to_xarray',
    when: decidedInEffect,
  },
] as const;

/** The rule that a call of the RFC has for a process that is gone. */
export const GONE_RFC = {
  id: 'EINVAL.mm',
  says: 'the process that mapped the memory is gone',
  cite: 'RFC 05/12, pfn_reader_pin_pages',
  when: decidedInEffect,
} as const;

/** Whether memory goes beyond the last address; its end may not even be 2^64. */
export function isWrapping(address: bigint, length: bigint): boolean {
  return sumOverflows(address - pageOffset(address), pageOffset(address) + length);
}

/** A rule for a space that is not there. */
export function noIoas(
  cite: string,
): DesignRule<{ readonly state: Machine; readonly args: { readonly ioas: number } }> {
  return {
    id: 'ENOENT.ioas',
    says: 'no IOAS has the id',
    cite,
    when: ({ state, args }) => !state.spaces.has(args.ioas),
    reports: 'missing object',
  };
}
