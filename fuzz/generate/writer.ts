import { present } from '../../models/base/assert.js';
import { PAGE_SIZE } from '../../models/base/u64.js';
import { type Behaviour, hasCall } from '../../models/behaviour.js';
import { probesOf } from '../../models/invariants/probes.js';
import { callByName } from '../../models/ioctls/index.js';
import { ModelRun } from '../../models/model_run.js';
import { predictStep } from '../../models/predict_step.js';
import type { Prediction } from '../../models/prediction.js';
import { Assembler } from '../../models/program/assemble.js';
import {
  type IoctlStep,
  type LanesStep,
  PROGRAM_SCHEMA,
  type Program,
  type Step,
  placedSteps,
} from '../../models/program/program.js';
import type { World } from '../../models/state/world.js';
import { BIASES } from './biases.js';
import { drawCall } from './calls.js';
import { detachPasids, resetMemoryLimit } from './ending.js';
import { drawEventStep, emptyQueues } from './events.js';
import { drawFileStep, drawMemory } from './files.js';
import { drawHugePages } from './huge_pages.js';
import { drawLanes } from './lanes.js';
import { isValid, mapsMemory } from './offers.js';
import { Picks } from './picks.js';
import { drawCloexec, drawPass } from './processes.js';
import { GeneratorState } from './state.js';
import type { Kind } from './theme.js';
import { SET_COMPAT } from './themes.js';

/** Draws of the same call before one is taken that does not do what was wanted. */
const ATTEMPTS_MAX = 8;

/** Lanes of one program: each makes it harder to tell which order explains the rest. */
const LANES_MAX = 4;

/** A process that the program has made. */
interface ChildProcess {
  readonly label: string;
  readonly number: number;
}

/** Writes a program step by step beside the model, so that arguments name what is there. */
export class ProgramWriter {
  readonly #run: ModelRun;
  readonly #assembler = new Assembler();
  readonly #steps: Step[] = [];
  readonly #state: GeneratorState;
  /** Processes that the program has made and that have not exited. */
  #children: readonly ChildProcess[] = [];
  #lanes = 0;
  /** Names of files, processes and results. */
  readonly #taken = new Set<string>();
  /** The iommufds that drawn calls go to in turn. */
  #first = '';
  #second: string | undefined;
  /** Who carries out the next step; undefined for the process that the program starts in. */
  #performer: ChildProcess | undefined;

  constructor(private readonly behaviour: Behaviour) {
    this.#run = new ModelRun(behaviour, 'exact', []);
    this.#state = new GeneratorState(this.#run.world, '', 0);
  }

  /** What drawn steps are drawn from. */
  get state(): GeneratorState {
    return this.#state;
  }

  get world(): World {
    return this.#run.world;
  }

  get length(): number {
    return this.#steps.length;
  }

  /** Opens an iommufd that drawn calls go to. */
  open(label: string): void {
    this.#append({ do: 'open', label });
    this.adopt(label);
  }

  /** Lets drawn calls go to a file that somebody else has opened. */
  adopt(label: string): void {
    this.#first = label;
    this.useFile(label);
  }

  /** Lets drawn calls go to a file. */
  useFile(label: string): void {
    this.#state.slot = present(this.#assembler.slotOf(label), 'slot of an open file');
    this.#state.file = label;
  }

  /** A name that nothing has, and that nothing will be given. */
  freshLabel(prefix: string): string {
    const name = `${prefix}${String(this.#steps.length)}`;
    let label = name;
    for (let count = 2; this.#taken.has(label); count++) label = `${name}_${String(count)}`;
    this.#taken.add(label);
    return label;
  }

  /** Whether a name has been given. */
  isTaken(label: string): boolean {
    return this.#taken.has(label);
  }

  /**
   * Adds a step that others have written, if it can be assembled and the model can tell what comes of it.
   * @returns whether it did
   */
  offer(step: Step, picks: Picks): boolean {
    const performer = this.#children.find(({ label }) => label === step.by);
    if (step.by !== undefined && performer === undefined) return false;
    this.#performAs(performer);
    const { by, ...bare } = step;
    const isAdded = this.#offer(bare, picks);
    if (by !== undefined) this.#performAs(undefined);
    return isAdded;
  }

  #offer(step: Step, picks: Picks): boolean {
    if (step.do === 'lanes') return this.#offerLanes(step);
    if (step.do === 'exit') {
      if (this.#performer !== undefined) this.#endChild(this.#performer);
      return true;
    }
    if (!this.#isAssembled(step)) return false;
    if (step.do === 'ioctl' && !this.#isOfMemory(step)) return false;
    if (step.do === 'ioctl' ? this.#foresee(step, picks) === 'avoid' : !this.#isPredictable(step))
      return false;
    if (step.do === 'fork') this.#fork(step.label);
    else this.#append(step);
    return true;
  }

  #isOfMemory(step: IoctlStep): boolean {
    return mapsMemory(step, (label) => this.#run.world.fds.get(this.#assembler.slotOf(label) ?? -1)?.kind);
  }

  /** Lanes cannot be tried step by step: their assembly is tried apart. */
  #offerLanes(step: LanesStep): boolean {
    const apart = new Assembler();
    const all = placedSteps({ steps: [...this.#steps, step] });
    const isAssembled = isValid(() => {
      for (const { step: placed } of all) apart.add(placed);
    });
    return isAssembled && this.#addLanes(step);
  }

  #isAssembled(step: Step): boolean {
    return isValid(() => this.#assembler.preview(this.#performed(step)));
  }

  /** A step that others need, and so one that succeeds if it can. */
  prepare(kind: Kind, numbers: readonly number[]): void {
    if (typeof kind === 'object') this.#addCall(kind, numbers, false);
    else this.#addOther(kind, new Picks(numbers));
  }

  addStep(kind: Kind, numbers: readonly number[]): void {
    const needsIoas =
      typeof kind === 'object' &&
      this.#state.ids().size === 0 &&
      !new Picks(numbers).rarely(BIASES.nothingToUse.oneIn);
    if (needsIoas) this.#addCall({ call: 'IOMMU_IOAS_ALLOC' }, numbers);
    else if (this.#needsCompat(kind, numbers)) this.#addCall(SET_COMPAT, numbers);
    else if (typeof kind === 'object') this.#addCall(kind, numbers);
    else this.#addOther(kind, new Picks(numbers));
  }

  #needsCompat(kind: Kind, numbers: readonly number[]): boolean {
    const call = typeof kind === 'object' ? callByName(kind.call) : undefined;
    return (
      call?.protocol === 'vfio' &&
      call.argument === 'struct' &&
      this.#state.compatTable === undefined &&
      !new Picks(numbers).rarely(BIASES.noCompat.oneIn)
    );
  }

  /** The program, with what the invariants want to see at its end. */
  finish(): Program {
    const { labels } = this.#state;
    const { world } = this.#run;
    this.#performAs(undefined);
    const probes = probesOf(world, labels, this.behaviour.profile);
    this.#steps.push(...probes);
    for (const child of this.#children) this.#endChild(child);
    for (const step of emptyQueues(world, labels)) this.#append(step);
    for (const step of detachPasids(world, labels)) this.#append(step);
    this.#steps.push(...resetMemoryLimit(world, this.freshLabel('reset')));
    for (const [slot] of world.fds.entries) {
      const file = labels.get(slot);
      if (file !== undefined) this.#steps.push({ do: 'close', file });
    }
    this.#steps.push({ do: 'counters' });
    return { schema: PROGRAM_SCHEMA, steps: this.#steps };
  }

  #addCall(
    { call: name, args, newest = {} }: Extract<Kind, object>,
    numbers: readonly number[],
    mayFail = new Picks(numbers).rarely(BIASES.failingStep.oneIn),
  ): void {
    const call = callByName(name);
    const { profile } = this.behaviour;
    if (call === undefined || !hasCall(profile, call)) return;
    if (call.op !== undefined && !profile.hasTestCommands) return;
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const picks = new Picks(numbers, 1 + attempt * 5);
      const drawn = drawCall(call, this.#state, picks);
      const step: IoctlStep = {
        ...drawn,
        args: { ...drawn.args, ...args, ...this.#state.newest(newest) },
        label: this.#nextLabel('s'),
        ...(call.newFd === undefined ? {} : { fd: this.#nextLabel('d') }),
      };
      const verdict = this.#foresee(step, picks);
      if (verdict === 'avoid') continue;
      if (verdict === 'succeeds' || mayFail || attempt === ATTEMPTS_MAX - 1) {
        this.#append(step);
        return;
      }
    }
  }

  /** What the model says of a step; one whose outcome it does not know, or that makes the kernel warn, is avoided. */
  #foresee(step: IoctlStep, picks: Picks): 'succeeds' | 'fails' | 'avoid' {
    const raw = this.#run.resolve(this.#assembler.preview(this.#performed(step)));
    const prediction = predictStep(this.#run.world, this.behaviour, raw, 'exact');
    if (!isFollowed(prediction)) return 'avoid';
    const branch = present(prediction.branches[0], 'an answer');
    if (branch.splat !== undefined && !picks.rarely(BIASES.splat.oneIn)) return 'avoid';
    return branch.errno === 0 ? 'succeeds' : 'fails';
  }

  #addOther(kind: Exclude<Kind, object>, picks: Picks): void {
    switch (kind) {
      case 'counters':
        this.#append({ do: 'counters' });
        return;
      case 'memory':
        this.#addIfPredictable(drawMemory(picks));
        return;
      case 'lanes':
        this.#addLanes(drawLanes(this.#state, picks, this.#lanesLabel()));
        return;
      case 'huge_pages':
        this.#addHugePages(drawHugePages(this.#steps, picks));
        return;
      case 'file':
      case 'memory_file':
      case 'show_file':
      case 'show_file_first':
      case 'cut_file':
        this.#addIfPredictable(drawFileStep(kind, this.#state, picks, this.#nextLabel('d')));
        return;
      case 'events':
        this.#addIfPredictable(drawEventStep(this.#run.world, this.#state.labels, picks));
        return;
      case 'process':
        this.#append({
          do: 'process',
          drop: picks.rarely(4) ? ['CAP_SYS_RESOURCE'] : ['CAP_IPC_LOCK'],
          memlock: BigInt(picks.below(6)) * PAGE_SIZE,
        });
        return;
      case 'child':
        this.#changeProcess(picks);
        return;
      case 'exec':
        this.#execChild(picks);
        return;
      case 'cloexec':
        this.#addIfPredictable(drawCloexec(this.#state, picks));
        return;
      case 'pass':
        this.#passFile(picks);
        return;
      case 'second_file':
        this.#switchFile();
    }
  }

  #addHugePages(step: Step): void {
    if (this.#isAssembled(step)) this.#append(step);
  }

  /** Lanes whose calls the model can tell the answers of, in whichever order they come first. */
  #addLanes(step: LanesStep): boolean {
    const calls = step.lanes.flat();
    if (
      this.#lanes >= LANES_MAX ||
      this.#performer !== undefined ||
      !calls.every((call) => this.#isTold(call))
    )
      return false;
    this.#lanes += 1;
    this.#steps.push(step);
    for (const { step: placed } of placedSteps({ steps: [step] })) {
      const ids = this.#state.ids();
      this.#run.execute(this.#assembler.add(placed));
      if (placed.do === 'ioctl') this.#note(placed, ids);
    }
    return true;
  }

  #isTold(step: Step): boolean {
    const prediction = predictStep(
      this.#run.world,
      this.behaviour,
      this.#run.resolve(this.#assembler.preview(step)),
      'exact',
    );
    return isFollowed(prediction) && prediction.branches[0]?.splat === undefined;
  }

  #addIfPredictable(step: Step | undefined): void {
    if (step !== undefined && this.#isPredictable(step)) this.#append(step);
  }

  /** Makes a process, changes over to it or back, or lets it exit. */
  #changeProcess(picks: Picks): void {
    const child = this.#children.at(-1);
    if (child === undefined) {
      this.#performAs(undefined);
      const made = this.#fork(this.#nextLabel('p'));
      if (!picks.rarely(3)) this.#performAs(made);
    } else if (this.#performer !== undefined) this.#performAs(undefined);
    else if (picks.rarely(3)) this.#endChild(child);
    else this.#performAs(child);
  }

  #fork(label: string): ChildProcess {
    const child = { label, number: this.#run.world.processes.length };
    this.#append({ do: 'fork', label });
    this.#children = [...this.#children, child];
    return child;
  }

  /** Lets the other process start a program, and go on or not. */
  #execChild(picks: Picks): void {
    const child = this.#children.at(-1);
    if (child === undefined) return;
    this.#performAs(child);
    this.#addIfPredictable({ do: 'exec' });
    if (picks.rarely(2)) this.#performAs(undefined);
  }

  #passFile(picks: Picks): void {
    const child = this.#children.at(-1);
    if (child === undefined) return;
    const { label } = child;
    const ends =
      this.#performer === undefined ? ([undefined, label] as const) : ([label, undefined] as const);
    this.#addIfPredictable(drawPass(ends, this.#state, picks, this.#nextLabel('d')));
  }

  #performAs(process: ChildProcess | undefined): void {
    this.#performer = process;
    this.#run.world.switchTo(process?.number ?? 0);
  }

  /** Lets the other process exit, which may be the end of files. */
  #endChild(child: ChildProcess): void {
    this.#performAs(child);
    for (const step of detachPasids(this.#run.world, this.#state.labels)) this.#append(step);
    this.#append({ do: 'exit' });
    this.#children = this.#children.filter((other) => other !== child);
    this.#performAs(undefined);
  }

  #isPredictable(step: Step): boolean {
    const raw = this.#run.resolve(this.#assembler.preview(this.#performed(step)));
    return isFollowed(predictStep(this.#run.world, this.behaviour, raw, 'exact'));
  }

  #switchFile(): void {
    if (this.#second === undefined) {
      this.#second = this.isTaken('g') ? this.#nextLabel('g') : 'g';
      this.#append({ do: 'open', label: this.#second });
    }
    this.useFile(this.#state.file === this.#second ? this.#first : this.#second);
  }

  /** A step with who carries it out. */
  #performed<S extends Step>(step: S): S {
    return this.#performer === undefined ? step : { ...step, by: this.#performer.label };
  }

  #append(bare: Step): void {
    const ids = this.#state.ids();
    const step = this.#performed(bare);
    this.#steps.push(step);
    this.#run.execute(this.#assembler.add(step));
    this.#note(step, ids);
  }

  /** Remembers the names that a step gives, and the ids that it has made. */
  #note(step: Step, ids: ReadonlySet<number>): void {
    if (step.do === 'ioctl') this.#state.noteProducts(step, ids);
    if ('label' in step) this.#taken.add(step.label);
    const label = step.do === 'ioctl' ? step.fd : 'label' in step ? step.label : undefined;
    const slot = label === undefined ? undefined : this.#assembler.slotOf(label);
    if (label !== undefined) this.#taken.add(label);
    if (label !== undefined && slot !== undefined) this.#state.labels.set(slot, label);
  }

  /** A name that no label of a lane begins with, as those of drawn lanes do. */
  #lanesLabel(): string {
    let label = this.#nextLabel('s');
    while ([...this.#taken].some((taken) => taken.startsWith(`${label}_`))) label = this.freshLabel('s');
    return label;
  }

  #nextLabel(prefix: string): string {
    const name = `${prefix}${String(this.#steps.length)}`;
    return this.isTaken(name) ? this.freshLabel(prefix) : name;
  }
}

/** Whether the model knows the state after each answer that it allows. */
function isFollowed(prediction: Prediction): prediction is Extract<Prediction, { kind: 'allowed' }> {
  return prediction.kind === 'allowed' && prediction.branches.every(({ untold }) => untold === undefined);
}
