import { PAGE_SIZE, hex } from '../../base/u64.js';
import type { DesignObject, Space, View } from '../framework/view.js';
import { pfnBehind } from './memory.js';
import { type Area, type IoptPages, type Ioas, LOCKED_MAX, type Machine, iovaOfIndex } from './state.js';

export function ioasName(id: number): string {
  return `IOAS ${String(id)}`;
}

export function accessName(id: number): string {
  return `access ${String(id)}`;
}

export function viewOfMachine(machine: Machine): View {
  const held = heldPages(machine);
  const { pages, lockedVm, pinnedVm, spaces, memory, freedDomains } = machine;
  return {
    pins: [...memory.frames.values()]
      .map(({ pfn, pins }) => ({
        of: `page ${String(pfn)}`,
        actual: pins,
        expected: held.byPfn.get(pfn) ?? 0,
      }))
      .filter(({ actual, expected }) => actual !== 0 || expected !== 0),
    accounts: [
      {
        of: 'locked_vm of the user',
        actual: lockedVm,
        expected: countOf(held.byPages, ({ hasIpcLock }) => !hasIpcLock),
        limit: LOCKED_MAX,
      },
      { of: 'pinned_vm of the process', actual: pinnedVm, expected: countOf(held.byPages, () => true) },
    ],
    references: [
      ...pages.map((each) => ({
        of: each.name,
        actual: each.references,
        expected: [...spaces.values()].flatMap(({ areas }) => areas).filter(({ pages: of }) => of === each)
          .length,
      })),
      ...[...spaces.values()].flatMap((ioas) => referencesIn(machine, ioas)),
    ],
    objects: objectsOf(machine),
    spaces: [...spaces.values()].map(spaceOf),
    windows: [],
    regions: [...spaces.values()].flatMap(regionsOf),
    released: freedDomains.map(({ name, translations }) => ({
      of: name,
      left: [...translations.keys()].map((iova) => `a translation of ${hex(iova)}`),
    })),
  };
}

/** The pages that somebody uses: a domain of an area, or a user in the kernel. Each index counts once, whoever shares it. */
function heldPages({ spaces, holders }: Machine): {
  readonly byPfn: Map<number, number>;
  readonly byPages: Map<IoptPages, number>;
} {
  const indexes = new Map<IoptPages, Set<number>>();
  const hold = (pages: IoptPages, start: number, last: number): void => {
    const known = indexes.get(pages) ?? new Set<number>();
    indexes.set(pages, known);
    for (let index = start; index <= last; index++) known.add(index);
  };
  for (const { areas, domains } of spaces.values()) {
    for (const { pages, firstIndex, lastIndex } of domains.length > 0 ? areas : []) {
      if (pages !== undefined) hold(pages, firstIndex, lastIndex);
    }
  }
  for (const { parts } of holders) for (const { pages, start, last } of parts) hold(pages, start, last);
  const byPfn = new Map<number, number>();
  for (const [{ uptr }, known] of indexes) {
    for (const index of known) {
      const pfn = pfnBehind(uptr + BigInt(index) * PAGE_SIZE, false);
      if (pfn !== undefined) byPfn.set(pfn, (byPfn.get(pfn) ?? 0) + 1);
    }
  }
  return { byPfn, byPages: new Map([...indexes].map(([pages, known]) => [pages, known.size])) };
}

function countOf(byPages: ReadonlyMap<IoptPages, number>, isCounted: (pages: IoptPages) => boolean): number {
  return [...byPages].reduce((sum, [pages, count]) => (isCounted(pages) ? sum + count : sum), 0);
}

/** Users of areas, and reservations of devices. */
function referencesIn({ holders, devices }: Machine, ioas: Ioas): NonNullable<View['references']> {
  return [
    ...ioas.areas.map((area) => ({
      of: `users of ${areaName(ioas, area)}`,
      actual: area.users,
      expected: holders.flatMap(({ parts }) => parts).filter((part) => part.area === area).length,
    })),
    {
      of: `reservations for devices of ${ioasName(ioas.id)}`,
      actual: ioas.reserved.filter(({ owner }) => owner !== 'test' && !owner.startsWith('domain')).length,
      expected: devices.filter((device) => device.ioas === ioas).length,
    },
  ];
}

function objectsOf({ spaces, accesses, devices, holders }: Machine): DesignObject[] {
  return [
    ...[...spaces.values()].map(({ id, areas }) => ({
      name: ioasName(id),
      handle: id,
      isReachable: true,
      isComplete: true,
      lastingUsers:
        devices.filter(({ ioas }) => ioas?.id === id).length +
        [...accesses.values(), ...holders].filter(({ ioas }) => ioas.id === id).length,
      state: `${String(areas.length)} areas`,
    })),
    ...[...accesses.values()].map(({ id, ioas }) => ({
      name: accessName(id),
      handle: id,
      owner: ioasName(ioas.id),
      isReachable: true,
      isComplete: true,
    })),
    ...devices
      .filter(({ ioas }) => ioas !== undefined)
      .map(({ name }) => ({ name: attachmentName(name), handle: 1, isReachable: true, isComplete: true })),
  ];
}

export function attachmentName(device: string): string {
  return `attachment of ${device}`;
}

function areaName({ id }: Ioas, { iova }: Area): string {
  return `area ${hex(iova)} of ${ioasName(id)}`;
}

function spaceOf(ioas: Ioas): Space {
  return {
    of: ioasName(ioas.id),
    recorded: Object.assign({}, ...ioas.areas.map(recordedOf)) as Record<string, string>,
    domains: ioas.domains.map(({ name, translations }) => ({
      name,
      translations: Object.fromEntries(
        [...translations].map(([iova, pfn]) => [hex(iova), `page ${String(pfn)}`]),
      ),
    })),
  };
}

/** What the area says is at its IOVAs. */
function recordedOf(area: Area): Record<string, string> {
  const recorded: Record<string, string> = {};
  const { pages, firstIndex, lastIndex } = area;
  if (pages === undefined) return recorded;
  for (let index = firstIndex; index <= lastIndex; index++) {
    const pfn = pfnBehind(pages.uptr + BigInt(index) * PAGE_SIZE, false);
    recorded[hex(iovaOfIndex(area, index))] = pfn === undefined ? 'no page' : `page ${String(pfn)}`;
  }
  return recorded;
}

/** The numbers of each space come after those of the one before. */
function regionsOf(ioas: Ioas): NonNullable<View['regions']> {
  const base = BigInt(ioas.id) << 64n;
  return [
    ...ioas.areas.map((area) => ({
      of: areaName(ioas, area),
      start: base + area.iova,
      length: area.last - area.iova + 1n,
    })),
    ...ioas.reserved
      .filter(({ owner }) => owner === 'test')
      .map(({ start, last }) => ({
        of: `reservation ${hex(start)} of ${ioasName(ioas.id)}`,
        start: base + start,
        length: last - start + 1n,
      })),
  ];
}
