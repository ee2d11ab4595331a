import { buildLibrary } from '../c_build.js';
import { recorderHeader } from './header.js';

/**
 * Compiles the recorder.
 * @param sources the directory of the C sources
 * @param cache where the result is kept, under the hash of what it was made of
 * @returns the path of the library
 * @throws TestBedError when there is no compiler or it fails
 */
export function buildRecorder(sources: string, cache: string): Promise<string> {
  return buildLibrary('recorder', sources, recorderHeader(), cache);
}
