import type { Errno } from './base/errno.js';
import type { AnyContext, CallDescription, Failing } from './ioctls/description.js';
import type { Injection } from './outcome.js';
import type { Profile } from './profiles/index.js';

/** One way in which a call may end in which something is made to fail. */
export interface FailingWay extends Failing<AnyContext> {
  /** What has failed then. */
  readonly injections: readonly Injection[];
}

/**
 * How a call may end in which something is made to fail, beside what it does anyway: the kernel may do without the memory, or not
 * come so far. An allocation first.
 */
export function failingWays(
  call: CallDescription,
  profile: Profile,
  c: AnyContext,
  nth: number,
): FailingWay[] {
  const own = call.failing
    .filter(({ isFor, when }) => (isFor?.(profile) ?? true) && (when?.(c, nth) ?? true))
    .map((failing) => ({ ...failing, injections: failing.of === 'memory' ? ALLOCATIONS : TESTS }));
  const saysMemory = own.some(({ of, errno }) => of === 'memory' && errno === 'ENOMEM');
  const memory = call.allocates && !saysMemory ? [NO_MEMORY] : [];
  return [...memory, ...own, ...TESTED.map(testedWay)];
}

const ALLOCATIONS: readonly Injection[] = ['slab', 'pages', 'other'];
const TESTS: readonly Injection[] = ['iommufd'];

const NO_MEMORY: FailingWay = {
  of: 'memory',
  errno: 'ENOMEM',
  what: 'nothing has changed',
  cite: 'iommufd.h',
  injections: ALLOCATIONS,
};

/**
 * What the places answer that iommufd has for its tests: an object that is not found, memory that cannot be pinned or is too much,
 * an entry that cannot be stored.
 */
const TESTED: readonly Errno[] = ['ENOENT', 'EFAULT', 'ENOMEM', 'EINVAL'];

function testedWay(errno: Errno): FailingWay {
  const cite = 'main.c, pages.c, io_pagetable.c: iommufd_should_fail()';
  return { of: 'test', errno, what: 'nothing has changed', cite, injections: TESTS };
}
