import { PAGE_SIZE, U64_MAX, isAligned, rangeWraps } from '../../base/u64.js';
import { choice } from '../framework/argument.js';
import { decidedInEffect } from '../framework/call.js';
import { PAUSE, type Pause } from '../framework/locks.js';
import { type PinErrors, pinRange, releaseHolder } from './access_effect.js';
import { IOAS, TIER_RULES, WRITE, noIoas, onMachine } from './arguments.js';
import { ACCESS, alignmentOf } from './device_calls.js';
import { MERGED_PIN_ARGS } from './merged_calls.js';
import { isAreaAligned } from './space.js';
import { type Access, type Machine, areasIn, ioasAt, newId } from './state.js';
import { accessName } from './view.js';
import { present } from '../../base/assert.js';

const CREATE = 'device.c:iommufd_access_create';
const PIN = 'device.c:iommufd_access_pin_pages';

const ERRORS: PinErrors = {
  hole: 'ENOENT.hole',
  write: 'EPERM.write',
  gone: 'EFAULT.mm',
  isReadExact: false,
};

function accessAt({ accesses }: Machine, id: number): Access {
  return present(accesses.get(id), accessName(id));
}

const noAccess = {
  id: 'ENOENT.access',
  says: 'no access has the id',
  cite: 'selftest.c:iommufd_access_get',
  when: ({ state, args }: { readonly state: Machine; readonly args: { readonly access: number } }) =>
    !state.accesses.has(args.access),
  reports: 'missing object',
} as const;

export const accessCreate = onMachine({
  name: 'iommufd_access_create',
  isKernel: true,
  doc: 'Makes an access to an IOAS, with a driver that lets go of ranges when it is told.',
  source: `${CREATE}; device.c:iommufd_access_attach`,
  makes: [{ kind: 'access', output: 'out_access_id' }],
  args: { ioas: IOAS, use: choice('what the access does', { pins: 0, reads: 1 }, 'pins') },
  rules: [
    noIoas(CREATE),
    {
      id: 'EADDRINUSE.alignment',
      says: 'a mapping has no whole pages, and the access pins',
      cite: 'io_pagetable.c:iopt_add_access',
      when: ({ state, args }) =>
        args.use === 0 &&
        areasIn(ioasAt(state, args.ioas), 0n, U64_MAX).some((area) => !isAreaAligned(area, PAGE_SIZE)),
    },
  ],
  effect: ({ state, args }) => {
    const ioas = ioasAt(state, args.ioas);
    const access = { id: newId(state), ioas, isPinning: args.use === 0 };
    state.accesses.set(access.id, access);
    ioas.alignment = alignmentOf(state, ioas);
    return { out_access_id: access.id };
  },
});

export const accessPin = onMachine({
  name: 'iommufd_access_pin_pages',
  isKernel: true,
  doc: 'Pins the pages of a range for an access.',
  source: PIN,
  args: { access: ACCESS, ...MERGED_PIN_ARGS, write: WRITE },
  rules: [
    noAccess,
    {
      id: 'EINVAL.reads',
      says: 'the access does not pin',
      cite: PIN,
      when: ({ state, args }) => !accessAt(state, args.access).isPinning,
    },
    { id: 'EINVAL.length', says: 'the length is 0', cite: PIN, when: ({ args }) => args.length === 0n },
    {
      id: 'EOVERFLOW.range',
      says: 'the range wraps',
      cite: PIN,
      when: ({ args }) => args.length === U64_MAX || rangeWraps(args.iova, args.length),
    },
    {
      id: 'EINVAL.unaligned',
      says: 'the range does not begin with a page',
      cite: 'io_pagetable.c:check_area_prot',
      when: ({ args }) => !isAligned(args.iova, PAGE_SIZE),
    },
    { id: 'ENOENT.hole', says: 'the range is not mapped as a whole', cite: PIN, when: decidedInEffect },
    {
      id: 'EPERM.write',
      says: 'the access writes and the memory is mapped for reading',
      cite: PIN,
      when: decidedInEffect,
    },
    {
      id: 'EINVAL.prevented',
      says: 'UNMAP is at work on an area',
      cite: PIN,
      when: decidedInEffect,
    },
    ...TIER_RULES,
  ],
  *effect(c): Generator<Pause, undefined> {
    const { state, args } = c;
    const access = accessAt(state, args.access);
    const holder = pinRange(c, {
      ioas: access.ioas,
      iova: args.iova,
      length: args.length,
      isWrite: args.write === 1,
      failsAt: args.fails_at,
      access,
      errors: ERRORS,
    });
    // Between the pin and the note of the driver others may run, unless it keeps them out.
    if (state.accesses.size > 0 && c.has('D2.31')) yield PAUSE;
    state.holders.push(holder);
    return undefined;
  },
});

export const accessUnpin = onMachine({
  name: 'iommufd_access_unpin_pages',
  isKernel: true,
  doc: 'Gives back a range that was pinned.',
  source: 'device.c:iommufd_access_unpin_pages',
  args: { access: ACCESS, iova: MERGED_PIN_ARGS.iova, length: MERGED_PIN_ARGS.length },
  rules: [
    noAccess,
    {
      id: 'ENOENT.pin',
      says: 'the access has no such pin',
      cite: 'selftest.c:iommufd_test_access_item_destroy',
      when: ({ state, args: { access, iova, length } }) =>
        !state.holders.some(
          (each) => each.access?.id === access && each.iova === iova && each.length === length,
        ),
    },
  ],
  effect: (c) => {
    const { access, iova, length } = c.args;
    const holder = c.state.holders.find(
      (each) => each.access?.id === access && each.iova === iova && each.length === length,
    );
    if (holder !== undefined) releaseHolder(c, holder);
  },
});

export const accessDestroy = onMachine({
  name: 'iommufd_access_destroy',
  isKernel: true,
  doc: 'Removes an access with its pins.',
  source: 'device.c:iommufd_access_destroy',
  args: { access: ACCESS },
  destroys: ({ access }) => accessName(access),
  rules: [noAccess],
  effect: (c) => {
    const { state, args } = c;
    const { ioas } = accessAt(state, args.access);
    for (const holder of state.holders.filter(({ access }) => access?.id === args.access))
      releaseHolder(c, holder);
    state.accesses.delete(args.access);
    ioas.alignment = alignmentOf(state, ioas);
  },
});
