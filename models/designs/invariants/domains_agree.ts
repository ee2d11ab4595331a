import type { Space } from '../framework/view.js';
import type { DesignInvariant } from './invariant.js';

export const domainsAgree: DesignInvariant = {
  id: 'domains_agree',
  statement:
    'Every page table of an address space translates exactly the mappings that are recorded in the space.',
  notCovered: 'Rights; those are access_within_grant.',
  facet: 'spaces',
  holdsAtPauses: false,
  check: ({ after: { spaces = [] } }) => spaces.flatMap(disagreements),
};

function disagreements({ of, recorded, domains }: Space): string[] {
  return domains.flatMap(({ name, translations }) => {
    const iovas = new Set([...Object.keys(recorded), ...Object.keys(translations)]);
    return [...iovas].flatMap((iova) => {
      const [due, there] = [recorded[iova], translations[iova]];
      if (due === there) return [];
      return [`${name} of ${of} has ${there ?? 'nothing'} at ${iova} instead of ${due ?? 'nothing'}`];
    });
  });
}
