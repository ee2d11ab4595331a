import { readU32 } from '../../base/bytes.js';
import { PAGE_SIZE } from '../../base/u64.js';
import type { MockIotlb } from '../../hardware/mock_iotlb.js';
import {
  choice32,
  count32,
  data64,
  elementBytes32,
  id32,
  reserved32,
  sizeField,
} from '../../layout/field.js';
import type { IommufdObject } from '../../state/objects.js';
import { type CallContext, type Leftover, type Rule, defineCall, once } from '../description.js';
import { reservedNotZero } from '../shared_rules.js';

const SOURCE = 'hw_pagetable.c:iommufd_hwpt_invalidate';
const MOCK = 'selftest.c:mock_domain_cache_invalidate_user';
const COPY = 'include/linux/iommu.h:iommu_copy_struct_from_user_array';

/** Types of the requests. Source: iommufd.h, enum iommu_hwpt_invalidate_data_type; iommufd_test.h. */
const DATA_TYPES = { VTD_S1: 0, ARM_SMMUV3: 1, SELFTEST: 0xdead_beef } as const;

/** struct iommu_hwpt_invalidate_selftest: flags and the entry, 32 bits each. Source: iommufd_test.h. */
const REQUEST_BYTES = 8;
const IOTLB_ID_OFFSET = 4;

/** IOMMU_TEST_INVALIDATE_FLAG_ALL. */
const FLAG_ALL = 1;

/** IOMMU_HWPT_INVALIDATE_ENTRY_NUM_MAX. Source: hw_pagetable.c. */
const ENTRIES_MAX = 1 << 19;

interface Args {
  hwpt_id: number;
  data_uptr: bigint;
  data_type: number;
  entry_len: number;
  entry_num: number;
  __reserved: number;
}

/** What stops a list of requests. */
type Obstacle = 'length' | 'fault' | 'flags' | 'iotlb_id';

/** How far a list of requests can be carried out. */
interface Progress {
  readonly requests: readonly { readonly flags: number; readonly iotlbId: number }[];
  readonly obstacle: Obstacle | undefined;
}

type Context = CallContext<Args> & {
  readonly target: IommufdObject | undefined;
  readonly progress: () => Progress;
};

/** Whatever the outcome, user space learns how many requests were carried out. */
const REPORTS: Leftover<Context> = {
  what: 'the struct is written back with the number of requests carried out, and they have been',
  cite: SOURCE,
  does: carryOut,
  isResponding: true,
};

export const hwptInvalidate = defineCall(
  {
    name: 'IOMMU_HWPT_INVALIDATE',
    command: 0x3b8d,
    doc: 'Invalidates what the hardware caches of a nested page table.',
    source: SOURCE,
    fields: {
      size: sizeField(),
      hwpt_id: id32(['HWPT_NESTED']),
      data_uptr: data64('requests of the driver', 'in'),
      data_type: choice32(DATA_TYPES),
      entry_len: elementBytes32('bytes of one request'),
      entry_num: count32('in: requests; out: requests carried out', 'inout'),
      __reserved: reserved32(),
    },
    lastRequired: '__reserved',
    respond: 'struct',
    allocates: false,
  },
  (c) => {
    const target = c.file.objects.find(c.args.hwpt_id);
    return { target, progress: once(() => readRequests(c, target)) };
  },
).behaves({
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
        target === undefined || (!profile.invalidateTellsTypes && target.type !== 'HWPT_NESTED'),
      leaves: REPORTS,
    },
    {
      id: 'EINVAL.target_type',
      says: 'the object is no nested page table',
      cite: SOURCE,
      isFor: (profile) => profile.invalidateTellsTypes,
      when: ({ target }) => target !== undefined && target.type !== 'HWPT_NESTED',
      leaves: REPORTS,
    },
    {
      id: 'EINVAL.data_type',
      says: 'the driver takes no such requests, even if there are none',
      cite: MOCK,
      when: ({ args }) => args.data_type !== DATA_TYPES.SELFTEST,
      leaves: REPORTS,
    },
    ...(
      [
        ['EINVAL.entry_len', 'length', 'a request does not have the size of the kernel’s struct', COPY],
        ['EFAULT.request', 'fault', 'a request cannot be read', COPY],
        ['EOPNOTSUPP.request_flags', 'flags', 'a request has another flag than ALL', MOCK],
        ['EINVAL.iotlb_id', 'iotlb_id', 'a request names an entry beyond the last, even with ALL', MOCK],
      ] as const
    ).map(([id, obstacle, says, cite]): Rule<Context> => {
      return { id, says, cite, when: ({ progress }) => progress().obstacle === obstacle, leaves: REPORTS };
    }),
  ],
  effect: carryOut,
});

function areUnreasonable({ entry_num: count, entry_len: bytes, data_uptr: address }: Args): boolean {
  if (count === 0) return false;
  return address === 0n || bytes === 0 || BigInt(bytes) > PAGE_SIZE || count > ENTRIES_MAX;
}

function carryOut({ args, target, progress }: Context): void {
  const { requests } = progress();
  if (target?.type === 'HWPT_NESTED') {
    for (const { flags, iotlbId } of requests) invalidate(target.iotlb, flags, iotlbId);
  }
  args.entry_num = requests.length;
}

function invalidate(iotlb: MockIotlb, flags: number, iotlbId: number): void {
  if ((flags & FLAG_ALL) === 0) iotlb.invalidate(iotlbId);
  else iotlb.invalidateAll();
}

/** The requests up to the first bad one; none where the call does not get as far as reading them. */
function readRequests({ args, memory }: CallContext<Args>, target: IommufdObject | undefined): Progress {
  const requests: { flags: number; iotlbId: number }[] = [];
  const isRead = args.__reserved === 0 && !areUnreasonable(args) && args.data_type === DATA_TYPES.SELFTEST;
  if (!isRead || target?.type !== 'HWPT_NESTED') return { requests, obstacle: undefined };
  const bytes = new Uint8Array(REQUEST_BYTES);
  for (let index = 0; index < args.entry_num; index++) {
    if (args.entry_len !== REQUEST_BYTES) return { requests, obstacle: 'length' };
    const address = args.data_uptr + BigInt(index * REQUEST_BYTES);
    if (!memory.isReadable(address, REQUEST_BYTES)) return { requests, obstacle: 'fault' };
    memory.copyGiven(address, REQUEST_BYTES, bytes);
    const [flags, iotlbId] = [readU32(bytes, 0), readU32(bytes, IOTLB_ID_OFFSET)];
    if ((flags & ~FLAG_ALL) !== 0) return { requests, obstacle: 'flags' };
    if (!target.iotlb.has(iotlbId)) return { requests, obstacle: 'iotlb_id' };
    requests.push({ flags, iotlbId });
  }
  return { requests, obstacle: undefined };
}
