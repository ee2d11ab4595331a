import type { Behaviour } from '../../models/behaviour.js';
import { type Program, ProgramError } from '../../models/program/program.js';
import { type Runtime, exportC } from '../export_c/export.js';
import { exportScript } from '../export_c/script.js';
import { exportProgram } from '../syzkaller/export.js';

/**
 * Files by which others see what a program shows: `repro.c`, `repro.sh` and `repro.syz`. A form that cannot say the program says why
 * instead.
 */
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
