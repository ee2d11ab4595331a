import { choice, flags, s32, u64 } from '../framework/argument.js';
import { decidedInEffect, take } from '../framework/call.js';
import { IOMMU_LOCK, READ_WRITE, onHost, pagesFrom } from './container_calls.js';
import { physOf } from './page_table.js';
import { type Host, MDEV, entryAt, pin, unpinOfMdev } from './state.js';

const VFIO = 'drivers/vfio/vfio.c:vfio_pin_pages';
const TYPE1 = 'drivers/vfio/vfio_iommu_type1.c:vfio_iommu_type1_pin_pages';

/** VFIO_PIN_PAGES_MAX_ENTRIES */
export const PAGES_MAX = 512;

const DEVICE = choice('the device', { mdev: 0, none: 1 }, 'mdev');
const USER_PFN = u64('the first page of its addresses', { usual: 0x10n, values: [0x11n, 0x17n, 0n] });
const COUNT = s32('pages', { usual: 1, values: [2, 8, 0, -1, PAGES_MAX + 1] });

function isMdevOutside({ groups }: Host): boolean {
  return !groups.includes(MDEV);
}

export const pinPages = onHost({
  name: 'vfio_pin_pages',
  isKernel: true,
  doc: 'A driver of a mediated device pins pages that the user has mapped: all, or none.',
  source: VFIO,
  args: { dev: DEVICE, user_pfn: USER_PFN, npage: COUNT, prot: flags('access', READ_WRITE, 3) },
  rules: [
    {
      id: 'EINVAL.argument',
      says: 'there is no device, or nothing to pin',
      cite: VFIO,
      when: ({ args }) => args.dev !== 0 || args.npage <= 0,
    },
    {
      id: 'E2BIG.npage',
      says: 'they are more than 512',
      cite: VFIO,
      when: ({ args }) => args.npage > PAGES_MAX,
    },
    {
      id: 'EINVAL.container',
      says: 'the device is in no container',
      cite: 'drivers/vfio/vfio.c:vfio_group_add_container_user',
      when: ({ state }) => isMdevOutside(state),
    },
    take(IOMMU_LOCK),
    {
      id: 'EINVAL.unmapped',
      says: 'the user has not mapped one of them',
      cite: TYPE1,
      when: ({ state, args }) =>
        pagesOf(args.user_pfn, args.npage).some((page) => entryAt(state, page) === undefined),
    },
    {
      id: 'EPERM.prot',
      says: 'the user has not granted the access',
      cite: TYPE1,
      when: ({ state, args }) =>
        pagesOf(args.user_pfn, args.npage).some(
          (page) => (args.prot & ~(entryAt(state, page)?.rights ?? 0)) !== 0,
        ),
    },
    { id: 'EFAULT.vaddr', says: 'the user has given the memory up', cite: TYPE1, when: decidedInEffect },
    { id: 'ENOMEM.limit', says: 'the limit of locked memory is reached', cite: TYPE1, when: decidedInEffect },
  ],
  effect: (c) => {
    const { state, args } = c;
    const places = pagesOf(args.user_pfn, args.npage).flatMap((page) => {
      const entry = entryAt(state, page);
      return entry === undefined ? [] : [{ page, entry, pfn: entry.pfns[page - entry.iova] ?? 0 }];
    });
    const fresh = places.filter(({ page, entry }) => !entry.pinnedByMdev.has(page));
    if (fresh.some(({ pfn }) => state.givenUp.has(pfn))) c.fail('EFAULT.vaddr');
    const holes = fresh.filter(({ page }) => isHole(state, page)).length;
    // What an IOMMU translates is charged already; the kernel takes that for granted of all that is mapped.
    const uncharged = state.domains.length === 0 ? fresh.length : holes;
    const charges = holes > 0 && c.has('D3.12') ? 0 : uncharged;
    if (charges > 0 && state.locked + charges > state.limit) c.fail('ENOMEM.limit');
    for (const { pfn } of fresh) pin(state, pfn);
    state.locked += charges;
    for (const { page, entry } of places) {
      entry.pinnedByMdev.set(page, (entry.pinnedByMdev.get(page) ?? 0) + 1);
    }
    return places.length;
  },
});

export const unpinPages = onHost({
  name: 'vfio_unpin_pages',
  isKernel: true,
  doc: 'The driver lets go of pages; returns how many it held.',
  source: 'drivers/vfio/vfio.c:vfio_unpin_pages',
  args: { dev: DEVICE, user_pfn: USER_PFN, npage: COUNT },
  rules: [
    {
      id: 'EINVAL.argument',
      says: 'there is no device, or nothing to unpin',
      cite: 'drivers/vfio/vfio.c:vfio_unpin_pages',
      when: ({ args }) => args.dev !== 0 || args.npage <= 0,
    },
    {
      id: 'E2BIG.npage',
      says: 'they are more than 512',
      cite: VFIO,
      when: ({ args }) => args.npage > PAGES_MAX,
    },
    {
      id: 'EINVAL.container',
      says: 'the device is in no container',
      cite: 'drivers/vfio/vfio.c:vfio_group_add_container_user',
      when: ({ state }) => isMdevOutside(state),
    },
    take(IOMMU_LOCK),
  ],
  effect: ({ state, args }) => {
    let unpinned = 0;
    for (const page of pagesOf(args.user_pfn, args.npage)) {
      const entry = entryAt(state, page);
      if (entry?.pinnedByMdev.has(page) !== true) break;
      unpinOfMdev(state, entry, page);
      unpinned += 1;
    }
    return unpinned;
  },
});

/** Whether the IOMMUs do not translate a page, although the user has mapped it. */
function isHole({ domains }: Host, page: number): boolean {
  return domains.length > 0 && domains.every((domain) => physOf(domain, page) === undefined);
}

function pagesOf(first: bigint, count: number): number[] {
  return pagesFrom(Number(first), count);
}
