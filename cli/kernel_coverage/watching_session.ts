import type { ProgramOutcome } from '../../models/outcome.js';
import type { RawProgram } from '../../models/program/raw.js';
import type { Means } from '../../reports/kernel_coverage.js';
import type { Session, TargetInfo } from '../../targets/target.js';
import type { Gathering } from './gathering.js';

/** Notes what the programs of one test reach, on a session that tests share. */
export class WatchingSession implements Session {
  #started = 0;

  constructor(
    private readonly session: Session,
    private readonly test: string,
    private readonly gathering: Gathering,
  ) {}

  get info(): TargetInfo {
    return this.session.info;
  }

  get restarts(): number {
    return this.session.restarts;
  }

  async run(programs: readonly RawProgram[]): Promise<ProgramOutcome[]> {
    const first = this.#started;
    this.#started += programs.length;
    const outcomes = await this.session.run(programs);
    for (const [at, { coverage }] of outcomes.entries()) {
      const program = programs[at];
      if (coverage === undefined || program === undefined) continue;
      const name = `${this.test}, program ${String(first + at)}`;
      this.gathering.add(this.test, name, meansOf(program), coverage);
    }
    return outcomes;
  }

  troubles(): readonly string[] {
    return this.session.troubles();
  }

  stop(): Promise<void> {
    return this.session.stop();
  }
}

function meansOf({ steps }: RawProgram): Means {
  if (steps.some((step) => step.do === 'lanes')) return 'lanes';
  return steps.some(({ failNth }) => failNth !== undefined) ? 'injection' : 'alone';
}
