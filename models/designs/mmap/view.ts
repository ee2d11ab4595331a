import { PAGE_SIZE, hex } from '../../base/u64.js';
import type { DesignObject, Space, View } from '../framework/view.js';
import {
  type Context,
  type HwQueue,
  type IommufdObject,
  type Machine,
  type Region,
  type Vma,
  dependentsOf,
  frameAt,
  mappingsOf,
  pagesOf,
  queuesOf,
} from './state.js';

const KINDS = {
  ioas: 'IOAS',
  hwpt: 'page table',
  parent: 'parent',
  viommu: 'vIOMMU',
  queue: 'queue',
} as const;

/** How views name an object of an iommufd. */
export function objectName({ kind, id, context }: IommufdObject): string {
  return `${KINDS[kind]} ${String(id)} of ${context.name}`;
}

/** How views name the region that some driver was given a cookie for. */
export function regionName(context: Context, cookie: bigint, owner: number): string {
  const whose = owner === 0 ? 'a driver' : `vIOMMU ${String(owner)}`;
  return `region ${hex(cookie)} of ${whose} in ${context.name}`;
}

function nameOf({ context, cookie, owner }: Region): string {
  return regionName(context, cookie, owner);
}

const vmaName = ({ number }: Vma) => `vma ${String(number)}`;

export function viewOfMachine(machine: Machine): View {
  const { contexts, memories } = machine;
  const vmas = [...machine.vmas.values()];
  return {
    pages: memories.map(({ name, isFreed }) => ({ page: name, isFreed })),
    mappings: vmas.map((vma) => ({ by: vmaName(vma), page: vma.region.memory.name })),
    pins: pinsOf(machine),
    regions: contexts.flatMap(({ tree }, at) => tree.map((region) => placeOf(region, at))),
    windows: vmas
      .filter(({ region }) => !region.isErased)
      .map((vma) => windowOf(vma, contexts.indexOf(vma.region.context))),
    objects: contexts.flatMap((context) => objectsOf(machine, context)),
    spaces: contexts.flatMap((context) => queuesOf(context).map(queueMemory)),
    grants: vmas.map((vma) => ({ by: vmaName(vma), granted: 'rw', used: vma.rights })),
    released: contexts
      .filter((context) => context.isReleased)
      .map((context) => ({ of: context.name, left: leftOf(context) })),
  };
}

/** The view of a design that counts mappings. */
export function viewWithCounts(machine: Machine): View {
  const regions = machine.contexts.flatMap(({ tree }) => tree);
  return {
    ...viewOfMachine(machine),
    references: regions.map((region) => ({
      of: nameOf(region),
      actual: region.users,
      expected: [...machine.vmas.values()].filter((vma) => vma.region === region).length,
    })),
  };
}

/** Offsets of different files are different numbers. */
const numberSpace = (at: number) => BigInt(at) << 64n;

function placeOf(region: Region, at: number) {
  return { of: nameOf(region), start: numberSpace(at) + region.cookie, length: region.size };
}

function windowOf(vma: Vma, at: number) {
  const { region, offset, length, shows, isDerived } = vma;
  return {
    by: vmaName(vma),
    region: nameOf(region),
    offset: numberSpace(at) + offset,
    length,
    shows,
    mustBeWhole: !isDerived,
  };
}

function pinsOf({ contexts, pins }: Machine) {
  const queues = contexts.flatMap(queuesOf);
  return [...pins].map(([frame, actual]) => ({
    of: `page ${hex(frame)}`,
    actual,
    expected: queues.filter(({ context, iova, length }) =>
      pagesOf(iova, length).some((page) => frameAt(context, page) === frame),
    ).length,
  }));
}

function objectsOf(machine: Machine, { objects, tree }: Context): DesignObject[] {
  const things = [...objects.values()].map((object) => ({
    name: objectName(object),
    handle: object.id,
    isReachable: true,
    isComplete: true,
    lastingUsers: dependentsOf(machine, object).length + mappingsOf(machine, object).length,
  }));
  const regions = tree.map((region) => {
    const owner = region.context.objects.get(region.owner);
    return {
      name: nameOf(region),
      handle: region.cookie,
      ...(owner === undefined ? {} : { owner: objectName(owner) }),
      isReachable: true,
      isComplete: true,
    };
  });
  return [...things, ...regions];
}

/** What hardware takes for the memory of a queue. */
function queueMemory(queue: HwQueue): Space {
  const { context, iova, address } = queue;
  const frame = frameAt(context, iova);
  const due = frame === undefined ? 'nothing' : hex(BigInt(frame) * PAGE_SIZE + (iova % PAGE_SIZE));
  return {
    of: objectName(queue),
    recorded: { [hex(iova)]: due },
    domains: [{ name: 'the driver', translations: { [hex(iova)]: hex(address) } }],
  };
}

function leftOf({ tree, objects }: Context): string[] {
  return [...[...objects.values()].map(objectName), ...tree.map(nameOf)];
}
