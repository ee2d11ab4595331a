import { present } from './base/assert.js';
import type { Decision } from './decision.js';
import type { FindingId } from './findings.js';
import type { Leave, Rule, Splat } from './ioctls/description.js';
import type { Injection, Returned } from './outcome.js';
import type { CallMemory } from './state/call_memory.js';

/**
 * How a list of rules is read: `exact` is this kernel, where the first true rule wins; `contract` is the documented uAPI, where
 * any true rule may win and the kernel's choices need only be legal.
 */
export type Reading = 'exact' | 'contract';

/** One answer that is allowed. */
export interface Branch {
  /** The rule that decides, as `call/rule`, or `call/OK`. */
  readonly because: string;
  readonly errno: number;
  /** What the answer may leave changed: of a failure, as its rule cites. */
  readonly mayLeave: Leave;
  readonly splat?: Splat;
  /** Kernel findings that the answer shows. */
  readonly findings: readonly FindingId[];
  /** What must have been made to fail for it; without it, anything or nothing may have been. */
  readonly injections?: readonly Injection[];
  /** Why nobody can say what the state is after the answer, if so. */
  readonly untold?: string;
  /** Why the state may be another one after the answer, if so: a later answer that does not fit may come of that. */
  readonly doubt?: string;
  /** Kernel messages that may come with the answer, or later because of it. */
  readonly maySplat?: readonly Splat[];
  /** How the kernel's choices are read; without it, as all others of the run. */
  readonly reading?: Reading;
  /**
   * Changes the state as the answer demands, and says what user space sees. Called at most once, on the branch taken.
   * @param seen the observed answer, whose free choices are taken over if they are legal
   */
  enact(seen?: Returned): Enacted;
}

/** What a branch shows of itself. */
export interface Enacted {
  readonly returned: Returned;
  /** Free choices of the observed answer that the uAPI does not allow, in words. */
  readonly illegal: readonly string[];
  /** Members in which the observed answer has a choice that the uAPI allows and the profile's kernel does not make. */
  readonly adopted?: readonly string[];
}

/** That the model cannot tell; the kernel may say something that is known all the same. */
export interface Unspecified {
  readonly kind: 'unspecified';
  readonly because: string;
  readonly why: string;
  readonly splat?: Splat;
  /** Kernel findings that the call shows, whatever it answers. */
  readonly findings: readonly FindingId[];
}

/** What the model allows a call to answer, said before the answer is looked at. */
export type Prediction =
  | {
      readonly kind: 'allowed';
      readonly branches: readonly Branch[];
      /** The answer of the model as a target; without it, the first. */
      readonly own?: Branch;
    }
  | Unspecified;

/** Those of which the answer may be: the first rule that applies, or all that do. */
export function findDecisions<C>(
  decisions: readonly Decision<C>[],
  c: C,
  reading: Reading,
): readonly Decision<C>[] {
  if (reading === 'contract') return decisions.filter(({ when }) => when(c));
  for (const decision of decisions) if (decision.when(c)) return [decision];
  return NO_DECISIONS;
}

const NO_DECISIONS: readonly never[] = [];
export const NO_FINDINGS: readonly never[] = [];

/** The answers of rules that apply; none of them may be one that the model cannot tell. */
export function refuse<C>(
  decisions: readonly Decision<C>[],
  c: C,
  branchOf: (decision: Decision<C>) => Branch,
): Prediction {
  const unknown = decisions.find(({ errno }) => errno === undefined);
  if (unknown !== undefined) {
    const { because, rule, splat } = unknown;
    const findings = findingsOf(rule, c);
    return { kind: 'unspecified', because, why: rule.says, findings, ...(splat && { splat }) };
  }
  return { kind: 'allowed', branches: decisions.map(branchOf) };
}

/** The branch of a rule that leaves nothing behind. */
export function refusal<C extends { readonly memory: CallMemory }>(decision: Decision<C>, c: C): Branch {
  const { because, rule, mayLeave, splat } = decision;
  const errno = present(decision.errno, 'an errno');
  const branch: Branch = {
    because,
    errno,
    mayLeave,
    findings: findingsOf(rule, c),
    enact: () => ({ returned: returned(errno, c.memory), illegal: [] }),
  };
  if (splat === undefined && rule.maySplat === undefined) return branch;
  return { ...branch, ...(splat && { splat }), ...(rule.maySplat && { maySplat: rule.maySplat(c) }) };
}

function findingsOf<C>({ finding, splat }: Rule<C>, c: C): readonly FindingId[] {
  if (finding === undefined && splat === undefined) return NO_FINDINGS;
  const shown = finding === undefined || finding.isShown?.(c) === false ? undefined : finding.id;
  return [shown, splat?.finding].filter((id) => id !== undefined);
}

/** What user space sees of an ioctl. */
export function returned(errno: number, memory: CallMemory, value = errno === 0 ? 0 : -1): Returned {
  return { status: 'returned', errno, value, out: memory.results() };
}
