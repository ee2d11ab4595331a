import { readFile } from 'node:fs/promises';
import { Ajv } from 'ajv';
import { parseJson } from '../../fuzz/json_file.js';
import { once } from '../../models/ioctls/description.js';
import { UsageError } from '../errors.js';

/** A run as its JSON report tells of it, as far as a comparison goes. */
export interface StoredRun {
  readonly description: string;
  readonly kernel: string;
  readonly profile: string;
  readonly reading: string;
  readonly ms: number;
  readonly summary: Readonly<Record<'passed' | 'failed' | 'skipped' | 'unspecified' | 'infra', number>>;
  readonly rules: { readonly answered?: readonly string[] };
  readonly results: readonly {
    readonly id: string;
    readonly status: string;
    readonly reason?: string;
    readonly ms: number;
    readonly programs?: number;
    readonly findings?: readonly string[];
    readonly broken?: readonly { readonly rule: string; readonly what: string }[];
  }[];
}

const TEXT = { type: 'string' } as const;
const TEXTS = { type: 'array', items: TEXT } as const;
const NUMBER = { type: 'number' } as const;

const validator = once(() =>
  new Ajv({ allErrors: false }).compile<StoredRun>({
    type: 'object',
    required: ['schema', 'description', 'kernel', 'profile', 'reading', 'ms', 'summary', 'rules', 'results'],
    properties: {
      schema: { const: 1 },
      ...Object.fromEntries(['description', 'kernel', 'profile', 'reading'].map((name) => [name, TEXT])),
      ms: NUMBER,
      summary: {
        type: 'object',
        required: ['passed', 'failed', 'skipped', 'unspecified', 'infra'],
        additionalProperties: NUMBER,
      },
      rules: { type: 'object', properties: { answered: TEXTS } },
      results: {
        type: 'array',
        items: {
          type: 'object',
          required: ['id', 'status', 'ms'],
          properties: {
            id: TEXT,
            status: TEXT,
            reason: TEXT,
            ms: NUMBER,
            programs: NUMBER,
            findings: TEXTS,
            broken: {
              type: 'array',
              items: { type: 'object', required: ['rule', 'what'], properties: { rule: TEXT, what: TEXT } },
            },
          },
        },
      },
    },
  }),
);

/**
 * Reads a report of `run --reporter json=FILE`, or of a gate.
 * @throws UsageError for a file that is none
 */
export async function readStoredRun(path: string): Promise<StoredRun> {
  const json = parseJson(path, await readFile(path, 'utf8'));
  const validate = validator();
  if (validate(json)) return json;
  const [error] = validate.errors ?? [];
  throw new UsageError(
    `${path} is no JSON report of a run: ${error?.instancePath ?? ''} ${error?.message ?? 'it has another shape'}`,
  );
}
