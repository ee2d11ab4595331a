import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, mkdtempSync, rmSync, type WriteStream } from 'node:fs';
import { type Server, type Socket, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WireError } from '../agent/cursor.js';
import { type Hello, decodeHello } from '../agent/decode.js';
import { FRAME, PORT_NAME, SHARED_BYTES } from '../agent/wire.js';
import { VFIO_PCI_ADDRESS } from '../../models/program/vfio_nodes.js';
import { TestBedError } from '../target.js';
import { ConsoleLog, parseSplat } from './console.js';
import { type Frame, FrameSplitter, frameHeader } from './frames.js';
import { HangWatch } from './hang_watch.js';
import { type Progress, SharedMemory } from './shared_memory.js';
import { reasonOf } from '../../models/base/reason.js';

export type Accelerator = 'kvm' | 'tcg';

export interface MachineOptions {
  readonly qemu: string;
  readonly bzImage: string;
  readonly initramfs: string;
  readonly accelerator: Accelerator;
  readonly memoryMib: number;
  readonly cpus: number;
  /** Whether its PCI bus is behind an IOMMU of Intel's, with a device on it that does nothing unless it is asked to. */
  readonly hasIommu: boolean;
  /** How long the kernel may take to reach the agent, of the time that the processors are this machine's own. */
  readonly bootMs: number;
  /** Keeps the whole console of every boot. */
  readonly consoleFile?: string;
  /** What the kernel command line has beyond what the agent needs. */
  readonly kernelArguments?: string;
}

/** Machines that are started until one boots, if each is killed before it does. */
const BOOTS_MAX = 3;

/** How often is looked whether a boot takes too long. */
const LOOK_MS = 500;

/** What a machine tells its owner. */
export interface MachineEvents {
  frame(frame: Frame): void;
  /** The machine is gone, for whatever reason. */
  exit(reason: string): void;
}

/**
 * Warnings and worse go to the console; a panic ends the machine. A timer that comes late, because the host is busy, is not taken
 * for a broken one. Without timers of high resolution a guest is spared an access to its emulated timer at each switch of tasks, a
 * quarter of what programs cost.
 */
const KERNEL_COMMAND_LINE = 'console=ttyS0 loglevel=5 panic=-1 no_timer_check highres=off';

/** Remapping interrupts would cost time with each of them; without that, iommufd binds a device only where it is told to. */
const IOMMU_COMMAND_LINE = 'intel_iommu=on iommufd.allow_unsafe_interrupts=1';

/** With snoop control, so that page tables enforce cache coherency. The device is where the agent looks for it. */
const IOMMU_DEVICES = [
  '-device',
  'intel-iommu,intremap=off,snoop-control=on',
  '-device',
  `edu,addr=${VFIO_PCI_ADDRESS.slice(-4)}`,
];

/** One QEMU process with the agent in it. */
export class VirtualMachine {
  readonly console = new ConsoleLog();
  readonly #directory = mkdtempSync(join(tmpdir(), 'iommufd-cts-vm-'));
  readonly #shared = shareIn(this.#directory);
  readonly #splitter = new FrameSplitter();
  readonly #server: Server;
  readonly #consoleFile: WriteStream | undefined;
  #process: ChildProcess | undefined;
  #socket: Socket | undefined;
  #hello: Hello | undefined;
  #events: MachineEvents | undefined;
  #exitReason: string | undefined;
  #isKilled = false;

  private constructor(private readonly options: MachineOptions) {
    this.#server = createServer((socket) => {
      this.#accept(socket);
    });
    this.#consoleFile =
      options.consoleFile === undefined ? undefined : createWriteStream(options.consoleFile, { flags: 'a' });
  }

  /**
   * Boots a kernel up to the agent's greeting: once more if somebody kills it on the way, as a host without memory does.
   * @throws TestBedError when it does not get there
   */
  static async boot(options: MachineOptions): Promise<VirtualMachine> {
    for (let left = BOOTS_MAX - 1; ; left--) {
      const machine = new VirtualMachine(options);
      try {
        await machine.#boot();
        return machine;
      } catch (error) {
        const wasKilled = machine.#process?.signalCode === 'SIGKILL';
        await machine.kill();
        if (!wasKilled || left === 0) throw error;
      }
    }
  }

  get hello(): Hello {
    if (this.#hello === undefined) throw new TestBedError('the agent has not reported yet');
    return this.#hello;
  }

  /** Hears of everything from now on; of an exit at once if it has already happened. */
  listen(events: MachineEvents): void {
    this.#events = events;
    if (this.#exitReason !== undefined) events.exit(this.#exitReason);
  }

  /** Sends a batch; at most two may be under way. */
  run(payload: Uint8Array): void {
    const place = this.#hello?.hasProgress === true ? this.#shared.place(payload) : undefined;
    if (place === undefined) this.send(FRAME.RUN, payload);
    else this.send(FRAME.RUN_PLACED, place);
  }

  send(type: number, payload: Uint8Array): void {
    this.#socket?.write(frameHeader(type, payload.length));
    this.#socket?.write(payload.slice());
  }

  /** Undefined if host and guest share no memory. */
  progress(): Progress | undefined {
    return this.#hello?.hasProgress === true ? this.#shared.progress() : undefined;
  }

  async kill(): Promise<void> {
    this.#events = undefined;
    if (this.#isKilled) return;
    this.#isKilled = true;
    const running = this.#process;
    if (running?.exitCode === null && running.signalCode === null) {
      const gone = new Promise((resolve) => running.once('exit', resolve));
      running.kill('SIGKILL');
      await gone;
    }
    this.#socket?.destroy();
    this.#server.close();
    this.#consoleFile?.end();
    this.#shared.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #boot(): Promise<void> {
    const port = join(this.#directory, 'port');
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, resolve);
    });
    const running = spawn(this.options.qemu, this.#arguments(port), { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#process = running;
    running.stdout.setEncoding('latin1').on('data', (text: string) => {
      this.console.append(text);
      this.#consoleFile?.write(text);
    });
    let complaint = '';
    running.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
    running.once('error', (error) => {
      this.#exit(`${this.options.qemu} cannot be started: ${error.message}`);
    });
    running.once('close', (code, signal) => {
      const how = signal === null ? `with code ${String(code)}` : `on ${signal}`;
      this.#exit(
        `QEMU ended ${how}${complaint === '' ? '' : `: ${complaint.trim().split('\n').at(-1) ?? ''}`}`,
      );
    });
    await this.#untilHello();
  }

  #arguments(port: string): string[] {
    const { accelerator, memoryMib, cpus, bzImage, initramfs, hasIommu, kernelArguments } = this.options;
    const commandLine = [KERNEL_COMMAND_LINE, hasIommu ? IOMMU_COMMAND_LINE : [], kernelArguments ?? []];
    return [
      ['-accel', accelerator, '-machine', 'q35', '-m', String(memoryMib), '-smp', String(cpus)],
      ['-nodefaults', '-no-reboot', '-display', 'none', '-serial', 'stdio'],
      ['-kernel', bzImage, '-initrd', initramfs, '-append', commandLine.flat().join(' ')],
      hasIommu ? IOMMU_DEVICES : [],
      [
        '-object',
        `memory-backend-file,id=shared,size=${String(SHARED_BYTES)},mem-path=${this.#shared.path},share=on`,
      ],
      ['-device', 'ivshmem-plain,memdev=shared'],
      ['-device', 'virtio-serial-pci', '-chardev', `socket,id=port,path=${port}`],
      ['-device', `virtserialport,chardev=port,name=${PORT_NAME}`],
    ].flat();
  }

  #untilHello(): Promise<void> {
    return new Promise((resolve, reject) => {
      const give = (error?: Error) => {
        clearInterval(timer);
        this.#events = undefined;
        if (error === undefined) resolve();
        else reject(error);
      };
      const watch = new HangWatch(this.options.bootMs);
      const look = () => {
        // It is at nothing that could be seen, and what it prints does not make up for a boot without end.
        if (!watch.sees(undefined, 0)) return;
        const limit = `${String(this.options.bootMs / 1000)} s`;
        give(new TestBedError(this.#bootFailure(`did not reach the agent within ${limit}`)));
      };
      look();
      const timer = setInterval(look, LOOK_MS);
      this.listen({
        frame: ({ type, payload }) => {
          if (type !== FRAME.HELLO) {
            give(new TestBedError(`the agent reports: ${Buffer.from(payload).toString('utf8')}`));
            return;
          }
          this.#greet(payload, give);
        },
        exit: (reason) => {
          give(new TestBedError(this.#bootFailure(`ended before the agent started (${reason})`)));
        },
      });
    });
  }

  #greet(payload: Uint8Array, give: (error?: Error) => void): void {
    try {
      this.#hello = decodeHello(payload);
      this.console.mark();
      give();
    } catch (error) {
      give(error instanceof WireError ? new TestBedError(error.message) : (error as Error));
    }
  }

  #bootFailure(what: string): string {
    const said = parseSplat(this.console.text)?.title ?? this.console.text.trim().split('\n').at(-1) ?? '';
    const end = said === '' ? 'it printed nothing' : `its last word was "${said}"`;
    return `the kernel ${this.options.bzImage} ${what}; ${end}`;
  }

  #accept(socket: Socket): void {
    this.#socket = socket;
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      try {
        for (const frame of this.#splitter.push(chunk)) this.#events?.frame(this.#whole(frame));
      } catch (error) {
        this.#exit(reasonOf(error));
      }
    });
  }

  /** A frame with its payload, wherever that is. */
  #whole({ type, payload }: Frame): Frame {
    if (type !== FRAME.RESULTS_PLACED) return { type, payload };
    return { type: FRAME.RESULTS, payload: this.#shared.take(payload) };
  }

  #exit(reason: string): void {
    if (this.#exitReason !== undefined) return;
    this.#exitReason = reason;
    this.#events?.exit(reason);
  }
}

/** The memory that a machine shares with its guest, in the machine's directory, which goes if there is no room for it. */
function shareIn(directory: string): SharedMemory {
  try {
    return new SharedMemory(join(directory, 'shared'));
  } catch (error) {
    rmSync(directory, { recursive: true, force: true });
    throw error;
  }
}
