import { present } from '../../models/base/assert.js';
import type { Behaviour } from '../../models/behaviour.js';
import { probesOf } from '../../models/invariants/probes.js';
import { type Foreseen, ModelRun } from '../../models/model_run.js';
import type { Prediction } from '../../models/prediction.js';
import type { OwnWalk } from '../../models/program_verdict.js';
import { Assembler } from '../../models/program/assemble.js';
import {
  type LanesStep,
  PROGRAM_SCHEMA,
  type Program,
  type Step,
  placedSteps,
} from '../../models/program/program.js';
import type { World } from '../../models/state/world.js';
import { detachPasids, resetMemoryLimit } from './ending.js';
import { emptyQueues } from './events.js';
import { assembledOrNothing } from './offers.js';
import { GeneratorState } from './state.js';

/** Lanes of one program: each makes it harder to tell which order explains the rest. */
const LANES_MAX = 4;

/** A process that the program has made. */
export interface ChildProcess {
  readonly label: string;
  readonly number: number;
}

/** A step that could be the next, with what the model says of it: true until another one is added. */
export interface Tried {
  readonly step: Step;
  readonly foreseen: Foreseen;
}

/** A program on its way, with the model beside it: each step is assembled and predicted once, and then added or not. */
export class Draft {
  readonly #run: ModelRun;
  /** Undefined where nothing judges the program. */
  readonly #walk: OwnWalk | undefined;
  readonly #assembler = new Assembler();
  readonly #steps: Step[] = [];
  /** What drawn steps are drawn from. */
  readonly state: GeneratorState;
  /** Processes that the program has made and that have not exited. */
  #children: readonly ChildProcess[] = [];
  #lanes = 0;
  /** Names of files, processes and results. */
  readonly #taken = new Set<string>();
  /** Who carries out the next step; undefined for the process that the program starts in. */
  #performer: ChildProcess | undefined;

  /** @param walk judges the program on the way, unless it is abandoned */
  constructor(
    private readonly behaviour: Behaviour,
    walk?: OwnWalk,
  ) {
    this.#walk = walk;
    this.#run = walk?.run ?? new ModelRun(behaviour, 'exact', []);
    this.state = new GeneratorState(this.#run.world, '', 0);
  }

  get world(): World {
    return this.#run.world;
  }

  get steps(): readonly Step[] {
    return this.#steps;
  }

  get performer(): ChildProcess | undefined {
    return this.#performer;
  }

  /** The newest process that the program has made and that has not exited. */
  get child(): ChildProcess | undefined {
    return this.#children.at(-1);
  }

  childOf(label: string): ChildProcess | undefined {
    return this.#children.find((child) => child.label === label);
  }

  /** Lets drawn calls go to a file. */
  useFile(label: string): void {
    this.state.slot = present(this.#assembler.slotOf(label), 'slot of an open file');
    this.state.file = label;
  }

  /** The kind of the open file of a label. */
  kindOf(label: string): string | undefined {
    return this.world.fds.get(this.#assembler.slotOf(label) ?? -1)?.kind;
  }

  /**
   * What a step would be if it came next.
   * @throws ProgramError when it makes no sense
   */
  tryOut(bare: Step): Tried {
    const step = this.#performed(bare);
    return { step, foreseen: this.#run.foresee(this.#assembler.preview(step)) };
  }

  /** How many rules object to a step that was tried last. */
  objections({ foreseen }: Tried): number {
    return this.#run.objectionsTo(foreseen);
  }

  /** Adds a step that was tried last. */
  append({ step, foreseen }: Tried): void {
    const ids = this.state.takenIds;
    this.#steps.push(step);
    this.#assembler.take(step);
    if (this.#isJudged) this.#walk?.take(foreseen);
    else this.#run.carryOut(foreseen);
    this.#note(step, ids);
  }

  /** Adds a step whatever comes of it. */
  add(step: Step): void {
    this.append(this.tryOut(step));
  }

  /**
   * Adds a step if the model can tell what comes of it.
   * @returns what has been added
   */
  addIfFollowed(step: Step | undefined): Tried | undefined {
    const tried = step && this.tryOut(step);
    if (tried === undefined || !isFollowed(tried.foreseen.prediction)) return undefined;
    this.append(tried);
    return tried;
  }

  /** Whether lanes can be assembled here, which cannot be tried step by step. */
  takesLanes(step: LanesStep): boolean {
    const apart = new Assembler();
    const all = placedSteps({ steps: [...this.#steps, step] });
    return assembledOrNothing(() => all.map(({ step: placed }) => apart.add(placed))) !== undefined;
  }

  /** Adds lanes if the model can tell the answers of their calls, in whichever order they come first. */
  addLanes(step: LanesStep): boolean {
    const isTold = (call: Step): boolean => {
      const { prediction } = this.tryOut(call).foreseen;
      return isFollowed(prediction) && prediction.branches[0]?.splat === undefined;
    };
    if (this.#lanes >= LANES_MAX || this.#performer !== undefined || !step.lanes.flat().every(isTold))
      return false;
    this.#lanes += 1;
    this.#walk?.abandon();
    this.#steps.push(step);
    for (const { step: placed } of placedSteps({ steps: [step] })) {
      const ids = this.state.takenIds;
      this.#run.execute(this.#assembler.add(placed));
      if (placed.do === 'ioctl') this.#note(placed, ids);
    }
    return true;
  }

  /** Makes a process. */
  fork(label: string): ChildProcess {
    const child = { label, number: this.world.processes.length };
    this.add({ do: 'fork', label });
    this.#children = [...this.#children, child];
    return child;
  }

  performAs(process: ChildProcess | undefined): void {
    this.#performer = process;
    this.world.switchTo(process?.number ?? 0);
  }

  /** Lets a process that the program has made exit, which may be the end of files. */
  endChild(child: ChildProcess): void {
    this.performAs(child);
    for (const step of detachPasids(this.world, this.state.labels)) this.add(step);
    this.add({ do: 'exit' });
    this.#children = this.#children.filter((other) => other !== child);
    this.performAs(undefined);
  }

  /** The program, with what the invariants want to see at its end. */
  finish(): Program {
    const { labels } = this.state;
    const { world } = this;
    this.performAs(undefined);
    this.#addLast(probesOf(world, labels, this.behaviour.profile));
    for (const child of this.#children) this.endChild(child);
    for (const step of emptyQueues(world, labels)) this.add(step);
    for (const step of detachPasids(world, labels)) this.add(step);
    const open = [...world.fds.entries].flatMap(([slot]) => labels.get(slot) ?? []);
    this.#addLast(resetMemoryLimit(world, this.freshLabel('reset')));
    this.#addLast(open.map((file) => ({ do: 'close', file })));
    this.#addLast([{ do: 'counters' }]);
    return { schema: PROGRAM_SCHEMA, steps: this.#steps };
  }

  get #isJudged(): boolean {
    return this.#walk?.isAbandoned === false;
  }

  /** Adds steps that no drawn one follows: what comes of them matters only to whom judges. */
  #addLast(steps: readonly Step[]): void {
    if (this.#isJudged) for (const step of steps) this.add(step);
    else this.#steps.push(...steps);
  }

  /** Whether a name has been given. */
  isTaken(label: string): boolean {
    return this.#taken.has(label);
  }

  /** A name that nothing has, and that nothing will be given. */
  freshLabel(prefix: string): string {
    const name = `${prefix}${String(this.#steps.length)}`;
    let label = name;
    for (let count = 2; this.#taken.has(label); count++) label = `${name}_${String(count)}`;
    this.#taken.add(label);
    return label;
  }

  /** The name of what the next step makes, if it is added. */
  nextLabel(prefix: string): string {
    const name = `${prefix}${String(this.#steps.length)}`;
    return this.isTaken(name) ? this.freshLabel(prefix) : name;
  }

  /** A name that no label of a lane begins with, as those of drawn lanes do. */
  lanesLabel(): string {
    let label = this.nextLabel('s');
    while ([...this.#taken].some((taken) => taken.startsWith(`${label}_`))) label = this.freshLabel('s');
    return label;
  }

  /** A step with who carries it out. */
  #performed(step: Step): Step {
    return this.#performer === undefined ? step : { ...step, by: this.#performer.label };
  }

  /** Remembers the names that a step gives, and the ids that it has made. */
  #note(step: Step, ids: readonly number[]): void {
    if (step.do === 'ioctl') this.state.noteProducts(step, ids);
    if ('label' in step) this.#taken.add(step.label);
    const label = step.do === 'ioctl' ? step.fd : 'label' in step ? step.label : undefined;
    const slot = label === undefined ? undefined : this.#assembler.slotOf(label);
    if (label !== undefined) this.#taken.add(label);
    if (label !== undefined && slot !== undefined) this.state.labels.set(slot, label);
  }
}

/** Whether the model knows the state after each answer that it allows. */
export function isFollowed(prediction: Prediction): prediction is Extract<Prediction, { kind: 'allowed' }> {
  return prediction.kind === 'allowed' && prediction.branches.every(({ untold }) => untold === undefined);
}
