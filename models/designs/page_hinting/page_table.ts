/** Consecutive pages that one entry of an IOMMU page table translates; all numbers are of pages. */
export interface Leaf {
  readonly iova: number;
  readonly pfn: number;
  readonly count: number;
  /** READ and WRITE. */
  readonly rights: number;
}

/** An IOMMU domain of a container: a page table whose entries may be of any power of two, as AMD’s. */
export interface Domain {
  /** The group that it was made for. */
  readonly name: string;
  leaves: Leaf[];
}

/** Pages that an IOMMU address reaches: 32 bits of address. */
export const APERTURE_PAGES = 1 << 20;

const PAGE_SHIFT = 12n;

/** Where a page of the device’s addresses leads; undefined for a hole. */
export function physOf(domain: Domain, iova: number): number | undefined {
  const leaf = leafAt(domain, iova);
  return leaf === undefined ? undefined : leaf.pfn + iova - leaf.iova;
}

export function leafAt({ leaves }: Domain, iova: number): Leaf | undefined {
  return leaves.find((leaf) => leaf.iova <= iova && iova < leaf.iova + leaf.count);
}

/** How many of some pages a domain translates. */
export function translatedOf(domain: Domain, iova: number, count: number): number {
  return domain.leaves.reduce((sum, leaf) => {
    const end = Math.min(leaf.iova + leaf.count, iova + count);
    return sum + Math.max(0, end - Math.max(leaf.iova, iova));
  }, 0);
}

/**
 * Removes what a range of the page table translates, up to the first hole. An entry goes as a whole, wherever in it the
 * range begins or ends.
 * @param size in bytes; one that is not of whole pages removes nothing
 * @returns pages that were removed
 */
export function iommuUnmap(domain: Domain, iova: number, size: bigint): number {
  if ((size & ((1n << PAGE_SHIFT) - 1n)) !== 0n) return 0;
  const asked = Number(size >> PAGE_SHIFT);
  let removed = 0;
  while (removed < asked) {
    const leaf = leafAt(domain, iova + removed);
    if (leaf === undefined) break;
    domain.leaves = domain.leaves.filter((other) => other !== leaf);
    removed += leaf.count;
  }
  return removed;
}

/**
 * Enters consecutive pages, all or none, with the largest entries that both addresses are aligned to.
 * @returns why it is refused; undefined if it is done
 */
export function iommuMap(domain: Domain, run: Leaf): 'EEXIST' | 'EFAULT' | undefined {
  if (run.iova + run.count > APERTURE_PAGES) return 'EFAULT';
  if (translatedOf(domain, run.iova, run.count) > 0) return 'EEXIST';
  domain.leaves = [...domain.leaves, ...leavesOf(run)].sort((one, two) => one.iova - two.iova);
  return undefined;
}

function leavesOf({ iova, pfn, count, rights }: Leaf): Leaf[] {
  const leaves: Leaf[] = [];
  let done = 0;
  while (done < count) {
    let size = 1;
    const isFitting = (pages: number): boolean =>
      (iova + done) % pages === 0 && (pfn + done) % pages === 0 && done + pages <= count;
    while (isFitting(size * 2)) size *= 2;
    leaves.push({ iova: iova + done, pfn: pfn + done, count: size, rights });
    done += size;
  }
  return leaves;
}

/** Runs of numbers that follow each other: where each begins, in `pfns`, and how many there are. */
export function runsOf(
  pfns: readonly number[],
  longest = Infinity,
): { readonly at: number; readonly count: number }[] {
  const runs: { at: number; count: number }[] = [];
  for (const [at, pfn] of pfns.entries()) {
    const last = runs.at(-1);
    const follows = last !== undefined && last.count < longest && pfn === (pfns[at - 1] ?? 0) + 1;
    if (follows) last.count += 1;
    else runs.push({ at, count: 1 });
  }
  return runs;
}
