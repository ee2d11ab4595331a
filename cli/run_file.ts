import { readFile } from 'node:fs/promises';
import { Ajv } from 'ajv';
import { complaintOf, parseJson } from '../fuzz/json_file.js';
import { reasonOf } from '../models/base/reason.js';
import { once } from '../models/ioctls/description.js';
import type { ResultLine, RunReport } from '../reports/run_report.js';
import { SCENARIOS } from '../suites/index.js';
import { UsageError } from './errors.js';

/** A run as `run --reporter json` writes it: what is empty is left out. */
interface RunFile extends Omit<RunReport, 'results' | 'isInterrupted'> {
  readonly interrupted: boolean;
  readonly results: readonly (Pick<ResultLine, 'id' | 'status' | 'ms' | 'covers' | 'programs'> &
    Partial<ResultLine>)[];
}

const TEXT = { type: 'string' } as const;
const TEXTS = { type: 'array', items: TEXT } as const;
const NUMBER = { type: 'number' } as const;
const COUNTS = { type: 'object', additionalProperties: NUMBER } as const;
const BY_FLAG = {
  type: 'object',
  additionalProperties: { type: 'object', additionalProperties: COUNTS },
} as const;

/** Compiled when a file is read: no command that reads none should wait for it. */
const validator = once(() =>
  new Ajv().compile<RunFile>({
    type: 'object',
    required: [
      ...['schema', 'tool', 'target', 'description', 'kernel', 'profile', 'reading', 'notes'],
      ...['interrupted', 'ms', 'rules', 'results'],
    ],
    properties: {
      schema: { const: 1 },
      ...Object.fromEntries(
        ['tool', 'target', 'description', 'kernel', 'profile', 'reading'].map((name) => [name, TEXT]),
      ),
      notes: TEXTS,
      interrupted: { type: 'boolean' },
      ms: NUMBER,
      rules: {
        type: 'object',
        required: ['seen', 'all'],
        properties: { seen: NUMBER, all: NUMBER, answered: TEXTS },
      },
      invariants: COUNTS,
      flags: BY_FLAG,
      states: { type: 'object', additionalProperties: BY_FLAG },
      results: {
        type: 'array',
        items: {
          type: 'object',
          required: ['id', 'status', 'ms', 'covers', 'programs'],
          properties: {
            id: TEXT,
            status: { enum: ['passed', 'failed', 'skipped', 'unspecified', 'infra'] },
            reason: TEXT,
            flaky: TEXT,
            ms: NUMBER,
            covers: TEXTS,
            programs: NUMBER,
            details: TEXTS,
            findings: TEXTS,
            broken: {
              type: 'array',
              items: { type: 'object', required: ['rule', 'what'], properties: { rule: TEXT, what: TEXT } },
            },
            skippedCases: {
              type: 'array',
              items: {
                type: 'object',
                required: ['name', 'reason'],
                properties: { name: TEXT, reason: TEXT },
              },
            },
            expected: {
              type: 'object',
              required: ['is', 'reason'],
              properties: { is: { enum: ['fail', 'may_fail'] }, reason: TEXT },
            },
          },
        },
      },
    },
  }),
);

/**
 * Reads a report of `run --reporter json=FILE`, or of a gate.
 * @throws UsageError saying in one sentence what is wrong with it
 */
export async function readRun(path: string): Promise<RunReport> {
  return parseRun(path, await readJson(path));
}

/**
 * The value of a file of JSON that was named on the command line.
 * @throws UsageError when it cannot be read
 */
export async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new UsageError(`${path} cannot be read: ${reasonOf(error)}`);
  });
  return parseJson(path, text);
}

/**
 * The report of a run that a file of JSON holds.
 * @throws UsageError saying in one sentence what is wrong with it
 */
export function parseRun(path: string, json: unknown): RunReport {
  const validate = validator();
  if (!validate(json))
    throw new UsageError(`${path} is no JSON report of a run: ${complaintOf(validate.errors)}`);
  const { interrupted, results, ...facts } = json;
  return { ...facts, isInterrupted: interrupted, results: results.map(whole) };
}

/** The plan of a scenario is not in the file: it is that of the scenario of the name, if there still is one. */
function whole(result: RunFile['results'][number]): ResultLine {
  return { doc: planOf().get(result.id) ?? '', details: [], findings: [], skippedCases: [], ...result };
}

const planOf = once(() => new Map(SCENARIOS.map(({ id, doc }) => [id, doc])));
