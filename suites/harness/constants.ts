/**
 * Numbers that scenarios expect, written by hand from the headers and not taken from the model: a model that has them wrong must
 * not agree with itself.
 */

export const P = 0x1000n;
export const U64_MAX = 0xffff_ffff_ffff_ffffn;

/** MOCK_APERTURE_START and MOCK_APERTURE_LAST: where a mock domain translates. Source: iommufd_test.h. */
export const APERTURE_START = 0x100_0000n;
export const APERTURE_LAST = 0x7fff_ffffn;

/** HPAGE_SIZE of x86-64: the largest alignment of automatic IOVAs. */
export const HUGE_PAGE = 0x20_0000n;
