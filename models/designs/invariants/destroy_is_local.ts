import type { DesignObject, View } from '../framework/view.js';
import type { DesignInvariant } from './invariant.js';

export const destroyIsLocal: DesignInvariant = {
  id: 'destroy_is_local',
  statement: 'Destroying an object removes or changes only it and what belongs to it.',
  notCovered: 'Changes that objects do not show as their state.',
  facet: 'objects',
  holdsAtPauses: false,
  check: ({ ended, before, after }) => {
    if (ended?.destroyed === undefined || !ended.isAlone) return [];
    const { destroyed, outcome } = ended;
    if (outcome.is !== 'value' && outcome.is !== 'unset') return [];
    const kept = new Map((after.objects ?? []).map((object) => [object.name, object]));
    return (before.objects ?? [])
      .filter((object) => !belongsTo(object, destroyed, before))
      .flatMap((object) => {
        const now = kept.get(object.name);
        if (now === undefined) return [`destroying ${destroyed} removed ${object.name}`];
        return now.state === object.state ? [] : [`destroying ${destroyed} changed ${object.name}`];
      });
  },
};

function belongsTo(object: DesignObject, owner: string, view: View): boolean {
  if (object.name === owner) return true;
  const above = view.objects?.find(({ name }) => name === object.owner);
  return above !== undefined && above !== object && belongsTo(above, owner, view);
}
