import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { readProgramFile } from '../../fuzz/corpus/program_file.js';
import { describeInProgram } from '../../fuzz/differential.js';
import type { Behaviour } from '../../models/behaviour.js';
import { FINDING_IDS, findingById } from '../../models/findings.js';
import type { ProgramOutcome } from '../../models/outcome.js';
import { type AssembledProgram, assemble } from '../../models/program/assemble.js';
import type { Program } from '../../models/program/program.js';
import { judgeByModel } from '../../models/program_verdict.js';
import type { ResultLine } from '../../reports/run_report.js';
import type { Session } from '../../targets/target.js';
import { describeBroken } from '../broken_rules.js';

/** A stored program, and where it is. */
interface Stored {
  readonly id: string;
  readonly file: string;
  readonly program: Program;
  /** Why a gate leaves it out. */
  readonly lack?: string;
}

/** Programs of directories, each a result of its own: as the model allows, or not. */
export async function runStoredPrograms(
  session: Session,
  behaviour: Behaviour,
  directories: readonly string[],
  stopped: AbortSignal,
): Promise<ResultLine[]> {
  const stored = (await Promise.all(directories.map(readStored))).flat();
  const able = stored.filter(({ lack }) => lack === undefined);
  const assembled = able.map(({ program }) => assemble(program));
  const outcomes = stopped.aborted ? [] : await session.run(assembled);
  const results = new Map(
    able.map((one, at) => [one, lineOf(one, assembled[at], outcomes[at], behaviour)] as const),
  );
  return stored.map(
    (one) => results.get(one) ?? { ...blank(one), status: 'skipped', reason: one.lack ?? '' },
  );
}

async function readStored(directory: string): Promise<Stored[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.json')).sort();
  return Promise.all(
    names.map(async (name): Promise<Stored> => {
      const file = join(directory, name);
      const title = basename(name, '.json');
      const lack = lackOf(title);
      return {
        id: `stored/${basename(directory)}:${title}`,
        file,
        program: await readProgramFile(file),
        ...(lack === undefined ? {} : { lack }),
      };
    }),
  );
}

/** Programs of findings after which a kernel has to be started anew say nothing about a change. */
function lackOf(title: string): string | undefined {
  const id = FINDING_IDS.find((known) => known === title);
  if (id === undefined) return undefined;
  const { hangs, spoilsKernel } = findingById(id);
  return hangs === true || spoilsKernel !== undefined
    ? 'the kernel is not to be trusted any more after it; "replay" runs it'
    : undefined;
}

function blank({ id, file, program }: Stored): Omit<ResultLine, 'status'> {
  return {
    id,
    doc: program.about ?? `the program of ${file}`,
    source: file,
    details: [],
    findings: [],
    skippedCases: [],
    ms: 0,
    programs: 0,
    covers: [],
  };
}

function lineOf(
  stored: Stored,
  assembled: AssembledProgram | undefined,
  outcome: ProgramOutcome | undefined,
  behaviour: Behaviour,
): ResultLine {
  const none = { ...blank(stored), programs: 1 };
  if (assembled === undefined || outcome === undefined) {
    return { ...none, programs: 0, status: 'infra', reason: 'the time was over before it ran' };
  }
  const verdict = judgeByModel(assembled, outcome, behaviour, 'exact');
  const { problems, findings, infra } = verdict;
  const line = { ...none, findings };
  if (problems.length > 0) {
    const said = problems.map((problem) => describeInProgram(stored.program, problem));
    const broken = problems.flatMap((problem, at) =>
      (problem.rules ?? []).map((rule) => describeBroken(rule, said[at] ?? '')),
    );
    return { ...line, status: 'failed', reason: said[0] ?? '', details: said, broken };
  }
  if (infra !== undefined) return { ...line, status: 'infra', reason: infra };
  const [why] = verdict.unspecified;
  return why === undefined ? { ...line, status: 'passed' } : { ...line, status: 'unspecified', reason: why };
}
