import { present } from '../../base/assert.js';
import {
  type ArgsOf,
  choice32,
  fd32,
  flags32,
  id32,
  number32,
  reserved32,
  sizeField,
} from '../../layout/field.js';
import { VeventqFile } from '../../state/event_files.js';
import type { Veventq, Viommu } from '../../state/objects.js';
import { veventqOf } from '../../state/report.js';
import { VeventQueue } from '../../state/vevent_queue.js';
import { chooseIds } from '../choices.js';
import { type CallContext, defineCall } from '../description.js';
import { cannotRespond, hasUnknownBits } from '../shared_rules.js';

const SOURCE = 'eventq.c:iommufd_veventq_alloc';

/** Source: iommufd.h, enum iommu_veventq_type; iommufd_test.h. */
export const VEVENTQ_TYPES = {
  DEFAULT: 0,
  ARM_SMMUV3: 1,
  TEGRA241_CMDQV: 2,
  SELFTEST: 0xbeef_beef,
} as const;

/** VEVENTQ_MAX_DEPTH. Source: eventq.c. */
const DEPTH_MAX = 1 << 19;

/** Few, so that a program fills the queue; the most, one more, and none. */
const LIKELY_DEPTHS = [1, 1, 2, 2, 3, DEPTH_MAX, DEPTH_MAX + 1, 0];

/** There are none. */
const FLAGS = {} as const;

const FIELDS = {
  size: sizeField(),
  flags: flags32(FLAGS),
  viommu_id: id32(['VIOMMU']),
  type: choice32(VEVENTQ_TYPES),
  veventq_depth: number32('how many events it keeps', LIKELY_DEPTHS),
  out_veventq_id: id32(['VEVENTQ'], 'out'),
  out_veventq_fd: fd32(['veventq'], 'out'),
  __reserved: reserved32(),
};

type Context = CallContext<ArgsOf<typeof FIELDS>> & { readonly viommu: Viommu | undefined };

export const veventqAlloc = defineCall(
  {
    name: 'IOMMU_VEVENTQ_ALLOC',
    command: 0x3b93,
    doc: 'Makes a queue of the events of one type that concern a vIOMMU, and a descriptor to read them.',
    source: SOURCE,
    fields: FIELDS,
    lastRequired: 'out_veventq_fd',
    respond: 'struct',
    allocates: true,
  },
  ({ args, file }) => ({ viommu: file.objects.findOfType(args.viommu_id, 'VIOMMU') }),
).behaves({
  rules: [
    {
      id: 'EOPNOTSUPP.flags',
      says: 'flags is not 0',
      cite: SOURCE,
      when: ({ args }) => hasUnknownBits(args.flags, FLAGS),
    },
    {
      id: 'EOPNOTSUPP.reserved',
      says: '__reserved is not 0',
      cite: SOURCE,
      when: ({ args }) => args.__reserved !== 0,
    },
    {
      id: 'EOPNOTSUPP.type',
      says: 'type is DEFAULT, which no queue has',
      cite: SOURCE,
      when: ({ args }) => args.type === VEVENTQ_TYPES.DEFAULT,
    },
    {
      id: 'EINVAL.depth',
      says: 'the queue is to keep no event, or more than 2^19',
      cite: SOURCE,
      when: ({ args }) => args.veventq_depth === 0 || args.veventq_depth > DEPTH_MAX,
    },
    {
      id: 'ENOENT.viommu',
      says: 'no vIOMMU of this file has the id viommu_id',
      cite: SOURCE,
      when: ({ viommu }) => viommu === undefined,
    },
    {
      id: 'EEXIST.type',
      says: 'the vIOMMU has a queue of the type already',
      cite: SOURCE,
      when: ({ args, file, viommu }) =>
        viommu !== undefined && veventqOf(file, viommu, args.type) !== undefined,
    },
    cannotRespond(),
  ],
  effect: (c: Context) => {
    const { args, file } = c;
    const viommu = present(c.viommu, 'a vIOMMU');
    args.out_veventq_id = present(chooseIds(c, ['out_veventq_id'])[0], 'id');
    const veventq: Veventq = {
      type: 'VEVENTQ',
      id: args.out_veventq_id,
      users: 1,
      viommu,
      eventType: args.type,
      queue: new VeventQueue(args.veventq_depth),
    };
    viommu.users += 1;
    file.objects.insert(veventq);
    args.out_veventq_fd = c.installFd(new VeventqFile(file, veventq), true);
  },
});
