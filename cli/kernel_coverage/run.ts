import { programFilesIn, readProgramsOf } from '../../fuzz/corpus/read_directory.js';
import { Behaviour } from '../../models/behaviour.js';
import { assemble } from '../../models/program/assemble.js';
import type { Environment } from '../../suites/harness/environment.js';
import { type ScenarioResult, ScenarioRunner } from '../../suites/harness/run.js';
import type { Scenario } from '../../suites/harness/scenario.js';
import type { Session } from '../../targets/target.js';
import type { Context } from '../context.js';
import { showProgress } from '../progress.js';
import { type RandomPrograms, runRandomPrograms } from '../random_programs.js';
import type { Gathering } from './gathering.js';
import { WatchingSession } from './watching_session.js';

/** Scenarios, and stored programs, under way at a time. */
const IN_FLIGHT = 8;

/** Where programs run, and what notes what they reach. */
export interface Watching {
  readonly session: Session;
  readonly environment: Environment;
  readonly gathering: Gathering;
  readonly context: Context;
}

/** Runs scenarios, each as a test of its own; returns those that ended. */
export async function watchScenarios(
  { session, environment, gathering, context }: Watching,
  scenarios: readonly Scenario[],
  withVariants: boolean,
): Promise<ScenarioResult[]> {
  const waiting = [...scenarios];
  const results: ScenarioResult[] = [];
  const progress = showProgress('scenarios', context);
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const watched = new WatchingSession(session, next.id, gathering);
      const runner = new ScenarioRunner(watched, environment, { reading: 'exact', withVariants });
      results.push(await runner.run(next));
      progress.update(results.length, scenarios.length, `(${next.id})`);
      if (context.interrupted.aborted) return;
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, work));
  progress.stop();
  return results;
}

/** Runs the programs of a directory; what they answer is not judged. */
export async function watchStored(
  { session, gathering, context }: Watching,
  directory: string,
): Promise<void> {
  const watched = new WatchingSession(session, directory, gathering);
  const progress = showProgress(directory, context);
  const { length: total } = await programFilesIn(directory);
  const underWay: Promise<unknown>[] = [];
  let begun = 0;
  const stored = readProgramsOf(directory, ({ file, what }) => {
    process.stderr.write(`${file}: ${what}\n`);
  });
  for await (const program of stored) {
    underWay.push(watched.run([assemble(program)]));
    progress.update(++begun, total, 'programs');
    if (underWay.length >= IN_FLIGHT) await underWay.shift();
    if (context.interrupted.aborted) break;
  }
  await Promise.all(underWay);
  progress.stop();
}

/** Runs random programs; returns how many there were that did not do as the model says. */
export async function watchRandom(
  { session, environment, gathering, context }: Watching,
  request: RandomPrograms,
): Promise<number> {
  const watched = new WatchingSession(session, `random programs of seed ${String(request.seed)}`, gathering);
  const shown = { name: 'random programs', stopped: context.interrupted };
  const behaviour = new Behaviour(environment.profile);
  return (await runRandomPrograms(watched, behaviour, request, context, shown)).mismatches.length;
}
