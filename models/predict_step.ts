import { ERRNO } from './base/errno.js';
import { unreachable } from './base/assert.js';
import type { Behaviour } from './behaviour.js';
import type { Returned } from './outcome.js';
import { type Prediction, type Reading, predictIoctl } from './predict.js';
import type { RawStep } from './program/raw.js';
import { releaseFile } from './state/destroy.js';
import type { World } from './state/world.js';

/** Predicts any step of a program. Pure: nothing changes until a branch is enacted. */
export function predictStep(world: World, behaviour: Behaviour, step: RawStep, reading: Reading): Prediction {
  switch (step.do) {
    case 'ioctl':
      return predictIoctl(world, behaviour, step, reading);
    case 'open':
      return succeeds('open/OK', () => {
        world.openFile(step.slot);
      });
    case 'close':
      return predictClose(world, step.slot);
    case 'mmap':
      return succeeds('mmap/OK', () => {
        world.memory.map(step.start, step.bytes, step.access);
      });
    case 'munmap':
      return succeeds('munmap/OK', () => {
        world.memory.unmap(step.start, step.bytes);
      });
    case 'process':
      return succeeds('process/OK', () => {
        for (const capability of step.drop) world.process.capabilities.delete(capability);
        if (step.memlockBytes !== undefined) world.process.memlockBytes = step.memlockBytes;
      });
    case 'counters':
      return predictCounters(world);
    default:
      return unreachable(step);
  }
}

function predictClose(world: World, slot: number): Prediction {
  const file = world.files.get(slot);
  if (file === undefined) return only('close/EBADF.file', { ...SUCCESS, errno: ERRNO.EBADF, value: -1 });
  return succeeds('close/OK', () => {
    releaseFile(file, world);
    world.files.delete(slot);
  });
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
    branches: [{ because, errno: returned.errno, mayLeave: returned.errno === 0, enact }],
  };
}
