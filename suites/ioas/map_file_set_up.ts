import { SCRATCH } from '../../models/program/arena.js';
import type { Reference } from '../../models/program/program.js';
import type { ScenarioBuilder } from '../harness/builder.js';

/** Of the file. */
export const PAGES = 8n;
/** Where the process sees the file. */
export const SEEN = SCRATCH.start;
export const HALF = 0x800n;

interface FileAndDomain {
  readonly ioas: Reference;
  readonly hwpt: Reference;
  readonly file: string;
}

/** A file of eight pages that the process sees, and an IOAS with a domain. */
export function fileAndDomain(t: ScenarioBuilder): FileAndDomain {
  const ioas = t.ioas();
  const hwpt = t.mockDomain(ioas).out('out_hwpt_id');
  const file = t.memfd('m', PAGES);
  t.mmapFile(file, 0n, PAGES);
  return { ioas, hwpt, file };
}

export function truncate(t: ScenarioBuilder, file: string, bytes: bigint): void {
  t.step({ do: 'truncate', file, bytes });
}
