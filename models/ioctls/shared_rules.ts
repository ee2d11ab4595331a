import { PAGE_SIZE, U64_MAX, rangeWraps } from '../base/u64.js';
import { mayBeForeign } from '../program/raw.js';
import type { AccessPinFailure } from '../state/access_pins.js';
import type { Device, Ioas } from '../state/objects.js';
import type { AddDomainFailure } from '../state/attach.js';
import type { Protection } from '../state/pages.js';
import type { Placement } from '../state/placement.js';
import type { CallContext, Failing, Leftover, Rule } from './description.js';

/** IOMMU_IOAS_MAP_*: how an area is placed and what it permits. Source: iommufd.h, enum iommufd_ioas_map_flags. */
export const IOAS_MAP_FLAGS = { FIXED_IOVA: 1, WRITEABLE: 2, READABLE: 4 } as const;

const PERMISSIONS = IOAS_MAP_FLAGS.WRITEABLE | IOAS_MAP_FLAGS.READABLE;

/** conv_iommu_prot: what the flags of MAP and COPY permit. Source: ioas.c. */
export function protectionOf(flags: number): Protection {
  return {
    read: (flags & IOAS_MAP_FLAGS.READABLE) !== 0,
    write: (flags & IOAS_MAP_FLAGS.WRITEABLE) !== 0,
  };
}

/** Whether a word has a bit outside a set of flags. */
export function hasUnknownBits(word: number, flags: Readonly<Record<string, number>>): boolean {
  return (word & ~knownBits(flags)) !== 0;
}

const KNOWN_BITS = new WeakMap<object, number>();

function knownBits(flags: Readonly<Record<string, number>>): number {
  const known = KNOWN_BITS.get(flags) ?? Object.values(flags).reduce((bits, bit) => bits | bit, 0);
  KNOWN_BITS.set(flags, known);
  return known;
}

/** flags of MAP and COPY: unknown bits. */
export function unknownMapFlags(cite: string): Rule<CallContext<{ flags: number }>> {
  return {
    id: 'EOPNOTSUPP.flags',
    says: 'flags has a bit besides FIXED_IOVA, WRITEABLE and READABLE',
    cite,
    when: ({ args }) => hasUnknownBits(args.flags, IOAS_MAP_FLAGS),
  };
}

/** flags of MAP and COPY: neither direction permitted. */
export function noAccessRequested(cite: string): Rule<CallContext<{ flags: number }>> {
  return {
    id: 'EINVAL.no_access',
    says: 'flags has neither WRITEABLE nor READABLE',
    cite,
    when: ({ args }) => (args.flags & PERMISSIONS) === 0,
  };
}

/** The `__reserved` member must be zero. */
export function reservedNotZero(cite: string): Rule<CallContext<{ __reserved: number }>> {
  return {
    id: 'EOPNOTSUPP.reserved',
    says: '__reserved is not 0',
    cite,
    when: ({ args }) => args.__reserved !== 0,
  };
}

/** The length of a range is 0. */
export function emptyRange(cite: string): Rule<{ readonly args: { readonly length: bigint } }> {
  return {
    id: 'EINVAL.length_zero',
    says: 'length is 0',
    cite,
    when: ({ args }) => args.length === 0n,
  };
}

/**
 * The last byte of a range cannot be addressed; an empty range has none.
 * @param startOf where it begins
 */
export function rangeTooHigh<C extends { readonly args: { readonly length: bigint } }>(
  cite: string,
  startOf: (c: C) => bigint,
): Rule<C> {
  return {
    id: 'EOVERFLOW.wrap',
    says: 'the range goes beyond 2^64',
    cite,
    when: (c) => c.args.length > 0n && rangeWraps(startOf(c), c.args.length),
  };
}

/**
 * A member of 64 bits is as large as it can be.
 * @param remark what else is to be said of it
 */
export function memberIsMax<M extends string>(
  cite: string,
  member: M,
  remark = '',
): Rule<{ readonly args: Readonly<Record<M, bigint>> }> {
  return {
    id: `EOVERFLOW.${member}_max`,
    says: `${member} is 2^64 - 1${remark}`,
    cite,
    when: ({ args }) => args[member] === U64_MAX,
  };
}

/** Of a member that is looked at whatever the flags say. */
export const EVEN_UNUSED = ', even where it is not used';

/** The call's IOAS does not exist, or the id is of another type. */
export function noSuchIoas(cite: string): Rule<{ ioas: Ioas | undefined }> {
  return {
    id: 'ENOENT.ioas',
    says: 'no IOAS of this file has the id',
    cite,
    when: ({ ioas }) => ioas === undefined,
  };
}

/** The call's device does not exist, or the id is of another type. */
export function noSuchDevice(cite: string): Rule<{ device: Device | undefined }> {
  return {
    id: 'ENOENT.device',
    says: 'no device of this file has the id dev_id',
    cite,
    when: ({ device }) => device === undefined,
  };
}

/** The answer cannot be written back; without `leaves` the kernel undoes what it did, all but what pinning does to memory. */
export function cannotRespond<C extends Pick<CallContext<unknown>, 'canRespond'>>(
  leaves?: Omit<Leftover<C>, 'cite'>,
): Rule<C> {
  const cite = 'iommufd_private.h:iommufd_ucmd_respond';
  return {
    id: 'EFAULT.respond',
    says: 'the struct cannot be written back',
    cite,
    when: (c) => !c.canRespond(),
    ...(leaves === undefined ? {} : { leaves: { ...leaves, cite }, finding: { id: 'fault-keeps-effect' } }),
  };
}

/** A descriptor is passed by a number that the program cannot know. */
export const FOREIGN_FD: Rule<{ readonly passedFd: number }> = {
  id: 'unspecified.fd',
  says: 'the number is no handle, and may be of a descriptor of the agent',
  cite: 'models/program/raw.ts',
  when: ({ passedFd }) => mayBeForeign(passedFd),
};

const LENGTH_MISALIGNED: Rule<{ placement: Placement }> = {
  id: 'EINVAL.length_alignment',
  says: 'length is not a multiple of the alignment of the IOAS',
  cite: 'io_pagetable.c:iopt_alloc_area_pages',
  when: ({ placement }) => placement.isLengthMisaligned,
};

const AUTOMATIC_RULES: readonly Rule<{ placement: Placement }>[] = [
  {
    id: 'EOVERFLOW.automatic_length',
    says: 'an automatic IOVA is asked for 2^63 - 1 bytes or more',
    cite: 'io_pagetable.c:iopt_alloc_iova',
    when: ({ placement }) => placement.isTooLongForAutomatic,
  },
  {
    id: 'EINVAL.automatic_alignment',
    says: 'the alignment that length and address leave to an automatic IOVA is below that of the IOAS',
    cite: 'io_pagetable.c:iopt_alloc_iova',
    when: ({ placement }) => placement.isAutomaticAlignmentTooSmall,
  },
  {
    id: 'ENOSPC.no_hole',
    says: 'no hole of the allowed ranges takes the area',
    cite: 'io_pagetable.c:iopt_alloc_iova',
    when: ({ placement }) => placement.hasNoHole,
  },
];

const FIXED_RULES: readonly Rule<{ placement: Placement }>[] = [
  {
    id: 'EINVAL.iova_alignment',
    says: 'the fixed IOVA is not a multiple of the alignment of the IOAS',
    cite: 'io_pagetable.c:iopt_check_iova',
    when: ({ placement }) => placement.isFixedMisaligned,
  },
  {
    id: 'EOVERFLOW.iova_wrap',
    says: 'the fixed range goes beyond 2^64',
    cite: 'io_pagetable.c:iopt_check_iova',
    when: ({ placement }) => placement.isFixedWrapping,
  },
  {
    id: 'EINVAL.iova_reserved',
    says: 'the fixed range meets a reserved range',
    cite: 'io_pagetable.c:iopt_check_iova',
    when: ({ placement }) => placement.isFixedReserved,
  },
  {
    id: 'EEXIST.area',
    says: 'the fixed range meets an existing area',
    cite: 'io_pagetable.c:iopt_check_iova',
    when: ({ placement }) => placement.isFixedOccupied,
  },
];

/** What placing an area can fail with, in the kernel's order. Source: io_pagetable.c:iopt_alloc_area_pages. */
export const PLACEMENT_RULES = [LENGTH_MISALIGNED, ...AUTOMATIC_RULES, ...FIXED_RULES] as const;

/** The same for calls that place at fixed IOVAs only. */
export const FIXED_PLACEMENT_RULES = [LENGTH_MISALIGNED, ...FIXED_RULES] as const;

const DISABLE = 'io_pagetable.c:iopt_disable_large_pages';

interface LargePagesOff {
  /** The IOAS whose large pages the call turns off; undefined where it does not, or they are off. */
  ioasWithoutLarge(): Ioas | undefined;
}

/** What turning large pages off can fail with. */
export const LARGE_PAGES_OFF_RULES: readonly Rule<LargePagesOff>[] = [
  {
    id: 'EINVAL.mapped',
    says: 'large pages are disabled while the IOAS has areas in a domain',
    cite: DISABLE,
    when: (c) => c.ioasWithoutLarge()?.table.hasAreasInDomain ?? false,
  },
  {
    id: 'EADDRINUSE.alignment',
    says: 'large pages are disabled while an area is not aligned to pages',
    cite: DISABLE,
    when: (c) => c.ioasWithoutLarge()?.table.areasKeepTo(PAGE_SIZE) === false,
  },
];

/** Looking at memory by an address makes its pages, which may be made to fail. */
export const NO_PAGE: Failing<unknown> = {
  of: 'memory',
  errno: 'ENOMEM',
  what: 'a page of the memory could not be made',
  cite: 'mm/gup.c:faultin_page',
};

type FailureToFill = AddDomainFailure | AccessPinFailure | undefined;

interface Filling {
  /** What filling the domains takes; undefined where there is nothing to fill them with. */
  plan(): { readonly failure: FailureToFill; reach(): void } | undefined;
}

/** What pinning has done to memory before a failure, and unpinning does not undo. Nothing where no plan was made. */
export const REACHED: Leftover<{ plan(): { reach(): void } | undefined }> = {
  what: 'pages of private mappings of files stay copied, as many as were pinned before',
  cite: 'mm/internal.h:gup_must_unshare',
  changesOnly: 'contents',
  does: (c) => {
    c.plan()?.reach();
  },
};

/** A rule that is only asked after a new page table is filled, which is undone if it applies. */
export function afterFilling<C extends Pick<Filling, 'plan'>>(rule: Rule<C>): Rule<C> {
  return { ...rule, leaves: REACHED };
}

const MEMLOCK: Rule<Filling> = {
  id: 'ENOMEM.memlock',
  says: 'the pages to pin exceed RLIMIT_MEMLOCK',
  cite: 'pages.c:iopt_pages_update_pinned',
  when: (c) => c.plan()?.failure === 'memlock',
  leaves: REACHED,
};

/** What pinning and charging memory of a process can fail with. Source: pages.c:pfn_reader_user_pin, iopt_pages_update_pinned. */
export const FILL_RULES: readonly Rule<Filling>[] = [
  {
    id: 'EFAULT.user_memory',
    says: 'a page of the memory is not mapped, or not accessible as the mapping asks',
    cite: 'pages.c:pfn_reader_user_pin',
    when: (c) => c.plan()?.failure === 'fault',
    leaves: REACHED,
  },
  {
    id: 'EOVERFLOW.user_memory_end',
    says: 'the first chunk of pages to pin ends at 2^64',
    cite: 'mm/gup.c:gup_fast_fallback',
    when: (c) => c.plan()?.failure === 'end_of_space',
    leaves: REACHED,
  },
  MEMLOCK,
  {
    id: 'unspecified.user_memory',
    says: 'the memory to pin lies outside the arena, where the model cannot see it',
    cite: 'models/program/arena.ts',
    when: (c) => c.plan()?.failure === 'unknown',
  },
];

/** An area that permits nothing cannot be mapped; only VFIO makes such areas. */
export const NOTHING_PERMITTED: Rule<Filling> = {
  id: 'EINVAL.nothing_permitted',
  says: 'an area that permits neither reading nor writing is to be mapped into a generic page table',
  cite: 'drivers/iommu/generic_pt/iommu_pt.h:map_range',
  isFor: (profile) => profile.hasGenericPageTable,
  when: (c) => c.plan()?.failure === 'no_access',
  leaves: REACHED,
  splat: { title: 'WARNING in amdv1_mock_map_range', finding: 'map-without-access-warn' },
};

const FILE_PAGES: Rule<Filling> = {
  id: 'EINVAL.file_pages',
  says: 'a file of which pages are to be pinned is no file of memory, or ends before the last of them does',
  cite: 'mm/gup.c:memfd_pin_folios',
  isFor: ({ hasFileMappings }) => hasFileMappings,
  when: (c) => c.plan()?.failure === 'file',
  leaves: REACHED,
};

/** What pinning and charging pages of a file can fail with. */
export const FILE_FILL_RULES: readonly Rule<Filling>[] = [FILE_PAGES, MEMLOCK];

/** The same for areas of any kind, whose memory may have been pinned before. */
export const ANY_FILL_RULES: readonly Rule<Filling>[] = [
  FILE_PAGES,
  ...FILL_RULES,
  {
    id: 'unspecified.payer_is_gone',
    says: 'a process that is gone is charged for more pages than are pinned, and none is to be pinned: the kernel unlocks its memory, which nobody has locked, and waits for it for ever',
    cite: 'pages.c:update_mm_locked_vm',
    isFor: ({ hasFileMappings }) => hasFileMappings,
    when: (c) => c.plan()?.failure === 'payer_is_gone',
    splat: { title: 'WARNING in __up_read', finding: 'gone-payer-hangs' },
  },
];

const ADD_DOMAIN = 'io_pagetable.c:iopt_table_add_domain';

/** What giving an IOAS a new domain can fail with, in the kernel's order. */
export const ADD_DOMAIN_RULES: readonly Rule<Filling>[] = [
  {
    id: 'EADDRINUSE.alignment',
    says: 'an area of the IOAS is not aligned to the smallest page of the new domain',
    cite: ADD_DOMAIN,
    when: (c) => c.plan()?.failure === 'misaligned_area',
  },
  {
    id: 'EADDRINUSE.aperture',
    says: 'an area or an allowed range of the IOAS lies outside the aperture of the new domain',
    cite: ADD_DOMAIN,
    when: (c) => c.plan()?.failure === 'outside_aperture',
  },
  {
    id: 'unspecified.misaligned_slice',
    says: 'an area that was copied in is misaligned, and an IOAS without large pages maps beyond it',
    cite: 'pages.c:batch_iommu_map_small',
    when: (c) => c.plan()?.failure === 'misaligned',
    splat: { title: 'WARNING in batch_to_domain', finding: 'copy-maps-behind-slice' },
  },
  ...ANY_FILL_RULES,
  NOTHING_PERMITTED,
];
