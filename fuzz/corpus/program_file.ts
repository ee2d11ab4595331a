import { readFile } from 'node:fs/promises';
import { Ajv, type ErrorObject } from 'ajv';
import writeFileAtomic from 'write-file-atomic';
import { assemble } from '../../models/program/assemble.js';
import { type Json, programFromJson, programText } from '../../models/program/json.js';
import { PROGRAM_SCHEMA, type Program, ProgramError } from '../../models/program/program.js';
import { PROGRAM_JSON_SCHEMA } from '../../models/program/schema.js';
import { reasonOf } from '../../models/base/reason.js';
import { once } from '../../models/ioctls/description.js';

/** Compiled when a file is read: no command that reads none should wait for it. */
const validator = once(() =>
  new Ajv({ discriminator: true, allErrors: false, strict: false }).compile(PROGRAM_JSON_SCHEMA),
);

/**
 * Reads a stored program.
 * @throws ProgramError saying in one sentence what is wrong with the file
 */
export async function readProgramFile(path: string): Promise<Program> {
  const program = await readProgramShape(path);
  try {
    assemble(program);
  } catch (error) {
    if (error instanceof ProgramError) throw new ProgramError(`${path}: ${error.message}`);
    throw error;
  }
  return program;
}

/**
 * Reads a stored program that the descriptions of calls need not take any more.
 * @throws ProgramError saying in one sentence what is wrong with the file
 */
export async function readProgramShape(path: string): Promise<Program> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new ProgramError(`${path} cannot be read: ${reasonOf(error)}`);
  });
  return programFromJson(checkShape(path, parse(path, text)));
}

/** Writes a program so that a reader never sees half of it. */
export async function writeProgramFile(path: string, program: Program): Promise<void> {
  await writeFileAtomic(path, programText(program));
}

function parse(path: string, text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw new ProgramError(`${path} is not JSON: ${reasonOf(error)}`);
  }
}

function checkShape(path: string, json: Json): Json {
  const schema = (json as { readonly schema?: unknown } | null)?.schema;
  if (typeof schema === 'number' && schema > PROGRAM_SCHEMA) {
    throw new ProgramError(
      `${path} has schema ${String(schema)}, this version reads up to ${String(PROGRAM_SCHEMA)}: use a newer iommufd-cts`,
    );
  }
  const validate = validator();
  if (validate(json)) return json;
  throw new ProgramError(`${path} is no program: ${describe(validate.errors?.[0])}`);
}

/** The first complaint of the validator, with its place counted as people do. */
function describe(error: ErrorObject | undefined): string {
  if (error === undefined) return 'it does not match the schema';
  const place = error.instancePath.split('/').slice(1);
  const [list, index, ...rest] = place;
  const where =
    list === 'steps' && index !== undefined
      ? `step ${String(Number(index) + 1)}${rest.length === 0 ? '' : `, ${rest.join('.')}`}`
      : place.join('.') || 'the file';
  const extra =
    error.keyword === 'additionalProperties' ? ` (${String(error.params.additionalProperty)})` : '';
  return `${where} ${error.message ?? 'is wrong'}${extra}`;
}
