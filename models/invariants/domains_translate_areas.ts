import { hex } from '../base/u64.js';
import type { MockDomain } from '../hardware/mock_domain.js';
import { frameOf } from '../state/fill.js';
import { type Area, isRevoked } from '../state/pages.js';
import type { Invariant } from './invariant.js';

export const domainsTranslateAreas: Invariant = {
  id: 'domains_translate_areas',
  statement:
    'Each domain of an IOAS translates exactly the recorded areas, to the pages that are pinned for them or that their dma-buf has; a revoked dma-buf is nowhere.',
  notCovered: 'Leaf sizes, permissions and cache attributes of the page table.',
  cite: 'pages.c:iopt_area_fill_domains, iopt_area_unfill_domains',
  looksAt: ({ ioases }) => ioases.some(({ table }) => table.domains.length > 0 && table.areas.length > 0),
  check: ({ ioases }) => {
    for (const { id, table } of ioases) {
      if (table.domains.length === 0) continue;
      const areas = table.areas.filter(({ pages }) => !isRevoked(pages));
      for (const domain of table.domains) {
        if (domain.extentCount !== areas.length) {
          return `a domain of IOAS ${String(id)} maps ${String(domain.extentCount)} ranges, areas are ${String(areas.length)}`;
        }
        const wrong = areas.find((area) => !translates(domain, area));
        if (wrong !== undefined) {
          return `a domain of IOAS ${String(id)} does not translate the area at ${hex(wrong.iova)}`;
        }
      }
    }
    return undefined;
  },
};

function translates(domain: MockDomain, area: Area): boolean {
  const extent = domain.extentAt(area.iova);
  if (extent?.last !== area.last || extent.frameOffset !== area.pageOffset) return false;
  return extent.frames.every((frame, at) => frame === frameOf(area.pages, area.firstIndex + at));
}
