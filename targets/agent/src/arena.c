/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent.h"

#define REGIONS_MAX 32

struct region {
	uint64_t start;
	uint64_t bytes;
	uint8_t access;
	uint8_t flags;
	/* Index + 1 of the region whose pages this one shows, or of the one that shows its pages. */
	uint8_t twin;
	int file;
};

static struct region regions[REGIONS_MAX];
static unsigned int regions_count;
/* Where programs map huge pages. */
static uint64_t huge_start;
static uint64_t huge_bytes;

uint8_t arena_guard_byte;
uint32_t arena_guard_bytes;
uint64_t arena_memlock;

static int protection(uint8_t access)
{
	if (access == ACCESS_RW)
		return PROT_READ | PROT_WRITE;
	return access == ACCESS_RO ? PROT_READ : PROT_NONE;
}

static void map_region(struct region *region)
{
	int sharing = region->flags & REGION_PRIVATE ? MAP_PRIVATE : MAP_SHARED;
	int anonymous = region->file < 0 ? MAP_ANONYMOUS : 0;
	void *at = mmap((void *)region->start, region->bytes, PROT_READ | PROT_WRITE, MAP_FIXED | sharing | anonymous,
			region->file, 0);

	if (at != (void *)region->start)
		trouble("the arena cannot be laid out at %#lx: %s", (unsigned long)region->start, strerror(errno));
	/* Touched, so that each page exists and none is the zero page. */
	memset(at, region->flags & REGION_GUARDED ? arena_guard_byte : 0, region->bytes);
	if (mprotect(at, region->bytes, protection(region->access)))
		trouble("the arena cannot be protected: %s", strerror(errno));
}

void arena_lay_out(struct reader *from)
{
	arena_guard_byte = (uint8_t)take(from, 1);
	arena_guard_bytes = (uint32_t)take(from, 4);
	arena_memlock = take(from, 8);
	huge_start = take(from, 8);
	huge_bytes = take(from, 8);
	regions_count = (unsigned int)take(from, 1);
	if (regions_count > REGIONS_MAX)
		trouble("the arena has too many regions");
	for (unsigned int i = 0; i < regions_count; i++) {
		struct region *region = &regions[i];

		region->start = take(from, 8);
		region->bytes = take(from, 8);
		region->access = (uint8_t)take(from, 1);
		region->flags = (uint8_t)take(from, 1);
		region->twin = (uint8_t)take(from, 1);
		region->file = -1;
		if (region->twin) {
			struct region *twin = &regions[region->twin - 1];

			twin->twin = (uint8_t)(i + 1);
			region->file = memfd_create("arena", MFD_CLOEXEC);
			if (region->file < 0 || ftruncate(region->file, (off_t)region->bytes))
				trouble("no memory file for the arena: %s", strerror(errno));
			twin->file = region->file;
		}
	}
	for (unsigned int i = 0; i < regions_count; i++)
		map_region(&regions[i]);
	for (unsigned int i = 0; i < regions_count; i++) {
		if (regions[i].file >= 0)
			close(regions[i].file);
		regions[i].file = -1;
	}
}

void arena_restore_scratch(void)
{
	for (unsigned int i = 0; i < regions_count; i++)
		if (regions[i].flags & REGION_SCRATCH)
			map_region(&regions[i]);
	munmap((void *)huge_start, huge_bytes);
}

static struct region *region_of(uint64_t address)
{
	for (unsigned int i = 0; i < regions_count; i++)
		if (address - regions[i].start < regions[i].bytes)
			return &regions[i];
	return NULL;
}

uint8_t *arena_writable(uint64_t address)
{
	struct region *region = region_of(address);

	if (!region)
		trouble("a buffer at %#lx lies outside of the arena", (unsigned long)address);
	if (region->access == ACCESS_RW)
		return (uint8_t *)address;
	if (!region->twin)
		trouble("a buffer at %#lx cannot be written", (unsigned long)address);
	return (uint8_t *)(regions[region->twin - 1].start + (address - region->start));
}

/* Makes every guarded region all guard bytes again. */
void arena_refill_guards(void)
{
	for (unsigned int i = 0; i < regions_count; i++)
		if (regions[i].flags & REGION_GUARDED)
			memset(arena_writable(regions[i].start), arena_guard_byte, regions[i].bytes);
}

/* Whether the bytes lie within one guarded region. */
bool arena_is_guarded(uint64_t address, size_t bytes)
{
	struct region *region = region_of(address);

	return region && (region->flags & REGION_GUARDED) && address + bytes <= region->start + region->bytes;
}
