import { assert } from 'chai';
import { present } from '../../models/base/assert.js';
import { Behaviour } from '../../models/behaviour.js';
import { INVARIANTS } from '../../models/invariants/index.js';
import { type Moment, ioasesOf, pagesOf, takenIdsOf } from '../../models/invariants/invariant.js';
import { InvariantLooks } from '../../models/invariants/looks.js';
import { takeSnapshot } from '../../models/invariants/snapshot.js';
import { ModelRun } from '../../models/model_run.js';
import { assemble } from '../../models/program/assemble.js';
import { DEFAULT_PROFILE } from '../../models/profiles/index.js';
import { attachDevice } from '../../models/state/attach.js';
import type { Device, Fault, Ioas, Veventq } from '../../models/state/objects.js';
import { Area, Pages } from '../../models/state/pages.js';
import type { OpenFile } from '../../models/state/open_file.js';
import { VeventQueue } from '../../models/state/vevent_queue.js';
import { World } from '../../models/state/world.js';
import { deviceOfGuest, deviceWithQueue, veventq } from '../event/set_up.js';
import { ScenarioBuilder } from '../harness/builder.js';
import { APERTURE_START, P } from '../harness/constants.js';

/** A world with one IOAS, a mock device and four pages mapped for it. */
function worldWithMapping(): { world: World; ioas: Ioas } {
  const t = new ScenarioBuilder();
  const id = t.ioas();
  t.mockDomain(id);
  t.map(id, { iova: APERTURE_START, length: 4n * P });
  const run = new ModelRun(new Behaviour(DEFAULT_PROFILE), 'exact', []);
  for (const step of assemble(t.program).steps) assert.isDefined(run.execute(step));
  return { world: run.world, ioas: present(ioasesOf(run.world)[0], 'an IOAS') };
}

function worldWithDevice(): { world: World; device: Device } {
  const { world } = worldWithMapping();
  const objects = present(world.fds.getOfKind(0, 'iommufd'), 'a file').objects.objects;
  const device = objects.find((object) => object.type === 'DEVICE');
  return { world, device: present(device, 'a device') };
}

const REQUEST = { pasid: 0, grpid: 0, perm: 0, addr: 0n };

/** A world with a device on a page table with a fault queue, and a queue of events. */
function worldWithQueues(): {
  world: World;
  fault: Fault;
  device: Device;
  veventq: { -readonly [K in keyof Veventq]: Veventq[K] };
} {
  const t = new ScenarioBuilder();
  const { viommu } = deviceOfGuest(t);
  veventq(t, viommu, 2);
  deviceWithQueue(t, 'r');
  const run = new ModelRun(new Behaviour(DEFAULT_PROFILE), 'exact', []);
  for (const step of assemble(t.program).steps) assert.isDefined(run.execute(step));
  const objects = present(run.world.fds.getOfKind(0, 'iommufd'), 'a file').objects.objects;
  return {
    world: run.world,
    fault: objects.find(({ type }) => type === 'FAULT') as Fault,
    device: objects.find(({ type }) => type === 'DEVICE') as Device,
    veventq: objects.find(({ type }) => type === 'VEVENTQ') as Veventq,
  };
}

/** A queue that says of itself what no sequence of events makes. */
function brokenQueue(depth: number, numbers: readonly (number | 'lost')[]): VeventQueue {
  const queue = new VeventQueue(depth);
  const records = numbers.map((number, at) => ({
    sequence: number === 'lost' ? at : number,
    payload: number === 'lost' ? undefined : new Uint8Array(4),
  }));
  Object.defineProperties(queue, { records: { value: records }, nextSequence: { value: numbers.length } });
  return queue;
}

/** The moment after a call that succeeded, unless a part of it says otherwise. */
function momentOf(world: World, part: Partial<Moment> = {}): Moment {
  const ioases = ioasesOf(world);
  return {
    world,
    ioases,
    pages: pagesOf(ioases),
    step: { do: 'counters' },
    reading: 'exact',
    errno: 0,
    mayLeave: 'anything',
    failed: undefined,
    takenBefore: takenIdsOf(world),
    taken: takenIdsOf(world),
    ...part,
  };
}

/** A world with an IOAS that maps a file of memory. */
function worldWithFile(): { world: World; file: OpenFile } {
  const t = new ScenarioBuilder();
  t.mapFile(t.ioas(), t.memfd('m', 1n));
  const run = new ModelRun(new Behaviour(DEFAULT_PROFILE), 'exact', []);
  for (const step of assemble(t.program).steps) assert.isDefined(run.execute(step));
  return { world: run.world, file: present(run.world.fds.get(1), 'a file of memory') };
}

type Broken = () => Moment;

/** For each invariant, states that break it. */
const BROKEN: Readonly<Record<string, Readonly<Record<string, Broken>>>> = {
  areas_disjoint: {
    'two areas share a page': () => {
      const { world, ioas } = worldWithMapping();
      const [area] = ioas.table.areas;
      const { pages, protection } = present(area, 'an area');
      ioas.table.areas.push(new Area(APERTURE_START + P, APERTURE_START + 8n * P, pages, 0n, protection));
      return momentOf(world);
    },
  },
  areas_avoid_reserved: {
    'an area lies in a reservation': () => {
      const { world, ioas } = worldWithMapping();
      ioas.table.reserved.push({ start: APERTURE_START, last: APERTURE_START, owner: 'selftest' });
      return momentOf(world);
    },
    'an allowed range meets a reservation': () => {
      const { world, ioas } = worldWithMapping();
      ioas.table.allowed = [{ start: 0n, last: 0xfffn }];
      return momentOf(world);
    },
  },
  alignment_is_needed: {
    'the alignment stayed when a domain came': () => {
      const { world, ioas } = worldWithMapping();
      ioas.table.alignment = 1n;
      return momentOf(world);
    },
  },
  domains_translate_areas: {
    'a domain lost an area': () => {
      const { world, ioas } = worldWithMapping();
      present(ioas.table.domains[0], 'a domain').unmap(present(ioas.table.areas[0], 'an area'));
      return momentOf(world);
    },
    'a domain leads elsewhere': () => {
      const { world, ioas } = worldWithMapping();
      const [area] = ioas.table.areas;
      present(ioas.table.domains[0], 'a domain').map(present(area, 'an area'), [1, 2, 3, 4], false);
      return momentOf(world);
    },
  },
  dirty_bits_are_mapped: {
    'a dirty page is not mapped any more': () => {
      const { world, ioas } = worldWithMapping();
      const [domain] = ioas.table.domains;
      const [area] = ioas.table.areas;
      present(domain, 'a domain').markDirty(present(area, 'an area').iova);
      Object.defineProperty(domain, 'translate', { value: () => undefined });
      return momentOf(world);
    },
    'a domain without dirty bits tracks': () => {
      const { world, ioas } = worldWithMapping();
      present(ioas.table.domains[0], 'a domain').tracksDirty = true;
      return momentOf(world);
    },
  },
  pages_pinned_once: {
    'a pin is missing': () => {
      const { world, ioas } = worldWithMapping();
      present(ioas.table.areas[0], 'an area').pages.removeFrame(2);
      return momentOf(world);
    },
    'a page is pinned for nothing': () => {
      const { world, ioas } = worldWithMapping();
      present(ioas.table.areas[0], 'an area').pages.addFrame(9, 77);
      return momentOf(world);
    },
    'pinned_vm is wrong': () => {
      const { world } = worldWithMapping();
      world.process.pinnedVm += 1;
      return momentOf(world);
    },
    'a page is pinned twice': () => {
      const { world, ioas } = worldWithMapping();
      const frame = present(ioas.table.areas[0], 'an area').pages.frames.get(0);
      world.memory.pin(present(frame, 'a frame'));
      return momentOf(world);
    },
  },
  areas_keep_files: {
    'an area forgot its file': () => {
      const { world, file } = worldWithFile();
      file.references -= 1;
      return momentOf(world);
    },
  },
  users_match_holders: {
    'an IOAS forgot its page table': () => {
      const { world, ioas } = worldWithMapping();
      ioas.users = 1;
      return momentOf(world);
    },
    'a page table forgot a PASID': () => {
      const { world, device } = worldWithDevice();
      device.attachments.set(7, present(device.attachments.get(0), 'a page table'));
      device.users += 1;
      return momentOf(world);
    },
  },
  pasids_compatible: {
    'a PASID is attached to an automatic page table': () => {
      const { world, device } = worldWithDevice();
      attachDevice(device, 7, present(device.attachments.get(0), 'a page table'));
      return momentOf(world);
    },
  },
  faults_have_attachments: {
    'a device has left with its fault unanswered': () => {
      const { world, fault, device } = worldWithQueues();
      fault.queue.add({ request: REQUEST, device, attachedPasid: 7 });
      return momentOf(world);
    },
    'a device that is gone has a fault': () => {
      const { world, fault, device } = worldWithQueues();
      fault.queue.add({ request: REQUEST, device: { ...device, id: 77 }, attachedPasid: 0 });
      return momentOf(world);
    },
  },
  events_within_depth: {
    'there are more events than the queue keeps': () => {
      const { world, veventq } = worldWithQueues();
      veventq.queue = brokenQueue(1, [0, 1]);
      return momentOf(world);
    },
    'events are out of order': () => {
      const { world, veventq } = worldWithQueues();
      veventq.queue = brokenQueue(4, [1, 0]);
      return momentOf(world);
    },
    'lost events are marked before the last event': () => {
      const { world, veventq } = worldWithQueues();
      veventq.queue = brokenQueue(4, [0, 'lost', 2]);
      return momentOf(world);
    },
    'lost events are marked twice': () => {
      const { world, veventq } = worldWithQueues();
      veventq.queue = brokenQueue(4, [0, 'lost', 'lost']);
      return momentOf(world);
    },
  },
  ids_lowest_free: {
    'a new object skipped an id': () => {
      const { world } = worldWithMapping();
      const takenBefore = takenIdsOf(world);
      const { objects } = present(world.fds.getOfKind(0, 'iommufd'), 'a file');
      objects.insert({ ...present(ioasesOf(world)[0], 'an IOAS'), id: 9 });
      return momentOf(world, { takenBefore });
    },
  },
  failure_changes_nothing: {
    'a failing MAP left an area': () => {
      const { world, ioas } = worldWithMapping();
      const before = takeSnapshot(world);
      const access = { read: true, write: true };
      ioas.table.insert(new Area(0n, 0xfffn, new Pages(0n, true, 'NONE', world.process), 0n, access));
      return momentOf(world, {
        failed: { before, after: takeSnapshot(world) },
        errno: 22,
        mayLeave: 'nothing',
      });
    },
    'a failing MAP wrote to memory': () => {
      const { world } = worldWithMapping();
      const before = takeSnapshot(world);
      world.memory.physical.contents.write(1, 0, Uint8Array.of(1));
      return momentOf(world, {
        failed: { before, after: takeSnapshot(world) },
        errno: 22,
        mayLeave: 'nothing',
      });
    },
    'a failing attach, which may copy pages, left a process charged': () => {
      const { world } = worldWithMapping();
      const before = takeSnapshot(world);
      world.process.lockedVm += 1;
      return momentOf(world, {
        failed: { before, after: takeSnapshot(world) },
        errno: 14,
        mayLeave: 'contents',
      });
    },
  },
  close_leaves_nothing: {
    'pages stay pinned': () => {
      const { world } = worldWithMapping();
      Object.defineProperty(world, 'contexts', { value: [] });
      return momentOf(world, { step: { do: 'close', slot: 0 } });
    },
  },
};

describe('invariants', () => {
  it('all hold in an ordinary state', () => {
    const { world } = worldWithMapping();
    for (const { id, check } of INVARIANTS) assert.isUndefined(check(momentOf(world)), id);
  });

  it('none has anything to look at where there is nothing', () => {
    const moment = momentOf(new World());
    const looking = INVARIANTS.filter(({ looksAt }) => looksAt(moment));
    assert.deepEqual(
      looking.map(({ id }) => id),
      [],
    );
  });

  it('count how often they had something to look at', () => {
    const looks = new InvariantLooks();
    const { world } = worldWithMapping();
    for (const { check } of looks.invariants) check(momentOf(world));
    assert.equal(looks.looked.get('domains_translate_areas'), 1);
    assert.equal(looks.looked.get('areas_disjoint'), 0);
  });

  it('each has a state here that breaks it', () => {
    assert.sameMembers(
      Object.keys(BROKEN),
      INVARIANTS.map(({ id }) => id),
    );
  });

  for (const { id, check, looksAt } of INVARIANTS) {
    for (const [what, make] of Object.entries(BROKEN[id] ?? {})) {
      it(`${id} objects when ${what}`, () => {
        const moment = make();
        assert.isString(check(moment));
        assert.isTrue(looksAt(moment));
      });
    }
  }
});
