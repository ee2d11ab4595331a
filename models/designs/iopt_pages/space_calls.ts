import { PAGE_SIZE, U64_MAX } from '../../base/u64.js';
import { choice, flags, u32, u64 } from '../framework/argument.js';
import { type DesignCall, decidedInEffect } from '../framework/call.js';
import { IOAS, PLACE, iova, noIoas, onMachine } from './arguments.js';
import { isReserved } from './space.js';
import { type Machine, areasIn, ioasAt, newIoas } from './state.js';
import { removeMapping } from './unmap_effect.js';
import { ioasName } from './view.js';

const ALLOC = 'RFC 08/12, iommufd_ioas_alloc_ioctl; ioas.c:iommufd_ioas_alloc_ioctl';

export const ioasAlloc = onMachine({
  name: 'IOMMU_IOAS_ALLOC',
  doc: 'Makes an IOAS. Two are there from the start.',
  source: ALLOC,
  args: { flags: flags('must be 0', {}), place: PLACE },
  rules: [
    {
      id: 'EOPNOTSUPP.flags',
      says: 'flags are set',
      cite: ALLOC,
      when: ({ args }) => args.flags !== 0,
      reports: 'unknown input',
    },
    {
      id: 'EFAULT.answer',
      says: 'the struct cannot be written; the object is taken back',
      cite: ALLOC,
      when: (c) => {
        if (c.args.place === 0) return false;
        if (c.has('D2.16')) newIoas(c.state);
        return true;
      },
    },
  ],
  effect: ({ state }) => ({ out_ioas_id: newIoas(state).id }),
});

/** Whether devices or accesses hold an IOAS. */
function isBusy({ devices, accesses }: Machine, id: number): boolean {
  return (
    devices.some(({ ioas }) => ioas?.id === id) || [...accesses.values()].some(({ ioas }) => ioas.id === id)
  );
}

export const destroyIoas = onMachine({
  name: 'IOMMU_DESTROY',
  doc: 'Removes an IOAS with all its mappings.',
  source: 'RFC 03/12; main.c:iommufd_object_remove',
  args: { ioas: IOAS },
  destroys: ({ ioas }) => ioasName(ioas),
  rules: [
    noIoas('main.c:iommufd_object_remove'),
    {
      id: 'EBUSY.used',
      says: 'devices are attached, or an in-kernel user has pages',
      cite: 'main.c:iommufd_object_remove',
      when: ({ state, args }) =>
        isBusy(state, args.ioas) || state.holders.some(({ ioas }) => ioas.id === args.ioas),
    },
  ],
  effect: (c) => {
    const ioas = ioasAt(c.state, c.args.ioas);
    for (const area of areasIn(ioas, 0n, U64_MAX)) removeMapping(c, ioas, area);
    c.state.spaces.delete(ioas.id);
  },
});

export const reserveIova = onMachine({
  name: 'iopt_reserve_iova',
  isKernel: true,
  doc: 'Keeps a range of IOVAs free, as a device asks for.',
  source: 'RFC 07/12; io_pagetable.c:iopt_reserve_iova',
  args: {
    ioas: IOAS,
    start: u64('the first IOVA', { usual: 0n, values: [0x10_0000n, 0x20_0000n] }),
    last: u64('the last IOVA', {
      usual: U64_MAX - 4n * PAGE_SIZE,
      values: [0x10_7fffn, 0x1f_ffffn, U64_MAX],
    }),
  },
  rules: [
    noIoas('io_pagetable.c:iopt_reserve_iova'),
    {
      id: 'EINVAL.range',
      says: 'the range is empty',
      cite: 'selftest.c:iommufd_test_add_reserved',
      when: ({ args }) => args.last < args.start,
    },
    {
      id: 'EADDRINUSE.mapped',
      says: 'something is mapped in the range, or reserved already',
      cite: 'io_pagetable.c:iopt_reserve_iova',
      when: ({ state, args: { ioas: id, start, last } }) => {
        const ioas = ioasAt(state, id);
        return areasIn(ioas, start, last).length > 0 || isReserved(ioas, start, last);
      },
    },
  ],
  effect: ({ state, args: { ioas, start, last } }) => {
    ioasAt(state, ioas).reserved.push({ start, last, owner: 'test' });
  },
});

export const lookAtPages = onMachine({
  name: 'look_at_iopt_pages',
  isKernel: true,
  doc: 'Reads the counters of the pages behind an IOVA.',
  source: 'RFC 05/12, struct iopt_pages',
  args: { ioas: IOAS, iova: iova('an IOVA of the mapping') },
  rules: [
    noIoas('RFC 05/12'),
    {
      id: 'ENOENT.area',
      says: 'nothing is mapped there',
      cite: 'RFC 05/12',
      when: ({ state, args }) =>
        areasIn(ioasAt(state, args.ioas), args.iova, args.iova)[0]?.pages === undefined,
      reports: 'missing object',
    },
  ],
  effect: (c) => {
    const pages = areasIn(ioasAt(c.state, c.args.ioas), c.args.iova, c.args.iova)[0]?.pages;
    if (pages === undefined) return c.fail('ENOENT.area');
    const { npages, npinned, lastNpinned } = pages;
    if (npages !== npinned && c.has('D2.1')) {
      c.contradicts(
        `the comment says that npages counts pinned pages; it is ${String(npages)}, and ${String(npinned)} are pinned`,
      );
    }
    return { npages, npinned, last_npinned: lastNpinned };
  },
});

/** GET_INFO of the compatible interface, as proposed or as merged. */
export function getInfoCall(isProposed: boolean): DesignCall {
  return onMachine({
    name: 'VFIO_IOMMU_GET_INFO',
    doc: 'Tells the ranges of an IOAS in the way of VFIO.',
    source: 'RFC 11/12; vfio_compat.c:iommufd_vfio_iommu_get_info',
    args: { ioas: IOAS, argsz: u32('bytes of the struct', { usual: 24, values: [8] }), place: PLACE },
    rules: [
      noIoas('vfio_compat.c:get_compat_ioas'),
      {
        id: 'EINVAL.argsz',
        says: 'the struct is short',
        cite: 'vfio_compat.c:iommufd_vfio_iommu_get_info',
        when: decidedInEffect,
      },
      {
        id: 'EFAULT.answer',
        says: 'the struct cannot be written',
        cite: 'vfio_compat.c:iommufd_vfio_iommu_get_info',
        when: decidedInEffect,
      },
    ],
    *effect(c) {
      const order =
        isProposed && c.has('D2.18') ? ['iova_rwsem', 'domains_rwsem'] : ['domains_rwsem', 'iova_rwsem'];
      for (const name of order) yield* c.lock(name);
      const isShort = c.args.argsz < 24;
      if (isShort && c.has('D2.18')) c.fail('EINVAL.argsz');
      for (const name of order) c.unlock(name);
      if (isShort) c.fail('EINVAL.argsz');
      if (c.args.place === 1) {
        if (!c.has('D2.18')) c.fail('EFAULT.answer');
        c.contradicts('the struct cannot be written, and the call succeeds');
      }
      return 0;
    },
  });
}

export const option = onMachine({
  name: 'IOMMU_OPTION',
  doc: 'Reads or sets how locked memory is counted.',
  source: 'iommufd_option; main.c:iommufd_option_rlimit_mode',
  args: {
    op: choice('what to do', { SET: 0, GET: 1 }, 'GET'),
    object_id: u32('must be 0', { usual: 0, values: [5], isUnknown: (value) => value !== 0 }),
  },
  rules: [
    {
      id: 'EOPNOTSUPP.object',
      says: 'an object is named',
      cite: 'main.c:iommufd_option',
      when: (c) => c.args.object_id !== 0 && !c.has('D2.36'),
      reports: 'unknown input',
    },
    {
      id: 'EBUSY.objects',
      says: 'there are objects already',
      cite: 'main.c:iommufd_option_rlimit_mode',
      when: ({ state, args }) => args.op === 0 && state.spaces.size > 0,
    },
  ],
  effect: (c) => {
    if (c.args.op === 0) c.state.rlimitMode = 1;
    return { val64: c.state.rlimitMode };
  },
});
