import { BUFFER } from '../../models/program/arena.js';
import type { Reference, Scalar } from '../../models/program/program.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import { P } from '../harness/constants.js';

const HALF = 0x800n;
const PAGES = 8n;

/** What is mapped at the moment: so many bytes of memory at an IOVA. */
interface Mapped {
  readonly iova: Reference;
  readonly va: bigint;
  readonly length: bigint;
}

/** Maps every range of half pages within eight pages, lets page tables be checked, and checks pins. */
export function everyAlignment(
  t: ScenarioBuilder,
  ioas: Scalar,
  whileMapped: (mapped: Mapped) => void,
): void {
  for (let start = 0n; start < PAGES * P; start += HALF) {
    for (let end = start + HALF; end <= PAGES * P; end += HALF) {
      const [va, length] = [BUFFER.start + start, end - start];
      const iova = t.map(ioas, { va, length }).out('iova');
      whileMapped({ iova, va, length });
      const [first, last] = [(start / P) * P, ((end + P - 1n) / P) * P];
      t.checkRefs(BUFFER.start + first, 1, last - first);
      t.unmap(ioas, iova, length).ok({ length });
    }
  }
  t.checkRefs(BUFFER.start, 0, PAGES * P);
  t.counters(0);
}

/** Once is enough: the sweeps are long. */
export const ONLY_ONCE = {
  zero_tail: 'the programs are long',
  garbage_tail: 'the programs are long',
  shifted_ids: 'the programs are long',
  probed: 'the programs are long',
} as const;
