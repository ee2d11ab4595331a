/* SPDX-License-Identifier: MIT */
/* What memory of the program is mapped of, in the lines of /proc/self/maps. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "recorder.h"

/* What is read at once; the kernel hands out whole lines. */
#define LINES_BYTES 4096
/* Mappings with longer names are read as lines. */
#define NAME_BYTES 256
/* More mappings are read as lines, which takes fewer system calls. */
#define ASKED_MAX 4

/* struct procmap_query, which headers of user space have since Linux 6.11. Source: linux/fs.h. */
struct mapping_query {
	uint64_t size;
	uint64_t query_flags;
	uint64_t query_addr;
	uint64_t vma_start;
	uint64_t vma_end;
	uint64_t vma_flags;
	uint64_t vma_page_size;
	uint64_t vma_offset;
	uint64_t inode;
	uint32_t dev_major;
	uint32_t dev_minor;
	uint32_t vma_name_size;
	uint32_t build_id_size;
	uint64_t vma_name_addr;
	uint64_t build_id_addr;
};

#define QUERY_MAPPING _IOWR('f', 17, struct mapping_query)
#define COVERING_OR_NEXT 0x10
#define IS_READABLE 1
#define IS_WRITABLE 2
#define IS_EXECUTABLE 4
#define IS_SHARED 8

/* Whether a mapping is of the recorder. */
static bool is_our_own(const struct record *record, uint64_t start)
{
	for (int index = 0; index < record->chunks; index++)
		if (start == (uint64_t)(uintptr_t)record->chunk[index].start)
			return true;
	return trace_is_mapped_at(start);
}

/* Keeps those lines that meet a range; says whether there can be more of them. */
static bool keep_lines(struct text *kept, char *lines, size_t bytes, uint64_t start, uint64_t last)
{
	for (size_t at = 0; at < bytes;) {
		char *line = lines + at, *newline = memchr(line, '\n', bytes - at), *next_number;
		size_t length = newline ? (size_t)(newline + 1 - line) : bytes - at;
		uint64_t from = strtoull(line, &next_number, 16), end = strtoull(next_number + 1, NULL, 16);

		at += length;
		if (from > last)
			return false;
		if (end > start && !is_our_own(kept->record, from))
			text_add_bytes(kept, line, length);
	}
	return true;
}

static void read_mappings(struct text *kept, long fd, uint64_t start, uint64_t last)
{
	char lines[LINES_BYTES + 1];
	long bytes;

	while ((bytes = raw(SYS_read, fd, lines, (size_t)LINES_BYTES)) > 0) {
		lines[bytes] = '\0';
		if (!keep_lines(kept, lines, (size_t)bytes, start, last))
			break;
	}
}

static void keep_found(struct text *kept, const struct mapping_query *found, const char *name)
{
	uint64_t flags = found->vma_flags;

	if (is_our_own(kept->record, found->vma_start))
		return;
	text_add(kept, "%lx-%lx %c%c%c%c %08lx %02x:%02x %lu %s\n", (unsigned long)found->vma_start,
		 (unsigned long)found->vma_end, flags & IS_READABLE ? 'r' : '-', flags & IS_WRITABLE ? 'w' : '-',
		 flags & IS_EXECUTABLE ? 'x' : '-', flags & IS_SHARED ? 's' : 'p', (unsigned long)found->vma_offset,
		 found->dev_major, found->dev_minor, (unsigned long)found->inode, found->vma_name_size ? name : "");
}

/* Asks for one mapping after another; says whether the kernel has told of all of them. */
static bool query_mappings(struct text *kept, long fd, uint64_t start, uint64_t last)
{
	char name[NAME_BYTES];
	uint64_t at = start;

	for (int asked = 0; asked < ASKED_MAX; asked++) {
		struct mapping_query query = {
			.size = sizeof(query),
			.query_flags = COVERING_OR_NEXT,
			.query_addr = at,
			.vma_name_size = sizeof(name),
			.vma_name_addr = (uint64_t)(uintptr_t)name,
		};

		if (raw(SYS_ioctl, fd, QUERY_MAPPING, &query))
			return errno == ENOENT;
		if (query.vma_start > last)
			return true;
		/* Lines have something else in its place. */
		if (query.vma_name_size && strchr(name, '\n'))
			return false;
		keep_found(kept, &query, name);
		if (query.vma_end > last)
			return true;
		at = query.vma_end;
	}
	return false;
}

/* As few system calls as possible, for programs map memory often; most ask about one mapping of many. */
static void keep_mappings(struct record *record, uint64_t start, uint64_t last)
{
	struct text kept;
	long fd = raw(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	text_begin(&kept, record);
	if (!query_mappings(&kept, fd, start, last)) {
		kept.used = 0;
		read_mappings(&kept, fd, start, last);
	}
	raw(SYS_close, fd);
	text_end(&kept, ROLE_MAPS);
}

void maps_keep(struct record *record, uint64_t start, uint64_t bytes)
{
	if (bytes)
		keep_mappings(record, start, start + (bytes - 1) < start ? UINT64_MAX : start + (bytes - 1));
}

void maps_keep_all(struct record *record)
{
	keep_mappings(record, 0, UINT64_MAX);
}
