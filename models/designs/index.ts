import type { Design } from './framework/design.js';
import { ioasidMerged } from './ioasid/merged.js';
import { ioasidRfc } from './ioasid/proposal.js';

/** The only registry of designs; a proposal stands before what became of it. */
export const DESIGNS: readonly Design[] = [ioasidRfc, ioasidMerged];

export function designByName(name: string): Design | undefined {
  return DESIGNS.find((design) => design.name === name);
}
