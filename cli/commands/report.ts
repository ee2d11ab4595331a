import writeFileAtomic from 'write-file-atomic';
import { warnOfNothing } from '../baseline.js';
import type { Command, Finish } from '../command.js';
import type { Context } from '../context.js';
import { EXIT, type ExitCode, UsageError } from '../errors.js';
import { annotate } from '../report/coverage.js';
import { reportData } from '../report/data.js';
import { type Inputs, readInputs } from '../report/inputs.js';
import { viewOnKernels } from '../report/patch.js';

interface ReportArgs {
  readonly paths: string[];
  readonly out: string;
  readonly baseline: string[];
  readonly source: string | undefined;
  readonly patch: string | undefined;
  readonly designs: boolean;
}

export function reportCommand(finish: Finish, context: Context): Command<ReportArgs> {
  return {
    builder: (yargs) =>
      yargs
        .positional('paths', {
          type: 'string',
          array: true,
          demandOption: true,
          describe:
            'JSON of runs or coverage, directories of campaigns, or directories that hold any of them',
        })
        .option('out', {
          alias: 'o',
          type: 'string',
          default: 'report.html',
          describe: 'the file that is written',
        })
        .option('baseline', {
          type: 'string',
          array: true,
          default: [] as string[],
          describe:
            'JSON of earlier runs or coverage, or directories that hold it: what has changed since is said',
        })
        .option('source', {
          type: 'string',
          describe: 'source tree of the kernel, to show covered lines in; without it, the one in the cache',
        })
        .option('patch', {
          type: 'string',
          describe: 'a diff that a kernel with coverage was built with: show which of its lines ran',
        })
        .option('designs', {
          type: 'boolean',
          default: true,
          describe: 'also compare the designs of the patch discussions, which takes some seconds',
        })
        .example('$0 run --reporter json=runs/model.json && $0 report runs', 'a run on the model')
        .example('$0 report runs/7.3.4.json runs/fuzz-1 -o night.html', 'a run and a campaign')
        .example(
          '$0 coverage --kernel ID --json runs/coverage.json && $0 report runs',
          'what code of a kernel was reached, line by line',
        )
        .example('$0 report runs/gate --patch my.patch', 'all of a gate, with the changed lines'),
    handler: async (args) => {
      finish(await report(args, context));
    },
  };
}

async function report(
  { paths, out, baseline, source, patch, designs }: ReportArgs,
  { version, cache }: Context,
): Promise<ExitCode> {
  const earlier = await readEarlier(baseline);
  const { runs, campaigns, coverages } = await readInputs(paths);
  if (runs.length + campaigns.length + coverages.length === 0)
    throw new UsageError(
      `there is neither a JSON report of a run, nor a campaign, nor coverage of a kernel in ${paths.join(', ')}`,
    );
  const annotated = await annotate(coverages, source, cache);
  const data = reportData({
    tool: `iommufd-cts ${version}`,
    runs,
    campaigns,
    coverages: annotated,
    patches: patch === undefined ? [] : await viewOnKernels(patch, annotated, source, cache),
    earlier,
    withDesigns: designs,
  });
  if (baseline.length > 0 && data.changes.size + data.coverageChanges.size === 0)
    warnOfNothing(
      `${baseline.join(', ')} has neither a run of the same target, profile and reading nor coverage of a kernel`,
    );
  // Drawing takes packages that no other command should wait for.
  const { renderHtml } = await import('../../reports/html/page.js');
  await writeFileAtomic(out, await renderHtml(data));
  const counts = Object.entries({ runs, campaigns, coverages }).map(
    ([what, list]) => `${what} ${String(list.length)}`,
  );
  process.stdout.write(`${out}: ${counts.join(', ')}\n`);
  return EXIT.pass;
}

/** @throws UsageError when there is nothing to compare with */
async function readEarlier(paths: readonly string[]): Promise<Pick<Inputs, 'runs' | 'coverages'>> {
  const { runs, coverages } = await readInputs(paths);
  if (paths.length > 0 && runs.length + coverages.length === 0) {
    throw new UsageError(
      `there is neither a JSON report of a run nor coverage of a kernel in ${paths.join(', ')}, to compare with`,
    );
  }
  return { runs, coverages };
}
