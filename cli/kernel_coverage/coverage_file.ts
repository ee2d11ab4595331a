import { Ajv } from 'ajv';
import { complaintOf } from '../../fuzz/json_file.js';
import { once } from '../../models/ioctls/description.js';
import type {
  KernelCoverage,
  ReachableLine,
  StoredCoverage,
  StoredLine,
} from '../../reports/kernel_coverage.js';
import { UsageError } from '../errors.js';
import { readJson } from '../run_file.js';

const TEXT = { type: 'string' } as const;
const TEXTS = { type: 'array', items: TEXT } as const;
const NUMBER = { type: 'number' } as const;

const LINES = {
  type: 'array',
  items: {
    type: 'object',
    required: ['line', 'function', 'tests'],
    properties: {
      line: NUMBER,
      function: TEXT,
      tests: NUMBER,
      by: { type: 'array', items: NUMBER },
      first: TEXT,
      means: { enum: ['alone', 'injection', 'lanes'] },
      theirs: { type: 'boolean' },
    },
  },
} as const;

/** Compiled when a file is read: no command that reads none should wait for it. */
const validator = once(() =>
  new Ajv().compile<StoredCoverage>({
    type: 'object',
    required: [
      'schema',
      'tool',
      'kernel',
      'source',
      'description',
      'tests',
      'programs',
      'cut',
      'theirs',
      'files',
    ],
    properties: {
      schema: { const: 1 },
      ...Object.fromEntries(['tool', 'kernel', 'source', 'description'].map((name) => [name, TEXT])),
      ...Object.fromEntries(['tests', 'programs', 'cut'].map((name) => [name, NUMBER])),
      theirs: TEXTS,
      names: TEXTS,
      files: {
        type: 'array',
        items: {
          type: 'object',
          required: ['file', 'reachable'],
          properties: {
            file: TEXT,
            blob: TEXT,
            reachable: LINES,
            within: LINES,
          },
        },
      },
    },
  }),
);

/** Whether JSON is meant to be what `coverage --json` writes, right or wrong; reports of runs have no files. */
export function isMeantAsCoverage(json: unknown): boolean {
  return typeof json === 'object' && json !== null && 'files' in json;
}

/**
 * What `coverage --json FILE` has written.
 * @param path is named if it is something else
 * @throws UsageError saying in one sentence what is wrong with it
 */
export function parseCoverage(path: string, json: unknown): StoredCoverage {
  const validate = validator();
  if (validate(json)) return json;
  throw new UsageError(`${path} is no coverage of a kernel: ${complaintOf(validate.errors)}`);
}

/**
 * Reads what `coverage --json` wrote, with the tests that reached each line.
 * @throws UsageError saying in one sentence what is wrong with it
 */
export async function readCoverage(path: string): Promise<KernelCoverage> {
  return wholeCoverage(path, parseCoverage(path, await readJson(path)));
}

/**
 * What was stored, with the tests that reached each line.
 * @param what it is, to be named
 * @throws UsageError when an older version has stored it
 */
export function wholeCoverage(what: string, stored: StoredCoverage): KernelCoverage {
  const { names, files, tool, kernel, source, description, programs, cut, theirs } = stored;
  if (names === undefined) {
    throw new UsageError(
      `${what} does not say which tests reached a line: an older iommufd-cts wrote it, so measure again`,
    );
  }
  return {
    ...{ tool, kernel, source, description, programs, cut, theirs, tests: names },
    files: files.map(({ file, blob, reachable, within = [] }) => ({
      file,
      ...(blob === undefined ? {} : { blob }),
      lines: reachable.map(withTests),
      within: within.map(withTests),
    })),
  };
}

function withTests({ by = [], ...line }: StoredLine): ReachableLine {
  return { ...line, tests: by };
}
