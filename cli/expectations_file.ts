import { readFile } from 'node:fs/promises';
import { Ajv } from 'ajv';
import writeFileAtomic from 'write-file-atomic';
import { CONDITIONS, type Expectation } from '../reports/expectations.js';
import { UsageError } from './errors.js';
import { complaintOf, parseJson } from '../fuzz/json_file.js';
import { once } from '../models/ioctls/description.js';

/** The version of the file's shape. */
const SCHEMA = 1;

interface ExpectationsFile {
  readonly schema: typeof SCHEMA;
  readonly expectations: readonly Expectation[];
}

const TEXT = { type: 'string', minLength: 1 } as const;

/** Compiled when a file is read: no command that reads none should wait for it. */
const expectationsValidator = once(() =>
  new Ajv({ allErrors: false }).compile<ExpectationsFile>({
    type: 'object',
    required: ['schema', 'expectations'],
    additionalProperties: false,
    properties: {
      schema: { const: SCHEMA },
      expectations: {
        type: 'array',
        items: {
          type: 'object',
          required: ['scenario', 'expect', 'reason'],
          additionalProperties: false,
          properties: {
            scenario: TEXT,
            expect: { enum: ['fail', 'may_fail'] },
            reason: TEXT,
            when: {
              type: 'object',
              additionalProperties: false,
              properties: Object.fromEntries(CONDITIONS.map((name) => [name, TEXT])),
            },
          },
        },
      },
    },
  }),
);

/** The report of an earlier run, as far as a comparison with it goes. */
interface Baseline {
  readonly results: readonly { readonly id: string; readonly status: string }[];
}

const baselineValidator = once(() =>
  new Ajv({ allErrors: false }).compile<Baseline>({
    type: 'object',
    required: ['schema', 'results'],
    properties: {
      schema: { const: 1 },
      results: {
        type: 'array',
        items: { type: 'object', required: ['id', 'status'], properties: { id: TEXT, status: TEXT } },
      },
    },
  }),
);

/**
 * Reads an expectations file.
 * @param mayBeMissing whether one that is not there is one that expects nothing
 * @throws UsageError saying in one sentence what is wrong with it
 */
export async function readExpectations(path: string, mayBeMissing: boolean): Promise<readonly Expectation[]> {
  const json = await readJson(path, mayBeMissing);
  if (json === undefined) return [];
  const validate = expectationsValidator();
  if (validate(json)) return json.expectations;
  throw new UsageError(`${path} is no expectations file: ${complaintOf(validate.errors)}`);
}

export async function writeExpectations(path: string, expectations: readonly Expectation[]): Promise<void> {
  const file: ExpectationsFile = { schema: SCHEMA, expectations };
  await writeFileAtomic(path, `${JSON.stringify(file, null, 2)}\n`);
}

/** An earlier run that another one is held against. */
export interface EarlierRun {
  readonly path: string;
  /** Ids of its results. */
  readonly ids: readonly string[];
  /** That what failed in it may fail again. */
  readonly expectations: readonly Expectation[];
}

/**
 * Reads an earlier run.
 * @param path a report of `run --reporter json=FILE`
 * @throws UsageError saying in one sentence what is wrong with it
 */
export async function readBaseline(path: string): Promise<EarlierRun> {
  const json = await readJson(path, false);
  const validate = baselineValidator();
  if (!validate(json)) {
    throw new UsageError(`${path} is no JSON report of a run: ${complaintOf(validate.errors)}`);
  }
  const expectations = json.results
    .filter(({ status }) => status === 'failed')
    .map(({ id }): Expectation => {
      return { scenario: id, expect: 'may_fail', reason: `it failed in ${path} as well` };
    });
  return { path, ids: json.results.map(({ id }) => id), expectations };
}

async function readJson(path: string, mayBeMissing: boolean): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (mayBeMissing && (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  });
  return text === undefined ? undefined : parseJson(path, text);
}
