import { flags32, id32, iova64, length64, reserved32, sizeField, userVa64 } from '../../layout/field.js';
import { defineCall } from '../description.js';
import {
  EVEN_UNUSED,
  IOAS_MAP_FLAGS,
  PLACEMENT_RULES,
  cannotRespond,
  memberIsMax,
  noAccessRequested,
  noSuchIoas,
  reservedNotZero,
  unknownMapFlags,
} from '../shared_rules.js';
import { lookUpMap, mapAndTell, userMapRules } from '../user_map.js';

const SOURCE = 'ioas.c:iommufd_ioas_map';

const FIELDS = {
  size: sizeField(),
  flags: flags32(IOAS_MAP_FLAGS),
  ioas_id: id32(['IOAS']),
  __reserved: reserved32(),
  user_va: userVa64('address of the memory'),
  length: length64('bytes to map'),
  iova: iova64('in: where, with FIXED_IOVA; out: where', 'inout'),
};

export const ioasMap = defineCall(
  {
    name: 'IOMMU_IOAS_MAP',
    command: 0x3b85,
    doc: 'Maps a range of user memory at a fixed or an automatically chosen IOVA. Memory is touched only if the IOAS has a domain.',
    source: SOURCE,
    fields: FIELDS,
    lastRequired: 'iova',
    respond: 'struct',
    allocates: true,
  },
  (c) => lookUpMap(c, c.args.user_va),
).behaves({
  rules: [
    unknownMapFlags(SOURCE),
    reservedNotZero(SOURCE),
    memberIsMax(SOURCE, 'iova', EVEN_UNUSED),
    memberIsMax(SOURCE, 'length'),
    noAccessRequested(SOURCE),
    noSuchIoas(SOURCE),
    ...userMapRules(PLACEMENT_RULES),
    cannotRespond({ what: 'the mapping stays', does: mapAndTell }),
  ],
  effect: mapAndTell,
});
