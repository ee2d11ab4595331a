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
