import { choice, handle } from '../framework/argument.js';
import { callsOn } from '../framework/call.js';
import {
  type Context,
  DEVICES,
  FIRST_FD,
  type Machine,
  OBJECTS_MAX,
  type OpenedFile,
  type VfioDevice,
  contextAt,
  deviceAt,
  installFile,
  openFile,
} from './state.js';

export const onMachine = callsOn<Machine>();

/** The descriptor that a call is made on. */
export const FD = handle('an iommufd', ['fd'], { usual: FIRST_FD, values: [4, -1] });

export const DEVICE = choice('the device of VFIO', DEVICES, 'dev0');

/** The last reference on a file is gone. */
type Release = (context: Context) => void;

export const openIommufd = onMachine({
  name: 'open',
  doc: 'Opens /dev/iommu.',
  source: 'open(2)',
  makes: [{ kind: 'fd' }],
  args: {},
  rules: [],
  effect: ({ state }) => openFile(state, true),
});

export const openPipe = onMachine({
  name: 'pipe',
  doc: 'Opens a file of another type.',
  source: 'pipe(2)',
  makes: [{ kind: 'fd' }],
  args: {},
  rules: [],
  effect: ({ state }) => openFile(state, false),
});

export const dupFile = onMachine({
  name: 'dup',
  doc: 'Another descriptor of the same file.',
  source: 'dup(2)',
  makes: [{ kind: 'fd' }],
  args: { fd: FD },
  rules: [
    {
      id: 'EBADF.fd',
      says: 'the descriptor is not open',
      cite: 'dup(2)',
      when: ({ state, args }) => !state.descriptors.has(args.fd),
    },
  ],
  effect: ({ state, args }) => {
    const file = state.descriptors.get(args.fd);
    return file === undefined ? 0 : installFile(state, file);
  },
});

/** close(2), with what the last one does to an iommufd. */
export function closeCall(source: string, release: Release): ReturnType<typeof onMachine> {
  return onMachine({
    name: 'close',
    doc: 'Closes a descriptor; the last one releases the file.',
    source,
    args: { fd: FD },
    rules: [
      {
        id: 'EBADF.fd',
        says: 'the descriptor is not open',
        cite: 'close(2)',
        when: ({ state, args }) => !state.descriptors.has(args.fd),
      },
    ],
    effect: ({ state, args }) => {
      const file = state.descriptors.get(args.fd);
      state.descriptors.delete(args.fd);
      if (file !== undefined) putFile(file, release);
    },
  });
}

/** Drops a reference on a file. */
export function putFile(file: OpenedFile, release: Release): void {
  file.references -= 1;
  if (file.references > 0 || file.context === undefined) return;
  file.context.isReleased = true;
  release(file.context);
}

/** Closing the descriptor of a VFIO device, which undoes what it was bound and attached to. */
export function deviceCloseCall(
  source: string,
  unbind: (device: VfioDevice) => void,
): ReturnType<typeof onMachine> {
  return onMachine({
    name: 'device_close',
    doc: 'Closes the device: it is detached and unbound.',
    source,
    args: { device: DEVICE },
    rules: [],
    effect: ({ state, args }) => {
      unbind(deviceAt(state, args.device));
    },
  });
}

/** As many allocations as there are ids, in one step. */
export function fillIdsCall(source: string, isCharged: boolean): ReturnType<typeof onMachine> {
  return onMachine({
    name: 'fill_ids',
    doc: 'User space without privileges allocates until every id of the file is taken.',
    source,
    args: { fd: FD },
    rules: [
      {
        id: 'EBADF.fd',
        says: 'the descriptor is no open iommufd',
        cite: 'ioctl(2)',
        when: ({ state, args }) => contextAt(state, args.fd) === undefined,
      },
      {
        id: 'ENOMEM.limit',
        says: 'the memory limit of the caller is reached before the ids end',
        cite: source,
        when: () => isCharged,
      },
    ],
    effect: ({ state, args }) => {
      const context = contextAt(state, args.fd);
      if (context === undefined) return;
      context.isFull = true;
      context.objects += OBJECTS_MAX + 1;
    },
  });
}
