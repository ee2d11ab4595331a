import type { Invariant } from './invariant.js';

export const idsLowestFree: Invariant = {
  id: 'ids_lowest_free',
  statement: 'Ids are unique within a file and new objects take the lowest free ones from 1.',
  notCovered:
    'The order among ids that one call takes: predictions check it. The contract reading allows any free id.',
  cite: 'main.c:_iommufd_object_alloc',
  looksAt: ({ world, takenBefore, taken }) =>
    world.contexts.some(({ number }) => {
      const old = new Set(takenBefore.get(number));
      return taken.get(number)?.some((id) => !old.has(id)) === true;
    }),
  check: ({ world, reading, takenBefore, taken }) => {
    if (taken === takenBefore) return undefined;
    for (const file of world.contexts) {
      const { number } = file;
      const ids = taken.get(number) ?? [];
      const old = takenBefore.get(number) ?? [];
      if (isSame(ids, old)) continue;
      const { objects } = file.objects;
      if (new Set(objects.map(({ id }) => id)).size !== objects.length)
        return `file ${String(number)} has an id twice`;
      if (reading === 'contract') continue;
      const gap = skippedId(ids, new Set(old));
      if (gap !== undefined)
        return `a new object of file ${String(number)} skipped the free id ${String(gap)}`;
    }
    return undefined;
  },
};

function isSame(one: readonly number[], two: readonly number[]): boolean {
  return one === two || (one.length === two.length && one.every((id, at) => id === two[at]));
}

/** A free id below the highest new one. */
function skippedId(ids: readonly number[], old: ReadonlySet<number>): number | undefined {
  const added = ids.filter((id) => !old.has(id));
  const highest = added.at(-1) ?? 0;
  const taken = new Set(added);
  for (let id = 1; id < highest; id++) if (!old.has(id) && !taken.has(id)) return id;
  return undefined;
}
