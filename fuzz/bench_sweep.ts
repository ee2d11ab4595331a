import type { Behaviour } from '../models/behaviour.js';
import { assemble } from '../models/program/assemble.js';
import type { Session } from '../targets/target.js';
import { samplePrograms } from './generate/program.js';
import { sweepFailures } from './injection/sweep.js';
import { CallPicker, type SweptCall } from './injection/targets.js';

/** Calls that are swept at a time. */
const CALLS = 24;

/** The last allocation that fails. */
const NTH_MAX = 4;

/** Random programs that the calls are of. */
const PROGRAMS = 200;

/** Calls of random programs, each answer once, as a sweep takes them. */
export function callsToSweep(behaviour: Behaviour): SweptCall[] {
  const picker = new CallPicker(behaviour, 1);
  const programs = samplePrograms(behaviour, { seed: 1, count: PROGRAMS, stepsMax: 20 });
  const calls = programs.flatMap((program) => picker.pick(program));
  return calls.filter(({ because }) => because.endsWith('/OK')).slice(0, CALLS);
}

/** Programs per second of a sweep, and of the same programs where nothing fails. */
export async function measureSweep(
  session: Session,
  behaviour: Behaviour,
  calls: readonly SweptCall[],
): Promise<{ readonly swept: number; readonly plain: number }> {
  const start = performance.now();
  const { programs } = await sweepFailures(session, behaviour, calls, {
    nthMax: NTH_MAX,
    onMismatch: () => undefined,
  });
  const between = performance.now();
  const again = Array.from({ length: programs }, (_, at) => calls[at % calls.length]);
  await session.run(again.flatMap((call) => (call === undefined ? [] : assemble(call.program))));
  const end = performance.now();
  return { swept: (programs * 1000) / (between - start), plain: (programs * 1000) / (end - between) };
}
