import {
  type ArgsOf,
  fdS32,
  flags32,
  id32,
  iova64,
  length64,
  offset64,
  sizeField,
} from '../../layout/field.js';
import { PAGE_SIZE, U64_MAX, rangeWraps } from '../../base/u64.js';
import type { OpenFile } from '../../state/open_file.js';
import { DmaBufSource, FileSource } from '../../state/page_source.js';
import { Placement } from '../../state/placement.js';
import type { World } from '../../state/world.js';
import { type CallContext, defineCall, once } from '../description.js';
import {
  FILE_FILL_RULES,
  FOREIGN_FD,
  IOAS_MAP_FLAGS,
  PLACEMENT_RULES,
  cannotRespond,
  noAccessRequested,
  noSuchIoas,
  protectionOf,
  unknownMapFlags,
} from '../shared_rules.js';
import { PAGE_COUNT, type UserMap, mapUser, planUserMap, startMisaligned } from '../user_map.js';

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
    const { args, profile, world } = c;
    const ioas = c.file.objects.findOfType(args.ioas_id, 'IOAS');
    const mapped = world.fds.byHandle(args.fd);
    const isFixed = (args.flags & IOAS_MAP_FLAGS.FIXED_IOVA) !== 0;
    const { iova, length, start: address } = args;
    const placement = new Placement(
      ioas?.table,
      { isFixed, iova, length, address },
      profile.automaticAlignmentMax,
    );
    const plan = once(() =>
      mapped === undefined
        ? undefined
        : planUserMap(c, { ioas, placement }, protectionOf(args.flags), 'iova', sourceOf(mapped, world)),
    );
    return { ioas, passedFd: args.fd, mapped, placement, plan };
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
    {
      id: 'EOVERFLOW.iova_max',
      says: 'iova is 2^64 - 1, even where it is not used',
      cite: SOURCE,
      when: ({ args }) => args.iova === U64_MAX,
    },
    {
      id: 'EOVERFLOW.length_max',
      says: 'length is 2^64 - 1',
      cite: SOURCE,
      when: ({ args }) => args.length === U64_MAX,
    },
    noAccessRequested(SOURCE),
    noSuchIoas(SOURCE),
    {
      id: 'EINVAL.length_zero',
      says: 'length is 0',
      cite: MAP,
      when: ({ args }) => args.length === 0n,
    },
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
    {
      id: 'EINVAL.length_limit',
      says: 'the length exceeds 2^64 - 1 - PAGE_SIZE',
      cite: 'pages.c:iopt_alloc_pages',
      when: ({ args }) => args.length > U64_MAX - PAGE_SIZE,
    },
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
    cannotRespond({ what: 'the mapping stays', does: map }),
  ],
  effect: map,
});

function map(c: CallContext<ArgsOf<typeof FIELDS>> & UserMap): void {
  c.args.iova = mapUser(c).iova;
}

function sourceOf(file: OpenFile, world: World): FileSource | DmaBufSource {
  const put = (one: OpenFile): void => {
    world.put(one);
  };
  return file.kind === 'dmabuf' ? new DmaBufSource(file, put) : new FileSource(file, put);
}
