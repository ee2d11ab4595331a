import { mkdir, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import writeFileAtomic from 'write-file-atomic';
import { renderJson } from '../reports/json.js';
import { renderJunit } from '../reports/junit.js';
import { renderKtap } from '../reports/ktap.js';
import { renderMarkdown } from '../reports/markdown.js';
import type { RunReport } from '../reports/run_report.js';
import { renderSarif } from '../reports/sarif.js';
import { renderSpec } from '../reports/spec.js';
import { UsageError, describeError } from './errors.js';

/** Every format of a run's report. */
const RENDERERS: Readonly<Record<string, (report: RunReport) => string>> = {
  spec: (report) => renderSpec(report),
  verbose: (report) => renderSpec(report, true),
  ktap: renderKtap,
  junit: renderJunit,
  json: renderJson,
  sarif: renderSarif,
  md: renderMarkdown,
};

export const REPORTER_NAMES = Object.keys(RENDERERS);

/** A report that was asked for; without a file it goes to the standard output. */
export interface RequestedReport {
  readonly name: string;
  readonly file: string | undefined;
}

/**
 * Reads `NAME[=FILE]` options. What people read is printed unless another report takes the standard output.
 * @throws UsageError for a name that is none, or two reports on the standard output
 */
export function parseReporters(options: readonly string[]): RequestedReport[] {
  const requested = options.map((option) => {
    const [name = '', ...rest] = option.split('=');
    if (!(name in RENDERERS))
      throw new UsageError(`there is no reporter ${name}; there are ${REPORTER_NAMES.join(', ')}`);
    return { name, file: rest.length === 0 ? undefined : rest.join('=') };
  });
  const printed = requested.filter(({ file }) => file === undefined);
  if (printed.length > 1)
    throw new UsageError('only one reporter can print; give the others a file, as in junit=report.xml');
  return printed.length === 1 ? requested : [...requested, { name: 'spec', file: undefined }];
}

/**
 * Writes every report. One that cannot be written keeps none of the others from being written.
 * @returns what went wrong, in words
 */
export async function writeReports(
  requested: readonly RequestedReport[],
  report: RunReport,
): Promise<string[]> {
  const troubles: string[] = [];
  for (const { name, file } of requested) {
    const text = RENDERERS[name]?.(report) ?? '';
    try {
      if (file === undefined) process.stdout.write(text);
      else await writeReport(file, stripVTControlCharacters(text));
    } catch (error) {
      const where = file === undefined ? name : `${name} report ${file}`;
      troubles.push(`the ${where} was not written: ${describeError(error)}`);
    }
  }
  return troubles;
}

async function writeReport(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  // A device or a pipe is written to; to replace it by a file would be to destroy it.
  const isPlain = await stat(file).then(
    (found) => found.isFile(),
    () => true,
  );
  await (isPlain ? writeFileAtomic(file, text) : writeFile(file, text));
}
