import { choice, flags, handle, u32 } from '../framework/argument.js';
import { PAGE_SIZE } from '../../base/u64.js';
import { type DesignCall, type DesignContext, decidedInEffect } from '../framework/call.js';
import { FD, NO_FD, contextOf, onMachine } from './files.js';
import { freeRegionsOf, insertRegion, isHeldByMappings, removeRegion } from './regions.js';
import {
  type Context,
  IDS,
  type IommufdObject,
  type Machine,
  type Viommu,
  contextAt,
  dependentsOf,
  freeId,
  unpin,
} from './state.js';
import { objectName } from './view.js';

const ALLOC = 'v2 14/22, mock_viommu_init; viommu.c:iommufd_viommu_alloc_ioctl';
const DESTROY = 'main.c:iommufd_destroy';
const DEPEND = 'v2 11/22, iommufd_object_depend';

/** The only type of the mock. */
export const SELFTEST = 0xdead_beef;

/** Where the struct, or the data that it names, lies. */
export const PLACES = { ok: 0, read_only: 1 } as const;
export const PLACE = choice('the memory that the answer goes to', PLACES, 'ok');

const DATA = { none: 0, whole: 1, short: 2 } as const;

interface AllocArguments {
  readonly fd: number;
  readonly flags: number;
  readonly type: number;
  readonly hwpt: number;
  readonly data: number;
  readonly place: number;
}

type AllocContext = DesignContext<Machine, AllocArguments>;

function pageTableOf({ state, args }: Pick<AllocContext, 'state' | 'args'>): IommufdObject | undefined {
  const object = contextAt(state, args.fd)?.objects.get(args.hwpt);
  return object?.kind === 'hwpt' || object?.kind === 'parent' ? object : undefined;
}

export const viommuAlloc: DesignCall = onMachine({
  name: 'IOMMU_VIOMMU_ALLOC',
  doc: 'Makes a vIOMMU of the mock; one that is given data has two pages that can be mapped.',
  source: ALLOC,
  makes: [
    { kind: 'viommu', output: 'out_viommu_id' },
    { kind: 'cookie', output: 'out_mmap_offset' },
  ],
  args: {
    fd: FD,
    flags: flags('must be 0', {}),
    type: u32('of the vIOMMU', {
      usual: SELFTEST,
      values: [0, 1],
      names: { SELFTEST },
      isUnknown: (type) => type !== SELFTEST,
    }),
    hwpt: handle('the page table of the guest', ['hwpt'], {
      usual: IDS.parent,
      values: [IDS.hwpt, IDS.ioas],
    }),
    data: choice('data for the driver', DATA, 'whole'),
    place: PLACE,
  },
  rules: [
    NO_FD,
    {
      id: 'EOPNOTSUPP.flags',
      says: 'there are flags, or the type is not that of the mock',
      cite: 'viommu.c:iommufd_viommu_alloc_ioctl',
      when: ({ args }) => args.flags !== 0 || args.type !== SELFTEST,
      reports: 'unknown input',
    },
    {
      id: 'ENOENT.hwpt',
      says: 'no page table has the id',
      cite: 'viommu.c:iommufd_viommu_alloc_ioctl',
      when: (c) => pageTableOf(c) === undefined,
      reports: 'missing object',
    },
    {
      id: 'EINVAL.parent',
      says: 'the page table is no parent of nested ones',
      cite: 'viommu.c:iommufd_viommu_alloc_ioctl',
      when: (c) => pageTableOf(c)?.kind !== 'parent',
    },
    {
      id: 'EINVAL.data',
      says: 'the data is too short',
      cite: 'v2 14/22, mock_viommu_init',
      when: ({ args }) => args.data === DATA.short,
    },
    {
      id: 'EFAULT.respond',
      says: 'the answer cannot be written',
      cite: ALLOC,
      when: decidedInEffect,
    },
    { id: 'EBUSY.tree', says: 'there is no offset left', cite: ALLOC, when: decidedInEffect },
  ],
  effect: (c) => {
    const context = contextOf(c);
    const viommu: Viommu = {
      kind: 'viommu',
      id: freeId(context),
      context,
      dependsOn: [],
      cookies: [],
      memories: [],
    };
    const isUnwritable = c.args.place === PLACES.read_only;
    if (c.args.data === DATA.none) {
      if (isUnwritable) c.fail('EFAULT.respond');
      context.objects.set(viommu.id, viommu);
      return { out_viommu_id: viommu.id };
    }
    const cookie = offerPages(c, context, viommu);
    if (isUnwritable) c.fail('EFAULT.respond');
    context.objects.set(viommu.id, viommu);
    return { out_viommu_id: viommu.id, out_mmap_offset: cookie, out_mmap_length: 2n * PAGE_SIZE };
  },
});

/** Makes the pages of the mock mappable; undone if the cookie cannot be told, but for one defect. */
function offerPages(c: AllocContext, context: Context, viommu: Viommu): bigint {
  const region = insertRegion(c, context, { size: 2n * PAGE_SIZE, owner: viommu.id, of: 'page of the mock' });
  if (c.args.place === PLACES.read_only && !c.has('D0.22')) {
    removeRegion(region);
    c.state.memories.pop();
  }
  viommu.cookies.push(region.cookie);
  viommu.memories.push(region.memory);
  return region.cookie;
}

interface IdCall {
  readonly state: Machine;
  readonly args: { readonly fd: number; readonly id: number };
}

const objectOf = ({ state, args }: IdCall): IommufdObject | undefined =>
  contextAt(state, args.fd)?.objects.get(args.id);

export const destroyObject = onMachine({
  name: 'IOMMU_DESTROY',
  doc: 'Destroys an object that nobody uses.',
  source: DESTROY,
  args: {
    fd: FD,
    id: handle('the object', ['viommu', 'queue'], { values: [IDS.parent, IDS.ioas, 0, 77] }),
  },
  destroys: ({ fd, id }, state) => {
    const object = objectOf({ state, args: { fd, id } });
    return object === undefined ? undefined : objectName(object);
  },
  rules: [
    NO_FD,
    {
      id: 'ENOENT.id',
      says: 'there is no such object',
      cite: DESTROY,
      when: (c) => objectOf(c) === undefined,
      reports: 'missing object',
    },
    {
      id: 'EBUSY.users',
      says: 'others cannot be without it, or it is mapped',
      cite: 'main.c:iommufd_object_remove',
      when: (c) => {
        const object = objectOf(c);
        if (object === undefined) return false;
        if (dependentsOf(c.state, object).length > 0) return true;
        return object.kind === 'viommu' && isHeldByMappings(c, object);
      },
    },
  ],
  effect: (c) => {
    const object = objectOf(c);
    if (object === undefined) return;
    const { context } = object;
    if (object.kind === 'viommu') freeRegionsOf(c, object);
    if (object.kind === 'queue') unpin(c.state, context, object.iova, object.length);
    if (object.kind === 'ioas') context.areas.length = 0;
    context.objects.delete(object.id);
  },
});

/** The two objects of a dependency. */
interface DependCall {
  readonly state: Machine;
  readonly args: {
    readonly fd: number;
    readonly dependent: number;
    readonly depended_fd: number;
    readonly depended: number;
  };
}

function pairOf({ state, args }: DependCall): [IommufdObject | undefined, IommufdObject | undefined] {
  return [
    contextAt(state, args.fd)?.objects.get(args.dependent),
    contextAt(state, args.depended_fd)?.objects.get(args.depended),
  ];
}

const KINDS = ['viommu', 'queue'];

export const objectDepend = onMachine({
  name: 'iommufd_object_depend',
  isKernel: true,
  doc: 'A driver says that an object must not go before another of its kind; it says the opposite when that other one goes. Whether both are of one file is not looked at: drivers know.',
  source: DEPEND,
  args: {
    fd: FD,
    dependent: handle('the object that needs the other', KINDS),
    depended_fd: handle('the iommufd of the other', ['fd'], { usual: 3 }),
    depended: handle('the object that is needed', KINDS),
  },
  rules: [
    NO_FD,
    {
      id: 'ENOENT.objects',
      says: 'programs name objects that are there (no rule of the kernel)',
      cite: DEPEND,
      when: (c) => pairOf(c).includes(undefined),
    },
    {
      id: 'EINVAL.self',
      says: 'both are the same object',
      cite: DEPEND,
      when: (c) => pairOf(c)[0] === pairOf(c)[1],
    },
    {
      id: 'EINVAL.kinds',
      says: 'they are of different kinds',
      cite: DEPEND,
      when: (c) => pairOf(c)[0]?.kind !== pairOf(c)[1]?.kind,
    },
  ],
  effect: (c) => {
    const [dependent, depended] = pairOf(c);
    if (dependent !== undefined && depended !== undefined) dependent.dependsOn.push(depended);
  },
});
