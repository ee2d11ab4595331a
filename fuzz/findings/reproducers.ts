import type { Behaviour } from '../../models/behaviour.js';
import { type Program, ProgramError } from '../../models/program/program.js';
import { type Runtime, exportC } from '../export_c/export.js';
import { exportScript } from '../export_c/script.js';
import { bugReport } from './bug_report.js';
import type { Finding } from './finding.js';
import { exportProgram } from '../syzkaller/export.js';

/**
 * Files by which others hear of a finding and see it: `report.txt`, `repro.c`, `repro.sh` and `repro.syz`. A form that cannot say the
 * program says why instead.
 * @param program that shows it: the smallest known
 * @param behaviour of the model that it was judged by
 * @param console what the kernel printed, if that is known
 */
export function tellOf(
  finding: Finding,
  program: Program,
  console: string,
  behaviour: Behaviour,
  runtime: Runtime,
): Readonly<Record<string, string>> {
  return {
    'report.txt': bugReport(finding, program, behaviour, console),
    ...reproducersOf(program, behaviour, runtime),
  };
}

/** Forms of a program that others can run. */
export function reproducersOf(
  program: Program,
  behaviour: Behaviour,
  runtime: Runtime,
): Readonly<Record<string, string>> {
  const c = sayable(
    () => exportC(program, behaviour, runtime),
    (why) => `/* ${why} */\n`,
  );
  return {
    'repro.c': c.text,
    'repro.sh': c.isWhole
      ? exportScript(c.text, program.about, behaviour.profile)
      : `#!/bin/sh\n# ${c.text.slice(3, -4)}\nexit 2\n`,
    'repro.syz': sayable(
      () => exportProgram(program).text,
      (why) => `# ${why}\n`,
    ).text,
  };
}

interface Said {
  readonly text: string;
  readonly isWhole: boolean;
}

function sayable(say: () => string, excuse: (why: string) => string): Said {
  try {
    return { text: say(), isWhole: true };
  } catch (error) {
    if (error instanceof ProgramError) return { text: excuse(error.message), isWhole: false };
    throw error;
  }
}
