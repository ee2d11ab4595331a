import { choice } from '../framework/argument.js';
import { callsOn, take } from '../framework/call.js';
import { PAUSE, type Pause } from '../framework/locks.js';
import { MEMORY_LOCK, cleanUpBuffers, moveBuffers } from './revoke.js';
import { type Machine, type Seen, isDecoding } from './state.js';

export const onMachine = callsOn<Machine>();

const CONFIG = 'vfio/pci/vfio_pci_config.c';
const CORE = 'vfio/pci/vfio_pci_core.c';

export const DEVICE_IS_CLOSED = {
  says: 'the descriptor of the device is closed',
  when: ({ state }: Seen): boolean => !state.device.isOpen,
};

export const writeCommand = onMachine({
  name: 'write_command',
  doc: 'Writes the command register of the device, of which MEMORY matters here.',
  source: `${CONFIG}:vfio_basic_config_write`,
  args: { memory: choice('MEMORY', { off: 0, on: 1 }, 'off') },
  rules: [{ id: 'EBADF.device', cite: 'pwrite(2)', ...DEVICE_IS_CLOSED }, take(MEMORY_LOCK)],
  *effect(c) {
    const { device } = c.state;
    if (c.args.memory === 0) yield* moveBuffers(c, true);
    device.hasMemory = c.args.memory === 1;
    if (isDecoding(device)) yield* moveBuffers(c, false);
    return 0;
  },
});

export const setPower = onMachine({
  name: 'set_power',
  doc: 'Puts the device to sleep, or wakes it up.',
  source: `${CONFIG}:vfio_lock_and_set_power_state`,
  args: { state: choice('power state', { D3: 0, D0: 1 }, 'D3') },
  rules: [{ id: 'EBADF.device', cite: 'pwrite(2)', ...DEVICE_IS_CLOSED }, take(MEMORY_LOCK)],
  *effect(c) {
    const { device } = c.state;
    if (c.args.state === 0 && !c.has('D4.18')) yield* moveBuffers(c, true);
    device.isAsleep = c.args.state === 0;
    if (isDecoding(device)) yield* moveBuffers(c, false);
    return 0;
  },
});

/** Kinds of resets: the ioctl, FLR by the capability, and the reset of the bus. */
const RESETS = { ioctl: 0, FLR: 1, hot: 2 } as const;

export const resetDevice = onMachine({
  name: 'reset',
  doc: 'Resets the device, which wakes it up. MEMORY is as before.',
  source: `${CORE}:vfio_pci_ioctl_reset, vfio_pci_dev_set_hot_reset; ${CONFIG}:vfio_exp_config_write`,
  args: { by: choice('how', RESETS, 'ioctl') },
  rules: [{ id: 'EBADF.device', cite: 'ioctl(2)', ...DEVICE_IS_CLOSED }, take(MEMORY_LOCK)],
  *effect(c) {
    const { device } = c.state;
    if (c.args.by !== RESETS.hot || !c.has('D4.18')) yield* moveBuffers(c, true);
    device.isResetting = true;
    yield PAUSE;
    device.isResetting = false;
    device.isAsleep = false;
    if (isDecoding(device)) yield* moveBuffers(c, false);
    return 0;
  },
});

export const closeDevice = onMachine({
  name: 'close_device',
  doc: 'Closes the last descriptor of the device.',
  source: `${CORE}:vfio_pci_core_close_device`,
  args: {},
  rules: [{ id: 'EBADF.device', cite: 'close(2)', ...DEVICE_IS_CLOSED }, take(MEMORY_LOCK)],
  *effect(c) {
    const { device } = c.state;
    device.isOpen = false;
    if (c.has('D4.15')) {
      device.isEnabled = false;
      yield PAUSE;
      yield* cleanUpBuffers(c);
      return 0;
    }
    return yield* closeInOrder(c);
  },
});

/** Nobody is to reach the function when it is disabled. */
function* closeInOrder(c: Seen): Generator<Pause, number> {
  yield* cleanUpBuffers(c);
  c.state.device.isEnabled = false;
  return 0;
}

export const openDevice = onMachine({
  name: 'open_device',
  doc: 'Opens the device again, with MEMORY set.',
  source: `${CORE}:vfio_pci_core_enable`,
  args: {},
  rules: [
    {
      id: 'EBUSY.device',
      says: 'it is open, or being closed',
      cite: 'vfio/vfio_main.c',
      when: ({ state }) => state.device.isEnabled,
    },
  ],
  effect: ({ state: { device } }) => {
    Object.assign(device, { isOpen: true, isEnabled: true, hasMemory: true, isAsleep: false });
  },
});
