/* SPDX-License-Identifier: MIT */
/* What the fake device and the program that uses it know of iommufd, written from the uAPI by hand. */
#ifndef CALLS_H
#define CALLS_H

#include <stdint.h>

#define IOAS_ALLOC 0x3b81
#define IOAS_IOVA_RANGES 0x3b84
#define IOAS_MAP 0x3b85
#define NO_SUCH_CALL 0x3bff

#define ANSWER_ID 7
#define ANSWER_LAST 0xffffff
#define ANSWER_IOVA 0x100000

struct ioas_alloc {
	uint32_t size;
	uint32_t flags;
	uint32_t out_ioas_id;
};

struct iova_range {
	uint64_t start;
	uint64_t last;
};

struct ioas_iova_ranges {
	uint32_t size;
	uint32_t ioas_id;
	uint32_t num_iovas;
	uint32_t __reserved;
	uint64_t allowed_iovas;
	uint64_t out_iova_alignment;
};

struct ioas_map {
	uint32_t size;
	uint32_t flags;
	uint32_t ioas_id;
	uint32_t __reserved;
	uint64_t user_va;
	uint64_t length;
	uint64_t iova;
};

#endif
