import { fdS32, flags32, id32, iova64, length64, offset64, sizeField } from '../../layout/field.js';
import { rangeWraps } from '../../base/u64.js';
import type { OpenFile } from '../../state/open_file.js';
import { DmaBufSource, FileSource } from '../../state/page_source.js';
import type { World } from '../../state/world.js';
import { defineCall } from '../description.js';
import {
  EVEN_UNUSED,
  FILE_FILL_RULES,
  FOREIGN_FD,
  IOAS_MAP_FLAGS,
  PLACEMENT_RULES,
  cannotRespond,
  emptyRange,
  memberIsMax,
  noAccessRequested,
  noSuchIoas,
  unknownMapFlags,
} from '../shared_rules.js';
import { LENGTH_LIMIT, PAGE_COUNT, lookUpMap, mapAndTell, startMisaligned } from '../user_map.js';

const SOURCE = 'ioas.c:iommufd_ioas_map_file';
const MAP = 'io_pagetable.c:iopt_map_file_pages';

const FIELDS = {
  size: sizeField(),
  flags: flags32(IOAS_MAP_FLAGS),
  ioas_id: id32(['IOAS']),
  fd: fdS32(['memfd', 'dmabuf'], 'file of memory, or dma-buf'),
  start: offset64('offset in the file'),
  length: length64('bytes to map'),
  iova: iova64('in: where, with FIXED_IOVA; out: where', 'inout'),
};

export const ioasMapFile = defineCall(
  {
    name: 'IOMMU_IOAS_MAP_FILE',
    command: 0x3b8f,
    doc: 'Maps a range of a file of memory, or of a dma-buf, at a fixed or an automatically chosen IOVA. Any other file is refused only when its pages are wanted.',
    source: SOURCE,
    fields: FIELDS,
    lastRequired: 'iova',
    respond: 'struct',
    allocates: true,
  },
  (c) => {
    const { args, world } = c;
    const mapped = world.fds.byHandle(args.fd);
    const map = lookUpMap(c, args.start, () => (mapped === undefined ? undefined : sourceOf(mapped, world)));
    return { ...map, passedFd: args.fd, mapped };
  },
).behaves({
  findings: [
    {
      id: 'map-file-takes-any-file',
      says: 'a file of any kind is taken while there is no domain, and found to be none of memory later',
      isShown: ({ mapped }) => mapped !== undefined && mapped.kind !== 'memfd' && mapped.kind !== 'dmabuf',
    },
    {
      id: 'map-file-keeps-itself',
      says: 'an iommufd that is mapped by itself is never released, nor is what it has pinned',
      isShown: ({ file, mapped }) => mapped === file,
    },
  ],
  rules: [
    unknownMapFlags(SOURCE),
    memberIsMax(SOURCE, 'iova', EVEN_UNUSED),
    memberIsMax(SOURCE, 'length'),
    noAccessRequested(SOURCE),
    noSuchIoas(SOURCE),
    emptyRange(MAP),
    {
      id: 'EOVERFLOW.start_wrap',
      says: 'the range of the file goes beyond 2^64',
      cite: MAP,
      when: ({ args }) => args.length > 0n && rangeWraps(args.start, args.length),
    },
    FOREIGN_FD,
    {
      id: 'EBADF.fd',
      says: 'the descriptor is closed',
      cite: MAP,
      when: ({ mapped }) => mapped === undefined,
    },
    {
      id: 'EINVAL.dmabuf_end',
      says: 'the range goes beyond the end of the dma-buf',
      cite: 'pages.c:iopt_alloc_dmabuf_pages',
      when: ({ args, mapped }) => mapped?.kind === 'dmabuf' && args.start + args.length > mapped.bytes,
    },
    LENGTH_LIMIT,
    {
      id: 'ENODEV.dmabuf_revoked',
      says: 'the exporter of the dma-buf has revoked it',
      cite: 'selftest.c:iommufd_test_dma_buf_iommufd_map',
      when: ({ mapped }) => mapped?.kind === 'dmabuf' && mapped.isRevoked,
    },
    ...PLACEMENT_RULES,
    startMisaligned('start', 'offset'),
    PAGE_COUNT,
    ...FILE_FILL_RULES,
    cannotRespond({ what: 'the mapping stays', does: mapAndTell }),
  ],
  effect: mapAndTell,
});

function sourceOf(file: OpenFile, world: World): FileSource | DmaBufSource {
  const put = (one: OpenFile): void => {
    world.put(one);
  };
  return file.kind === 'dmabuf' ? new DmaBufSource(file, put) : new FileSource(file, put);
}
