import type { Row } from './row.js';
import { A, DESTROY, P, QUEUE, QUEUE_ID, V2_10, VIOMMU, ends, queue, unmap } from './seed0_steps.js';

const U64_MAX = (1n << 64n) - 1n;

const destroyQueue = (call: 'v2' | 'merged', label: string, gives: 0 | 'EBUSY' = 0) => ({
  call: 'IOMMU_DESTROY',
  args: { id: { ref: `${label}.${QUEUE_ID[call]}` } },
  gives,
});

const DEPEND = 'iommufd_object_depend';
const depend = (one: string, other: string) => ({
  call: DEPEND,
  args: { dependent: { ref: one }, depended: { ref: other } },
});

/** What the driver is told of objects that depend on each other; both interfaces have the same. */
const dependSteps = (call: 'v2' | 'merged') => [
  VIOMMU,
  queue(call, {}, { as: 'q' }),
  { ...depend('v.out_viommu_id', 'v.out_viommu_id'), gives: 'EINVAL' as const },
  { ...depend(`q.${QUEUE_ID[call]}`, 'v.out_viommu_id'), gives: 'EINVAL' as const },
  { call: 'open', as: 'g' },
  { call: 'IOMMU_VIOMMU_ALLOC', args: { fd: { ref: 'g' } }, as: 'w' },
  {
    call: DEPEND,
    args: {
      dependent: { ref: 'v.out_viommu_id' },
      depended_fd: { ref: 'g' },
      depended: { ref: 'w.out_viommu_id' },
    },
    gives: 0,
  },
];

/** The order in which queues, vIOMMU and parent can go. */
const orderSteps = (call: 'v2' | 'merged') => [
  VIOMMU,
  queue(call, {}, { as: 'q' }),
  queue(call, { index: 1, address: A + P }, { as: 'r' }),
  destroyQueue(call, 'q', 'EBUSY'),
  { ...DESTROY, gives: 'EBUSY' as const },
  { call: 'IOMMU_DESTROY', args: { id: 3 }, gives: 'EBUSY' as const },
  destroyQueue(call, 'r'),
  destroyQueue(call, 'q'),
  { ...DESTROY, gives: 0 },
  { call: 'IOMMU_DESTROY', args: { id: 3 }, gives: 0 },
];

/** Rows about queues of the hardware. */
export const seed0Queues: readonly Row[] = [
  {
    id: 'S0-33',
    title: 'HW queue: check order',
    source: V2_10,
    defects: [],
    proposal: {
      steps: [
        VIOMMU,
        queue('v2', { flags: 1, length: 0n }, { gives: 'EOPNOTSUPP' }),
        queue('v2', { type: 0, length: 0n }, { gives: 'EOPNOTSUPP' }),
        queue('v2', { length: 0n }, { gives: 'EINVAL' }),
        queue('v2', { length: 0n, viommu: 77 }, { gives: 'EINVAL' }),
        queue('v2', { viommu: 77, type: 1 }, { gives: 'ENOENT' }),
        queue('v2', { type: 1 }, { gives: 'EOPNOTSUPP' }),
      ],
    },
    merged: {
      steps: [
        VIOMMU,
        queue('merged', { flags: 1, length: 0n }, { gives: 'EOPNOTSUPP' }),
        queue('merged', { type: 0, length: 0n }, { gives: 'EOPNOTSUPP' }),
        queue('merged', { type: 1 }, { gives: 'EOPNOTSUPP' }),
        queue('merged', { length: 0n }, { gives: 'EINVAL' }),
        queue('merged', { length: 0n, viommu: 77 }, { gives: 'EINVAL' }),
        queue('merged', { viommu: 77 }, { gives: 'ENOENT' }),
      ],
    },
  },
  {
    id: 'S0-34',
    title: 'HW queue: guest address 0',
    source: 'Re: [PATCH v5 14/29], 30/31 May 2025',
    defects: ['D0.17'],
    proposal: { steps: [VIOMMU, queue('v2', { address: 0n }, { gives: 'EINVAL' })] },
    merged: {
      steps: [
        VIOMMU,
        queue('merged', { address: 0n }, { gives: 'ENOENT' }),
        { call: 'IOMMU_IOAS_MAP', args: { iova: 0n } },
        queue('merged', { address: 0n }),
      ],
    },
  },
  {
    id: 'S0-35',
    title: 'HW queue: overflow',
    source: 'Re: [PATCH v6 10/25], 16 Jun 2025; Re: [PATCH v7 13/28], 4 Jul 2025',
    defects: ['D0.20'],
    proposal: {
      steps: [
        VIOMMU,
        queue('v2', { length: U64_MAX }, { gives: 'EOVERFLOW' }),
        queue('v2', { viommu: 77, length: 1n << 50n }, { gives: 'ENOMEM' }),
      ],
    },
    merged: {
      steps: [
        VIOMMU,
        queue('merged', { length: U64_MAX }, { gives: 'EOVERFLOW' }),
        queue('merged', { address: 0n, length: U64_MAX }, { gives: 'ERANGE' }),
        queue('merged', { viommu: 77, length: 1n << 50n }, { gives: 'ENOENT' }),
        queue('merged', { length: 1n << 50n }, { gives: 'ENOMEM' }),
      ],
    },
  },
  {
    id: 'S0-36',
    title: 'HW queue: straddling two pages',
    source: 'Re: [PATCH v4 11/23], 15 May 2025',
    defects: ['D0.18'],
    proposal: {
      steps: [VIOMMU, queue('v2', { address: A + P - 16n, length: 32n }, { gives: 'out of bounds' })],
    },
    merged: {
      steps: [
        VIOMMU,
        queue('merged', { address: A + 2n * P - 16n, length: 32n }, { gives: 'EFAULT' }),
        queue('merged', { address: A + P - 16n, length: 32n }),
      ],
    },
  },
  {
    id: 'S0-37',
    title: 'HW queue: offset in the page',
    source: 'review of [PATCH v8 14/29], 9 Jul 2025',
    defects: ['D0.19'],
    proposal: { steps: [VIOMMU, queue('v2', { address: A + P + 0x80n, length: 0x80n })] },
    merged: { steps: [VIOMMU, queue('merged', { address: A + P + 0x80n, length: 0x80n })] },
  },
  {
    id: 'S0-38',
    title: 'HW queue: mapping rights',
    source: V2_10,
    defects: [],
    proposal: {
      steps: [
        VIOMMU,
        queue('v2', { address: A + 8n * P }, { gives: 'ENXIO' }),
        queue('v2', { address: A + 3n * P, length: 2n * P }, { gives: 'ENXIO' }),
      ],
    },
    merged: {
      steps: [
        VIOMMU,
        queue('merged', { address: A + 8n * P }, { gives: 'ENOENT' }),
        queue('merged', { address: A + 3n * P, length: 2n * P }, { gives: 'ENOENT' }),
        { call: 'IOMMU_IOAS_MAP', args: { iova: A + 8n * P, rights: 'w' } },
        queue('merged', { address: A + 8n * P }, { gives: 'EPERM' }),
        { call: 'IOMMU_IOAS_MAP', args: { iova: A + 9n * P, rights: 'r', frame: 0x300 } },
        queue('merged', { address: A + 9n * P }),
      ],
    },
  },
  {
    id: 'S0-39',
    title: 'HW queue: index rules',
    source: 'Re: [PATCH v4 10/23], 15/16 May 2025',
    defects: [],
    proposal: { absent: 'what an index means is the driver’s own matter in v2' },
    merged: {
      steps: [
        VIOMMU,
        queue('merged', { index: 2 }, { gives: 'EINVAL' }),
        queue('merged', { index: 1 }, { gives: 'EIO' }),
        queue('merged'),
        queue('merged', { address: A + P }, { gives: 'EEXIST' }),
      ],
    },
  },
  {
    id: 'S0-40',
    title: 'HW queue: order of destroy',
    source: '[PATCH v2 11/22], 26 Apr 2025',
    defects: [],
    proposal: { steps: orderSteps('v2') },
    merged: { steps: orderSteps('merged') },
  },
  {
    id: 'S0-41',
    title: 'HW queue: unmap of pinned memory',
    source: 'Re: [PATCH v4 11/23], 15..20 May 2025',
    defects: ['D0.21'],
    proposal: {
      steps: [
        VIOMMU,
        queue('v2', {}, { as: 'q' }),
        unmap({}, 'EDEADLK'),
        unmap({ iova: 0n, length: U64_MAX }, 'EDEADLK'),
        destroyQueue('v2', 'q'),
        unmap({}, 0),
      ],
    },
    merged: {
      steps: [
        VIOMMU,
        queue('merged', {}, { as: 'q' }),
        unmap({}, 'EBUSY'),
        unmap({ length: P }, 'EBUSY'),
        unmap({ iova: 0n, length: U64_MAX }, 'EBUSY'),
        destroyQueue('merged', 'q'),
        unmap({}, 0),
      ],
    },
  },
  {
    id: 'S0-42',
    title: 'HW queue: EFAULT on response',
    source: 'Re: [PATCH v5 14/29], 31 May 2025',
    defects: ['D0.23'],
    proposal: { steps: [VIOMMU, queue('v2', { place: 'read_only' }, { gives: 'EFAULT' })] },
    merged: {
      steps: [
        VIOMMU,
        queue('merged', { place: 'read_only' }, { gives: 'EFAULT' }),
        queue('merged', {}, { as: 'q' }),
        destroyQueue('merged', 'q'),
        unmap({}, 0),
      ],
    },
  },
  {
    id: 'S0-43',
    title: 'HW queue: close with live queues',
    source: '[PATCH v6 07/25], 15 Jun 2025',
    defects: ['D0.24'],
    proposal: { absent: 'v2 has no access inside a queue; v5 has one' },
    merged: { steps: [VIOMMU, queue('merged'), { call: 'close' }] },
    others: [{ on: 'mmap-v5', steps: [VIOMMU, queue('merged'), { call: 'close' }] }],
  },
  {
    id: 'S0-44',
    title: 'depend helper',
    noKernel: 'a function inside the kernel, which no call of user space reaches with these arguments',
    source: 'Re: [PATCH v2 11/22], 29 Apr 2025',
    defects: [],
    proposal: { steps: dependSteps('v2') },
    merged: { steps: dependSteps('merged') },
  },
  {
    id: 'S0-45',
    title: 'HW queue: wrong object id',
    source: V2_10,
    defects: [],
    proposal: { steps: [ends({ call: QUEUE.v2, args: { viommu: 1 } }, 'ENOENT')] },
    merged: { steps: [ends({ call: QUEUE.merged, args: { viommu: 1 } }, 'ENOENT')] },
  },
];
