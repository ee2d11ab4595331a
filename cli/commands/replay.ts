import { readProgramFile } from '../../fuzz/corpus/program_file.js';
import { Behaviour } from '../../models/behaviour.js';
import { readNumber } from '../../models/base/bytes.js';
import { hex } from '../../models/base/u64.js';
import type { CallDescription } from '../../models/ioctls/description.js';
import { errnoName } from '../../models/base/errno.js';
import type { Outcome, ProgramOutcome } from '../../models/outcome.js';
import type { Reading } from '../../models/prediction.js';
import { type AssembledProgram, assemble } from '../../models/program/assemble.js';
import { describePlacedStep } from '../../models/program/describe.js';
import { type Program, placedSteps } from '../../models/program/program.js';
import {
  type Problem,
  type ProgramVerdict,
  countJudged,
  judgeByModel,
} from '../../models/program_verdict.js';
import type { StepVerdict } from '../../models/model_run.js';
import { environmentOf } from '../../suites/harness/environment.js';
import type { Command, Finish } from '../command.js';
import type { Context } from '../context.js';
import { EXIT, type ExitCode, worst } from '../errors.js';
import { type TargetArgs, addTargetOptions, chooseTarget } from '../target_options.js';

interface ReplayArgs extends TargetArgs {
  readonly file: string[];
  readonly reading: string;
}

export function replayCommand(finish: Finish, context: Context): Command<ReplayArgs> {
  return {
    builder: (yargs) =>
      addTargetOptions(yargs)
        .positional('file', { type: 'string', array: true, demandOption: true, describe: 'program files' })
        .option('reading', { choices: ['exact', 'contract'], default: 'exact', describe: 'as for run' })
        .example('$0 replay finding.json', 'what the model says of a program')
        .example('$0 replay finding.json --kernel 7.3.4-fast', 'the same program on a kernel'),
    handler: async (args) => {
      finish(await replay(args, context));
    },
  };
}

async function replay(args: ReplayArgs, context: Context): Promise<ExitCode> {
  const programs = await Promise.all(args.file.map(readProgramFile));
  const { target, profile } = await chooseTarget(args, context);
  const session = await target.start();
  try {
    const environment = await environmentOf(session, profile);
    const behaviour = new Behaviour(environment.profile);
    process.stdout.write(`${environment.description} · expectations of ${environment.profile.id}\n`);
    const codes: ExitCode[] = [];
    for (const [index, program] of programs.entries()) {
      const assembled = assemble(program);
      const [outcome] = await session.run([assembled]);
      if (outcome === undefined) continue;
      const verdict = judgeByModel(assembled, outcome, behaviour, args.reading as Reading);
      process.stdout.write(renderReplay(args.file[index] ?? '', program, assembled, outcome, verdict));
      codes.push(codeOf(verdict));
    }
    return worst(...codes);
  } finally {
    await session.stop();
  }
}

function codeOf({ problems, infra, unspecified }: ProgramVerdict): ExitCode {
  if (problems.length > 0) return EXIT.finding;
  return infra !== undefined || unspecified.length > 0 ? EXIT.unknown : EXIT.pass;
}

function renderReplay(
  file: string,
  program: Program,
  assembled: AssembledProgram,
  outcome: ProgramOutcome,
  verdict: ProgramVerdict,
): string {
  const { verdicts, problems, findings } = verdict;
  const { about } = program;
  const lines = placedSteps(program).map((placed, at) => {
    const number = String(at + 1).padStart(3);
    const answer = describeAnswer(assembled.calls[at], outcome.steps[at]);
    return `${number}  ${describeOutcome(outcome.steps[at]).padEnd(12)} ${describePlacedStep(placed)}\n     ${describeVerdict(verdicts[at])}${answer}${describeFindings(verdicts[at])}`;
  });
  const end = problems.filter(({ kind }) => !SHOWN_AT_STEP.has(kind)).map(describeProblem);
  const count = `${String(assembled.steps.length)} steps`;
  return [
    `\n${file}${about === undefined ? '' : `: ${about}`}`,
    ...lines,
    ...end,
    ...(findings.length === 0 ? [] : [`known findings seen: ${findings.join(', ')}`]),
    `${count}, ${summary(verdict)}`,
    '',
  ].join('\n');
}

function summary({ verdicts, problems, infra }: ProgramVerdict): string {
  if (problems.length > 0) return `${String(problems.length)} problems`;
  if (infra !== undefined) return `not run to the end: ${infra}`;
  const judged = countJudged(verdicts);
  return judged === verdicts.length
    ? 'as the model allows'
    : `of which the model judges ${String(judged)}, as it allows`;
}

/** Problems that the verdict of their step says already. */
const SHOWN_AT_STEP: ReadonlySet<string> = new Set(['model', 'invariant']);

function describeProblem({ step, what }: Problem): string {
  return step === undefined ? `PROBLEM: ${what}` : `PROBLEM at step ${String(step + 1)}: ${what}`;
}

function describeOutcome(outcome: Outcome | undefined): string {
  if (outcome?.status !== 'returned') return outcome?.status ?? 'no result';
  const { counters, errno, value, injected } = outcome;
  if (counters !== undefined) return `pin ${String(counters.pinned)} lock ${String(counters.locked)}`;
  const answer = errno === 0 && value !== 0 ? `OK ${String(value)}` : errnoName(errno);
  return injected === undefined ? answer : `${answer} (${injected})`;
}

/** What a call that succeeded has written into its struct. */
function describeAnswer(call: CallDescription | undefined, outcome: Outcome | undefined): string {
  if (call === undefined || outcome?.status !== 'returned' || outcome.errno !== 0) return '';
  const struct = outcome.out[0];
  if (struct === undefined || struct === null) return '';
  const written = call.layout.members
    .filter(({ field, offset }) => field.direction !== 'in' && offset + field.bytes <= struct.length)
    .map(({ name, field, offset }) => `${name}=${hex(readNumber(struct, offset, field.bytes))}`);
  return written.length === 0 ? '' : `: ${written.join(', ')}`;
}

/** Known findings that the answer is; "explain" has their pages. */
function describeFindings(verdict: StepVerdict | undefined): string {
  if (verdict === undefined || !('findings' in verdict)) return '';
  return verdict.findings.map((id) => `\n     known finding: ${id}`).join('');
}

function describeVerdict(verdict: StepVerdict | undefined): string {
  switch (verdict?.kind) {
    case undefined:
      return '';
    case 'exact':
    case 'legal':
      return verdict.because;
    case 'mismatch': {
      const places = verdict.mismatch.differences.map(
        ({ where, expected, seen }) => `; ${where}: allowed ${expected}, seen ${seen}`,
      );
      return `NOT ALLOWED: allowed is ${verdict.mismatch.allowed.join(' or ')}${places.join('')}`;
    }
    case 'violation':
      return `INVARIANT ${verdict.violation.invariant}: ${verdict.violation.what}`;
    case 'unspecified':
      return `the model cannot tell: ${verdict.why}`;
    case 'unjudged':
      return `not judged: ${verdict.why}`;
  }
}
