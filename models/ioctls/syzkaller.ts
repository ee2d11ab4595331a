import type { IoPagetable } from '../state/io_pagetable.js';

/** MOCK_FLAGS_ACCESS_SYZ: with CONFIG_IOMMUFD_TEST, an IOVA is {number of the area, offset}. Source: iommufd_test.h. */
export const SYZKALLER_IOVA = 0x1_0000;

/** The IOVA that a fuzzer means; 0 where there is no such area. Source: selftest.c:__iommufd_test_syz_conv_iova. */
export function syzkallerIova({ areas }: IoPagetable, coded: bigint): bigint {
  const area = areas[Number(coded & 0xffff_ffffn)];
  return area === undefined ? 0n : BigInt.asUintN(64, area.iova + (coded >> 32n));
}
