import type { ErrorObject } from 'ajv';
import { reasonOf } from '../models/base/reason.js';
import { BadInputError } from '../targets/target.js';

/**
 * The value that a file of JSON has.
 * @throws BadInputError saying what is wrong with it
 */
export function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new BadInputError(`${path} is not JSON: ${reasonOf(error)}`);
  }
}

/** What a validator has against a file, in half a sentence. */
export function complaintOf(errors: readonly ErrorObject[] | null | undefined): string {
  const [first] = errors ?? [];
  const place = first?.instancePath.split('/').slice(1).join('.') ?? '';
  return `${place === '' ? 'the file' : place} ${first?.message ?? 'does not match the schema'}`;
}
