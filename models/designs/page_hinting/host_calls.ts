import { wrapU64 } from '../../base/u64.js';
import { choice, flags, u32, u64 } from '../framework/argument.js';
import { READ_WRITE, onHost } from './container_calls.js';
import { leafAt, physOf } from './page_table.js';
import { type Domain } from './page_table.js';
import { type Host, SPARE_PFN } from './state.js';

const IOMMU_GROUPS = { gpu: 0, nic: 1 } as const;

function domainOf({ domains }: Host, group: number): Domain | undefined {
  const name = `the domain of ${group === IOMMU_GROUPS.gpu ? 'gpu' : 'nic'}`;
  return domains.find((domain) => domain.name === name);
}

export const setLimit = onHost({
  name: 'setrlimit',
  doc: 'Sets how much memory the user may lock.',
  source: 'setrlimit(2), RLIMIT_MEMLOCK',
  args: { pages: u32('in pages', { usual: 8, values: [4096, 0] }) },
  rules: [],
  effect: ({ state, args }) => {
    state.limit = args.pages;
  },
});

export const lockedPages = onHost({
  name: 'locked_pages',
  doc: 'How much memory the user has locked, in pages: a word of 64 bits.',
  source: 'proc(5), VmLck',
  args: {},
  rules: [],
  effect: ({ state }) => wrapU64(BigInt(state.locked)),
});

export const giveUpPage = onHost({
  name: 'free_page',
  doc: 'The owner gives a page of the host up; it is freed when nobody pins it.',
  source: 'munmap(2)',
  args: {
    pfn: u64('the page', { usual: BigInt(SPARE_PFN), values: [0x101n, 0x400n, 0n, BigInt(SPARE_PFN + 1)] }),
  },
  rules: [],
  effect: ({ state, args }) => {
    const pfn = Number(args.pfn);
    state.givenUp.add(pfn);
    // KVM is told and forgets the page; IOMMUs cannot be told.
    for (const [page, known] of state.guest.ept) if (known === pfn) state.guest.ept.delete(page);
  },
});

export const deviceDma = onHost({
  name: 'device_dma',
  doc: 'A device reads or writes a page; the output is the page of the host that it reaches.',
  source: 'IOMMU',
  args: {
    group: choice('the device', IOMMU_GROUPS, 'gpu'),
    page: u64('the page of its address', { usual: 0x10n, values: [0x11n, 0n] }),
    access: flags('what it does', READ_WRITE, 1),
  },
  rules: [
    {
      id: 'ENODEV.group',
      says: 'the device has no IOMMU domain',
      cite: 'VFIO',
      when: ({ state, args }) => domainOf(state, args.group) === undefined,
    },
    {
      id: 'EINVAL.access',
      says: 'the access is neither reading nor writing',
      cite: 'PCI',
      when: ({ args }) => args.access === 0 || args.access > 3,
    },
    {
      id: 'EFAULT.translation',
      says: 'the IOMMU translates nothing there, or does not permit it: the device sees an abort',
      cite: 'IOMMU',
      when: ({ state, args }) => {
        const domain = domainOf(state, args.group);
        const leaf = domain === undefined ? undefined : leafAt(domain, Number(args.page));
        return leaf === undefined || (args.access & ~leaf.rights) !== 0;
      },
    },
  ],
  effect: ({ state, args }) => {
    const domain = domainOf(state, args.group);
    return { pfn: domain === undefined ? 0 : (physOf(domain, Number(args.page)) ?? 0) };
  },
});

export const countLeaves = onHost({
  name: 'iommu_entries',
  doc: 'How many entries the page table of a device has: a large page is one.',
  source: 'debugfs of the IOMMU driver',
  args: { group: choice('the device', IOMMU_GROUPS, 'gpu') },
  rules: [],
  effect: ({ state, args }) => domainOf(state, args.group)?.leaves.length ?? 0,
});
