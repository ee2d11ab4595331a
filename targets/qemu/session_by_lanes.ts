import { type ProgramOutcome, notRun } from '../../models/outcome.js';
import { reasonOf } from '../../models/base/reason.js';
import { hasLanes } from '../../models/program/program.js';
import type { RawProgram } from '../../models/program/raw.js';
import type { Session, TargetInfo } from '../target.js';
import type { QemuSession } from './session.js';

/** A machine, which may also be measured. */
type Machine = Session & Pick<QemuSession, 'bench'>;

/** How often a machine may end before it has started. */
const STARTS_MAX = 3;

/**
 * Two machines as one session: programs with lanes run on one with as many CPUs as it takes for lanes to overlap, all others on one
 * with a single CPU. An emulated CPU that is alone needs neither atomic instructions nor interrupts from one CPU to another, and
 * two guests side by side no more than the two cores that small hosts have: that saves a quarter of what programs cost.
 */
export class SessionByLanes implements Session {
  #starting: Promise<Session> | undefined;
  #lanes: Session | undefined;
  /** Why starts of the second machine came to nothing. */
  readonly #failedStarts: string[] = [];
  #isStopped = false;

  /** @param startLanes called with the first program that has lanes, and again if the machine ends meanwhile */
  constructor(
    private readonly single: Machine,
    private readonly startLanes: () => Promise<Session>,
  ) {}

  get info(): TargetInfo {
    return this.single.info;
  }

  get restarts(): number {
    return this.single.restarts + (this.#lanes?.restarts ?? 0) + this.#failedStarts.length;
  }

  troubles(): string[] {
    const ofLanes = this.#lanes?.troubles() ?? [];
    const failed = this.#failedStarts.map((reason) => `a start came to nothing: ${reason}`);
    return [...this.single.troubles(), ...[...failed, ...ofLanes].map((what) => `for lanes: ${what}`)];
  }

  async run(programs: readonly RawProgram[]): Promise<ProgramOutcome[]> {
    const withLanes = programs.filter(hasLanes);
    if (withLanes.length === 0) return this.single.run(programs);
    const [ofLanes, ofOthers] = await Promise.all([
      this.#runLanes(withLanes),
      this.single.run(programs.filter((program) => !hasLanes(program))),
    ]);
    const [nextOfLanes, nextOfOthers] = [ofLanes.values(), ofOthers.values()];
    return programs.map((program) => {
      const { value } = (hasLanes(program) ? nextOfLanes : nextOfOthers).next();
      return value ?? notRun(program.steps.length, { status: 'infra', error: 'the machine gave no result' });
    });
  }

  /** As QemuSession.bench(), on the machine with a single CPU. */
  bench(programs: readonly RawProgram[], repeat: number): Promise<bigint> {
    return this.single.bench(programs, repeat);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    const lanes = this.#starting?.then(
      (session) => session.stop(),
      () => undefined,
    );
    await Promise.all([this.single.stop(), lanes]);
  }

  async #runLanes(programs: readonly RawProgram[]): Promise<ProgramOutcome[]> {
    try {
      this.#starting ??= this.#start();
      this.#lanes = await this.#starting;
    } catch (error) {
      const reason = `the machine for lanes did not start: ${reasonOf(error)}`;
      return programs.map(({ steps }) => notRun(steps.length, { status: 'infra', error: reason }));
    }
    return this.#lanes.run(programs);
  }

  async #start(): Promise<Session> {
    for (;;) {
      try {
        return await this.startLanes();
      } catch (error) {
        if (this.#isStopped || this.#failedStarts.length === STARTS_MAX - 1) throw error;
        this.#failedStarts.push(reasonOf(error));
      }
    }
  }
}
