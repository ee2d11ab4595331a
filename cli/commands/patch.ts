import {
  countExecutions,
  renderPatchJson,
  renderPatchMarkdown,
  renderPatchView,
} from '../../reports/patch_view.js';
import type { Command, Finish } from '../command.js';
import type { Context } from '../context.js';
import { EXIT, type ExitCode } from '../errors.js';
import { readCoverage } from '../kernel_coverage/coverage_file.js';
import { readPatch } from '../patch/diff_file.js';
import { viewMeasured } from '../patch/measured.js';

interface PatchArgs {
  readonly file: string;
  readonly from: string;
  readonly source: string | undefined;
  readonly strict: boolean;
  readonly md: boolean;
  readonly json: boolean;
}

export function patchCommand(finish: Finish, context: Context): Command<PatchArgs> {
  return {
    builder: (yargs) =>
      yargs
        .positional('file', {
          type: 'string',
          demandOption: true,
          describe: 'a unified diff, as "git diff" prints it, that the kernel was built with',
        })
        .option('from', {
          type: 'string',
          demandOption: true,
          describe: 'what was measured on that kernel: a file of "coverage --json"',
        })
        .option('source', {
          type: 'string',
          describe: 'the tree that the kernel was built from, if it is no longer where it was',
        })
        .option('strict', {
          type: 'boolean',
          default: false,
          describe: 'end with 1 if a changed line was not executed',
        })
        .option('md', { type: 'boolean', default: false, describe: 'print Markdown, for a comment' })
        .option('json', { type: 'boolean', default: false, describe: 'print data' })
        .example('$0 patch my.patch --from coverage.json', 'line by line')
        .example('$0 patch my.patch --from coverage.json --md > comment.md', 'for a pull request'),
    handler: async (args) => {
      finish(await patch(args, context));
    },
  };
}

async function patch(
  { file, from, source, strict, md, json }: PatchArgs,
  { cache }: Context,
): Promise<ExitCode> {
  const view = await viewMeasured(await readPatch(file), await readCoverage(from), { source, cache });
  const render = json ? renderPatchJson : md ? renderPatchMarkdown : renderPatchView;
  process.stdout.write(render(view));
  const missed = countExecutions(view.functions).get('not executed') ?? 0;
  return strict && missed > 0 ? EXIT.finding : EXIT.pass;
}
