import { handle } from '../framework/argument.js';
import { type DesignCall, decidedInEffect, take } from '../framework/call.js';
import type { RuleId } from '../../ioctls/description.js';
import { DEVICE, FAILS_AT, GONE_RFC, IOAS, TIER_RULES, noIoas, onMachine } from './arguments.js';
import {
  addDomain,
  isAreaAligned,
  isAreaRangeAligned,
  removeDomain,
  removeReservations,
  reservationsFor,
} from './space.js';
import { type Device, type Ioas, type Machine, areasIn, deviceAt, ioasAt } from './state.js';
import { PAGE_SIZE, maxU64 } from '../../base/u64.js';
import { attachmentName } from './view.js';

const ADD = 'io_pagetable.c:iopt_table_add_domain';

/** The alignment that devices and users in the kernel ask for. */
export function alignmentOf({ devices, accesses }: Machine, ioas: Ioas): bigint {
  const ofDevices = devices.filter((device) => device.ioas === ioas).map(({ pageBytes }) => pageBytes);
  const pins = [...accesses.values()].some((access) => access.ioas === ioas && access.isPinning);
  return [...ofDevices, pins ? PAGE_SIZE : 1n].reduce(maxU64, 1n);
}

/** Attaches a device; a domain is made for it and filled. */
export function attachCall(gone: RuleId): DesignCall {
  return onMachine({
    name: 'iommufd_device_attach',
    doc: 'Attaches a device to an IOAS: a domain is made for it and filled with all mappings.',
    source: `RFC 07/12 and 10/12; ${ADD}`,
    isKernel: true,
    args: { device: DEVICE, ioas: IOAS, fails_at: FAILS_AT },
    rules: [
      noIoas('device.c:iommufd_device_attach'),
      {
        id: 'EINVAL.attached',
        says: 'the device is attached already',
        cite: 'device.c:iommufd_device_attach',
        when: ({ state, args }) => deviceAt(state, args.device).ioas !== undefined,
      },
      take('domains_rwsem'),
      take('iova_rwsem'),
      {
        id: 'EADDRINUSE.alignment',
        says: 'a mapping is not aligned to the pages of the IOMMU',
        cite: 'io_pagetable.c:iopt_check_iova_alignment',
        when: (c) => {
          const { pageBytes } = deviceAt(c.state, c.args.device);
          const areas = areasIn(ioasAt(c.state, c.args.ioas), 0n, (1n << 64n) - 1n);
          if (areas.some((area) => !isAreaRangeAligned(area, pageBytes))) return true;
          return areas.some((area) => !isAreaAligned(area, pageBytes)) && !c.has('D2.22');
        },
      },
      {
        id: 'EADDRINUSE.reserved',
        says: 'something is mapped where the device must not reach',
        cite: 'io_pagetable.c:iopt_reserve_iova',
        when: (c) => {
          const ioas = ioasAt(c.state, c.args.ioas);
          const ranges = reservationsFor(c, ioas, deviceAt(c.state, c.args.device));
          return ranges.some(({ start, last }) => areasIn(ioas, start, last).length > 0);
        },
      },
      ...TIER_RULES,
      ...(gone === GONE_RFC.id ? [GONE_RFC] : []),
      {
        id: 'EINVAL.unaligned',
        says: 'the IOMMU refuses memory that is not aligned to its pages',
        cite: 'drivers/iommu/iommu.c:iommu_map',
        when: decidedInEffect,
      },
    ],
    effect: (c) => {
      const { state, args } = c;
      const ioas = ioasAt(state, args.ioas);
      const device = deviceAt(state, args.device);
      const { pageBytes } = device;
      if (ioas.areas.some((area) => !isAreaAligned(area, pageBytes))) {
        c.prints('unaligned: iommu_map() is given less than the pages of the IOMMU');
        c.fail('EINVAL.unaligned');
      }
      const reservations = reservationsFor(c, ioas, device);
      const domain = { name: `domain of ${device.name}`, translations: new Map<bigint, number>() };
      state.failsIn = args.fails_at;
      const failure = addDomain(c, ioas, domain);
      state.failsIn = 0;
      if (failure !== undefined) return c.fail(failure === 'EFAULT.mm' ? gone : failure);
      ioas.reserved.push(...reservations);
      device.domain = domain;
      device.ioas = ioas;
      ioas.alignment = alignmentOf(state, ioas);
    },
  });
}

export const detachDevice = onMachine({
  name: 'iommufd_device_detach',
  doc: 'Detaches a device: its domain is emptied and freed.',
  source: 'RFC 07/12 and 10/12; io_pagetable.c:iopt_table_remove_domain',
  isKernel: true,
  args: { device: DEVICE },
  destroys: ({ device }, state) => attachmentName(deviceAt(state, device).name),
  rules: [
    {
      id: 'EINVAL.detached',
      says: 'the device is not attached',
      cite: 'device.c:iommufd_device_detach',
      when: ({ state, args }) => deviceAt(state, args.device).ioas === undefined,
    },
    take('domains_rwsem'),
    take('iova_rwsem'),
  ],
  effect: (c) => {
    const device: Device = deviceAt(c.state, c.args.device);
    const { ioas, domain } = device;
    if (ioas === undefined || domain === undefined) return;
    removeDomain(c, ioas, domain);
    removeReservations(c, ioas, device);
    device.ioas = undefined;
    device.domain = undefined;
    ioas.alignment = alignmentOf(c.state, ioas);
  },
});

/** An access of the merged interface. */
export const ACCESS = handle('the access', ['access'], { values: [77] });
