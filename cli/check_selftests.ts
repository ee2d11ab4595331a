import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkTrace } from '../check/checker.js';
import { countVerdicts, renderChecked } from '../check/report.js';
import type { Kernel } from '../targets/kernels/store.js';
import type { AcceleratorChoice } from '../targets/qemu/accelerator.js';
import { type SelftestRun, recordSelftest } from '../targets/selftests/record.js';
import { countCases, isWhole } from '../targets/selftests/tap.js';
import { readTrace } from '../targets/trace/reader.js';
import { isCertain } from './certainty.js';
import type { Context } from './context.js';
import { EXIT, type ExitCode } from './errors.js';
import { tell } from './progress.js';

/** Calls that are not allowed of which more is printed than their number. */
const PRINTED_MAX = 10;

/** How long the program may take, on a machine that has other things to do. */
const SECONDS_MAX = 1800;

/**
 * Records the kernel's own selftests while they run on it, and holds the model against what they saw. What the model cannot judge is
 * printed with the reasons.
 * @param print hears what there is to say
 */
export async function checkSelftests(
  kernel: Kernel,
  accelerator: AcceleratorChoice,
  context: Context,
  print: (text: string) => void,
): Promise<ExitCode> {
  const directory = await mkdtemp(join(tmpdir(), 'iommufd-cts-trace-'));
  const file = join(directory, 'selftests.trace');
  try {
    const run = await recordSelftest(
      {
        kernel,
        program: 'iommufd',
        arguments: [],
        accelerator,
        trace: file,
        secondsMax: SECONDS_MAX,
        interrupted: context.interrupted,
        onPhase: tell,
        onOutput: () => undefined,
      },
      context,
    );
    const trace = readTrace(await readFile(file), file);
    const checked = checkTrace(trace, undefined);
    print(
      `the kernel's own selftests, ${describeRun(run)}\n${renderChecked(checked, trace.troubles, PRINTED_MAX)}`,
    );
    const { exact, legal, mismatch, unspecified } = countVerdicts(checked.calls);
    if (mismatch > 0) return EXIT.finding;
    return isCertain(exact + legal, unspecified) && isWhole(run.report) && trace.troubles.length === 0
      ? EXIT.pass
      : EXIT.unknown;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Without the words for good and bad that count as results: which cases a kernel fails is not what is tested. */
function describeRun({ report, ms }: SelftestRun): string {
  const counts = `${String(countCases(report, 'passed'))} ok, ${String(countCases(report, 'failed'))} not ok, ${String(countCases(report, 'skipped'))} left out`;
  return `${String(report.cases.length)} of ${String(report.planned ?? 0)} cases in ${(ms / 1000).toFixed(1)} s: ${counts}`;
}
