import { PAGE_SIZE, alignUp, pageIndex } from '../base/u64.js';
import type { Leftover, Rule } from '../ioctls/description.js';
import type { RawMmap } from '../program/raw.js';
import { type EventFile, isOfEvents } from '../state/event_files.js';
import type { AccessFile } from '../state/access_file.js';
import type { MemoryFile } from '../state/memory_file.js';
import type { OpenFile } from '../state/open_file.js';
import type { IommufdFile } from '../state/iommufd_file.js';
import type { Backing, MappedRegion } from '../state/vma.js';
import { assert, present } from '../base/assert.js';
import { type OperationContext, defineOperation } from './operation.js';

const SOURCE = 'main.c:iommufd_fops_mmap';
const VFS = 'mm/mmap.c:do_mmap';

type Context = OperationContext<RawMmap>;

/** mmap() of a dma-buf of the mock, which offers nothing to map. Source: drivers/dma-buf/dma-buf.c:dma_buf_mmap_internal. */
const DMABUF_RULES: readonly Rule<Context>[] = (
  [
    {
      id: 'EACCES.dmabuf_access',
      says: 'the descriptor of the dma-buf does not permit reading, or the mapping is shared and writable and it does not permit that',
      cite: VFS,
      when: ({ file, step }) =>
        file?.kind === 'dmabuf' &&
        (!file.isReadable || (!file.isWritable && !step.isPrivate && step.access.startsWith('rw'))),
    },
    {
      id: 'EPERM.dmabuf_exec',
      says: 'the mapping of a dma-buf is executable',
      cite: 'mm/mmap.c:do_mmap: path_noexec',
      when: ({ file, step }) => file?.kind === 'dmabuf' && step.access === 'rwx',
    },
    {
      id: 'EINVAL.dmabuf',
      says: 'the file is a dma-buf of the mock',
      cite: 'drivers/dma-buf/dma-buf.c:dma_buf_mmap_internal',
      when: ({ file }: Context) => file?.kind === 'dmabuf',
    },
  ] satisfies Rule<Context>[]
).map((rule): Rule<Context> => ({ ...rule, isFor: ({ hasFileMappings }) => hasFileMappings }));

const RULES: readonly Rule<Context>[] = [
  {
    id: 'EBADF.file',
    says: 'the file is closed',
    cite: 'fs/file.c:fget',
    when: ({ file, step }) => step.file !== undefined && file === undefined,
  },
  {
    id: 'EACCES.access',
    says: 'the mapping is shared and writable, the file was opened with O_RDONLY',
    cite: VFS,
    when: ({ file, step }) =>
      file?.kind === 'iommufd' && file.isReadOnly && !step.isPrivate && step.access.startsWith('rw'),
  },
  {
    id: 'ENODEV.no_method',
    says: 'the file cannot be mapped',
    cite: VFS,
    isFor: ({ hasViommus }) => !hasViommus,
    when: ({ file }) => file?.kind === 'iommufd',
  },
  {
    id: 'EPERM.no_exec',
    says: 'the mapping is executable, and the file is none that can hold programs',
    cite: `${VFS}; fs/libfs.c:pseudo_fs_get_tree, SB_I_NOEXEC`,
    isFor: ({ hasNoExecFiles }) => hasNoExecFiles,
    when: ({ file, step }) => (isAnonymous(file) || isOfGroup(file)) && step.access === 'rwx',
  },
  {
    id: 'ENODEV.anonymous',
    says: 'the file is one of events or an access, which cannot be mapped',
    cite: VFS,
    when: ({ file }) => isAnonymous(file),
  },
  {
    id: 'EINVAL.private',
    says: 'the mapping is private, or the file was opened with O_RDONLY, which is as good',
    cite: SOURCE,
    isFor: ({ hasViommus }) => hasViommus,
    when: ({ file, step }) => file?.kind === 'iommufd' && (step.isPrivate || file.isReadOnly),
  },
  {
    id: 'EPERM.exec',
    says: 'the mapping is executable',
    cite: SOURCE,
    isFor: ({ hasViommus }) => hasViommus,
    when: ({ file, step }) => file?.kind === 'iommufd' && step.access === 'rwx',
  },
  {
    id: 'ENXIO.region',
    says: 'offset and length are not those of a region that an object of the file offers',
    cite: SOURCE,
    isFor: ({ hasViommus }) => hasViommus,
    when: ({ file, step }) => file?.kind === 'iommufd' && regionOf(file, step) === undefined,
  },
  {
    id: 'ENODEV.vfio_group',
    says: 'the file is of a group of VFIO, which cannot be mapped',
    cite: VFS,
    when: ({ file }) => file?.kind === 'vfio_group',
  },
  {
    id: 'EINVAL.vfio_device',
    says: 'the file is of a device of VFIO, and is not bound, or the device has nothing to map',
    cite: 'drivers/vfio/vfio_main.c:vfio_device_fops_mmap',
    when: ({ file }) => file?.kind === 'vfio_device',
  },
  ...DMABUF_RULES,
];

/** Whether a group of VFIO has opened a device: its file is none of a node. */
function isOfGroup(file: OpenFile | undefined): boolean {
  return file?.kind === 'vfio_device' && file.isOfGroup;
}

/** Source: mm/mmap.c, MAP_FIXED. */
const HOLE: Leftover<Context> = {
  what: 'what was mapped there before is gone',
  cite: 'mm/mmap.c: MAP_FIXED',
  does: ({ world, step }) => {
    world.unmapMemory(step.start, lengthOf(step));
  },
};

/** mmap() of a file at an address. */
export const mmap = defineOperation<RawMmap, OpenFile>({
  name: 'mmap',
  step: 'mmap',
  doc: 'Maps memory, or a region that a vIOMMU offers, in place of what is there.',
  source: SOURCE,
  rules: RULES.map((rule) => ({ ...rule, leaves: HOLE })),
  effect: ({ world, step, file }) => {
    const { start, access } = step;
    const bytes = lengthOf(step);
    world.unmapMemory(start, bytes);
    const isPrivate = file?.kind === 'memfd' && step.isPrivate;
    if (file?.kind === 'memfd') {
      growTo(file, step);
      file.expose(pageIndex(step.file?.offset ?? 0n), pageIndex(bytes));
    }
    const backing: Backing | undefined = step.isHuge
      ? { kind: 'frames', first: world.memory.physical.takeHugeFrames(bytes) }
      : backingOf(file, step);
    world.mapMemory(start, bytes, access === 'rwx' ? 'rw' : access, backing, isPrivate);
    return 0;
  },
});

/** Bytes, in whole pages. Source: mm/mmap.c:do_mmap. */
function lengthOf({ bytes }: RawMmap): bigint {
  return alignUp(bytes, PAGE_SIZE);
}

/** Whether a file is of an anonymous inode without memory. */
function isAnonymous(file: OpenFile | undefined): file is AccessFile | EventFile {
  return file?.kind === 'access' || isOfEvents(file);
}

/** A file of huge pages becomes as long as a mapping that may write it. Source: fs/hugetlbfs/inode.c:hugetlbfs_file_mmap. */
function growTo(file: MemoryFile, step: RawMmap): void {
  const { access, file: place } = step;
  const end = (place?.offset ?? 0n) + lengthOf(step);
  if (file.pageBytes > PAGE_SIZE && access.startsWith('rw') && file.bytes < end) file.truncate(end);
}

function backingOf(file: OpenFile | undefined, step: RawMmap): Backing | undefined {
  if (file === undefined || isAnonymous(file)) return undefined;
  if (file.kind === 'iommufd') {
    const region = present(regionOf(file, step), 'a region');
    return { kind: 'region', region, first: present(region.owner.region, 'an owner of a region').first };
  }
  assert(file.kind === 'memfd', 'a file that can be mapped');
  return { kind: 'file', file, first: pageIndex(step.file?.offset ?? 0n) };
}

/** The region that an offset and a length are exactly of. */
function regionOf(file: IommufdFile, step: RawMmap): MappedRegion | undefined {
  const bytes = lengthOf(step);
  const owner = file.objects.objects.find(
    (object) =>
      object.type === 'VIOMMU' &&
      object.region !== undefined &&
      BigInt(object.region.offset) === step.file?.offset &&
      BigInt(object.region.bytes) === bytes,
  );
  return owner?.type === 'VIOMMU' ? { file, owner } : undefined;
}
