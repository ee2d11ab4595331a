import { present } from '../../models/base/assert.js';
import { PAGE_SIZE } from '../../models/base/u64.js';
import { type Behaviour, hasCall } from '../../models/behaviour.js';
import { callByName } from '../../models/ioctls/index.js';
import type { CallDescription } from '../../models/ioctls/description.js';
import type { OwnWalk } from '../../models/program_verdict.js';
import type { IoctlStep, Program, Step } from '../../models/program/program.js';
import { type ChangedBiases, FAILING_BIASES } from './biases.js';
import { drawCall, isOfCompatibility } from './calls.js';
import { withSecondFault } from './second_fault.js';
import { Draft, type Tried, isFollowed } from './draft.js';
import { drawEventStep } from './events.js';
import { drawFileStep, drawMemory } from './files.js';
import { drawHugePages } from './huge_pages.js';
import { drawLanes } from './lanes.js';
import { lookBack } from './look_back.js';
import { assembledOrNothing, mapsMemory } from './offers.js';
import { Picks, rotated } from './picks.js';
import { drawCloexec, drawPass } from './processes.js';
import type { GeneratorState } from './state.js';
import { type CallKind, type Kind, SET_COMPAT } from './theme.js';

/** Draws of the same call before one is taken that does not do what was wanted. */
const ATTEMPTS_MAX = 8;

/** Draws of a call that fails before it is left with one reason to. */
const FAULTS_MAX = 6;

/** Writes a program step by step beside the model, so that arguments name what is there: of steps that are drawn, or offered. */
export class ProgramWriter {
  readonly #draft: Draft;
  /** The iommufds that drawn calls go to in turn. */
  #first = '';
  #second: string | undefined;

  /**
   * @param biases what is more or less unusual than elsewhere
   * @param walk judges the program on the way, unless it is abandoned
   */
  constructor(
    private readonly behaviour: Behaviour,
    private readonly biases: ChangedBiases = {},
    walk?: OwnWalk,
  ) {
    this.#draft = new Draft(behaviour, walk);
  }

  /** What drawn steps are drawn from. */
  get state(): GeneratorState {
    return this.#draft.state;
  }

  /** Opens an iommufd that drawn calls go to. */
  open(label: string): void {
    this.#draft.add({ do: 'open', label });
    this.adopt(label);
  }

  /** Lets drawn calls go to a file that somebody else has opened. */
  adopt(label: string): void {
    this.#first = label;
    this.#draft.useFile(label);
  }

  /** Lets drawn calls go to a file. */
  useFile(label: string): void {
    this.#draft.useFile(label);
  }

  /** A name that nothing has, and that nothing will be given. */
  freshLabel(prefix: string): string {
    return this.#draft.freshLabel(prefix);
  }

  /** Whether a name has been given. */
  isTaken(label: string): boolean {
    return this.#draft.isTaken(label);
  }

  /** The program, with what the invariants want to see at its end. */
  finish(): Program {
    return this.#draft.finish();
  }

  /**
   * Adds a step that others have written, if it can be assembled and the model can tell what comes of it.
   * @returns whether it did
   */
  offer(step: Step, picks: Picks): boolean {
    const performer = step.by === undefined ? undefined : this.#draft.childOf(step.by);
    if (step.by !== undefined && performer === undefined) return false;
    this.#draft.performAs(performer);
    const { by, ...bare } = step;
    const isAdded = this.#offer(bare, picks);
    if (by !== undefined) this.#draft.performAs(undefined);
    return isAdded;
  }

  #offer(step: Step, picks: Picks): boolean {
    const draft = this.#draft;
    if (step.do === 'lanes') return draft.takesLanes(step) && draft.addLanes(step);
    if (step.do === 'exit') {
      if (draft.performer !== undefined) draft.endChild(draft.performer);
      return true;
    }
    const tried = assembledOrNothing(() => draft.tryOut(step));
    if (tried === undefined || !this.#isWelcome(step, tried, picks)) return false;
    if (step.do === 'fork') draft.fork(step.label);
    else draft.append(tried);
    return true;
  }

  #isWelcome(step: Step, tried: Tried, picks: Picks): boolean {
    if (step.do !== 'ioctl') return isFollowed(tried.foreseen.prediction);
    return mapsMemory(step, (label) => this.#draft.kindOf(label)) && outlook(tried, picks) !== 'avoid';
  }

  /** A step that others need, and so one that succeeds if it can. */
  prepare(kind: Kind, numbers: readonly number[]): void {
    if (typeof kind === 'string') this.#addOther(kind, this.#picks(numbers));
    else if ('call' in kind) this.#addCall(kind, numbers, false);
    else this.#prepareAll(kind.inTurn, numbers);
  }

  /** Steps that others need, each with other numbers. */
  #prepareAll(kinds: readonly Kind[], numbers: readonly number[]): void {
    for (const [at, kind] of kinds.entries()) this.prepare(kind, rotated(numbers, at));
  }

  addStep(kind: Kind, numbers: readonly number[]): void {
    if (typeof kind === 'object' && 'inTurn' in kind) {
      const last = kind.inTurn.length - 1;
      this.#prepareAll(kind.inTurn.slice(0, last), numbers);
      this.addStep(present(kind.inTurn[last], 'a last kind'), rotated(numbers, last));
      return;
    }
    const needsIoas =
      typeof kind === 'object' &&
      this.state.ids().size === 0 &&
      !this.#picks(numbers).unusual('nothingToUse');
    if (needsIoas) this.#addCall({ call: 'IOMMU_IOAS_ALLOC' }, numbers);
    else if (this.#needsCompat(kind, numbers)) this.#addCall(SET_COMPAT, numbers);
    else if (typeof kind === 'object') this.#addCall(kind, numbers);
    else this.#addOther(kind, this.#picks(numbers));
  }

  #picks(numbers: readonly number[], offset = 0, biases: ChangedBiases = {}): Picks {
    return new Picks(numbers, offset, { ...biases, ...this.biases });
  }

  #needsCompat(kind: string | CallKind, numbers: readonly number[]): boolean {
    const call = typeof kind === 'object' ? callByName(kind.call) : undefined;
    return (
      call !== undefined &&
      isOfCompatibility(call) &&
      call.argument === 'struct' &&
      this.state.compatTable === undefined &&
      !this.#picks(numbers).unusual('noCompat')
    );
  }

  #addCall(
    { call: name, args, newest = {}, oldest = {}, at }: CallKind,
    numbers: readonly number[],
    mayFail = this.#picks(numbers).unusual('failingStep'),
  ): void {
    const call = callByName(name);
    const { profile } = this.behaviour;
    if (call === undefined || !hasCall(profile, call)) return;
    if (call.op !== undefined && !profile.hasTestCommands) return;
    const draft = this.#draft;
    const given = { ...args, ...this.state.newest(newest), ...this.state.oldest(oldest) };
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const picks = this.#picks(numbers, 1 + attempt * 5, mayFail ? FAILING_BIASES : {});
      const drawn = drawCall(call, this.state, picks);
      const step = this.#named({ ...drawn, ...(at && { at }), args: { ...drawn.args, ...given } });
      const tried = draft.tryOut(step);
      const comes = outlook(tried, picks);
      if (comes === 'avoid') continue;
      if (comes === 'success' || mayFail || at !== undefined || attempt === ATTEMPTS_MAX - 1) {
        const isSpoilt = at === undefined && (mayFail || comes === 'failure');
        const chosen = isSpoilt ? this.#spoil(tried, comes, call, numbers, attempt) : tried;
        draft.append(chosen);
        this.#lookBack(chosen, picks);
        return;
      }
    }
  }

  /** Lets a call that may fail do so at its end, or for another reason besides. */
  #spoil(
    tried: Tried,
    comes: 'success' | 'failure',
    call: CallDescription,
    numbers: readonly number[],
    attempt: number,
  ): Tried {
    const { step } = tried;
    const picks = this.#picks(numbers, 3 + attempt * 11, FAILING_BIASES);
    if (step.do !== 'ioctl' || call.argument !== 'struct') return tried;
    if (comes === 'success') {
      if (!picks.unusual('unwritableStruct')) return tried;
      return this.#instead(tried, { ...step, at: 'sealed' }, picks);
    }
    if (!picks.unusual('secondFault')) return tried;
    if (picks.rarely(3)) return this.#instead(tried, { ...step, at: 'sealed' }, picks);
    for (let attempt = 0; attempt < FAULTS_MAX; attempt++) {
      const faulty = withSecondFault(step, call, drawCall(call, this.state, picks), picks);
      const spoilt = assembledOrNothing(() => this.#draft.tryOut(faulty));
      if (spoilt === undefined || outlook(spoilt, picks) !== 'failure') continue;
      if (this.#draft.objections(spoilt) > 1) return spoilt;
    }
    // What is tried last is what can be added.
    return this.#draft.tryOut(step);
  }

  /** With names for what it makes. */
  #named(step: IoctlStep): IoctlStep {
    const label = this.#draft.nextLabel('s');
    const makesFd = callByName(step.call)?.newFd !== undefined;
    return { ...step, label, ...(makesFd ? { fd: this.#draft.nextLabel('d') } : {}) };
  }

  /** Shows now and then what a step has left that failed. */
  #lookBack({ step, foreseen: { prediction } }: Tried, picks: Picks): void {
    const hasFailed = prediction.kind === 'allowed' && prediction.branches[0]?.errno !== 0;
    const seen = hasFailed && picks.unusual('lookBack') ? lookBack(step) : undefined;
    if (seen === undefined) return;
    const named = seen.do === 'ioctl' ? this.#named(seen) : seen;
    const tried = assembledOrNothing(() => this.#draft.tryOut(named));
    if (tried !== undefined && outlook(tried, picks) !== 'avoid') this.#draft.append(tried);
  }

  #instead(tried: Tried, step: Step, picks: Picks): Tried {
    const other = assembledOrNothing(() => this.#draft.tryOut(step));
    if (other === undefined || outlook(other, picks) === 'avoid') return this.#draft.tryOut(tried.step);
    return other;
  }

  #addOther(kind: Exclude<Kind, object>, picks: Picks): void {
    const draft = this.#draft;
    switch (kind) {
      case 'counters':
        draft.add({ do: 'counters' });
        return;
      case 'memory':
        draft.addIfFollowed(drawMemory(picks, draft.steps));
        return;
      case 'lanes':
        draft.addLanes(drawLanes(this.state, picks, draft.lanesLabel()));
        return;
      case 'huge_pages':
        this.#addHugePages(drawHugePages(draft.steps, picks));
        return;
      case 'file':
      case 'memory_file':
      case 'show_file':
      case 'show_file_first':
      case 'show_file_shared':
      case 'show_file_private':
      case 'show_region':
      case 'cut_file':
      case 'vfio_device':
      case 'vfio_group':
        this.#addFileStep(drawFileStep(kind, this.state, picks, draft.nextLabel('d')), picks);
        return;
      case 'events':
        draft.addIfFollowed(drawEventStep(draft.world, this.state.labels, picks));
        return;
      case 'process':
        draft.add({
          do: 'process',
          drop: picks.one([
            ['CAP_IPC_LOCK'],
            ['CAP_IPC_LOCK'],
            ['CAP_IPC_LOCK'],
            ['CAP_SYS_RESOURCE'],
            ['CAP_IPC_LOCK', 'CAP_SYS_RAWIO'],
          ]),
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
        draft.addIfFollowed(drawCloexec(this.state, picks));
        return;
      case 'pass':
        this.#passFile(picks);
        return;
      case 'second_file':
        this.#switchFile();
    }
  }

  #addFileStep(step: Step | undefined, picks: Picks): void {
    // A file of huge pages, which a mutated program may have, is cut and mapped whole or not at all.
    const tried = step && assembledOrNothing(() => this.#draft.addIfFollowed(step));
    if (tried !== undefined) this.#lookBack(tried, picks);
  }

  #addHugePages(step: Step): void {
    const tried = assembledOrNothing(() => this.#draft.tryOut(step));
    if (tried !== undefined) this.#draft.append(tried);
  }

  /** Makes a process, changes over to it or back, or lets it exit. */
  #changeProcess(picks: Picks): void {
    const draft = this.#draft;
    const { child } = draft;
    if (child === undefined) {
      draft.performAs(undefined);
      const made = draft.fork(draft.nextLabel('p'));
      if (!picks.rarely(3)) draft.performAs(made);
    } else if (draft.performer !== undefined) draft.performAs(undefined);
    else if (picks.rarely(3)) draft.endChild(child);
    else draft.performAs(child);
  }

  /** Lets the other process start a program, and go on or not. */
  #execChild(picks: Picks): void {
    const draft = this.#draft;
    if (draft.child === undefined) return;
    draft.performAs(draft.child);
    draft.addIfFollowed({ do: 'exec' });
    if (picks.rarely(2)) draft.performAs(undefined);
  }

  #passFile(picks: Picks): void {
    const { child, performer } = this.#draft;
    if (child === undefined) return;
    const { label } = child;
    const ends = performer === undefined ? ([undefined, label] as const) : ([label, undefined] as const);
    this.#draft.addIfFollowed(drawPass(ends, this.state, picks, this.#draft.nextLabel('d')));
  }

  #switchFile(): void {
    if (this.#second === undefined) {
      this.#second = this.isTaken('g') ? this.#draft.nextLabel('g') : 'g';
      this.#draft.add({ do: 'open', label: this.#second });
    }
    this.useFile(this.state.file === this.#second ? this.#first : this.#second);
  }
}

/** What a step brings; one whose outcome the model does not know, or that makes the kernel warn, is avoided. */
function outlook({ foreseen: { prediction } }: Tried, picks: Picks): 'success' | 'failure' | 'avoid' {
  if (!isFollowed(prediction)) return 'avoid';
  const branch = present(prediction.branches[0], 'an answer');
  if (branch.splat !== undefined && !picks.unusual('splat')) return 'avoid';
  return branch.errno === 0 ? 'success' : 'failure';
}
