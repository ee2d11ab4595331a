import type { CallFinding, Rule } from '../ioctls/description.js';
import type { VfioNode } from '../program/vfio_nodes.js';
import type { RawStep } from '../program/raw.js';
import type { Profile } from '../profiles/index.js';
import type { CallMemory } from '../state/call_memory.js';
import type { OpenFile, OpenFileKind } from '../state/open_file.js';
import type { World } from '../state/world.js';

/** What the rules and the effect of a file operation see. */
export interface OperationContext<S extends RawStep = RawStep, F extends OpenFile = OpenFile> {
  readonly world: World;
  readonly profile: Profile;
  readonly step: S;
  /** The file that the step names; undefined if it is closed. */
  readonly file: F | undefined;
  readonly memory: CallMemory;
}

/** What a system call other than ioctl() does to a file: rules in the order of the kernel, and an effect. */
export interface OperationDescription {
  /** `operation`, or `kind_operation` for files that have their own. */
  readonly name: string;
  /** The kind of step that asks for it. */
  readonly step: RawStep['do'];
  /** The kind of file that it is for, or the node that it opens; without it, all that have no own. */
  readonly of?: OpenFileKind | VfioNode;
  /** Which kernels have such files; without it, all. */
  readonly isFor?: (profile: Profile) => boolean;
  readonly doc: string;
  readonly source: string;
  readonly rules: readonly Rule<OperationContext>[];
  /** What success shows that contradicts the documentation. */
  readonly findings?: readonly CallFinding<OperationContext>[];
  /** What success changes; returns the value of the system call. */
  effect(this: void, c: OperationContext): number;
}

/** Describes the operation of one kind of step on one kind of file. */
export function defineOperation<S extends RawStep, F extends OpenFile>(
  description: Omit<OperationDescription, 'rules' | 'findings' | 'effect'> & {
    readonly findings?: readonly CallFinding<OperationContext<S, F>>[];
    readonly rules: readonly Rule<OperationContext<S, F>>[];
    effect(this: void, c: OperationContext<S, F>): number;
  },
): OperationDescription {
  const { isFor, rules } = description;
  if (isFor === undefined) return description;
  const hasRule = (rule: Rule<never>) => (profile: Profile) =>
    isFor(profile) && (rule.isFor?.(profile) ?? true);
  return { ...description, rules: rules.map((rule) => ({ ...rule, isFor: hasRule(rule) })) };
}

/** The first answer to every operation on a descriptor. */
export function closedFile<C extends { readonly file: OpenFile | undefined }>(): Rule<C> {
  return {
    id: 'EBADF.file',
    says: 'the file is closed',
    cite: 'fs/file.c:fget',
    when: ({ file }) => file === undefined,
  };
}
