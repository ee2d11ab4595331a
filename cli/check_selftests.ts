import { checkTrace } from '../check/checker.js';
import { countVerdicts, renderChecked } from '../check/report.js';
import type { Kernel } from '../targets/kernels/store.js';
import type { AcceleratorChoice } from '../targets/qemu/accelerator.js';
import { keptRecording } from '../targets/selftests/kept.js';
import type { SelftestRun } from '../targets/selftests/record.js';
import { countCases, isWhole } from '../targets/selftests/tap.js';
import { isCertain } from './certainty.js';
import type { Context } from './context.js';
import { EXIT, type ExitCode } from './errors.js';
import { tell } from './progress.js';

/** Calls that are not allowed of which more is printed than their number. */
const PRINTED_MAX = 10;

/** How long the program may take, on a machine that has other things to do. */
const SECONDS_MAX = 1800;

/**
 * Records the kernel's own selftests while they run on it, or takes the recording that the cache has of that, and holds the model
 * against what they saw. What the model cannot judge is printed with the reasons.
 * @param isAnew whether they run although the cache has a recording of the same programs on the same kernel
 * @param print hears what there is to say
 */
export async function checkSelftests(
  kernel: Kernel,
  { accelerator, isAnew }: { readonly accelerator: AcceleratorChoice; readonly isAnew: boolean },
  context: Context,
  print: (text: string) => void,
): Promise<ExitCode> {
  const { run, trace, isEarlier } = await keptRecording(
    {
      kernel,
      program: 'iommufd',
      arguments: [],
      accelerator,
      secondsMax: SECONDS_MAX,
      interrupted: context.interrupted,
      onPhase: tell,
      onOutput: () => undefined,
    },
    context,
    isAnew,
  );
  const checked = checkTrace(trace, undefined);
  print(
    `the kernel's own selftests, ${describeRun(run)}${isEarlier ? EARLIER : ''}\n${renderChecked(checked, trace.troubles, PRINTED_MAX)}`,
  );
  const { exact, legal, mismatch, unspecified } = countVerdicts(checked.calls);
  if (mismatch > 0) return EXIT.finding;
  return isCertain(exact + legal, unspecified) && isWhole(run.report) && trace.troubles.length === 0
    ? EXIT.pass
    : EXIT.unknown;
}

const EARLIER = '; recorded earlier, with the same kernel, programs and recorder';

/** Without the words for good and bad that count as results: which cases a kernel fails is not what is tested. */
function describeRun({ report, ms }: SelftestRun): string {
  const counts = `${String(countCases(report, 'passed'))} ok, ${String(countCases(report, 'failed'))} not ok, ${String(countCases(report, 'skipped'))} left out`;
  return `${String(report.cases.length)} of ${String(report.planned ?? 0)} cases in ${(ms / 1000).toFixed(1)} s: ${counts}`;
}
