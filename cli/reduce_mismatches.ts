import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeProgramFile } from '../fuzz/corpus/program_file.js';
import type { Mismatch } from '../fuzz/differential.js';
import { reduceOn } from '../fuzz/reduce/on_target.js';
import { type Judge, goalOf } from '../fuzz/reduce/shows.js';
import { placedSteps } from '../models/program/program.js';
import { TestBedError } from '../targets/target.js';

/** Mismatches of different titles that are reduced, and programs that may be tried for each. */
const REDUCED_MAX = 10;
const BUDGET = 400;
const RELIABILITY_RUNS = 3;

/**
 * Stores beside mismatches the smallest program that shows the same, one for each title, as far as a short time allows.
 * @returns what to say of them
 */
export async function reduceMismatches(
  judge: Judge,
  mismatches: readonly Mismatch[],
  directory: string,
  stopped: AbortSignal,
): Promise<string> {
  const lines: string[] = [];
  const titles = new Set<string>();
  try {
    for (const { index, program } of mismatches) {
      if (titles.size >= REDUCED_MAX || stopped.aborted) break;
      const goal = await goalOf(judge, program);
      if (goal?.facts === undefined || titles.has(goal.title)) continue;
      titles.add(goal.title);
      const options = { budget: BUDGET, times: RELIABILITY_RUNS, stopped };
      const { program: reduced, reliability } = await reduceOn(judge, program, goal, options);
      const file = join(directory, `${String(index)}.reduced.json`);
      await writeProgramFile(file, { ...reduced, about: goal.title });
      const shown = `${String(reliability.shown)} of ${String(reliability.tried)} runs`;
      lines.push(
        `  ${file}: ${String(placedSteps(reduced).length)} steps, shown by ${shown}: ${goal.title}\n`,
      );
    }
  } catch (error) {
    // Of the mismatches themselves, all is known already.
    if (!(error instanceof TestBedError)) throw error;
    lines.push(`  mismatches could not be reduced any more: ${error.message}\n`);
  }
  return lines.join('');
}

/**
 * Stores the programs that found mismatches.
 * @returns what to say of them
 */
export async function storeMismatches(mismatches: readonly Mismatch[], directory: string): Promise<string> {
  if (mismatches.length === 0) return '';
  await mkdir(directory, { recursive: true });
  for (const { index, program, description } of mismatches) {
    await writeProgramFile(join(directory, `${String(index)}.json`), { ...program, about: description });
  }
  return `programs that found mismatches are in ${directory}; "replay FILE" shows one step by step\n`;
}
