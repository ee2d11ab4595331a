import { PAGE_SIZE, U64_MAX, maxU64 } from '../base/u64.js';
import type { IoPagetable } from './io_pagetable.js';

/**
 * The page sizes that VFIO reports of an IOAS, a bit each: what all domains have, from a page of the CPU on, but not below the
 * alignment. Source: vfio_compat.c:iommufd_get_pagesizes.
 */
export function pageSizeBits({ domains, alignment }: IoPagetable): bigint {
  let bits = U64_MAX;
  for (const { pageSizes } of domains) bits &= pageSizes.reduce((sum, bytes) => sum | bytes, 0n);
  const small = PAGE_SIZE - 1n;
  if ((bits & small) !== 0n) bits = (bits & ~small) | PAGE_SIZE;
  return maxU64(bits, alignment);
}
