import { type ArgsRoom, type Fail, argsRoom } from './buffers.js';
import type { ArrayOperand, LanesStep, Operand, Step } from './program.js';
import { isArray } from './program.js';
import { LANES_MAX, LANE_STEPS_MAX } from './raw.js';

/** What a lane can do: calls on descriptors and memory of the process, without a change of what it is. */
const KINDS: ReadonlySet<Step['do']> = new Set(['ioctl', 'close', 'read', 'write', 'mmap', 'munmap']);

/** Which lane the step under assembly is in, and what it may see there. */
export class LaneScope {
  /** Steps to come of each lane that has not ended; the first is the one that is assembled. */
  #left: number[] = [];
  #lane = 0;
  /** The lanes of labels that the lanes under assembly have made. */
  readonly #labels = new Map<string, number>();

  constructor(private readonly fail: Fail) {}

  /** The lane of the next step. */
  get lane(): number | undefined {
    return this.#left.length === 0 ? undefined : this.#lane;
  }

  get room(): ArgsRoom {
    return argsRoom(this.lane);
  }

  /** Complains of a step that cannot be where it is. */
  check(step: Step): void {
    if (step.do === 'lanes') {
      this.#checkLanes(step);
      return;
    }
    if (this.lane === undefined) return;
    if (!KINDS.has(step.do)) this.fail(`a lane cannot have a step of the kind ${step.do}`);
    if (step.by !== undefined) this.fail('a lane is of the process that the program starts in');
    if ('failNth' in step) this.fail('no allocation is made to fail in a lane');
    const places = [
      'at' in step ? step.at : undefined,
      ...(step.do === 'ioctl' ? Object.values(step.args).map(placeOfArray) : []),
    ];
    if (places.some((place) => place === 'sealed' || isEdge(place)))
      this.fail('lanes have no memory of their own there');
  }

  /** Whether a label is of the lane itself, or of a step before all lanes. */
  sees(label: string): boolean {
    const lane = this.#labels.get(label);
    return lane === undefined || this.lane === undefined || lane === this.lane;
  }

  /** The step has been assembled. */
  take(step: Step): void {
    if (step.do === 'lanes') {
      this.#left = step.lanes.map(({ length }) => length);
      this.#lane = 0;
      this.#labels.clear();
      return;
    }
    const [now, ...others] = this.#left;
    if (now === undefined) return;
    if (step.do === 'ioctl' && step.label !== undefined) this.#labels.set(step.label, this.#lane);
    this.#left = now > 1 ? [now - 1, ...others] : others;
    if (now === 1) this.#lane += 1;
  }

  #checkLanes({ lanes, by }: LanesStep & { readonly by?: string }): void {
    if (this.lane !== undefined) this.fail('a lane has no lanes of its own');
    if (by !== undefined) this.fail('lanes are of the process that the program starts in');
    if (lanes.length < 2 || lanes.length > LANES_MAX) this.fail(`there are 2 to ${String(LANES_MAX)} lanes`);
    if (lanes.some(({ length }) => length < 1 || length > LANE_STEPS_MAX))
      this.fail(`a lane has 1 to ${String(LANE_STEPS_MAX)} steps`);
  }
}

function placeOfArray(operand: Operand): ArrayOperand['in'] {
  return isArray(operand) ? operand.in : undefined;
}

function isEdge(place: unknown): boolean {
  return typeof place === 'object' && place !== null && 'edge' in place;
}
