import type { Errno } from '../base/errno.js';
import type { ArgsOf, FieldTable } from '../layout/field.js';
import {
  type Member,
  type Segment,
  type StructLayout,
  layoutSegments,
  layoutStruct,
} from '../layout/struct.js';
import type { FindingId } from '../findings.js';
import type { Profile } from '../profiles/index.js';
import type { CallMemory } from '../state/call_memory.js';
import type { IommufdFile } from '../state/iommufd_file.js';
import type { OpenFile, VfioFile } from '../state/open_file.js';
import type { World } from '../state/world.js';

/** What a call's rules and effect see. */
export interface CallContext<A> {
  readonly world: World;
  /** The iommufd that the call is on; calls on files of VFIO ask for `opened`. */
  readonly file: IommufdFile;
  /** The file that the call is on. */
  readonly opened: OpenFile;
  readonly profile: Profile;
  /** The kernel's copy of the struct; effects write results into it. */
  readonly args: A;
  /** The user pointer of the call. */
  readonly pointer: bigint;
  readonly memory: CallMemory;
  /** Opens a file in the slot that takes the call's new descriptor, and returns its handle. */
  installFd(file: OpenFile, closesOnExec: boolean): number;
  /** Whether the kernel can write its answer into the struct. */
  canRespond(): boolean;
  /**
   * A result that the kernel is free to choose by the documented uAPI.
   * @param field where user space finds it
   * @param exact what the profile's kernel chooses
   * @param isLegal whether the uAPI allows a value
   */
  choose<T extends number | bigint>(this: void, field: string, exact: T, isLegal: (value: T) => boolean): T;
  /**
   * What user memory holds after the call, for bytes that the model cannot know; undefined while it predicts.
   * @param field the pointer to them
   */
  observe(this: void, field: string, address: bigint, count: number): Uint8Array | undefined;
}

/** The answer of a rule: an error, that the model cannot tell, or, of calls that overlap, a success that is not as usual. */
export type RuleId = `${Errno | 'unspecified' | 'OK'}.${string}`;

/**
 * One reason for which a call fails. Rules stand in the order in which the kernel checks; `when` answers for itself, whatever
 * the rules before it said, because the contract reading lets any true rule win.
 */
export interface Rule<C> {
  readonly id: RuleId;
  /** What is the case when the rule applies, as half a sentence: "the IOAS does not exist". */
  readonly says: string;
  /** Where the kernel decides so. */
  readonly cite: string;
  /** Which kernels have the rule; without it, all. */
  readonly isFor?: (profile: Profile) => boolean;
  when(this: void, c: C): boolean;
  /** The exception from "a failing call changes nothing and writes nothing". */
  readonly leaves?: Leftover<C>;
  /** A kernel warning that comes with the answer: a kernel finding. */
  readonly splat?: Splat;
  /** Warnings that may come with the answer, because of what the kernel does before it comes to it. */
  maySplat?(this: void, c: C): readonly Splat[];
  /** The kernel finding that the answer is. */
  readonly finding?: RuleFinding<C>;
}

/** A kernel finding that an answer is, always or where it is shown. */
export interface RuleFinding<C> {
  readonly id: FindingId;
  /** Asked before the answer changes anything. */
  isShown?(this: void, c: C): boolean;
}

/** How far a call may change things: not at all, only in what pages of memory hold and whose they are, or as it likes. */
export type Leave = 'nothing' | 'contents' | 'anything';

/** What a failing call does all the same. */
export interface Leftover<C> {
  readonly what: string;
  readonly cite: string;
  does(c: C): void;
  /** That it is no more than what pages of memory hold. */
  readonly changesOnly?: 'contents';
  /** Whether the struct is written back as after success. */
  readonly isResponding?: boolean;
}

/** What a call does in which something is made to fail, where that is not an error with everything as it was. */
export interface Failing<C> {
  /** An allocation, or a place that iommufd has for its own tests. */
  readonly of: 'memory' | 'test';
  readonly errno: Errno | 'OK';
  readonly what: string;
  readonly cite: string;
  /** Which kernels; without it, all. */
  readonly isFor?: (profile: Profile) => boolean;
  /** @param nth which place was made to fail, from 1 */
  when?(this: void, c: C, nth: number): boolean;
  does?(this: void, c: C, nth: number): void;
  /** Whether the struct is written back. */
  readonly isResponding?: boolean;
  /** What nobody can say of the state then, if there is something; a later answer that does not fit may come of it. */
  readonly doubt?: string;
  /** Kernel messages that may come then, or later because of it. */
  readonly maySplat?: readonly Splat[];
}

/** A console message that user space can provoke. */
export interface Splat {
  /** The title that the console parser gives it. */
  readonly title: string;
  readonly finding: FindingId;
  /** Whether the kernel prints it only the first time. */
  readonly isOnce?: boolean;
  /** Titles of what may follow it, as long as the kernel runs. */
  readonly followedBy?: readonly string[];
}

/** Something a call does, although it succeeds, that its documentation does not say, or denies. */
export interface CallFinding<C> {
  readonly id: FindingId;
  /** Half a sentence. */
  readonly says: string;
  /** Whether a call shows it; asked before its effect. */
  isShown(this: void, c: C): boolean;
}

/** The part of the struct that the kernel writes on success. */
export type Response = 'struct' | 'nothing' | { readonly member: string };

/**
 * Whose conventions a call keeps. An `iommufd` struct starts with `size` and may be longer than the kernel's if the rest is 0;
 * a `vfio` one starts with `argsz`, of which the kernel reads only what it requires, and what lies behind is room for answers; a `plain`
 * one has no member that says how long it is.
 * Source: main.c:iommufd_fops_ioctl; vfio_compat.c:iommufd_vfio_ioctl.
 */
export type Protocol = 'iommufd' | 'vfio' | 'plain';

/** What a call is made on: an iommufd, which also takes calls of VFIO, or a file of VFIO's own. */
export type CalledFile = 'iommufd' | VfioFile['kind'];

/** What any call says of itself. */
interface CallIdentity {
  readonly name: string;
  /** The ioctl number. */
  readonly command: number;
  /** Selects the operation of a multiplexed command. */
  readonly op?: number;
  /** Without it, `iommufd`. */
  readonly on?: CalledFile;
  /** Without it, `iommufd`. */
  readonly protocol?: Protocol;
  /** Kernels that have another protocol for it: the older one. */
  readonly isVfioFor?: (profile: Profile) => boolean;
  readonly doc: string;
  /** Where the kernel implements it. */
  readonly source: string;
  /** Whether memory exhaustion is an answer the contract allows; it is never one of a machine with memory to spare. */
  readonly allocates: boolean;
  /** Whether the call makes a descriptor and does not tell its number. */
  readonly hidesFd?: boolean;
}

/** The face of a call: what user space passes, and what comes back. `F` is its field table. */
export interface CallInterface<F extends FieldTable> extends CallIdentity {
  /** The last member that user space must know of; `none` where the kernel reads as far as it needs to. */
  readonly lastRequired: (keyof F & string) | 'none';
  /** A function if it depends on what user space passed. */
  readonly respond: Response | ((this: void, args: ArgsOf<F>) => Response);
}

/** What rules and effect look up before they decide. Pure; `R` may hold values computed on demand (`once`). */
export type Lookup<A, R extends object> = (c: CallContext<A>) => R;

/** What a call does. */
export interface CallBehaviour<C> {
  /** In the order in which the newest kernel checks. */
  readonly rules: readonly Rule<C>[];
  /** What success shows that contradicts the documentation. */
  readonly findings?: readonly CallFinding<C>[];
  /** What is special about a call in which something is made to fail. */
  readonly failing?: readonly Failing<C>[];
  /** Whether the call may have done a part of its work when it is made to fail, of which nobody can say how much. */
  isPartial?(this: void, c: C): boolean;
  /** What success changes, and the results it writes into `args`; without it, nothing. */
  effect?(this: void, c: C): void;
  /** What the ioctl returns on success; without it, 0. */
  returns?(this: void, c: C): number;
}

/** The decoded struct of any call. */
export type AnyArgs = Record<string, number | bigint>;
/** The context of any call, before a description's own types. */
export type AnyContext = CallContext<AnyArgs>;
export type AnyRule = Rule<AnyContext>;

/** The member that takes the number of a new descriptor, or that none does. */
export type NewFd = Member | { readonly hidden: true };

/** A call description with its types erased: what the registry, the prediction and every derivation read. */
export interface CallDescription {
  readonly name: string;
  readonly command: number;
  readonly op: number | undefined;
  readonly on: CalledFile;
  readonly protocol: Protocol;
  /** Which kernels keep the conventions of `vfio` for it; others keep those of `protocol`. */
  readonly isVfioFor: (profile: Profile) => boolean;
  /** Whether the ioctl's argument leads to a struct, or is itself the one member, if there is any. */
  readonly argument: 'struct' | 'value';
  readonly doc: string;
  readonly source: string;
  readonly layout: StructLayout<FieldTable>;
  readonly bytesMin: number;
  responseTo(this: void, args: AnyArgs): Response;
  readonly rules: readonly AnyRule[];
  readonly allocates: boolean;
  /** Where the number of a descriptor that the call makes is found; undefined for calls that make none. */
  readonly newFd: NewFd | undefined;
  readonly findings: readonly CallFinding<AnyContext>[];
  readonly failing: readonly Failing<AnyContext>[];
  isPartial(this: void, c: AnyContext): boolean;
  /** Adds what the rules look up to a context. */
  resolve(c: AnyContext): AnyContext;
  effect(this: void, c: AnyContext): void;
  returns(this: void, c: AnyContext): number;
}

/** A call description that still lacks its behaviour; apart, so that the types of `F` and `R` are settled first. */
export interface CallStub<F extends FieldTable, R extends object> {
  behaves(behaviour: CallBehaviour<CallContext<ArgsOf<F>> & R>): CallDescription;
}

/** Describes a call whose struct is one field table. */
export function defineCall<F extends FieldTable, R extends object>(
  face: CallInterface<F> & { readonly fields: F },
  lookUp: Lookup<ArgsOf<F>, R>,
): CallStub<F, R> {
  return defineSegmentedCall<F, R>({ ...face, segments: [{ fields: face.fields }] }, lookUp);
}

/** Describes a call whose struct contains a union; `F` is the union of its segments' tables. */
export function defineSegmentedCall<F extends FieldTable, R extends object>(
  face: CallInterface<F> & { readonly segments: readonly Segment[] },
  lookUp: Lookup<ArgsOf<F>, R>,
): CallStub<F, R> {
  const layout = layoutSegments<F>(face.segments);
  const { respond } = face;
  return describe(face, lookUp, {
    argument: 'struct',
    layout,
    bytesMin: face.lastRequired === 'none' ? 0 : layout.endOf(face.lastRequired),
    responseTo: (args) => (typeof respond === 'function' ? respond(args as ArgsOf<F>) : respond),
  });
}

/** Describes a call whose argument is a number and no pointer: the one member of its table, or nothing. */
export function defineValueCall<F extends FieldTable, R extends object>(
  face: CallIdentity & { readonly fields: F },
  lookUp: Lookup<ArgsOf<F>, R>,
): CallStub<F, R> {
  const layout = layoutStruct(face.fields);
  return describe(face, lookUp, {
    argument: 'value',
    layout,
    bytesMin: 0,
    responseTo: () => 'nothing',
  });
}

function describe<F extends FieldTable, R extends object>(
  face: CallIdentity,
  lookUp: Lookup<ArgsOf<F>, R>,
  passing: Pick<CallDescription, 'argument' | 'layout' | 'bytesMin' | 'responseTo'>,
): CallStub<F, R> {
  return {
    behaves: ({
      rules,
      effect = changesNothing,
      findings = [],
      failing = [],
      isPartial = () => false,
      returns = () => 0,
    }) => ({
      name: face.name,
      command: face.command,
      op: face.op,
      on: face.on ?? 'iommufd',
      protocol: face.protocol ?? 'iommufd',
      isVfioFor: face.isVfioFor ?? (() => false),
      doc: face.doc,
      source: face.source,
      ...passing,
      rules,
      allocates: face.allocates,
      newFd: face.hidesFd === true ? HIDDEN : newFdOf(passing.layout),
      findings,
      failing,
      isPartial,
      resolve: (c) => Object.assign(c, lookUp(c as unknown as CallContext<ArgsOf<F>>)),
      effect,
      returns,
    }),
  };
}

/** The effect of a call that only looks. */
export function changesNothing(): void {
  // That is all of it.
}

/** The member that a new descriptor is written to. */
function newFdOf({ members }: StructLayout<FieldTable>): NewFd | undefined {
  return members.find(({ field }) => field.role.is === 'fd' && field.direction === 'out');
}

const HIDDEN: NewFd = { hidden: true };

/** A value computed at the first question and kept for the rest of the call. */
export function once<T>(compute: () => T): () => T {
  let kept: { readonly value: T } | undefined;
  return () => (kept ??= { value: compute() }).value;
}
