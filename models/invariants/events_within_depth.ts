import type { Veventq } from '../state/objects.js';
import { someObject } from '../state/world.js';
import type { Invariant } from './invariant.js';

export const eventsWithinDepth: Invariant = {
  id: 'events_within_depth',
  statement:
    'A vEVENTQ holds at most as many events as its depth, ascending by number, and behind them at most one mark of lost ones.',
  notCovered: 'Numbers that start again from 0, after 2^31 events.',
  cite: 'iommufd_private.h:iommufd_vevent_handler, driver.c:iommufd_viommu_report_event',
  looksAt: ({ world }) =>
    someObject(world, (object) => object.type === 'VEVENTQ' && object.queue.records.length > 0),
  check: ({ world }) => {
    for (const file of world.contexts) {
      for (const object of file.objects.objects) {
        const wrong = object.type === 'VEVENTQ' ? wrongOf(object) : undefined;
        if (wrong !== undefined) return `VEVENTQ ${String(object.id)} ${wrong}`;
      }
    }
    return undefined;
  },
};

function wrongOf({ queue: { records, depth, nextSequence } }: Veventq): string | undefined {
  const events = records.filter(({ payload }) => payload !== undefined);
  if (events.length > depth) return `holds ${String(events.length)} events, its depth is ${String(depth)}`;
  if (records.slice(0, events.length).some(({ payload }) => payload === undefined)) {
    return 'has a mark of lost events before the last event';
  }
  if (records.length > events.length + 1) return 'has more than one mark of lost events';
  const sequences = [...records.map(({ sequence }) => sequence), nextSequence];
  const isAscending = sequences.every((sequence, at) => at === 0 || sequence > (sequences[at - 1] ?? 0));
  return isAscending ? undefined : `has events out of order: ${sequences.join(', ')}`;
}
