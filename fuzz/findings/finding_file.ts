import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { BadInputError } from '../../targets/target.js';
import { readProgramFile } from '../corpus/program_file.js';
import type { Finding } from './finding.js';
import { reasonOf } from '../../models/base/reason.js';
import { parseJson } from '../json_file.js';
import { once } from '../../models/ioctls/description.js';
import { exists } from '../../targets/files.js';

/** The version of the format that this code writes. */
const FINDING_SCHEMA = 1;

/** Files of a finding's directory. */
export const FILES = {
  finding: 'finding.json',
  program: 'program.json',
  reduced: 'reduced.json',
  /** What the kernel printed when it was seen first; not there if that is nothing. */
  console: 'console.txt',
} as const;

/** What finding.json holds: all but the programs. */
type FindingRecord = Omit<Finding, 'program' | 'reduced'>;

const COUNT = { type: 'integer', minimum: 0 } as const;
const TEXT = { type: 'string' } as const;

/** Compiled when a file is read: no command that reads none should wait for it. */
const validator = once(() =>
  new Ajv().compile<FindingRecord & { readonly schema: number }>({
    type: 'object',
    properties: {
      schema: { const: FINDING_SCHEMA },
      title: { type: 'string', minLength: 1 },
      kind: {
        enum: [
          'expectation',
          'model',
          'invariant',
          'metamorphic',
          'console',
          'stray_write',
          'leftover',
          'crash',
        ],
      },
      suspect: { enum: ['kernel', 'model', 'either'] },
      allowed: TEXT,
      seen: TEXT,
      invariant: TEXT,
      profile: TEXT,
      target: TEXT,
      seed: { type: 'integer' },
      count: { type: 'integer', minimum: 1 },
      shown: COUNT,
      tried: COUNT,
    },
    required: [
      ...['schema', 'title', 'kind', 'suspect', 'allowed', 'seen'],
      ...['profile', 'target', 'seed', 'count', 'shown', 'tried'],
    ],
    additionalProperties: false,
  }),
);

/** What the kernel printed when a finding was seen first. */
export function readConsole(directory: string): Promise<string> {
  return readFile(join(directory, FILES.console), 'utf8').catch(() => '');
}

/** The text of finding.json. */
export function findingText(finding: Finding): string {
  const record = { schema: FINDING_SCHEMA, ...without(finding, 'program', 'reduced') };
  return `${JSON.stringify(record, null, 2)}\n`;
}

/**
 * Reads the directory of a finding.
 * @throws BadInputError or ProgramError saying in one sentence what is wrong with which file
 */
export async function readFinding(directory: string): Promise<Finding> {
  const record = await readRecord(join(directory, FILES.finding));
  const program = await readProgramFile(join(directory, FILES.program));
  const reducedFile = join(directory, FILES.reduced);
  const hasReduced = await exists(reducedFile);
  return { ...record, program, ...(hasReduced ? { reduced: await readProgramFile(reducedFile) } : {}) };
}

async function readRecord(path: string): Promise<FindingRecord> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new BadInputError(`${path} cannot be read: ${reasonOf(error)}`);
  });
  const json = parseJson(path, text);
  const schema = (json as { readonly schema?: unknown } | null)?.schema;
  if (typeof schema === 'number' && schema > FINDING_SCHEMA)
    throw new BadInputError(`${path} has schema ${String(schema)}: use a newer iommufd-cts`);
  const validate = validator();
  if (!validate(json)) {
    const [error] = validate.errors ?? [];
    const place = error?.instancePath.slice(1) ?? '';
    throw new BadInputError(
      `${path} is no finding: ${place === '' ? 'it' : place} ${error?.message ?? 'is wrong'}`,
    );
  }
  return without(json, 'schema');
}

function without<T extends object, K extends keyof T & string>(all: T, ...dropped: K[]): Omit<T, K> {
  const names: readonly string[] = dropped;
  return Object.fromEntries(Object.entries(all).filter(([name]) => !names.includes(name))) as Omit<T, K>;
}
