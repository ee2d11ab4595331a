import { PAGE_SIZE } from '../../base/u64.js';
import { VIOMMU_INVALIDATE_SELFTEST } from '../../layout/driver_data.js';
import {
  type ArgsOf,
  choice32,
  count32,
  data64,
  elementBytes32,
  id32,
  reserved32,
  sizeField,
} from '../../layout/field.js';
import type { HwptNested, IommufdObject, Viommu } from '../../state/objects.js';
import {
  type CallContext,
  type Leftover,
  type Rule,
  type RuleFinding,
  type Splat,
  defineCall,
  once,
} from '../description.js';
import {
  INVALIDATE_DATA_TYPES,
  NO_REQUESTS,
  type Requests,
  invalidate,
  readHwptRequests,
  readViommuRequests,
} from '../invalidation.js';
import { reservedNotZero } from '../shared_rules.js';

const SOURCE = 'hw_pagetable.c:iommufd_hwpt_invalidate';
const MOCK = 'selftest.c:mock_domain_cache_invalidate_user';
const COPY = 'include/linux/iommu.h:iommu_copy_struct_from_user_array';

/** IOMMU_HWPT_INVALIDATE_ENTRY_NUM_MAX. Source: hw_pagetable.c. */
const ENTRIES_MAX = 1 << 19;

/** Requests of a vIOMMU that fit the 4 MiB that the kernel can allocate in one piece. */
const VIOMMU_REQUESTS_MAX = Math.floor((4 << 20) / VIOMMU_INVALIDATE_SELFTEST.bytes);

/** Of memory for too many of them. */
const WARNING: Splat = {
  title: 'WARNING in __alloc_frozen_pages_noprof',
  finding: 'viommu-invalidate-warn',
  isOnce: true,
};

/** What only requests of vIOMMUs can meet. */
const OF_VIOMMUS: ReadonlySet<string> = new Set(['tail', 'vdevice']);

const FIELDS = {
  size: sizeField(),
  hwpt_id: id32(['HWPT_NESTED', 'VIOMMU']),
  data_uptr: data64(
    'requests of the driver',
    'in',
    'iommu_hwpt_invalidate_selftest',
    'iommu_viommu_invalidate_selftest',
  ),
  data_type: choice32(INVALIDATE_DATA_TYPES),
  entry_len: elementBytes32('bytes of one request'),
  entry_num: count32('in: requests; out: requests carried out', 'inout'),
  __reserved: reserved32(),
};

type Args = ArgsOf<typeof FIELDS>;

type Context = CallContext<Args> & {
  readonly target: IommufdObject | undefined;
  readonly requests: () => Requests;
};

/** Whatever the outcome, user space learns how many requests were carried out. */
const REPORTS: Leftover<Context> = {
  what: 'the struct is written back with the number of requests carried out, and they have been',
  cite: SOURCE,
  does: carryOut,
  isResponding: true,
};

const ALL_CHECKS_ENTRY: RuleFinding<Context> = {
  id: 'invalidate-all-checks-entry',
  isShown: ({ requests }) => requests().isOfAll === true,
};

export const hwptInvalidate = defineCall(
  {
    name: 'IOMMU_HWPT_INVALIDATE',
    command: 0x3b8d,
    doc: 'Invalidates what the hardware caches of a nested page table, or of the devices of a vIOMMU.',
    source: SOURCE,
    fields: FIELDS,
    lastRequired: '__reserved',
    respond: 'struct',
    allocates: true,
  },
  (c) => {
    const target = c.file.objects.find(c.args.hwpt_id);
    return { target, requests: once(() => readRequests(c, target)) };
  },
).behaves({
  failing: [
    {
      of: 'test',
      errno: 'ENOENT',
      what: 'the struct is written back and says that no request was carried out',
      cite: SOURCE,
      does: ({ args }) => {
        args.entry_num = 0;
      },
      isResponding: true,
    },
  ],
  rules: [
    {
      id: 'EFAULT.respond',
      says: 'the struct cannot be written back, whatever else is the case',
      cite: SOURCE,
      when: (c) => !c.canRespond(),
      leaves: {
        what: 'requests before the first bad one have been carried out',
        cite: SOURCE,
        does: carryOut,
      },
      maySplat: (c) => (meetsTooManyRequests(c) ? [WARNING] : []),
      finding: { id: 'fault-keeps-effect', isShown: ({ requests }) => requests().good.length > 0 },
    },
    { ...reservedNotZero(SOURCE), leaves: REPORTS },
    {
      id: 'EINVAL.requests',
      says: 'there are requests, but no pointer or no length, or more than a page each, or more than 2^19',
      cite: SOURCE,
      when: ({ args }) => areUnreasonable(args),
      leaves: REPORTS,
    },
    {
      id: 'ENOENT.hwpt',
      says: 'no object of this file has the id; up to 6.12 also: it is no nested page table',
      cite: SOURCE,
      when: ({ target, profile }) =>
        target === undefined || (!profile.hasViommus && target.type !== 'HWPT_NESTED'),
      leaves: REPORTS,
    },
    {
      id: 'EINVAL.target_type',
      says: 'the object is neither a nested page table nor a vIOMMU',
      cite: SOURCE,
      isFor: (profile) => profile.hasViommus,
      when: ({ target }) => target !== undefined && !hasCaches(target),
      leaves: REPORTS,
    },
    {
      id: 'ENOMEM.requests',
      says: 'a vIOMMU is given more requests than the kernel has contiguous memory for',
      cite: 'selftest.c:mock_viommu_cache_invalidate',
      isFor: (profile) => profile.hasViommus,
      leaves: {
        what: 'the struct is written back, and says that all requests were carried out',
        cite: SOURCE,
        does: () => undefined,
        isResponding: true,
      },
      splat: WARNING,
      when: areTooMany,
    },
    {
      id: 'EINVAL.data_type',
      says: 'the driver takes no such requests, even if there are none',
      cite: MOCK,
      when: ({ args }) => args.data_type !== INVALIDATE_DATA_TYPES.SELFTEST,
      leaves: REPORTS,
    },
    ...(
      [
        [
          'EINVAL.entry_len',
          'length',
          'a request of a page table does not have the size of its struct',
          COPY,
        ],
        ['EFAULT.request', 'fault', 'a request cannot be read', COPY],
        ['E2BIG.request', 'tail', 'a request of a vIOMMU is longer than its struct, and not 0 there', COPY],
        ['EOPNOTSUPP.request_flags', 'flags', 'a request has another flag than ALL', MOCK],
        ['EINVAL.entry', 'entry', 'a request names an entry beyond the last, even with ALL', MOCK],
        ['EINVAL.vdevice', 'vdevice', 'a request names no vDEVICE of the vIOMMU', MOCK],
      ] as const
    ).map(([id, obstacle, says, cite]): Rule<Context> => ({
      id,
      says,
      cite,
      ...(OF_VIOMMUS.has(obstacle) ? { isFor: (profile) => profile.hasViommus } : {}),
      when: ({ requests }) => requests().obstacle === obstacle,
      ...(obstacle === 'entry' ? { finding: ALL_CHECKS_ENTRY } : {}),
      leaves: REPORTS,
    })),
  ],
  effect: carryOut,
});

function areUnreasonable({ entry_num: count, entry_len: bytes, data_uptr: address }: Args): boolean {
  if (count === 0) return false;
  return address === 0n || bytes === 0 || BigInt(bytes) > PAGE_SIZE || count > ENTRIES_MAX;
}

function areTooMany({ args, target }: Context): boolean {
  return target?.type === 'VIOMMU' && args.entry_num > VIOMMU_REQUESTS_MAX;
}

/** Whether the kernel comes to allocating memory for too many requests. */
function meetsTooManyRequests(c: Context): boolean {
  return c.args.__reserved === 0 && !areUnreasonable(c.args) && areTooMany(c);
}

function hasCaches(target: IommufdObject): target is HwptNested | Viommu {
  return target.type === 'HWPT_NESTED' || target.type === 'VIOMMU';
}

function carryOut({ args, requests }: Context): void {
  const { good } = requests();
  for (const request of good) invalidate(request);
  args.entry_num = good.length;
}

/** The requests up to the first bad one; none where the call does not get as far as reading them. */
function readRequests(
  { args, memory, file }: CallContext<Args>,
  target: IommufdObject | undefined,
): Requests {
  const isRead =
    args.__reserved === 0 && !areUnreasonable(args) && args.data_type === INVALIDATE_DATA_TYPES.SELFTEST;
  if (!isRead || target === undefined || !hasCaches(target)) return NO_REQUESTS;
  const list = { address: args.data_uptr, bytesEach: args.entry_len, count: args.entry_num };
  if (target.type === 'HWPT_NESTED') return readHwptRequests(target, list, memory);
  if (list.count > VIOMMU_REQUESTS_MAX) return NO_REQUESTS;
  return readViommuRequests(target, list, memory, file.objects);
}
