import { isAligned } from '../../base/u64.js';
import { u64 } from '../framework/argument.js';
import type { DesignContext } from '../framework/call.js';
import type { Pause } from '../framework/locks.js';
import { dropChunk, entryOf, replaceChunk } from './chunks.js';
import { IOMMU_LOCK, onHost, pageOf, pagesFrom } from './container_calls.js';
import { APERTURE_PAGES } from './page_table.js';
import { type Host, entryAt } from './state.js';

const KVM = 'PATCH 2/2 (KVM)';

/** A chunk that the guest gives back. */
const CHUNK = 0x1000n;

const BASE = u64('the first address of the guest', {
  usual: 0x10000n,
  values: [0x11000n, 0x20000n, 0n, 0x10001n],
});
const LENGTH = u64('bytes', { usual: CHUNK, values: [0x2000n, 0n, 6144n, 1n << 44n] });
const GUEST_PAGE = u64('the page of the guest', { usual: 0x10n, values: [0x11n, 0x20n, 0n] });

/** The processor’s lock around the list of what is discarded. */
const SPINLOCK = 'the spinlock of the discard list';

type HostContext = DesignContext<Host, unknown>;

export const discard = onHost({
  name: 'KVM_discard',
  doc: 'The guest does not need a range: KVM takes it from the device, and forgets it. The ioctl of patch 2/2.',
  source: KVM,
  args: { base: BASE, length: LENGTH },
  rules: [],
  *effect(c) {
    const { base, length } = c.args;
    const count = BigInt.asIntN(32, length >> 12n);
    if (length !== 0n && count <= 0n && isAligned(length, CHUNK)) {
      if (c.has('D3.15')) c.contradicts('the number of pages does not fit an int, and nothing is discarded');
      return 0;
    }
    if (!isAligned(length, CHUNK)) {
      return c.undefined('D3.15', 'endless loop', 'the length is counted down by chunks and never 0');
    }
    yield* c.lock(SPINLOCK, 'atomic');
    if (c.state.isMutexHeld) {
      return c.undefined('D3.14', 'sleep in atomic context', `it waits for ${IOMMU_LOCK} under a spinlock`);
    }
    discardPages(c, pageOf(base), Number(length >> 12n));
    c.unlock(SPINLOCK);
    return 0;
  },
});

/** Takes pages one by one; what munmap_pages answers is of no interest. */
function discardPages(c: HostContext, first: number, count: number): void {
  const { state } = c;
  const mapped = state.entries.flatMap(({ iova, pfns }) =>
    pagesFrom(iova, pfns.length).filter((page) => page >= first && page < first + count),
  );
  for (const page of mapped) discardPage(c, page);
  const isRefused = mapped.length < count || mapped.includes(0);
  if (isRefused && c.has('D3.16')) c.contradicts('KVM answers 0 although munmap_pages failed');
}

function discardPage(c: HostContext, page: number): void {
  const { state } = c;
  const chunk = { page, size: CHUNK };
  const entry = entryOf(state, chunk);
  // munmap_pages refuses page 0.
  if (entry !== undefined && page !== 0) dropChunk(c, chunk, entry);
  state.guest.ept.delete(page);
  state.guest.discarded.add(page);
}

export const touchProposed = onHost({
  name: 'guest_touch',
  doc: 'The guest uses a page: a fault of its page table. One that was discarded comes anew, and KVM maps it for the device.',
  source: KVM,
  args: { page: GUEST_PAGE },
  rules: [
    {
      id: 'EFAULT.slot',
      says: 'the guest has no such memory',
      cite: 'KVM',
      when: ({ state, args }) => entryAt(state, Number(args.page)) === undefined,
    },
  ],
  *effect(c) {
    const { state } = c;
    const page = Number(c.args.page);
    const isNew = state.guest.discarded.has(page);
    if (!isNew) {
      touchUserPage(state, page);
      return 0;
    }
    const pfn = state.guest.nextPfn;
    state.guest.nextPfn += 1;
    state.guest.discarded.delete(page);
    state.guest.ept.set(page, pfn);
    yield* mapAgain(c, page, pfn);
    return 0;
  },
});

/** The guest finds the page that the user has there. */
function touchUserPage(state: Host, page: number): void {
  const entry = entryAt(state, page);
  const pfn = entry?.pfns[page - entry.iova];
  if (pfn !== undefined && !state.guest.ept.has(page)) state.guest.ept.set(page, pfn);
}

/** mmap_pages from the fault; what it answers is of no interest. */
function* mapAgain(c: HostContext, page: number, pfn: number): Generator<Pause, void> {
  const { state } = c;
  const chunk = { page, size: CHUNK };
  const entry = entryOf(state, chunk);
  if (entry === undefined || state.domains.length === 0 || page === 0) return;
  yield* c.lock(IOMMU_LOCK);
  state.isMutexHeld = true;
  const problem = yield* replaceChunk(c, chunk, entry, { pfn, prot: 3 });
  state.isMutexHeld = false;
  c.unlock(IOMMU_LOCK);
  if (problem !== undefined && c.has('D3.16'))
    c.contradicts('the fault ends well although mmap_pages failed');
}

export const touchReviewed = onHost({
  name: 'guest_touch',
  doc: 'The guest uses a page; it finds what the user has there.',
  source: 'arch/x86/kvm/mmu/mmu.c:kvm_mmu_faultin_pfn',
  args: { page: GUEST_PAGE },
  rules: [
    {
      id: 'EFAULT.slot',
      says: 'the guest has no such memory',
      cite: 'KVM',
      when: ({ state, args }) => entryAt(state, Number(args.page)) === undefined,
    },
  ],
  effect: ({ state, args }) => {
    touchUserPage(state, Number(args.page));
  },
});

export const hint = onHost({
  name: 'KVM_hint',
  doc: 'KVM tells user space that the guest does not need a range; whether and how it is unmapped is up to user space.',
  source: 'Re: [PATCH 1/2] vfio: add mmap/munmap API for page hinting, 7 Jan 2020',
  args: { base: BASE, length: LENGTH },
  rules: [
    {
      id: 'EINVAL.aligned',
      says: 'base or length is not of whole pages, or the length is 0',
      cite: 'the virtio balloon',
      when: ({ args }) =>
        args.length === 0n || !isAligned(args.length, CHUNK) || !isAligned(args.base, CHUNK),
    },
    {
      id: 'EINVAL.slot',
      says: 'the guest does not have all of that memory',
      cite: 'the virtio balloon',
      when: ({ state, args }) =>
        pageOf(args.length) > APERTURE_PAGES ||
        pagesFrom(pageOf(args.base), pageOf(args.length)).some((page) => entryAt(state, page) === undefined),
    },
  ],
  effect: ({ state, args }) => {
    state.guest.hints.push({ page: pageOf(args.base), count: pageOf(args.length) });
  },
});
