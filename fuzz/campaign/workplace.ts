import { setTimeout as sleep } from 'node:timers/promises';
import type { Behaviour } from '../../models/behaviour.js';
import type { ProgramOutcome } from '../../models/outcome.js';
import { type AssembledProgram, assemble } from '../../models/program/assemble.js';
import { PROGRAM_SCHEMA } from '../../models/program/program.js';
import { type Session, TestBedError } from '../../targets/target.js';

/** A target that can be started, as often as need be. */
export interface Place {
  start(): Promise<Session>;
  /** What programs are drawn by, and answers judged. */
  readonly behaviour: Behaviour;
  /** Whether the same program does the same each time. */
  readonly isDeterministic: boolean;
  /** What the target answers by, if it is the model. */
  readonly answersBy?: Behaviour;
}

/** Sessions that may give up, one after another, without a single result. */
const FUTILE_MAX = 5;

/** The wait after the first of them; it doubles. */
const FIRST_WAIT_MS = 500;

/** A session that cannot run this has given up; one that can has lost programs for their own sake. */
const TRIAL = assemble({ schema: PROGRAM_SCHEMA, steps: [{ do: 'counters' }] });

/** Where a worker runs programs: a target that is started again when it has given up. */
export class Workplace {
  #session: Session;
  #futile = 0;
  /** Machines that were replaced before this session, and sessions. */
  #earlierRestarts = 0;
  #starting: Promise<void> | undefined;

  constructor(
    readonly place: Place,
    session: Session,
    private readonly onTrouble: (what: string) => Promise<void>,
    private readonly firstWaitMs = FIRST_WAIT_MS,
  ) {
    this.#session = session;
  }

  /** The session that runs programs now. */
  get session(): Session {
    return this.#session;
  }

  /** Machines that were replaced. */
  get restarts(): number {
    return this.#earlierRestarts + this.#session.restarts;
  }

  /**
   * Runs programs in order. What a machine loses that gives up is run on another one.
   * @throws TestBedError when machines end again and again
   */
  async run(programs: readonly AssembledProgram[]): Promise<ProgramOutcome[]> {
    if (programs.length === 0) return [];
    const session = this.#session;
    const outcomes = await session.run(programs);
    const lost = reasonIfAllLost(outcomes);
    const trouble = lost === undefined ? undefined : reasonIfAllLost(await session.run([TRIAL]));
    if (trouble === undefined) {
      this.#futile = 0;
      return outcomes;
    }
    if (session === this.#session) await this.#startAgain(trouble);
    return this.run(programs);
  }

  async stop(): Promise<void> {
    await this.#session.stop();
  }

  /** Batches that were under way together share the new session. */
  async #startAgain(trouble: string): Promise<void> {
    this.#starting ??= this.#replaceSession(trouble).finally(() => (this.#starting = undefined));
    await this.#starting;
  }

  async #replaceSession(trouble: string): Promise<void> {
    this.#futile += 1;
    if (this.#futile > FUTILE_MAX) throw new TestBedError(`${trouble}, ${String(FUTILE_MAX)} times in a row`);
    await this.onTrouble(trouble);
    const old = this.#session;
    await old.stop();
    await sleep(this.firstWaitMs * 2 ** (this.#futile - 1));
    this.#session = await this.place.start();
    this.#earlierRestarts += old.restarts + 1;
  }
}

/** Why nothing came of a list of programs; undefined if something did. */
function reasonIfAllLost(outcomes: readonly ProgramOutcome[]): string | undefined {
  let reason: string | undefined;
  for (const { steps } of outcomes) {
    const lost = steps.find(({ status }) => status === 'infra');
    if (lost?.status !== 'infra') return undefined;
    reason = lost.error;
  }
  return reason;
}
