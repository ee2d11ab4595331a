import { argszField, flags32, iova64, length64, userVa64 } from '../../layout/field.js';
import { Placement } from '../../state/placement.js';
import { defineCall, once } from '../description.js';
import { FIXED_PLACEMENT_RULES, NOTHING_PERMITTED, hasUnknownBits } from '../shared_rules.js';
import { mapUser, planUserMap, userMapRules } from '../user_map.js';
import { NO_COMPAT_IOAS } from './compat_ioas.js';

const SOURCE = 'vfio_compat.c:iommufd_vfio_map_dma';

/** VFIO_DMA_MAP_FLAG_*. Source: linux/vfio.h. */
const FLAGS = { READ: 1, WRITE: 2 } as const;

const FIELDS = {
  argsz: argszField(),
  flags: flags32(FLAGS),
  vaddr: userVa64('address of the memory'),
  iova: iova64('where'),
  size: length64('bytes to map'),
};

export const vfioMapDma = defineCall(
  {
    name: 'VFIO_IOMMU_MAP_DMA',
    command: 0x3b71,
    protocol: 'vfio',
    doc: 'Maps a range of user memory into the compatible IOAS at a fixed IOVA, as IOMMU_IOAS_MAP does; it may permit nothing.',
    source: SOURCE,
    fields: FIELDS,
    lastRequired: 'size',
    respond: 'nothing',
    allocates: true,
  },
  (c) => {
    const { flags, iova, size: length, vaddr: address } = c.args;
    const ioas = c.file.compatIoas;
    const request = { isFixed: true, iova, length, address };
    const placement = new Placement(ioas?.table, request, c.profile.automaticAlignmentMax);
    const protection = { read: (flags & FLAGS.READ) !== 0, write: (flags & FLAGS.WRITE) !== 0 };
    return { ioas, placement, plan: once(() => planUserMap(c, { ioas, placement }, protection, 'iova')) };
  },
).behaves({
  rules: [
    {
      id: 'EINVAL.flags',
      says: 'flags has a bit besides READ and WRITE',
      cite: SOURCE,
      when: ({ args }) => hasUnknownBits(args.flags, FLAGS),
    },
    NO_COMPAT_IOAS,
    ...userMapRules(FIXED_PLACEMENT_RULES),
    NOTHING_PERMITTED,
  ],
  effect: mapUser,
});
