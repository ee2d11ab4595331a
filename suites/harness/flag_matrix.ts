import type { CallDescription } from '../../models/ioctls/description.js';
import type { StepVerdict } from '../../models/model_run.js';
import { placedSteps } from '../../models/program/program.js';
import type { PlannedProgram } from './plan.js';

/** How often calls were answered by each rule, by call, flag and rule; `none` and `unknown` stand for no flag and for bits without a name. */
type FlagCounts = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, number>>>>>>;

/** Counts with which flags calls were made, and what answered. */
export class FlagMatrix {
  readonly #counts: Record<string, Record<string, Record<string, number>>> = {};

  get counts(): FlagCounts {
    return this.#counts;
  }

  /** Notes the steps of a program that the model has judged. */
  note({ program, assembled }: PlannedProgram, verdicts: readonly StepVerdict[]): void {
    for (const [at, { step }] of placedSteps(program).entries()) {
      const [call, verdict] = [assembled.calls[at], verdicts[at]];
      if (call === undefined || step.do !== 'ioctl' || verdict === undefined || !('because' in verdict))
        continue;
      for (const flag of flagsOf(call, step.args)) this.#add(call.name, flag, verdict.because);
    }
  }

  #add(call: string, flag: string, because: string): void {
    const flags = (this.#counts[call] ??= {});
    const rules = (flags[flag] ??= {});
    const rule = because.startsWith(`${call}/`) ? because.slice(call.length + 1) : because;
    rules[rule] = (rules[rule] ?? 0) + 1;
  }
}

/** Names of the flags that a call is made with, in each of its members that hold flags. */
function flagsOf({ layout }: CallDescription, args: Readonly<Record<string, unknown>>): string[] {
  return layout.members.flatMap(({ name, field }) => {
    const { role } = field;
    const value = args[name] ?? 0;
    if (role.is !== 'flags' || typeof value !== 'number') return [];
    if (value === 0) return ['none'];
    const known = Object.entries(role.bits).filter(([, bit]) => (value & bit) !== 0);
    const rest = known.reduce((left, [, bit]) => left & ~bit, value);
    return [...known.map(([flag]) => flag), ...(rest === 0 ? [] : ['unknown'])];
  });
}
