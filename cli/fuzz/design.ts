import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import writeFileAtomic from 'write-file-atomic';
import { mixSeeds } from '../../fuzz/campaign/chance.js';
import { searchDesign } from '../../fuzz/designs/search.js';
import { designProgramText } from '../../models/designs/framework/check_program.js';
import type { Design } from '../../models/designs/framework/design.js';
import type { DesignProgram } from '../../models/designs/framework/program.js';
import type { Goal } from './display.js';

/** Programs between two looks at the clock. */
const STRETCH_PROGRAMS = 500;

/** Something that random programs have shown of a design. */
interface DesignFinding {
  readonly title: string;
  /** Whether a defect of the design explains it. */
  readonly isDefect: boolean;
  /** Stretches of programs that have shown it. */
  readonly count: number;
  /** Of the first of them: `designs NAME --search` with it shows the same. */
  readonly firstSeed: number;
  /** The shortest program of all. */
  readonly program: DesignProgram;
}

/** What a campaign on a design came to: the last line of `fuzz --json`. */
interface DesignResult {
  readonly schema: 1;
  readonly seed: number;
  readonly programs: number;
  readonly calls: number;
  readonly seconds: number;
  readonly corpus: 0;
  readonly coverage: 0;
  readonly findings: readonly {
    readonly title: string;
    readonly kind: 'defect' | 'unexplained';
    readonly suspect: 'design';
    readonly count: number;
    readonly firstSeed: number;
    readonly file: string;
  }[];
  readonly canary: null;
}

/** Looks for defects of a design; each is written as soon as it is found, and again when a shorter program shows it. */
export async function fuzzDesign(
  design: Design,
  seed: number,
  goal: Goal,
  directory: string,
  stopped: AbortSignal,
): Promise<DesignResult> {
  await mkdir(directory, { recursive: true });
  const began = performance.now();
  const seconds = (): number => (performance.now() - began) / 1000;
  const found = new Map<string, DesignFinding>();
  let programs = 0;
  const most = goal.programs ?? Infinity;
  while (programs < most && seconds() < (goal.seconds ?? Infinity) && !stopped.aborted) {
    const stretchSeed = programs === 0 ? seed : mixSeeds(seed, programs);
    const stretch = searchDesign(design, stretchSeed, Math.min(STRETCH_PROGRAMS, most - programs));
    programs += stretch.programs;
    for (const { defect, reduced } of stretch.found) {
      await keep({ title: defect, isDefect: true, count: 1, firstSeed: stretchSeed, program: reduced });
    }
    for (const { what, program } of stretch.unexplained) {
      await keep({ title: what, isDefect: false, count: 1, firstSeed: stretchSeed, program });
    }
    // A Ctrl-C wants to be heard.
    await setImmediate();
  }
  const findings = [...found.values()].sort((one, two) => (one.title < two.title ? -1 : 1));
  return {
    schema: 1,
    seed,
    programs,
    calls: 0,
    seconds: seconds(),
    corpus: 0,
    coverage: 0,
    findings: findings.map(({ title, isDefect, count, firstSeed }) => ({
      title,
      kind: isDefect ? 'defect' : 'unexplained',
      suspect: 'design',
      count,
      firstSeed,
      file: fileOf(directory, title),
    })),
    canary: null,
  };

  async function keep(finding: DesignFinding): Promise<void> {
    const known = found.get(finding.title);
    const isShorter = known === undefined || finding.program.steps.length < known.program.steps.length;
    found.set(finding.title, {
      ...(known ?? finding),
      count: (known?.count ?? 0) + 1,
      program: isShorter ? finding.program : known.program,
    });
    if (!isShorter) return;
    await writeFileAtomic(fileOf(directory, finding.title), designProgramText(design, finding.program));
  }
}

export function renderDesignResult(design: Design, { programs, findings }: DesignResult): string {
  const lines = findings.map(
    ({ title, kind, count, file }) => `  ${title} (${kind}, seen ${String(count)} times)\n    ${file}\n`,
  );
  return `${design.name}: ${String(programs)} programs, ${String(findings.length)} findings\n${lines.join('')}`;
}

function fileOf(directory: string, title: string): string {
  const words = title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 60);
  return join(directory, `${words}-${createHash('sha256').update(title).digest('hex').slice(0, 8)}.json`);
}
