import { PAGE_SIZE, alignUp, isAligned } from '../../base/u64.js';
import { choice, handle, u64, wideHandle } from '../framework/argument.js';
import { type DesignCall, type DesignContext, decidedInEffect } from '../framework/call.js';
import { PAUSE } from '../framework/locks.js';
import { FD, NO_FD, onMachine, releaseUnused } from './files.js';
import { type Machine, type Region, type Vma, contextAt, regionAt } from './state.js';

const MMAP = 'v2 13/22, iommufd_fops_mmap';

const RIGHTS = { rw: 0, r: 1, none: 2, rwx: 3 } as const;
const TEXTS = ['rw', 'r', '', 'rwx'] as const;
const RIGHTS_ARGUMENT = choice('rights', RIGHTS, 'rw');

const rightsOf = (rights: number): string => TEXTS[rights] ?? '';

interface MmapArguments {
  readonly fd: number;
  readonly offset: bigint;
  readonly length: bigint;
  readonly sharing: number;
  readonly rights: number;
  readonly remap: number;
  readonly kernel: number;
}

type MmapContext = DesignContext<Machine, MmapArguments>;

/** Bytes, as the system call rounds them. */
const lengthOf = ({ args }: Pick<MmapContext, 'args'>): bigint => alignUp(args.length, PAGE_SIZE);

function regionOf({ state, args }: Pick<MmapContext, 'state' | 'args'>): Region | undefined {
  const context = contextAt(state, args.fd);
  return context === undefined ? undefined : regionAt(context, args.offset);
}

/** @param unknown what an offset is answered with that no region has */
function mmapCall(unknown: 'ENXIO.offset' | 'EINVAL.unknown'): DesignCall {
  return onMachine({
    name: 'mmap',
    doc: 'Maps a region; the number of the mapping stands for its address.',
    source: MMAP,
    makes: [{ kind: 'vma' }],
    args: {
      fd: FD,
      offset: wideHandle('the cookie', ['cookie'], {
        values: [0n, PAGE_SIZE, 2n * PAGE_SIZE, 1n << 20n, 1n << 62n],
      }),
      length: u64('bytes', {
        usual: 2n * PAGE_SIZE,
        values: [PAGE_SIZE, 3n * PAGE_SIZE, 16n * PAGE_SIZE, 0x1f9cn, 1n << 32n, 0n],
      }),
      sharing: choice('MAP_SHARED or MAP_PRIVATE', { shared: 0, private: 1 }, 'shared'),
      rights: RIGHTS_ARGUMENT,
      remap: choice('whether page tables can be made', { works: 0, fails: 1 }, 'works'),
      kernel: choice('where the kernel runs', { bare: 0, in_encrypted_guest: 1 }, 'bare'),
    },
    rules: [
      NO_FD,
      {
        id: 'EINVAL.length',
        says: 'the length is 0, or greater than all memory; the test of the proposal for whole pages is behind the rounding of the system call',
        cite: 'mm/mmap.c:do_mmap',
        when: ({ args: { length } }) => length === 0n || length > 1n << 47n,
      },
      {
        id: 'EINVAL.offset',
        says: 'the offset is not that of a page',
        cite: 'arch/x86/kernel/sys_x86_64.c:mmap',
        when: ({ args }) => !isAligned(args.offset, PAGE_SIZE),
      },
      {
        id: 'EINVAL.private',
        says: 'the mapping is private',
        cite: MMAP,
        when: ({ args }) => args.sharing === 1,
      },
      {
        id: 'EPERM.exec',
        says: 'the mapping is executable',
        cite: MMAP,
        when: ({ args }) => args.rights === RIGHTS.rwx,
      },
      { id: unknown, says: 'the tree has nothing at the offset', cite: MMAP, when: decidedInEffect },
      {
        id: 'ENXIO.start',
        says: 'the offset is inside a region',
        cite: 'main.c:iommufd_fops_mmap',
        when: decidedInEffect,
      },
      {
        id: 'ENXIO.length',
        says: 'the length is not that of the region',
        cite: MMAP,
        when: decidedInEffect,
        contradicts: (c) => {
          const region = regionOf(c);
          const isExact = region?.cookie === c.args.offset && region.size === lengthOf(c);
          return isExact && c.has('D0.11') ? 'the whole region is refused' : undefined;
        },
      },
      {
        id: 'ENOMEM.remap',
        says: 'there is no memory for page tables',
        cite: 'mm/memory.c:remap_pfn_range',
        when: decidedInEffect,
      },
    ],
    *effect(c) {
      const region = regionOf(c);
      if (region === undefined) return c.fail(unknown);
      if (c.has('D0.9')) {
        yield PAUSE;
        if (region.isErased) {
          return c.undefined('D0.9', 'use after free', 'reads a record that was freed after the lookup');
        }
      }
      const isCountedLate = c.has('D0.10');
      if (!isCountedLate) region.users += 1;
      const refused = refusalOf(c, region);
      if (refused !== undefined) {
        if (!isCountedLate) region.users -= 1;
        return c.fail(refused);
      }
      const vma = insertVma(c, region);
      if (c.args.kernel === 1 && c.has('D0.13')) {
        c.contradicts('the mapping has the encryption bit of memory, and does not reach the device');
      }
      if (!isCountedLate) return vma.number;
      yield PAUSE;
      if (region.isErased) {
        return c.undefined('D0.10', 'use after free', 'counts at an owner that was freed after the remap');
      }
      region.users += 1;
      return vma.number;
    },
  });
}

export const mmapRegion = mmapCall('ENXIO.offset');

/** v1 has another errno. */
export const mmapRegionV1 = mmapCall('EINVAL.unknown');

/** Why a region is not mapped as asked for. */
function refusalOf(
  c: MmapContext,
  { cookie, size }: Region,
): 'ENXIO.start' | 'ENXIO.length' | 'ENOMEM.remap' | undefined {
  const length = lengthOf(c);
  if (c.args.offset !== cookie && !(c.has('D0.3') || c.has('D0.11'))) return 'ENXIO.start';
  const isWide = size >= 1n << 32n;
  const whole = isWide && c.has('D0.11') ? size % (1n << 32n) : size;
  if (length > whole || (length < whole && !c.has('D0.4'))) return 'ENXIO.length';
  return c.args.remap === 1 ? 'ENOMEM.remap' : undefined;
}

function insertVma({ state, args }: MmapContext, region: Region): Vma {
  state.count += 1;
  const vma: Vma = {
    number: state.count,
    process: 0,
    region,
    offset: args.offset,
    // The page tables are filled from the first page on, whatever the offset.
    shows: 0n,
    length: alignUp(args.length, PAGE_SIZE),
    isDerived: false,
    rights: rightsOf(args.rights),
    isNotForked: false,
  };
  state.vmas.set(vma.number, vma);
  return vma;
}

const VMA = handle('the mapping', ['vma']);

interface VmaCall {
  readonly state: Machine;
  readonly args: { readonly vma: number };
}

const vmaOf = ({ state, args }: VmaCall): Vma | undefined => state.vmas.get(args.vma);

/** What programs that name no mapping get; they have no address. */
const NO_VMA = {
  id: 'ENOENT.vma',
  says: 'there is no such mapping',
  cite: 'mm/mmap.c',
  when: (c: VmaCall) => vmaOf(c) === undefined,
} as const;

export const munmapRegion = onMachine({
  name: 'munmap',
  doc: 'Ends a mapping, or cuts off its first page.',
  source: 'munmap(2)',
  args: { vma: VMA, pages: choice('how much of it', { all: 0, first: 1 }, 'all') },
  rules: [NO_VMA],
  effect: (c) => {
    const vma = vmaOf(c);
    if (vma === undefined) return;
    const { vmas } = c.state;
    if (c.args.pages === 1 && vma.length > PAGE_SIZE) {
      const offset = vma.offset + PAGE_SIZE;
      const shows = vma.shows + PAGE_SIZE;
      vmas.set(vma.number, { ...vma, offset, shows, length: vma.length - PAGE_SIZE, isDerived: true });
      return;
    }
    vmas.delete(vma.number);
    vma.region.users -= 1;
    releaseUnused(c, vma.region.context);
  },
});

export const mremapRegion = onMachine({
  name: 'mremap',
  doc: 'Moves a mapping, or tries to have it twice as long, or twice.',
  source: 'mremap(2)',
  args: { vma: VMA, to: choice('what it is to be', { elsewhere: 0, doubled: 1, twice: 2 }, 'elsewhere') },
  rules: [
    NO_VMA,
    {
      id: 'EFAULT.grows',
      says: 'pages that a driver has mapped cannot become more: VM_DONTEXPAND, VM_PFNMAP',
      cite: 'mm/mremap.c:check_prep_vma',
      when: ({ args }) => args.to !== 0,
    },
  ],
  effect: () => 0,
});

export const mprotectRegion = onMachine({
  name: 'mprotect',
  doc: 'Gives a mapping other rights.',
  source: 'mprotect(2)',
  args: { vma: VMA, rights: RIGHTS_ARGUMENT },
  rules: [
    NO_VMA,
    {
      id: 'EACCES.exec',
      says: 'the mapping may not be executed',
      cite: 'mm/mprotect.c:do_mprotect_pkey',
      when: ({ args, has }) => args.rights === RIGHTS.rwx && !has('D0.12'),
    },
  ],
  effect: (c) => {
    const vma = vmaOf(c);
    if (vma !== undefined) c.state.vmas.set(vma.number, { ...vma, rights: rightsOf(c.args.rights) });
  },
});

export const madviseRegion = onMachine({
  name: 'madvise',
  doc: 'Says what will be done with a mapping.',
  source: 'madvise(2)',
  args: { vma: VMA, advice: choice('advice', { DONTNEED: 0, DOFORK: 1, DONTFORK: 2 }, 'DONTNEED') },
  rules: [
    NO_VMA,
    {
      id: 'EINVAL.pages_of_device',
      says: 'the mapping has pages of a device, and they are to be dropped, or to be inherited',
      cite: 'mm/madvise.c:madvise_vma_behavior',
      when: ({ args }) => args.advice !== 2,
    },
  ],
  effect: (c) => {
    const vma = vmaOf(c);
    if (vma !== undefined) c.state.vmas.set(vma.number, { ...vma, isNotForked: true });
  },
});

const BYTE = u64('byte of the mapping', { usual: 0n, values: [PAGE_SIZE] });

/** What is outside a mapping, or not permitted. */
const SEGFAULT = {
  id: 'EFAULT.segfault',
  says: 'the mapping has no such byte, or not the right; a real program gets a signal',
  cite: 'arch/x86/mm/fault.c',
} as const;

export const storeWord = onMachine({
  name: 'store',
  doc: 'Writes a word through a mapping.',
  source: 'processor',
  args: { vma: VMA, byte: BYTE, word: u64('the word', { usual: 7n, values: [8n] }) },
  rules: [
    NO_VMA,
    {
      ...SEGFAULT,
      when: (c) => {
        const vma = vmaOf(c);
        return vma !== undefined && (c.args.byte >= vma.length || !vma.rights.includes('w'));
      },
    },
  ],
  effect: (c) => {
    const vma = vmaOf(c);
    if (vma === undefined) return;
    const { memory } = vma.region;
    if (memory.freedBy !== undefined) {
      return c.undefined(memory.freedBy, 'use after free', `writes to ${memory.name}, which was freed`);
    }
    memory.words.set(vma.shows + c.args.byte, Number(c.args.word));
  },
});

export const loadWord = onMachine({
  name: 'load',
  doc: 'Reads a word through a mapping.',
  source: 'processor',
  args: { vma: VMA, byte: BYTE },
  rules: [
    NO_VMA,
    {
      ...SEGFAULT,
      when: (c) => {
        const vma = vmaOf(c);
        return vma !== undefined && (c.args.byte >= vma.length || !vma.rights.includes('r'));
      },
    },
  ],
  effect: (c) => {
    const vma = vmaOf(c);
    if (vma === undefined) return 0;
    const { memory } = vma.region;
    if (memory.freedBy !== undefined) {
      return c.undefined(memory.freedBy, 'use after free', `reads ${memory.name}, which was freed`);
    }
    return memory.words.get(vma.shows + c.args.byte) ?? 0;
  },
});
