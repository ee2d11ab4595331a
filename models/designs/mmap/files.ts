import { present } from '../../base/assert.js';
import { handle } from '../framework/argument.js';
import { type DefectId, callsOn } from '../framework/call.js';
import { releaseRegions } from './regions.js';
import { type Context, FIRST_FD, type Machine, contextAt, openContext, queuesOf, unpin } from './state.js';

export const onMachine = callsOn<Machine>();

/** The descriptor that a call is made on. */
export const FD = handle('an iommufd', ['fd'], { usual: FIRST_FD, values: [4, -1] });

export const NO_FD = {
  id: 'EBADF.fd',
  says: 'the descriptor is not open',
  cite: 'fs/file.c:fdget',
  when: ({ state, args }: { readonly state: Machine; readonly args: { readonly fd: number } }) =>
    contextAt(state, args.fd) === undefined,
} as const;

/** The file of a call whose rules have looked at its descriptor. */
export function contextOf({
  state,
  args,
}: {
  readonly state: Machine;
  readonly args: { readonly fd: number };
}): Context {
  return present(contextAt(state, args.fd), 'an open iommufd');
}

export const openIommufd = onMachine({
  name: 'open',
  doc: 'Opens /dev/iommu: an IOAS with four pages of guest memory, a page table, and one that vIOMMUs can be made on.',
  source: 'open(2)',
  makes: [{ kind: 'fd' }],
  args: {},
  rules: [],
  effect: ({ state }) => openContext(state),
});

export const closeIommufd = onMachine({
  name: 'close',
  doc: 'Closes a descriptor; the file goes with the last one, and with the last mapping of it.',
  source: 'v2 13/22; main.c:iommufd_fops_release',
  args: { fd: FD },
  rules: [NO_FD],
  effect: (c) => {
    const context = contextOf(c);
    c.state.descriptors.delete(c.args.fd);
    releaseUnused(c, context);
  },
});

/** What a call that may release a file has at hand. */
interface Releasing {
  readonly state: Machine;
  has(this: void, defect: DefectId): boolean;
}

/** Releases a file that nobody has open or mapped. */
export function releaseUnused(c: Releasing, context: Context): void {
  const { descriptors, children, vmas } = c.state;
  const isUsed =
    [...descriptors.values(), ...[...children.values()].flat()].includes(context) ||
    [...vmas.values()].some(({ region }) => region.context === context);
  if (isUsed || context.isReleased) return;
  context.isReleased = true;
  const queues = queuesOf(context);
  // The access inside a queue has the file open, and only the release would end it.
  if (queues.length > 0 && c.has('D0.24')) return;
  for (const { iova, length } of queues) unpin(c.state, context, iova, length);
  releaseRegions(c, context);
  context.objects.clear();
}

export const forkProcess = onMachine({
  name: 'fork',
  doc: 'A child with the same files and mappings; it can be waited for.',
  source: 'fork(2)',
  makes: [{ kind: 'process' }],
  args: {},
  rules: [],
  effect: ({ state }) => {
    const { vmas, descriptors, children } = state;
    state.count += 1;
    const process = state.count;
    children.set(process, [...descriptors.values()]);
    for (const vma of [...vmas.values()]) {
      if (vma.process !== 0 || vma.isNotForked) continue;
      state.count += 1;
      vma.region.users += 1;
      vmas.set(state.count, { ...vma, number: state.count, process, isDerived: true });
    }
    return process;
  },
});

export const exitProcess = onMachine({
  name: 'exit',
  doc: 'A child ends, with its descriptors and mappings.',
  source: 'exit(2)',
  args: { process: handle('the child', ['process']) },
  rules: [
    {
      id: 'ENOENT.process',
      says: 'there is no such child',
      cite: 'wait(2)',
      when: ({ state, args }) => !state.children.has(args.process),
    },
  ],
  effect: (c) => {
    const { vmas, children } = c.state;
    children.delete(c.args.process);
    for (const vma of [...vmas.values()]) {
      if (vma.process !== c.args.process) continue;
      vmas.delete(vma.number);
      vma.region.users -= 1;
    }
    for (const context of c.state.contexts) releaseUnused(c, context);
  },
});
