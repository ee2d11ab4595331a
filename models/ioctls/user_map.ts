import { PAGE_SIZE, U64_MAX, pageOffset, sumOverflows } from '../base/u64.js';
import { present } from '../base/assert.js';
import { FillPlan } from '../state/fill.js';
import type { Ioas } from '../state/objects.js';
import { Area, Pages, type Protection } from '../state/pages.js';
import { type PageSource, USER_MEMORY } from '../state/page_source.js';
import { Placement } from '../state/placement.js';
import type { AccountMode } from '../state/process.js';
import { chooseIova } from './choices.js';
import { type CallContext, type Rule, once } from './description.js';
import { FILL_RULES, IOAS_MAP_FLAGS, protectionOf } from './shared_rules.js';

const ALLOC = 'pages.c:iopt_alloc_user_pages';
const INSERT = 'io_pagetable.c:iopt_insert_area';

/** What a call that maps user memory looks up. */
export interface UserMap {
  readonly ioas: Ioas | undefined;
  readonly placement: Placement;
  /** The area and what filling the domains with it takes; undefined where it has no place. */
  readonly plan: () => FillPlan | undefined;
}

/**
 * What mapping user memory can fail with once the IOAS is found, in the kernel's order. Source: io_pagetable.c:iopt_map_user_pages.
 * @param placementRules of the kinds of placement that the call has
 */
export function userMapRules(placementRules: readonly Rule<UserMap>[]): readonly Rule<UserMap>[] {
  return [
    {
      id: 'EOVERFLOW.user_va_wrap',
      says: 'the address of the memory plus its length is 2^64 or more',
      cite: ALLOC,
      when: ({ placement: { request } }) => sumOverflows(request.address, request.length),
    },
    {
      id: 'EINVAL.length_zero',
      says: 'the length is 0',
      cite: 'pages.c:iopt_alloc_pages',
      when: ({ placement: { request } }) => request.length === 0n,
    },
    LENGTH_LIMIT,
    ...placementRules,
    startMisaligned('user_va', 'address'),
    PAGE_COUNT,
    ...FILL_RULES,
  ];
}

/** Source: pages.c:iopt_alloc_pages. */
export const LENGTH_LIMIT: Rule<Pick<UserMap, 'placement'>> = {
  id: 'EINVAL.length_limit',
  says: 'the length exceeds 2^64 - 1 - PAGE_SIZE',
  cite: 'pages.c:iopt_alloc_pages',
  when: ({ placement: { request } }) => request.length > U64_MAX - PAGE_SIZE,
};

/** Where the memory starts within its page must suit the alignment. */
export function startMisaligned(member: string, start: string): Rule<Pick<UserMap, 'ioas' | 'placement'>> {
  return {
    id: `EINVAL.${member}_alignment`,
    says: `the ${start} within its page is not a multiple of the alignment of the IOAS`,
    cite: INSERT,
    when: ({ placement: { request }, ioas }) =>
      ioas !== undefined && (pageOffset(request.address) & (ioas.table.alignment - 1n)) !== 0n,
  };
}

/** Source: io_pagetable.c:iopt_insert_area. */
export const PAGE_COUNT: Rule<Pick<UserMap, 'placement'>> = {
  id: 'EOVERFLOW.page_count',
  says: 'the pages that the range touches cannot be counted in 64 bits of bytes',
  cite: INSERT,
  when: ({ placement: { request } }) =>
    request.length <= U64_MAX - PAGE_SIZE &&
    request.length + pageOffset(request.address) > U64_MAX - PAGE_SIZE + 1n,
  splat: { title: 'WARNING in iopt_insert_area', finding: 'map-page-count-warn' },
};

/** The members by which MAP and MAP_FILE say where a mapping goes, and what it permits. */
interface MapArgs {
  flags: number;
  ioas_id: number;
  iova: bigint;
  length: bigint;
}

/**
 * Looks up what MAP and MAP_FILE do.
 * @param address where the memory begins, or the offset in a file
 * @param source where it comes from; undefined if that is not there
 */
export function lookUpMap(
  c: CallContext<MapArgs>,
  address: bigint,
  source: () => PageSource | undefined = () => USER_MEMORY,
): UserMap {
  const { args, file, profile } = c;
  const ioas = file.objects.findOfType(args.ioas_id, 'IOAS');
  const isFixed = (args.flags & IOAS_MAP_FLAGS.FIXED_IOVA) !== 0;
  const request = { isFixed, iova: args.iova, length: args.length, address };
  const placement = new Placement(ioas?.table, request, profile.automaticAlignmentMax);
  const plan = once(() => {
    const memory = source();
    if (memory === undefined) return undefined;
    return planUserMap(c, { ioas, placement }, protectionOf(args.flags), 'iova', memory);
  });
  return { ioas, placement, plan };
}

/** Carries out MAP or MAP_FILE, and tells where the mapping is. */
export function mapAndTell(c: CallContext<{ iova: bigint }> & UserMap): void {
  c.args.iova = mapUser(c).iova;
}

/**
 * Plans the area of a mapping.
 * @param field where user space finds the IOVA
 * @param source where the memory comes from
 */
export function planUserMap(
  c: CallContext<unknown>,
  { ioas, placement }: Pick<UserMap, 'ioas' | 'placement'>,
  protection: Protection,
  field: string,
  source: PageSource = USER_MEMORY,
): FillPlan | undefined {
  const { address, length } = placement.request;
  if (ioas === undefined || length === 0n || placement.iova === undefined) return undefined;
  const pages = new Pages(address, protection.write, accountMode(c, source), c.world.process, source);
  const iova = chooseIova(c, field, placement);
  const area = new Area(iova, iova + length - 1n, pages, pageOffset(address), protection);
  return new FillPlan([area], ioas.table, c.world.process);
}

/** Carries out a mapping without objection. */
export function mapUser({ ioas, plan }: UserMap): Area {
  const planned = present(plan(), 'a mapping without objection');
  planned.commit();
  const area = present(planned.areas[0], 'area');
  const { source } = area.pages;
  if (source.kind !== 'user') source.hold();
  present(ioas, 'IOAS').table.insert(area);
  return area;
}

/** Source: pages.c:iopt_alloc_pages, io_pagetable.c:iopt_map_common. */
function accountMode({ world, file }: CallContext<unknown>, { kind }: PageSource): AccountMode {
  if (kind === 'dmabuf' || world.process.capabilities.has('CAP_IPC_LOCK')) return 'NONE';
  return file.accountMode === 'MM' ? 'MM' : 'USER';
}
