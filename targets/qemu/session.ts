import { constants } from 'node:os';
import type { Outcome, ProgramOutcome } from '../../models/outcome.js';
import { notRun } from '../../models/outcome.js';
import type { RawProgram } from '../../models/program/raw.js';
import { ByteWriter } from '../agent/cursor.js';
import { type BatchResults, type Death, type Hello, decodeDeath, decodeResults } from '../agent/decode.js';
import { encodeArena, encodeBatch, encodeWatchedCode } from '../agent/encode.js';
import { FRAME } from '../agent/wire.js';
import type { WatchedCode } from '../kcov/watched_code.js';
import { type Session, type TargetInfo, TestBedError } from '../target.js';
import { isFatal, parseSplat, parseSplats } from './console.js';
import type { Frame } from './frames.js';
import { FIRST_STEP, crashedAt, describeLeftover, outcomeOf } from './program_outcome.js';
import { HangWatch } from './hang_watch.js';
import { type MachineOptions, VirtualMachine } from './virtual_machine.js';
import { reasonOf } from '../../models/base/reason.js';

/** Programs and bytes of one frame: enough that the round trip costs nothing, few enough that little is lost with one. */
const BATCH_PROGRAMS_MAX = 64;
const BATCH_BYTES_MAX = 256 << 10;

/** Frames in the guest at a time: one that runs, one that waits. */
const FRAMES_IN_FLIGHT = 2;

/** How often one program may take the machine down with it before it is given up. */
const ATTEMPTS_MAX = 3;

const NOT_TRUSTED = 'a program left the kernel in a state not to be trusted';

const { SIGKILL } = constants.signals;

/** Machines that may end, one after another, without a single result. */
const FUTILE_RESTARTS_MAX = 5;

const WATCH_MS = 250;

/** A program on its way. */
interface Job {
  readonly program: RawProgram;
  readonly resolve: (outcome: ProgramOutcome) => void;
  attempts: number;
  /** Runs in a frame of its own, because what it did could not be told from its neighbours' doing. */
  isAlone: boolean;
}

interface Batch {
  readonly number: number;
  readonly jobs: readonly Job[];
}

export interface SessionOptions {
  readonly machine: MachineOptions;
  /** How long one step may take without a word, in milliseconds, the share that others have of the processors not counted. */
  readonly stepMs: number;
  /** What code of the kernel programs are to tell of. */
  readonly watched?: WatchedCode;
  /** Titles of warnings after which the kernel goes on, and is not to be trusted. */
  readonly spoiling?: ReadonlySet<string>;
}

/**
 * A queue of programs in front of a virtual machine that may die at any of them. Whatever happens, each program gets an outcome,
 * and the machine is replaced when its kernel can no longer be trusted.
 */
export class QemuSession implements Session {
  readonly #queue: Job[] = [];
  #inFlight: Batch[] = [];
  #batchNumber = 0;
  #futileRestarts = 0;
  /** Why each machine before the present one was given up. */
  readonly #restartReasons: string[] = [];
  #watch: NodeJS.Timeout | undefined;
  readonly #hangWatch: HangWatch;
  #isRestarting = false;
  /** Why no program runs any more. */
  #ended: string | undefined;

  private constructor(
    private readonly options: SessionOptions,
    private machine: VirtualMachine,
    readonly info: TargetInfo,
  ) {
    this.#hangWatch = new HangWatch(options.stepMs);
    this.#adopt(machine);
  }

  /**
   * Boots the machine.
   * @throws TestBedError when it does not boot
   */
  static async start(options: SessionOptions, infoOf: (hello: Hello) => TargetInfo): Promise<QemuSession> {
    const machine = await VirtualMachine.boot(options.machine);
    if (options.watched !== undefined && !machine.hello.hasKcov) {
      await machine.kill();
      throw new TestBedError(
        `the kernel ${options.machine.bzImage} cannot tell which of its code runs: it has no kcov; "kernel build --flavour sanitize" builds one that has`,
      );
    }
    return new QemuSession(options, machine, infoOf(machine.hello));
  }

  get restarts(): number {
    return this.#restartReasons.length;
  }

  troubles(): string[] {
    const [first] = this.#restartReasons;
    if (first === undefined) return [];
    const times = this.#restartReasons.length === 1 ? 'once' : `${String(this.#restartReasons.length)} times`;
    return [`the virtual machine was replaced ${times}; the first reason: ${first}`];
  }

  run(programs: readonly RawProgram[]): Promise<ProgramOutcome[]> {
    const outcomes = programs.map(
      (program) =>
        new Promise<ProgramOutcome>((resolve) => {
          this.#queue.push({ program, resolve, attempts: 0, isAlone: false });
        }),
    );
    this.#pump();
    return Promise.all(outcomes);
  }

  async stop(): Promise<void> {
    this.#giveUp('the run was stopped');
    await this.machine.kill();
  }

  /** Measures the bare agent: nanoseconds for a batch of programs run `repeat` times without looking at results. */
  bench(programs: readonly RawProgram[], repeat: number): Promise<bigint> {
    const to = new ByteWriter();
    to.u32(repeat);
    encodeBatch(to, 0, programs);
    return new Promise((resolve, reject) => {
      this.machine.listen({
        frame: ({ payload }) => {
          this.#adopt(this.machine);
          resolve(Buffer.from(payload).readBigUInt64LE(0));
        },
        exit: (reason) => {
          reject(new TestBedError(reason));
        },
      });
      this.machine.send(FRAME.BENCH, to.bytes);
    });
  }

  #adopt(machine: VirtualMachine): void {
    const isNew = this.machine !== machine || this.#batchNumber === 0;
    this.machine = machine;
    if (isNew) {
      const arena = new ByteWriter();
      encodeArena(arena);
      machine.send(FRAME.ARENA, arena.bytes);
      this.#askForCoverage(machine);
    }
    machine.listen({
      frame: (frame) => {
        this.#receive(frame);
      },
      exit: (reason) => {
        this.#machineEnded(reason);
      },
    });
    clearInterval(this.#watch);
    this.#hangWatch.rest();
    this.#watch = setInterval(() => {
      this.#look();
    }, WATCH_MS);
  }

  #askForCoverage(machine: VirtualMachine): void {
    const { watched } = this.options;
    if (watched === undefined) return;
    const request = new ByteWriter();
    encodeWatchedCode(request, watched);
    machine.send(FRAME.COVERAGE, request.bytes);
  }

  #pump(): void {
    if (this.#ended !== undefined) this.#giveUp(this.#ended);
    if (this.#isRestarting) return;
    while (this.#inFlight.length < FRAMES_IN_FLIGHT && this.#queue.length > 0) {
      if (this.#inFlight.some(({ jobs }) => jobs.some(({ isAlone }) => isAlone))) return;
      const writer = new ByteWriter();
      const batch: Batch = { number: ++this.#batchNumber, jobs: this.#takeJobs() };
      encodeBatch(
        writer,
        batch.number,
        batch.jobs.map(({ program }) => program),
      );
      this.#inFlight.push(batch);
      this.machine.run(writer.bytes);
    }
  }

  #takeJobs(): Job[] {
    const first = this.#queue[0];
    if (first?.isAlone === true) return this.#queue.splice(0, 1);
    let count = 0;
    let bytes = 0;
    while (count < BATCH_PROGRAMS_MAX && bytes < BATCH_BYTES_MAX) {
      const job = this.#queue[count];
      if (job === undefined || job.isAlone) break;
      bytes += job.program.steps.length * 64;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  #receive({ type, payload }: Frame): void {
    if (type === FRAME.RESULTS) this.#take(payload);
    else if (type === FRAME.DIED) this.#workerDied(decodeDeath(payload));
    else this.#agentGaveUp(Buffer.from(payload).toString('utf8'));
  }

  #take(payload: Uint8Array): void {
    const [batch] = this.#inFlight;
    if (batch === undefined) return;
    const results = decodeResults(
      payload,
      batch.jobs.map(({ program }) => program),
      this.options.watched !== undefined,
    );
    if (results.batch !== batch.number) return;
    this.#futileRestarts = 0;
    if (results.left === undefined) this.#keepFinished(batch, results);
    else this.#finish(batch, results);
  }

  /** A whole batch came back. */
  #finish(batch: Batch, results: BatchResults): void {
    this.#inFlight.shift();
    this.machine.console.mark();
    const leftover = describeLeftover(results);
    const isAlone = batch.jobs.length === 1;
    if (leftover !== undefined && !isAlone) {
      this.#requeue(batch.jobs, true);
      void this.#restart(leftover);
      return;
    }
    const { rest, isSpoiled } = this.#handOut(batch, results, leftover);
    if (isSpoiled || leftover !== undefined) {
      this.#requeue(rest, false);
      void this.#restart(NOT_TRUSTED);
      return;
    }
    this.#pump();
  }

  /** The worker died in the middle of a batch; what came before is good, unless the kernel was not to be trusted even then. */
  #keepFinished(batch: Batch, results: BatchResults): void {
    const { rest, isSpoiled } = this.#handOut(batch, results, undefined);
    const [, ...waiting] = this.#inFlight;
    this.#inFlight = [{ number: batch.number, jobs: rest }, ...waiting];
    if (!isSpoiled) return;
    this.#requeueInFlight(rest);
    void this.#restart(NOT_TRUSTED);
  }

  /**
   * Hands out results up to that of a program after which the kernel is not to be trusted.
   * @returns the programs that have none, and whether there is such a program
   */
  #handOut(
    { jobs }: Batch,
    { programs }: BatchResults,
    leftover: string | undefined,
  ): { readonly rest: readonly Job[]; readonly isSpoiled: boolean } {
    const splats = programs.map(({ console }) => parseSplats(console));
    const spoiler = splats.findIndex((reports) =>
      reports.some(({ needsRestart, title }) => needsRestart || this.#isSpoiling(title)),
    );
    const trusted = spoiler < 0 ? programs.length : spoiler + 1;
    for (const [index, job] of jobs.slice(0, trusted).entries())
      job.resolve(outcomeOf(programs[index], splats[index] ?? [], leftover));
    return { rest: jobs.slice(trusted), isSpoiled: spoiler >= 0 };
  }

  #isSpoiling(title: string): boolean {
    return this.options.spoiling?.has(title) === true;
  }

  /** Whether a program of the frame under way may have spoiled the kernel for another one of it. */
  get #mayBeSpoiled(): boolean {
    const jobs = this.#inFlight[0]?.jobs ?? [];
    return (
      jobs.length > 1 && parseSplats(this.machine.console.text).some(({ title }) => this.#isSpoiling(title))
    );
  }

  #workerDied(death: Death): void {
    if (this.#isRestarting) return;
    if (this.#mayBeSpoiled) {
      this.#requeueInFlight(this.#inFlight[0]?.jobs ?? [], true);
      void this.#restart(NOT_TRUSTED);
      return;
    }
    const [culprit, ...others] = this.#inFlight[0]?.jobs ?? [];
    const text = this.machine.console.text;
    const title = parseSplat(text)?.title ?? `the process died on signal ${String(death.signal)}`;
    if (culprit !== undefined) culprit.attempts += 1;
    // A kernel that kills a process says why: without a word it was somebody else, unless it comes again and again.
    const mayBeChance = death.signal === SIGKILL && text.trim() === '';
    if (culprit !== undefined && mayBeChance && culprit.attempts < ATTEMPTS_MAX) {
      this.#requeueInFlight(others);
      this.#requeue([culprit], true);
    } else {
      culprit?.resolve(crashedAt(culprit.program, death, { status: 'crashed', title, console: text }));
      this.#requeueInFlight(others);
    }
    void this.#restart(`a program ended the agent: ${title}`);
  }

  /** The agent cannot carry a program out: our mistake, and the same the next time. */
  #agentGaveUp(complaint: string): void {
    this.#blameRunning({ status: 'infra', error: `the agent reports: ${complaint}` }, true);
    void this.#restart(`the agent reports: ${complaint}`);
  }

  /** The machine is gone: panic, or somebody ended QEMU. */
  #machineEnded(reason: string): void {
    if (this.#ended !== undefined || this.#isRestarting) return;
    const console = this.machine.console.text;
    const title = isFatal(console) ? parseSplat(console)?.title : undefined;
    if (title === undefined) this.#blameRunning({ status: 'infra', error: reason }, false);
    else this.#blameRunning({ status: 'crashed', title, console }, true);
    void this.#restart(reason);
  }

  #look(): void {
    if (this.#inFlight.length === 0) this.#hangWatch.rest();
    else if (this.#hangWatch.sees(this.machine.progress(), this.machine.console.printed)) {
      this.#blameRunning({ status: 'hung' }, true);
      void this.#restart('a program did not end in time');
    }
  }

  /**
   * Gives the running program the blame, as far as it is known which one ran.
   * @param isItsFault whether the outcome is the program's, or may be chance
   */
  #blameRunning(outcome: Outcome, isItsFault: boolean): void {
    const [batch] = this.#inFlight;
    if (batch === undefined) return;
    const progress = this.machine.progress();
    const isKnown = progress?.batch === batch.number;
    const index = isKnown ? progress.program : batch.jobs.length === 1 ? 0 : -1;
    const culprit = this.#mayBeSpoiled ? undefined : batch.jobs[index];
    if (culprit === undefined) {
      this.#requeueInFlight(batch.jobs, true);
      return;
    }
    culprit.attempts += 1;
    const isOver = isItsFault || culprit.attempts >= ATTEMPTS_MAX;
    if (isOver) culprit.resolve(crashedAt(culprit.program, isKnown ? progress : FIRST_STEP, outcome));
    this.#requeueInFlight(batch.jobs.filter((job) => !isOver || job !== culprit));
  }

  #requeueInFlight(ofFirst: readonly Job[], alone = false): void {
    const [, ...waiting] = this.#inFlight;
    this.#inFlight = [];
    this.#requeue(
      waiting.flatMap(({ jobs }) => jobs),
      false,
    );
    this.#requeue(ofFirst, alone);
  }

  #requeue(jobs: readonly Job[], alone: boolean): void {
    for (const job of jobs) job.isAlone ||= alone;
    this.#queue.unshift(...jobs);
  }

  async #restart(reason: string): Promise<void> {
    if (this.#isRestarting || this.#ended !== undefined) return;
    this.#isRestarting = true;
    this.#restartReasons.push(reason);
    for (const { jobs } of this.#inFlight.splice(0)) this.#requeue(jobs, false);
    clearInterval(this.#watch);
    await this.machine.kill();
    const machine = await this.#bootAgain();
    if (machine === undefined) return;
    this.#isRestarting = false;
    this.#adopt(machine);
    this.#pump();
  }

  /** A new machine; undefined once too many have ended without a result, or the run was stopped meanwhile. */
  async #bootAgain(): Promise<VirtualMachine | undefined> {
    let lastTrouble = '';
    while (this.#ended === undefined && ++this.#futileRestarts <= FUTILE_RESTARTS_MAX) {
      try {
        const machine = await VirtualMachine.boot(this.options.machine);
        if (this.#isStillWanted()) return machine;
        await machine.kill();
      } catch (error) {
        lastTrouble = `: ${reasonOf(error)}`;
      }
    }
    this.#giveUp(`the virtual machine ends again and again without a result${lastTrouble}`);
    return undefined;
  }

  #isStillWanted(): boolean {
    return this.#ended === undefined;
  }

  #giveUp(error: string): void {
    this.#ended ??= error;
    clearInterval(this.#watch);
    const jobs = [...this.#inFlight.splice(0).flatMap((batch) => batch.jobs), ...this.#queue.splice(0)];
    for (const { program, resolve } of jobs)
      resolve(notRun(program.steps.length, { status: 'infra', error }));
  }
}
