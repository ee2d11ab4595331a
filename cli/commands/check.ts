import { readFile } from 'node:fs/promises';
import { type Checked, checkTrace } from '../../check/checker.js';
import { countVerdicts, reasonsOf, renderChecked } from '../../check/report.js';
import { PROFILES, profileById } from '../../models/profiles/index.js';
import { readTrace } from '../../targets/trace/reader.js';
import type { Command, Finish } from '../command.js';
import { EXIT, type ExitCode } from '../errors.js';

/** More calls that are not allowed than these are shown on demand alone: later ones often follow from earlier ones. */
const SHOWN_MAX = 10;

interface CheckArgs {
  readonly trace: string;
  readonly profile: string | undefined;
  readonly all: boolean;
  readonly json: boolean;
}

export function checkCommand(finish: Finish): Command<CheckArgs> {
  return {
    builder: (yargs) =>
      yargs
        .positional('trace', { type: 'string', demandOption: true, describe: 'what "record" has written' })
        .option('profile', {
          // Without the type, 6.12 would be taken for a number.
          type: 'string',
          choices: PROFILES.map(({ id }) => id),
          describe: 'the kernel version whose behaviour is expected; default: that of the trace',
        })
        .option('all', { type: 'boolean', default: false, describe: 'show every call that is not allowed' })
        .option('json', { type: 'boolean', default: false, describe: 'counts and calls for scripts' })
        .example('$0 check vm.trace', 'was the kernel right in all that a program asked of it?')
        .example('$0 check vm.trace --json', 'the same for scripts'),
    handler: async ({ trace: file, profile, all, json }) => {
      const trace = readTrace(await readFile(file), file);
      const checked = checkTrace(trace, profile === undefined ? undefined : profileById(profile));
      const { troubles } = trace;
      process.stdout.write(
        json
          ? `${JSON.stringify(jsonOf(checked, troubles), undefined, 2)}\n`
          : renderChecked(checked, troubles, all ? checked.calls.length : SHOWN_MAX),
      );
      finish(exitCodeOf(checked, troubles));
    },
  };
}

function exitCodeOf({ calls }: Checked, troubles: readonly string[]): ExitCode {
  const { mismatch, unspecified } = countVerdicts(calls);
  if (mismatch > 0) return EXIT.finding;
  return unspecified > 0 || calls.length === 0 || troubles.length > 0 ? EXIT.unknown : EXIT.pass;
}

function jsonOf({ calls, notes, profile }: Checked, troubles: readonly string[]): object {
  return {
    schema: 1,
    profile: profile.id,
    notes,
    troubles,
    counts: countVerdicts(calls),
    unspecified: Object.fromEntries(reasonsOf(calls)),
    mismatches: calls.flatMap(({ record, name, verdict }) => {
      if (verdict.kind !== 'mismatch') return [];
      const { allowed, seen, places, onward } = verdict;
      const { process, thread } = record;
      return [{ call: Number(record.start), process, thread, name, seen, allowed, places, onward }];
    }),
  };
}
