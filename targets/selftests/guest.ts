import type { FileHandle } from 'node:fs/promises';
import { FRAME, PRELOAD } from '../agent/wire.js';
import { parseSplat } from '../qemu/console.js';
import type { Frame } from '../qemu/frames.js';
import { type MachineOptions, VirtualMachine } from '../qemu/virtual_machine.js';
import { TestBedError } from '../target.js';

/** A program to be run in the guest. */
export interface Execution {
  /** Its path in the guest and its arguments. */
  readonly command: readonly [program: string, ...args: string[]];
  readonly seconds: number;
  /** What is preloaded into it. */
  readonly preload: keyof typeof PRELOAD;
  /** Where is written what the library notes. */
  readonly trace?: FileHandle;
  /** Told what the program prints. */
  onOutput(this: void, text: string): void;
}

/** How a program ended. */
export interface ExecutionResult {
  readonly output: string;
  /** Its exit code, or what a shell makes of the signal that ended it. */
  readonly code: number;
  readonly isTimeUp: boolean;
}

const SIGNAL_CODE_BASE = 128;

/** Linux in a virtual machine that runs programs of the initial RAM disk, one at a time. */
export class SelftestGuest {
  /** Ends what is under way, because the machine did. */
  #fail: ((error: TestBedError) => void) | undefined;
  #take: ((frame: Frame) => void) | undefined;

  private constructor(private readonly machine: VirtualMachine) {
    machine.listen({
      frame: (frame) => this.#take?.(frame),
      exit: (reason) => this.#fail?.(new TestBedError(this.#describeEnd(reason))),
    });
  }

  /** @throws TestBedError when the kernel does not boot */
  static async boot(options: MachineOptions): Promise<SelftestGuest> {
    return new SelftestGuest(await VirtualMachine.boot(options));
  }

  get release(): string {
    return this.machine.hello.release;
  }

  get hasIommufd(): boolean {
    return this.machine.hello.hasIommufd;
  }

  /** The most telling message of the kernel since it booted, or undefined. */
  get trouble(): string | undefined {
    return parseSplat(this.machine.console.text)?.title;
  }

  /** @throws TestBedError when the machine ends meanwhile, or the trace cannot be written */
  async execute({ command, seconds, preload, trace, onOutput }: Execution): Promise<ExecutionResult> {
    const output: Buffer[] = [];
    let written: Promise<unknown> = Promise.resolve();
    const ended = new Promise<Buffer>((resolve, reject) => {
      this.#fail = reject;
      this.#take = ({ type, payload }) => {
        const bytes = Buffer.from(payload);
        if (type === FRAME.OUTPUT) {
          output.push(bytes);
          onOutput(bytes.toString('utf8'));
        } else if (type === FRAME.TRACE && trace !== undefined) {
          written = written.then(() =>
            trace.write(bytes, 8, bytes.length - 8, Number(bytes.readBigUInt64LE(0))),
          );
          written.catch(reject);
        } else if (type === FRAME.ENDED) resolve(bytes);
        else reject(new TestBedError(`the guest reports: ${bytes.toString('utf8')}`));
      };
    });
    this.machine.send(FRAME.EXECUTE, encodeOrder(command, seconds, PRELOAD[preload]));
    const end = await ended;
    await written;
    const status = end.readUInt32LE(0);
    const signal = status & 0x7f;
    return {
      output: Buffer.concat(output).toString('utf8'),
      code: signal === 0 ? (status >> 8) & 0xff : SIGNAL_CODE_BASE + signal,
      isTimeUp: end.readUInt32LE(4) !== 0,
    };
  }

  /** Ends what is under way. */
  async interrupt(): Promise<void> {
    this.#fail?.(new TestBedError('interrupted; the trace has what was recorded until then'));
    await this.stop();
  }

  stop(): Promise<void> {
    return this.machine.kill();
  }

  #describeEnd(reason: string): string {
    const said = this.trouble;
    return `the virtual machine ended while the selftests ran: ${reason}${said === undefined ? '' : `; the kernel printed "${said}"`}`;
  }
}

function encodeOrder(command: readonly string[], seconds: number, preload: number): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt32LE(seconds, 0);
  header.writeUInt32LE(preload, 4);
  return Buffer.concat([header, ...command.map((word) => Buffer.from(`${word}\0`))]);
}
