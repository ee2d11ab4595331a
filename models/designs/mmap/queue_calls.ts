import { PAGE_SIZE, U64_MAX } from '../../base/u64.js';
import { flags, handle, u32, u64 } from '../framework/argument.js';
import { type DesignCall, decidedInEffect } from '../framework/call.js';
import { FD, NO_FD, onMachine } from './files.js';
import { INDEX_RULES, faultOf, indexRefusal, insertQueue, isTooLong } from './queues.js';
import { GUEST, contextAt, pagesOf, pin, viommuAt } from './state.js';
import { PLACE, PLACES, SELFTEST } from './viommu_calls.js';

const ALLOC = 'v2 10/22, iommufd_vcmdq_alloc_ioctl';
const ALLOC_MERGED = 'viommu.c:iommufd_hw_queue_alloc_ioctl';
const PHYS_MERGED = 'viommu.c:iommufd_hw_queue_alloc_phys';

const ARGUMENTS = {
  fd: FD,
  flags: flags('must be 0', {}),
  viommu: handle('the vIOMMU', ['viommu']),
  type: u32('of the queue', {
    usual: SELFTEST,
    values: [0, 1],
    names: { SELFTEST },
    isUnknown: (type) => type !== SELFTEST,
  }),
  index: u32('which queue of the vIOMMU', { usual: 0, values: [1, 2] }),
  address: u64('address in guest memory', {
    usual: GUEST,
    values: [GUEST + PAGE_SIZE, GUEST + 0x80n, GUEST + PAGE_SIZE - 16n, GUEST + 2n * PAGE_SIZE - 16n, 0n],
  }),
  length: u64('bytes', { usual: 0x80n, values: [32n, PAGE_SIZE, 2n * PAGE_SIZE, 1n << 50n, U64_MAX, 0n] }),
  place: PLACE,
};

/** What both interfaces come to after their arguments. */
const DRIVER_RULES = [
  {
    id: 'EFAULT.scattered',
    says: 'the pages do not lie one behind the other in the machine',
    cite: ALLOC,
    when: decidedInEffect,
  },
  ...INDEX_RULES.map((rule) => ({ ...rule, when: decidedInEffect })),
  { id: 'EFAULT.respond', says: 'the answer cannot be written', cite: ALLOC, when: decidedInEffect },
] as const;

const NO_VIOMMU = {
  id: 'ENOENT.viommu',
  says: 'no vIOMMU has the id',
  cite: ALLOC,
  reports: 'missing object',
} as const;

export const vcmdqAlloc: DesignCall = onMachine({
  name: 'IOMMU_VCMDQ_ALLOC',
  doc: 'Gives a queue of the hardware to a guest, in memory of the guest.',
  source: ALLOC,
  makes: [{ kind: 'queue', output: 'out_vcmdq_id' }],
  args: ARGUMENTS,
  rules: [
    NO_FD,
    {
      id: 'EOPNOTSUPP.flags',
      says: 'there are flags, or the type is 0',
      cite: ALLOC,
      when: ({ args }) => args.flags !== 0 || args.type === 0,
      reports: 'unknown input',
    },
    {
      id: 'EINVAL.memory',
      says: 'the address or the length is 0',
      cite: ALLOC,
      when: ({ args, has }) => args.length === 0n || (args.address === 0n && has('D0.17')),
      contradicts: ({ args }) =>
        args.length === 0n ? undefined : 'the address 0 of a guest is refused, which is one like others',
    },
    {
      id: 'EOVERFLOW.wrap',
      says: 'the memory ends beyond the last address',
      cite: ALLOC,
      when: ({ args }) => args.address + args.length > U64_MAX,
    },
    { id: 'ENOMEM.array', says: 'there is no memory for the pages', cite: ALLOC, when: decidedInEffect },
    { ...NO_VIOMMU, when: decidedInEffect },
    {
      id: 'EOPNOTSUPP.type',
      says: 'the driver has no such queue',
      cite: ALLOC,
      when: decidedInEffect,
      reports: 'unknown input',
    },
    { id: 'ENXIO.hole', says: 'some of the memory is not mapped', cite: ALLOC, when: decidedInEffect },
    {
      id: 'EPERM.unreadable',
      says: 'the memory may not be read',
      cite: 'io_pagetable.c:iopt_pin_pages',
      when: decidedInEffect,
    },
    ...DRIVER_RULES,
  ],
  effect: (c) => {
    const { fd, address: start, length, index } = c.args;
    const entries = (length + PAGE_SIZE - 1n) / PAGE_SIZE;
    if (isTooLong(entries)) {
      if (c.has('D0.20')) c.prints('WARNING in kvmalloc: an array that user space has chosen');
      c.fail('ENOMEM.array');
    }
    const viommu = viommuAt(c.state, fd, c.args.viommu);
    if (viommu === undefined) return c.fail('ENOENT.viommu');
    if (c.args.type !== SELFTEST) c.fail('EOPNOTSUPP.type');
    const fault = faultOf(viommu, { start, length });
    if (fault === 'hole') c.fail('ENXIO.hole');
    if (fault === 'unreadable') c.fail('EPERM.unreadable');
    if (BigInt(pagesOf(start, length).length) > entries && c.has('D0.18')) {
      return c.undefined(
        'D0.18',
        'out of bounds',
        'writes a page behind the array that its length has room for',
      );
    }
    if (fault === 'scattered') c.fail('EFAULT.scattered');
    const refusal = indexRefusal(viommu, index);
    if (refusal !== undefined) c.fail(refusal);
    if (c.args.place === PLACES.read_only) {
      if (c.has('D0.23')) pin(c.state, viommu.context, start, length);
      c.fail('EFAULT.respond');
    }
    pin(c.state, viommu.context, start, length);
    const isExact = start % PAGE_SIZE === 0n || !c.has('D0.19');
    return { out_vcmdq_id: insertQueue(viommu, { index, start, length, isExact }).id };
  },
});

export const hwQueueAlloc: DesignCall = onMachine({
  name: 'IOMMU_HW_QUEUE_ALLOC',
  doc: 'Gives a queue of the hardware to a guest, in memory of the guest.',
  source: ALLOC_MERGED,
  makes: [{ kind: 'queue', output: 'out_hw_queue_id' }],
  args: ARGUMENTS,
  rules: [
    NO_FD,
    {
      id: 'EOPNOTSUPP.flags',
      says: 'there are flags, or the type is 0',
      cite: ALLOC_MERGED,
      when: ({ args }) => args.flags !== 0 || args.type === 0,
      reports: 'unknown input',
    },
    {
      id: 'EINVAL.memory',
      says: 'the length is 0',
      cite: ALLOC_MERGED,
      when: ({ args }) => args.length === 0n,
    },
    {
      id: 'EOVERFLOW.wrap',
      says: 'the memory ends beyond the last address',
      cite: ALLOC_MERGED,
      when: ({ args }) => args.address + args.length - 1n > U64_MAX,
    },
    {
      ...NO_VIOMMU,
      cite: ALLOC_MERGED,
      when: ({ state, args }) => viommuAt(state, args.fd, args.viommu) === undefined,
    },
    {
      id: 'EOPNOTSUPP.type',
      says: 'the driver has no such queue',
      cite: ALLOC_MERGED,
      when: ({ args }) => args.type !== SELFTEST,
      reports: 'unknown input',
    },
    {
      id: 'ERANGE.length',
      says: 'whole pages around the memory are more than a length can say',
      cite: PHYS_MERGED,
      when: ({ args: { address, length } }) => (address % PAGE_SIZE) + length + PAGE_SIZE - 1n > U64_MAX,
    },
    {
      id: 'ENOMEM.array',
      says: 'there is no memory for the pages; nothing is printed',
      cite: PHYS_MERGED,
      when: ({ args: { address, length } }) => isTooLong(((address % PAGE_SIZE) + length) / PAGE_SIZE),
    },
    {
      id: 'ENOENT.hole',
      says: 'some of the memory is not mapped',
      cite: 'device.c:iommufd_access_pin_pages',
      when: decidedInEffect,
    },
    {
      id: 'EPERM.unreadable',
      says: 'the memory may not be read',
      cite: 'device.c:iommufd_access_pin_pages',
      when: decidedInEffect,
    },
    ...DRIVER_RULES,
  ],
  effect: (c) => {
    const { fd, address: start, length, index } = c.args;
    const viommu = viommuAt(c.state, fd, c.args.viommu);
    if (viommu === undefined || contextAt(c.state, fd) === undefined) return c.fail('ENOENT.viommu');
    const fault = faultOf(viommu, { start, length });
    if (fault === 'hole') c.fail('ENOENT.hole');
    if (fault === 'unreadable') c.fail('EPERM.unreadable');
    if (fault === 'scattered') c.fail('EFAULT.scattered');
    const refusal = indexRefusal(viommu, index);
    if (refusal !== undefined) c.fail(refusal);
    if (c.args.place === PLACES.read_only) c.fail('EFAULT.respond');
    pin(c.state, viommu.context, start, length);
    return { out_hw_queue_id: insertQueue(viommu, { index, start, length, isExact: true }).id };
  },
});
