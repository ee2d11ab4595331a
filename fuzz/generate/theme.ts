import { HWPT_FLAGS } from '../../models/ioctls/native/hwpt_alloc.js';
import { OPTIONS, OPTION_OPS } from '../../models/ioctls/native/option.js';
import { VIOMMU_TYPES } from '../../models/ioctls/native/viommu_alloc.js';
import { IOAS_MAP_FLAGS } from '../../models/ioctls/shared_rules.js';
import type { FdKind } from '../../models/layout/field.js';
import { PASID_FAILING } from '../../models/hardware/mock_device.js';
import type { Profile } from '../../models/profiles/index.js';
import type { IoctlStep } from '../../models/program/program.js';
import type { ChangedBiases } from './biases.js';
import type { FileKind } from './files.js';
import type { ProcessKind } from './processes.js';
import type { ObjectType } from '../../models/state/objects.js';

/** A call, maybe with some of its arguments given. */
export interface CallKind {
  readonly call: string;
  /** Arguments that are not left to chance. */
  readonly args?: IoctlStep['args'];
  /** Members that take the newest object of a type, or descriptor of a kind of files, if there is one. */
  readonly newest?: Readonly<Record<string, ObjectType | FdKind>>;
  /** Members that take the oldest one. */
  readonly oldest?: Readonly<Record<string, ObjectType>>;
  /** Where the struct lies that the kernel cannot write its answer to; without it, that is left to chance. */
  readonly at?: 'sealed';
}

/** What a draw adds to a program: a call, something that is no ioctl, or several of these one after another. */
export type Kind =
  | 'child'
  | 'counters'
  | 'huge_pages'
  | 'lanes'
  | 'events'
  | FileKind
  | ProcessKind
  | 'memory'
  | 'process'
  | 'second_file'
  | CallKind
  | { readonly inTurn: readonly Kind[] };

/** The calls among the kinds, also of those that come in turn. */
export function callsOf(kinds: readonly Kind[]): readonly CallKind[] {
  return kinds.flatMap((kind) => {
    if (typeof kind === 'string') return [];
    return 'call' in kind ? [kind] : callsOf(kind.inTurn);
  });
}

/** What a program is mostly about. Programs of one theme reach combinations that a uniform mixture hardly ever does. */
export interface Theme {
  /** In a sentence. */
  readonly about: string;
  /** The first steps of the program. */
  readonly prelude: readonly Kind[];
  /** What is more unusual than elsewhere, or less. */
  readonly biases?: ChangedBiases;
  /** Which kernels it makes sense for; without it, all. */
  readonly isFor?: (profile: Profile) => boolean;
  /** The other steps are drawn from these; what stands there more often comes more often. */
  readonly kinds: readonly Kind[];
}

/** How often kinds come, relative to one another: what builds state comes often, what only asks comes rarely. */
export type Weights = Readonly<Record<string, number>>;

export function spread(weights: Weights): Kind[] {
  return Object.entries(weights).flatMap(([name, weight]) => times(weight, kindOf(name)));
}

/** Kinds that come so many times as often. */
export function times(count: number, ...kinds: readonly Kind[]): Kind[] {
  return new Array<readonly Kind[]>(count).fill(kinds).flat();
}

function kindOf(name: string): Kind {
  return /^(IOMMU|VFIO)_/.test(name) ? { call: name } : (name as Exclude<Kind, object>);
}

/** READABLE and WRITEABLE, and with them FIXED_IOVA. */
export const ANYWHERE = IOAS_MAP_FLAGS.READABLE | IOAS_MAP_FLAGS.WRITEABLE;
export const FIXED = ANYWHERE | IOAS_MAP_FLAGS.FIXED_IOVA;

/** Makes an IOAS the one that calls of VFIO work on. */
export const SET_COMPAT = { call: 'IOMMU_VFIO_IOAS', args: { op: 1 } } as const;

export const ALLOC: Kind = { call: 'IOMMU_IOAS_ALLOC' };
export const DEVICE: Kind = { call: 'IOMMU_TEST_OP_MOCK_DOMAIN' };

export const DEVICE_WITH_PASIDS: Kind = { call: 'IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', args: { dev_flags: 4 } };

/** ALLOC_PASID, and with it NEST_PARENT. */
export const PAGE_TABLE_FOR_PASIDS: Kind = { call: 'IOMMU_HWPT_ALLOC', args: { flags: 8 } };
export const PARENT_FOR_PASIDS: Kind = { call: 'IOMMU_HWPT_ALLOC', args: { flags: 9 } };

/** A page table that nested ones may be made on. */
export const PARENT: Kind = {
  call: 'IOMMU_HWPT_ALLOC',
  args: { flags: HWPT_FLAGS.NEST_PARENT, data_type: 0, data_len: 0 },
};

/** A guest on it. */
export const NEWEST_VIOMMU: Kind = {
  call: 'IOMMU_VIOMMU_ALLOC',
  args: { flags: 0, type: VIOMMU_TYPES.SELFTEST, data_len: 0 },
  newest: { hwpt_id: 'HWPT_PAGING' },
};

/** For the member of calls that names an IOAS. */
export const TO_NEWEST = { ioas_id: 'IOAS' } as const;

/** An access to the newest IOAS. */
export function newestAccess(flags: number): Kind {
  return { call: 'IOMMU_TEST_OP_CREATE_ACCESS', args: { flags }, newest: { id: 'IOAS' } };
}

/** Leaves of one page, so that areas can be cut. */
export const SMALL_PAGES: Kind = {
  call: 'IOMMU_OPTION',
  args: { option_id: OPTIONS.HUGE_PAGES, op: OPTION_OPS.SET, val64: 0n },
};

/** The automatic page table that a device comes with keeps its PASIDs from being attached. */
export const DETACH_DEVICE: Kind = { call: 'IOMMU_TEST_OP_PASID_DETACH', args: { pasid: 0 } };
export const ATTACH_DEVICE: Kind = { call: 'IOMMU_TEST_OP_PASID_ATTACH', args: { pasid: 0 } };

/** The PASID whose moves fail every other time. */
export const ATTACH_FAILING: Kind = { call: 'IOMMU_TEST_OP_PASID_ATTACH', args: { pasid: PASID_FAILING } };
export const MOVE_FAILING: Kind = { call: 'IOMMU_TEST_OP_PASID_REPLACE', args: { pasid: PASID_FAILING } };
