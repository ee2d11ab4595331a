import { UsageError } from './errors.js';
import type { RandomPrograms } from './random_programs.js';

/**
 * Sees to it that options are whole numbers, where they are given.
 * @param least the smallest that makes sense
 * @throws UsageError naming the option
 */
export function requireWhole(options: Readonly<Record<string, number | undefined>>, least?: number): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || (Number.isInteger(value) && (least === undefined || value >= least))) continue;
    const from = least === undefined ? '' : ` from ${String(least)} on`;
    throw new UsageError(`--${name} takes a whole number${from}`);
  }
}

/**
 * The same for the options about random programs.
 * @throws UsageError naming the option
 */
export function requireRandom({ programs, steps, seed }: RandomPrograms): void {
  requireWhole({ programs }, 0);
  requireWhole({ steps }, 1);
  requireWhole({ seed });
}
