import type { Errno } from '../../models/base/errno.js';
import { BUFFER, HOLE } from '../../models/program/arena.js';
import type { Reference } from '../../models/program/program.js';
import { makeAccess, pin } from '../access/set_up.js';
import { WITHOUT_QUEUE } from '../event/set_up.js';
import type { MapOptions, ScenarioBuilder } from '../harness/builder.js';
import { APERTURE_START as A, P } from '../harness/constants.js';
import type { ExpectedStep } from '../harness/expected_step.js';
import { together } from './set_up.js';

/** What a step answers in place of what it answers when the lanes run one after another. */
type Answer = readonly [step: ExpectedStep, answer: Errno | 'OK' | Readonly<Record<string, number | bigint>>];

/**
 * Answers of lanes written by hand, which two threads give once in a blue moon: those that a rule of overlaps is there for, and
 * similar ones that no kernel gives.
 */
export interface OverlapCase {
  readonly rule: string;
  readonly what: string;
  readonly isAllowed: boolean;
  readonly write: (t: ScenarioBuilder) => readonly Answer[];
}

/** Calls at the same time, on an IOAS that both work on, or on one for each. */
type Pair = (t: ScenarioBuilder, own: Reference, other: Reference) => readonly Answer[];

/** The same calls on one IOAS, where they meet, and on two, where they do not. */
function metOnOneIoas(rule: string, write: Pair): OverlapCase[] {
  return [
    {
      rule,
      what: 'one IOAS',
      isAllowed: true,
      write: (t) => {
        const ioas = t.ioas();
        return write(t, ioas, ioas);
      },
    },
    { rule, what: 'two IOASes', isAllowed: false, write: (t) => write(t, t.ioas(), t.ioas()) },
  ];
}

const destroyed: Pair = (t, own, other) => {
  const [, gone] = together(
    t,
    () => t.map(other, { iova: A }),
    () => t.destroy(own),
  );
  return [[gone, 'EBUSY']];
};

/** What lies below the area that is in the way is unmapped. */
const unmapped: Pair = (t, own, other) => {
  t.map(own, { iova: A });
  const [, gone] = together(
    t,
    () => t.map(other, { iova: A + 2n * P }),
    () => t.unmap(own, A, 3n * P),
  );
  const below = t.unmap(own, A, P);
  return [
    [gone, 'EBUSY'],
    [below, 'ENOENT'],
  ];
};

const mapped: Pair = (t, own, other) => {
  t.mockDomain(own);
  t.mockDomain(other);
  const [, late] = together(
    t,
    () => t.map(other, { iova: A, va: HOLE }),
    () => t.map(own, { iova: A }),
  );
  return [[late, 'EEXIST']];
};

/** The page table still translates what cannot be copied any more. */
const copied: Pair = (t, own, other) => {
  const hwpt = t.mockDomain(own).out('out_hwpt_id');
  const to = t.ioas();
  t.map(own, { iova: A });
  if (other !== own) t.map(other, { iova: A });
  const [copy] = together(
    t,
    () => {
      const made = t.copy({ src: own, dst: to, from: A, iova: A });
      t.checkMap(hwpt, A, BUFFER.start);
      return made;
    },
    () => t.unmap(other, A, P),
  );
  return [[copy, 'ENOENT']];
};

/** The page table still translates what cannot be accessed any more. */
const accessed: Pair = (t, own, other) => {
  const hwpt = t.mockDomain(own).out('out_hwpt_id');
  const access = makeAccess(t, 'a', own);
  t.map(own, { iova: A });
  if (other !== own) t.map(other, { iova: A });
  const [seen] = together(
    t,
    () => {
      const done = pin(t, access, A);
      t.checkMap(hwpt, A, BUFFER.start);
      return done;
    },
    () => t.unmap(other, A, P),
  );
  return [[seen, 'ENOENT']];
};

const placed: Pair = (t, own, other) => {
  t.mockDomain(own);
  t.mockDomain(other);
  const [, late] = together(
    t,
    () => t.map(other, { iova: A, va: HOLE }),
    () => t.map(own),
  );
  return [[late, { iova: A + P }]];
};

/** Pins while another lane changes the same IOAS. */
function pinned(t: ScenarioBuilder, change: (ioas: Reference) => unknown): Answer[] {
  const ioas = t.ioas();
  const access = makeAccess(t, 'a', ioas);
  t.map(ioas, { iova: A });
  const [seen] = together(
    t,
    () => pin(t, access, A),
    () => change(ioas),
  );
  return [[seen, 'EINVAL']];
}

/** Makes an IOAS while another lane does something with one that no device can be attached to. */
function allocated(t: ScenarioBuilder, doing: (ioas: Reference) => unknown): Answer[] {
  const ioas = t.ioas();
  t.map(ioas, { iova: P });
  const [made] = together(
    t,
    () => t.ioctl('IOMMU_IOAS_ALLOC', {}),
    () => doing(ioas),
  );
  return [[made, { out_ioas_id: 5 }]];
}

/** The last device of an automatic page table leaves while another lane looks at a page table. */
function left(t: ScenarioBuilder, look: (automatic: Reference, another: Reference) => unknown): Answer[] {
  const ioas = t.ioas();
  const mock = t.mockDomain(ioas);
  const device = t.mockDomain(t.ioas()).out('out_idev_id');
  const another = t.hwptAlloc(device, ioas).out('out_hwpt_id');
  const automatic = mock.out('out_hwpt_id');
  together(
    t,
    () => look(automatic, another),
    () => t.destroy(mock.out('out_stdev_id')),
  );
  return [[t.destroy(automatic), 'OK']];
}

/** Maps where the kernel finds a place, while a device moves from there. */
function mappedWhileMoved(t: ScenarioBuilder): Answer[] {
  const [home, other] = [t.ioas(), t.ioas()];
  const handle = t.mockDomain(home).out('out_stdev_id');
  const [, made] = together(
    t,
    () => t.replace(handle, other),
    () => t.map(home),
  );
  return [[made, { iova: A + P }]];
}

/** Maps memory that is not there, where the kernel finds a place, while another lane does something about the only page table. */
function mappedWithoutMemory(
  t: ScenarioBuilder,
  doing: (handle: Reference, other: Reference) => unknown,
  iova: bigint,
): Answer[] {
  const [ioas, other] = [t.ioas(), t.ioas()];
  const handle = t.mockDomain(ioas).out('out_stdev_id');
  const [, made] = together(
    t,
    () => doing(handle, other),
    () => t.map(ioas, { va: HOLE, length: 2n * P }),
  );
  return [[made, { iova }]];
}

/** Maps where the kernel finds a place, without any page table, while another IOAS gets an area. */
function mappedBesidesAnother(t: ScenarioBuilder): Answer[] {
  const [ioas, other] = [t.ioas(), t.ioas()];
  t.destroy(t.mockDomain(ioas).out('out_stdev_id'));
  const [, made] = together(
    t,
    () => t.map(other, { iova: P }),
    () => t.map(ioas),
  );
  return [[made, { iova: A }]];
}

/** Maps what a page table does not permit that comes to nothing meanwhile. */
function mappedBesideNothing(options: MapOptions, answer: Errno): Pair {
  return (t, own, other) => {
    const device = t.mockDomain(t.ioas()).out('out_idev_id');
    const [, made] = together(
      t,
      () => t.hwptAlloc(device, other, WITHOUT_QUEUE),
      () => t.map(own, options),
    );
    return [[made, answer]];
  };
}

const RULES: Readonly<Record<string, Pair>> = {
  'EBUSY.in_flight': destroyed,
  'EBUSY.settling': unmapped,
  'EEXIST.settling': mapped,
  'ENOENT.settling_source': copied,
  'ENOENT.settling': accessed,
  'OK.passing_places': placed,
  'OK.passing_domains': mappedBesideNothing({ iova: P }, 'EINVAL'),
};

export const OVERLAPS: readonly OverlapCase[] = [
  ...Object.entries(RULES).flatMap(([rule, pair]) => metOnOneIoas(rule, pair)),
  ...metOnOneIoas('OK.passing_domains', mappedBesideNothing({ iova: A, va: HOLE }, 'EFAULT')),
  {
    rule: 'EINVAL.unmapping',
    what: 'unmapped meanwhile',
    isAllowed: true,
    write: (t) => pinned(t, (ioas) => t.unmap(ioas, A, P)),
  },
  {
    rule: 'EINVAL.unmapping',
    what: 'something else mapped meanwhile',
    isAllowed: false,
    write: (t) => pinned(t, (ioas) => t.map(ioas, { iova: A + P })),
  },
  {
    rule: 'OK.passing_ids',
    what: 'a device made in vain meanwhile',
    isAllowed: true,
    write: (t) => allocated(t, (ioas) => t.mockDomain(ioas)),
  },
  {
    rule: 'OK.passing_ids',
    what: 'mapped meanwhile',
    isAllowed: false,
    write: (t) => allocated(t, (ioas) => t.map(ioas, { iova: A })),
  },
  {
    rule: 'OK.passing_ids',
    what: 'mapped, which gets no id, while a device moves',
    isAllowed: false,
    write: mappedWhileMoved,
  },
  {
    rule: 'OK.passing_apertures',
    what: 'its device destroyed meanwhile',
    isAllowed: true,
    write: (t) => mappedWithoutMemory(t, (handle) => t.destroy(handle), A),
  },
  {
    rule: 'OK.passing_apertures',
    what: 'its device moved meanwhile',
    isAllowed: true,
    write: (t) => mappedWithoutMemory(t, (handle, other) => t.replace(handle, other), A),
  },
  {
    rule: 'OK.passing_apertures',
    what: 'its device destroyed meanwhile, not the lowest place',
    isAllowed: false,
    write: (t) => mappedWithoutMemory(t, (handle) => t.destroy(handle), A + 2n * P),
  },
  {
    rule: 'OK.passing_apertures',
    what: 'its device destroyed before, and something mapped elsewhere meanwhile',
    isAllowed: false,
    write: mappedBesidesAnother,
  },
  {
    rule: 'OK.page_table_stays',
    what: 'looked at meanwhile',
    isAllowed: true,
    write: (t) => left(t, (automatic) => t.checkMap(automatic, A, BUFFER.start)),
  },
  {
    rule: 'OK.page_table_stays',
    what: 'another looked at meanwhile',
    isAllowed: false,
    write: (t) => left(t, (_, another) => t.checkMap(another, A, BUFFER.start)),
  },
];
