import fc from 'fast-check';
import { present } from '../../models/base/assert.js';
import { PAGE_SIZE } from '../../models/base/u64.js';
import { type Behaviour, hasCall } from '../../models/behaviour.js';
import { probesOf } from '../../models/invariants/probes.js';
import { callByName } from '../../models/ioctls/index.js';
import { ModelRun } from '../../models/model_run.js';
import { TEMPORARY_BYTES_DEFAULT } from '../../models/state/physical_memory.js';
import { predictStep } from '../../models/predict_step.js';
import { Assembler } from '../../models/program/assemble.js';
import {
  type IoctlStep,
  type LanesStep,
  PROGRAM_SCHEMA,
  type Program,
  type Step,
  placedSteps,
} from '../../models/program/program.js';
import { NO_PASID, type Selftest } from '../../models/state/objects.js';
import type { OpenFile } from '../../models/state/open_file.js';
import type { World } from '../../models/state/world.js';
import { drawCall } from './calls.js';
import { drawEventStep, emptyQueues } from './events.js';
import { drawFileStep, drawMemory } from './files.js';
import { drawHugePages } from './huge_pages.js';
import { drawCloexec, drawPass } from './processes.js';
import { drawLanes } from './lanes.js';
import { Picks } from './picks.js';
import { GeneratorState } from './state.js';
import type { Kind } from './theme.js';
import { SET_COMPAT, themesFor } from './themes.js';

/** The numbers behind one step. */
interface Intent {
  readonly kind: number;
  readonly picks: readonly number[];
}

/** Numbers for one step: more than any call has members and decisions. */
const PICKS_PER_STEP = 40;

/** Kinds are drawn from lists much shorter than this. */
const KIND_MAX = 0xffff;

/** Draws of the same call before one is taken that does not do what was wanted. */
const ATTEMPTS_MAX = 8;

/** Of so many steps, one may fail without an attempt to make it succeed. */
const FAILURES_ONE_IN = 4;

/** Of so many steps on a file without objects, one is not the IOAS_ALLOC that most others need. */
const EMPTY_ONE_IN = 4;

/** Of so many calls of VFIO on a file without an IOAS for them, one is not preceded by the call that makes one of it. */
const NO_COMPAT_ONE_IN = 4;

/** Programs that user space can make the kernel warn with cost a warning each; one in so many draws of them is kept. */
const SPLATS_ONE_IN = 200;

/** Numbers for programs of up to `stepsMax` steps. Plain records and arrays, so that they shrink and can be stored. */
function intentsArbitrary(stepsMax: number): fc.Arbitrary<readonly Intent[]> {
  const intent = fc.record({
    kind: fc.nat(KIND_MAX),
    picks: fc.array(fc.nat(0xffff), { minLength: PICKS_PER_STEP, maxLength: PICKS_PER_STEP, size: 'max' }),
  });
  // Without bias: small numbers mean nothing here, and would only make programs alike.
  return fc.noBias(fc.array(intent, { minLength: 1, maxLength: stepsMax, size: 'max' }));
}

/** Programs drawn from a seed: the same seed gives the same programs. */
export function samplePrograms(
  behaviour: Behaviour,
  options: { readonly seed: number; readonly count: number; readonly stepsMax: number },
): Program[] {
  const { seed, count, stepsMax } = options;
  const samples = fc.sample(intentsArbitrary(stepsMax), { seed, numRuns: count });
  return samples.map((intents) => writeProgram(intents, behaviour));
}

/** Turns numbers into a program, step by step beside the model, so that arguments name what is there. */
function writeProgram(intents: readonly Intent[], behaviour: Behaviour): Program {
  const writer = new ProgramWriter(behaviour);
  const theme = present(new Picks(intents[0]?.picks ?? []).any(themesFor(behaviour.profile)), 'a theme');
  for (const [index, { kind, picks }] of intents.entries()) {
    const drawn = theme.kinds[kind % theme.kinds.length];
    const prepared = theme.prelude[index];
    if (prepared !== undefined) writer.prepare(prepared, picks);
    else writer.addStep(present(drawn, 'kind of a step'), picks);
  }
  return writer.finish();
}

/** Lanes of one program: each makes it harder to tell which order explains the rest. */
const LANES_MAX = 4;

/** A process that the program has made. */
interface ChildProcess {
  readonly label: string;
  readonly number: number;
}

class ProgramWriter {
  readonly #run: ModelRun;
  readonly #assembler = new Assembler();
  readonly #steps: Step[] = [];
  readonly #state: GeneratorState;
  /** The other process, if there is one. */
  #child: ChildProcess | undefined;
  #lanes = 0;
  /** Who carries out the next step; undefined for the process that the program starts in. */
  #performer: ChildProcess | undefined;

  constructor(private readonly behaviour: Behaviour) {
    this.#run = new ModelRun(behaviour, 'exact', []);
    this.#state = new GeneratorState(this.#run.world, 'f', 0);
    this.#append({ do: 'open', label: 'f' });
  }

  /** A step that others need, and so one that succeeds if it can. */
  prepare(kind: Kind, numbers: readonly number[]): void {
    if (typeof kind === 'object') this.#addCall(kind, numbers, false);
    else this.#addOther(kind, new Picks(numbers));
  }

  addStep(kind: Kind, numbers: readonly number[]): void {
    const needsIoas =
      typeof kind === 'object' && this.#state.ids().size === 0 && !new Picks(numbers).rarely(EMPTY_ONE_IN);
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
      !new Picks(numbers).rarely(NO_COMPAT_ONE_IN)
    );
  }

  /** The program, with what the invariants want to see at its end. */
  finish(): Program {
    const { labels } = this.#state;
    const { world } = this.#run;
    this.#performAs(undefined);
    const probes = probesOf(world, labels, this.behaviour.profile);
    this.#steps.push(...probes);
    if (this.#child !== undefined) this.#endChild(this.#child);
    for (const step of emptyQueues(world, labels)) this.#append(step);
    for (const step of detachPasids(world, labels)) this.#append(step);
    this.#steps.push(...resetMemoryLimit(world));
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
    mayFail = new Picks(numbers).rarely(FAILURES_ONE_IN),
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
        label: `s${String(this.#steps.length)}`,
        ...(call.newFd === undefined ? {} : { fd: `d${String(this.#steps.length)}` }),
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
    if (prediction.kind === 'unspecified') return 'avoid';
    const branch = present(prediction.branches[0], 'an answer');
    if (branch.splat !== undefined && !picks.rarely(SPLATS_ONE_IN)) return 'avoid';
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
        this.#addLanes(drawLanes(this.#state, picks, `s${String(this.#steps.length)}`));
        return;
      case 'huge_pages':
        this.#append(drawHugePages(this.#steps, picks));
        return;
      case 'file':
      case 'memory_file':
      case 'show_file':
      case 'show_file_first':
      case 'cut_file':
        this.#addIfPredictable(drawFileStep(kind, this.#state, picks, `d${String(this.#steps.length)}`));
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

  /** Lanes whose calls the model can tell the answers of, in whichever order they come first. */
  #addLanes(step: LanesStep): void {
    const calls = step.lanes.flat();
    if (
      this.#lanes >= LANES_MAX ||
      this.#performer !== undefined ||
      !calls.every((call) => this.#isTold(call))
    )
      return;
    this.#lanes += 1;
    this.#steps.push(step);
    for (const { step: placed } of placedSteps({ steps: [step] })) {
      const ids = this.#state.ids();
      this.#run.execute(this.#assembler.add(placed));
      if (placed.do === 'ioctl') this.#state.noteProducts(placed, ids);
    }
  }

  #isTold(step: Step): boolean {
    const prediction = predictStep(
      this.#run.world,
      this.behaviour,
      this.#run.resolve(this.#assembler.preview(step)),
      'exact',
    );
    return prediction.kind === 'allowed' && prediction.branches[0]?.splat === undefined;
  }

  #addIfPredictable(step: Step | undefined): void {
    if (step !== undefined && this.#isPredictable(step)) this.#append(step);
  }

  /** Makes a process, changes over to it or back, or lets it exit. */
  #changeProcess(picks: Picks): void {
    if (this.#child === undefined) {
      this.#performAs(undefined);
      this.#child = { label: `p${String(this.#steps.length)}`, number: this.#run.world.processes.length };
      this.#append({ do: 'fork', label: this.#child.label });
      if (!picks.rarely(3)) this.#performAs(this.#child);
    } else if (this.#performer !== undefined) this.#performAs(undefined);
    else if (picks.rarely(3)) this.#endChild(this.#child);
    else this.#performAs(this.#child);
  }

  /** Lets the other process start a program, and go on or not. */
  #execChild(picks: Picks): void {
    if (this.#child === undefined) return;
    this.#performAs(this.#child);
    this.#addIfPredictable({ do: 'exec' });
    if (picks.rarely(2)) this.#performAs(undefined);
  }

  #passFile(picks: Picks): void {
    if (this.#child === undefined) return;
    const { label } = this.#child;
    const ends =
      this.#performer === undefined ? ([undefined, label] as const) : ([label, undefined] as const);
    this.#addIfPredictable(drawPass(ends, this.#state, picks, `d${String(this.#steps.length)}`));
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
    this.#child = undefined;
    this.#performAs(undefined);
  }

  #isPredictable(step: Step): boolean {
    const raw = this.#run.resolve(this.#assembler.preview(this.#performed(step)));
    return predictStep(this.#run.world, this.behaviour, raw, 'exact').kind === 'allowed';
  }

  #switchFile(): void {
    const other = this.#state.file === 'f' ? 'g' : 'f';
    if (this.#assembler.slotOf(other) === undefined) this.#append({ do: 'open', label: other });
    this.#state.slot = present(this.#assembler.slotOf(other), 'slot of an open file');
    this.#state.file = other;
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
    if (step.do === 'ioctl') this.#state.noteProducts(step, ids);
    const label = step.do === 'ioctl' ? step.fd : 'label' in step ? step.label : undefined;
    const slot = label === undefined ? undefined : this.#assembler.slotOf(label);
    if (label !== undefined && slot !== undefined) this.#state.labels.set(slot, label);
  }
}

/** The limit would outlive the program. */
function resetMemoryLimit({ memory: { physical } }: World): Step[] {
  if (physical.temporaryBytesMax === TEMPORARY_BYTES_DEFAULT) return [];
  const file = 'reset';
  const args = { limit: TEMPORARY_BYTES_DEFAULT };
  return [
    { do: 'open', label: file },
    { do: 'ioctl', file, call: 'IOMMU_TEST_OP_SET_TEMP_MEMORY_LIMIT', args },
    { do: 'close', file },
  ];
}

/** A kernel that lets go of a device whose PASIDs are attached is not to be trusted any more. */
function detachPasids({ fds }: World, labels: ReadonlyMap<number, string>): IoctlStep[] {
  const steps: IoctlStep[] = [];
  const files = new Set<OpenFile>();
  for (const [slot, file] of fds.entries) {
    const label = labels.get(slot);
    if (label === undefined || file.kind !== 'iommufd' || files.has(file)) continue;
    files.add(file);
    for (const object of file.objects.objects) {
      if (object.type === 'SELFTEST') steps.push(...detachSteps(object, label));
    }
  }
  return steps;
}

function detachSteps({ id, device }: Selftest, file: string): IoctlStep[] {
  const pasids = [...device.attachments.keys()].filter((pasid) => pasid !== NO_PASID);
  return pasids.map((pasid) => ({
    do: 'ioctl',
    file,
    call: 'IOMMU_TEST_OP_PASID_DETACH',
    args: { id, pasid },
  }));
}
