import { type Mutant, mutantName } from '../models/mutants.js';
import type { Profile } from '../models/profiles/index.js';
import { allMutants } from '../suites/harness/mutation.js';
import { UsageError } from './errors.js';

/**
 * The mutant of a name.
 * @throws UsageError that says how mutants of its call or operation are called
 */
export function mutantByName(name: string, profile: Profile): Mutant {
  const mutants = allMutants(profile);
  const found = mutants.find((mutant) => mutantName(mutant) === name);
  if (found !== undefined) return found;
  const [source = ''] = name.split('/');
  const related = mutants.filter(({ call }) => call === source).map(mutantName);
  const hint =
    related.length > 0
      ? `of ${source} there are ${related.join(', ')}`
      : 'a mutant is called like IOMMU_DESTROY/EBUSY.users:drop';
  throw new UsageError(`the model of ${profile.id} has no mutant ${name}; ${hint}`);
}
