import { ioasOf } from '../state/access.js';
import { present } from '../base/assert.js';
import {
  U64_MAX,
  PAGE_SIZE,
  alignUp,
  lowestSetBit,
  minU64,
  pageOffset,
  roundUpToPowerOfTwo,
} from '../base/u64.js';
import { clipRanges, gapsWithin, mergeRanges } from '../base/ranges.js';
import { type AnyContext, type CallDescription, once } from '../ioctls/description.js';
import { protectionOf } from '../ioctls/shared_rules.js';
import type { AttachTarget } from '../ioctls/test/attach_target.js';
import type { PassedAccess } from '../ioctls/test/access_descriptor.js';
import { type UserMap, planUserMap } from '../ioctls/user_map.js';
import type { OperationContext, OperationDescription } from '../operations/operation.js';
import type { Device } from '../state/objects.js';
import { Placement } from '../state/placement.js';
import type { World } from '../state/world.js';
import { type EffectMutant, plantInTables } from './effect_mutant.js';

/** Bugs that iommufd had, as differences in what calls do. Which is which says the catalogue, suites/fixed_bugs. */
export const FIXED_BUGS: readonly EffectMutant[] = [
  {
    kind: 'effect',
    call: 'IOMMU_IOAS_UNMAP',
    rule: 'OK',
    what: 'unpins_beside_accesses',
    says: 'what an area lets go of is unpinned, although accesses hold pages of it',
    plant: unpinBesideAccesses,
  },
  {
    kind: 'effect',
    call: 'VFIO_IOMMU_UNMAP_DMA',
    rule: 'OK',
    what: 'keeps_cut_area',
    says: 'an area that was cut still counts as one that holds its pages, beside its halves',
    plant: keepCutAreas,
  },
  {
    kind: 'effect',
    call: 'IOMMU_TEST_OP_MOCK_DOMAIN',
    rule: 'OK',
    what: 'lists_page_table_twice',
    says: 'a page table that a device is attached to by its id is put on the list of its IOAS once more, and an entry stays when it goes',
    alterCall: (call) =>
      afterwards(call, MOCK_DOMAINS, (c) => {
        const { target } = c as AnyContext & AttachTarget;
        if (target?.type === 'HWPT_PAGING') target.ioas.hwpts.push({ ...target });
      }),
  },
  {
    kind: 'effect',
    call: 'VFIO_IOMMU_GET_INFO',
    rule: 'OK',
    what: 'tells_stack',
    says: 'the padding behind the info is what the stack of the kernel held',
    alterCall: (call) =>
      afterwards(call, ['VFIO_IOMMU_GET_INFO'], ({ args, memory, pointer }) => {
        const { offset, field } = present(call.layout.memberOf('pad'), 'the padding');
        const start = pointer + BigInt(offset);
        const hasRoom = Number(args.argsz) >= offset + field.bytes && memory.isWritable(start, field.bytes);
        if (hasRoom) memory.write(start, new Uint8Array(field.bytes).fill(STACK));
      }),
  },
  {
    kind: 'effect',
    call: 'IOMMU_TEST_OP_ACCESS_REPLACE_IOAS',
    rule: 'EADDRINUSE.alignment',
    what: 'forgets_list_id',
    says: 'an access that the new IOAS refuses has lost its place in the list of the old one',
    alterCall: (call) =>
      leaving(call, 'IOMMU_TEST_OP_ACCESS_REPLACE_IOAS', 'EADDRINUSE.alignment', (c) => {
        const { access } = present((c as AnyContext & PassedAccess).accessFile, 'an access');
        const { accesses } = ioasOf(access).table;
        accesses[accesses.indexOf(access)] = { ...access };
      }),
  },
  {
    kind: 'effect',
    call: 'IOMMU_TEST_OP_MOCK_DOMAIN',
    rule: 'OK',
    what: 'numbers_by_count',
    says: 'a mock device is named by how many there are, and refused where one that is left has the name',
    alterCall: (call) => (MOCK_DOMAINS.includes(call.name) ? withNamesByCount(call) : undefined),
  },
  {
    kind: 'effect',
    call: 'IOMMU_IOAS_MAP',
    rule: 'OK',
    what: 'alignment_wraps',
    says: 'the start of a hole near the end of the address space is aligned to 0, whatever is there',
    alterCall: (call) =>
      call.name === 'IOMMU_IOAS_MAP' ? { resolve: (c) => wrapping(call.resolve(c)) } : undefined,
  },
  {
    kind: 'effect',
    call: 'veventq_read',
    rule: 'OK',
    what: 'counts_header_as_pointer',
    says: 'the header of an event is taken for four bytes shorter than it is, as a pointer of 32 bits',
    alterOperation: (operation) =>
      operation.name === 'veventq_read' ? withPointerForHeader(operation) : undefined,
  },
];

function unpinBesideAccesses(world: World): void {
  plantInTables(world, (table) => {
    const insert = table.insert.bind(table);
    table.insert = (area) => {
      insert(area);
      const { pages } = area;
      pages.isHeld = (index) => pages.areas.some((other) => other.hasStorageDomain && other.covers(index));
    };
  });
}

function keepCutAreas(world: World): void {
  plantInTables(world, (table) => {
    const replace = table.replace.bind(table);
    table.replace = (area, parts) => {
      replace(area, parts);
      area.pages.addArea(area);
    };
  });
}

const MOCK_DOMAINS = ['IOMMU_TEST_OP_MOCK_DOMAIN', 'IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS'];

/** What a stack may hold. */
const STACK = 0xa5;

/** Calls that do something more when they have succeeded. */
function afterwards(
  call: CallDescription,
  names: readonly string[],
  does: (c: AnyContext) => void,
): Partial<CallDescription> | undefined {
  if (!names.includes(call.name)) return undefined;
  return {
    effect: (c) => {
      call.effect(c);
      does(c);
    },
  };
}

/** A call that leaves something behind when a rule refuses it. */
function leaving(
  call: CallDescription,
  name: string,
  id: string,
  does: (c: AnyContext) => void,
): Partial<CallDescription> | undefined {
  if (call.name !== name) return undefined;
  const leaves = {
    what: 'a mutant',
    cite: call.source,
    does,
  };
  return { rules: call.rules.map((rule) => (rule.id === id ? { ...rule, leaves } : rule)) };
}

/** The names of mock devices, which all iommufds of a world share. */
const deviceNames = new WeakMap<Device, number>();

function withNamesByCount(call: CallDescription): Partial<CallDescription> {
  return {
    rules: [
      {
        id: 'EEXIST.mutant',
        says: 'a device that is left has the name',
        cite: call.source,
        when: ({ world }) => devicesOf(world).some((device) => deviceNames.get(device) === nextName(world)),
      },
      ...call.rules,
    ],
    effect: (c) => {
      const name = nextName(c.world);
      const known = new Set(devicesOf(c.world));
      call.effect(c);
      for (const device of devicesOf(c.world)) if (!known.has(device)) deviceNames.set(device, name);
    },
  };
}

function nextName(world: World): number {
  return devicesOf(world).length + 1;
}

function devicesOf({ contexts }: World): Device[] {
  return contexts.flatMap(({ objects }) => objects.objects.filter((object) => object.type === 'DEVICE'));
}

/** A mapping whose place may be at 0, where alignment leads beyond the last address. */
function wrapping(c: AnyContext): AnyContext {
  const map = c as AnyContext & UserMap;
  const { ioas } = map;
  const placement = new WrappingPlacement(
    ioas?.table,
    map.placement.request,
    c.profile.automaticAlignmentMax,
  );
  const protection = protectionOf(Number(c.args.flags));
  const plan = once(() => planUserMap(c, { ioas, placement }, protection, 'iova'));
  return Object.assign(c, { placement, plan });
}

/** Automatic placement that finds 0 where nothing else is left, if a hole is long enough and begins behind the last multiple of the alignment. */
class WrappingPlacement extends Placement {
  override get iova(): bigint | undefined {
    return super.iova ?? (this.#wraps() ? pageOffset(this.request.address) : undefined);
  }

  #wraps(): boolean {
    const { table, request } = this;
    if (table === undefined) return false;
    const { address, length } = request;
    const space = { start: PAGE_SIZE, last: U64_MAX - PAGE_SIZE };
    const windows = table.allowed.length === 0 ? [space] : clipRanges(mergeRanges(table.allowed), space);
    const busy = mergeRanges([
      ...table.areas.map(({ iova, last }) => ({ start: iova, last })),
      ...table.reserved,
    ]);
    const alignment = minU64(roundUpToPowerOfTwo(length), address === 0n ? U64_MAX : lowestSetBit(address));
    return windows
      .flatMap((window) => gapsWithin(busy, window))
      .some(({ start, last }) => last - start >= length - 1n && alignUp(start, alignment) > U64_MAX);
  }
}

function withPointerForHeader({ effect, rules }: OperationDescription): Partial<OperationDescription> {
  return {
    effect: (c) => effect(withMoreRoom(c)),
    rules: rules.map((rule) =>
      rule.id === 'EINVAL.event' ? { ...rule, when: (c) => rule.when(withMoreRoom(c)) } : rule,
    ),
  };
}

/** A read of a vEVENTQ into a buffer that is taken for four bytes longer. */
function withMoreRoom(c: OperationContext): OperationContext {
  return c.step.do === 'read' ? { ...c, step: { ...c.step, bytes: c.step.bytes + 4 } } : c;
}
