import type { EffectMutant } from './effect_mutant.js';
import { FIXED_BUGS } from './fixed_bugs.js';

/** Every planted difference in what calls do. */
export const EFFECT_MUTANTS: readonly EffectMutant[] = [...FIXED_BUGS];
