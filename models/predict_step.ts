import { present, unreachable } from './base/assert.js';
import type { Behaviour } from './behaviour.js';
import type { Decision } from './decision.js';
import { type FindingId, hasFinding } from './findings.js';
import { operationOf } from './operations/index.js';
import type { OperationContext, OperationDescription } from './operations/operation.js';
import type { Returned } from './outcome.js';
import { predictIoctl } from './predict.js';
import {
  type Branch,
  NO_FINDINGS,
  type Prediction,
  type Reading,
  findDecisions,
  refusal,
  refuse,
} from './prediction.js';
import { type RawStep, buffersOf } from './program/raw.js';
import { CallMemory } from './state/call_memory.js';
import type { World } from './state/world.js';

/** Predicts any step of a program. Pure: nothing changes until a branch is enacted. */
export function predictStep(world: World, behaviour: Behaviour, step: RawStep, reading: Reading): Prediction {
  world.switchTo(step.by ?? 0);
  switch (step.do) {
    case 'ioctl':
      return predictIoctl(world, behaviour, step, reading);
    case 'open':
      if (step.node !== undefined) return predictOperation(world, behaviour, step, reading);
      return succeeds('open/OK', () => {
        world.openIommufd(step.slot, step.isReadOnly);
      });
    case 'memfd':
      return succeeds('memfd/OK', () => {
        world.openMemoryFile(step.slot, step.bytes, step);
      });
    case 'munmap':
      return succeeds('munmap/OK', () => {
        world.unmapMemory(step.start, step.bytes);
      });
    case 'process':
      return succeeds('process/OK', () => {
        for (const capability of step.drop) world.process.capabilities.delete(capability);
        if (step.memlockBytes !== undefined) world.process.memlockBytes = step.memlockBytes;
      });
    case 'lanes':
      return succeeds('lanes/OK', () => undefined);
    case 'counters':
      return predictCounters(world);
    case 'truncate':
    case 'dup':
    case 'close':
    case 'poll':
    case 'read':
    case 'write':
    case 'mmap':
    case 'mprotect':
    case 'mremap':
    case 'fork':
    case 'exec':
    case 'cloexec':
    case 'pass':
    case 'exit':
      return predictOperation(world, behaviour, step, reading);
    default:
      return unreachable(step);
  }
}

/** Predicts what a system call does to a file. */
function predictOperation(
  world: World,
  behaviour: Behaviour,
  step: Exclude<RawStep, { do: 'ioctl' }>,
  reading: Reading,
): Prediction {
  const slot = slotOfStep(step);
  const file = slot === undefined ? undefined : world.fds.get(slot);
  const operation = behaviour.operationOf(present(operationOf(step, file), 'an operation on a file'));
  const memory = new CallMemory(world.memory, buffersOf(step));
  const c: OperationContext = { world, profile: behaviour.profile, step, file, memory };
  const refusals = findDecisions(behaviour.rulesOfOperation(operation), c, reading);
  if (refusals.length > 0) return refuse(refusals, c, (decision) => failureOf(decision, c));
  return { kind: 'allowed', branches: [successOf(operation, c)] };
}

function failureOf(decision: Decision<OperationContext>, c: OperationContext): Branch {
  const base = refusal(decision, c);
  return {
    ...base,
    enact: (seen) => {
      decision.rule.leaves?.does(c);
      return base.enact(seen);
    },
  };
}

function successOf(operation: OperationDescription, c: OperationContext): Branch {
  return {
    because: `${operation.name}/OK`,
    errno: 0,
    mayLeave: 'anything',
    findings: findingsShown(operation, c),
    enact: () => {
      const value = operation.effect(c);
      return { returned: { ...SUCCESS, value, out: c.memory.results() }, illegal: [] };
    },
  };
}

/** What success shows that is a finding of this kernel. */
function findingsShown({ findings = [] }: OperationDescription, c: OperationContext): readonly FindingId[] {
  return findings.filter(({ id, isShown }) => hasFinding(c.profile, id) && isShown(c)).map(({ id }) => id);
}

function slotOfStep(step: RawStep): number | undefined {
  if (step.do === 'mmap') return step.file?.slot;
  return 'slot' in step ? step.slot : undefined;
}

function predictCounters({ process }: World): Prediction {
  const counters = { pinned: process.pinnedVm, locked: process.lockedVm };
  return only('counters/OK', { ...SUCCESS, counters });
}

const SUCCESS: Returned = { status: 'returned', errno: 0, value: 0, out: [] };

function succeeds(because: string, change: () => void): Prediction {
  return only(because, SUCCESS, change);
}

function only(because: string, returned: Returned, change?: () => void): Prediction {
  const enact = () => {
    change?.();
    return { returned, illegal: [] };
  };
  return {
    kind: 'allowed',
    branches: [{ because, errno: 0, mayLeave: 'anything', findings: NO_FINDINGS, enact }],
  };
}
