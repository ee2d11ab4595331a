/* SPDX-License-Identifier: MIT */
/*
 * The trace file. Each record is one write to a descriptor in append mode, so that processes and threads do not mix theirs and
 * whatever was written survives the program. The counters in the file's first page are shared by all of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "recorder.h"

/* Where the recorder's descriptor should lie: high, so that the program's numbers stay what they would be without it. */
#define FD_WANTED 1000
/* Longer paths are not what traces are called. */
#define PATH_BYTES_MAX 4096

static char trace_path[PATH_BYTES_MAX];
static int trace_fd = -1;
static struct stat trace_identity;
static char *header;

static bool is_the_trace(int fd)
{
	struct stat found;

	return fd >= 0 && !raw(SYS_fstat, fd, &found) && found.st_dev == trace_identity.st_dev &&
	       found.st_ino == trace_identity.st_ino;
}

/* Moves a descriptor of ours to a high number, or as high as the limit allows. */
static int move_up(int fd)
{
	for (int at = FD_WANTED; at > 2; at /= 2) {
		long moved = raw(SYS_fcntl, fd, F_DUPFD_CLOEXEC, at);

		if (moved >= 0) {
			raw(SYS_close, fd);
			return (int)moved;
		}
	}
	return fd;
}

static int open_again(void)
{
	long fd = raw(SYS_openat, AT_FDCWD, trace_path, O_RDWR | O_APPEND | O_CLOEXEC);

	return fd < 0 ? -1 : move_up((int)fd);
}

static bool header_is_ours(void)
{
	uint32_t version;

	memcpy(&version, header + TRACE_AT_VERSION, sizeof(version));
	return !memcmp(header, TRACE_MAGIC, strlen(TRACE_MAGIC)) && version == TRACE_VERSION;
}

bool trace_open(void)
{
	const char *path = getenv(TRACE_VARIABLE);
	void *mapped;

	if (!path || strlen(path) >= sizeof(trace_path))
		return false;
	strcpy(trace_path, path);
	trace_fd = open_again();
	if (trace_fd < 0 || raw(SYS_fstat, trace_fd, &trace_identity) || trace_identity.st_size < TRACE_HEADER_BYTES)
		return false;
	mapped = (void *)raw(SYS_mmap, NULL, TRACE_HEADER_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, trace_fd, 0);
	if (mapped == MAP_FAILED)
		return false;
	header = mapped;
	if (!header_is_ours())
		header = NULL;
	return header != NULL;
}

bool trace_is_open(void)
{
	return header != NULL;
}

static uint64_t count_up(size_t at)
{
	return __atomic_add_fetch((uint64_t *)(void *)(header + at), 1, __ATOMIC_SEQ_CST);
}

uint64_t trace_sequence(void)
{
	return count_up(TRACE_AT_SEQUENCE);
}

bool trace_owns(int fd)
{
	return header && fd >= 0 && fd == trace_fd;
}

void trace_make_way(int fd)
{
	if (trace_owns(fd)) {
		long moved = raw(SYS_fcntl, fd, F_DUPFD_CLOEXEC, fd + 1);

		trace_fd = moved < 0 ? -1 : (int)moved;
	}
}

bool trace_is_mapped_at(uint64_t address)
{
	return header && address == (uint64_t)(uintptr_t)header;
}

/* CRC-32 as zlib computes it, half a byte at a time. */
static uint32_t checksum_add(uint32_t checksum, const void *bytes, size_t count)
{
	static const uint32_t table[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
		0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};
	const uint8_t *at = bytes;

	while (count--) {
		checksum ^= *at++;
		checksum = (checksum >> 4) ^ table[checksum & 15];
		checksum = (checksum >> 4) ^ table[checksum & 15];
	}
	return checksum;
}

/* The pieces of a record in the order of the file. */
struct pieces {
	struct iovec piece[2 + 3 * PARTS_MAX];
	int count;
	size_t bytes;
};

static void piece_add(struct pieces *pieces, const void *start, size_t bytes)
{
	if (!bytes)
		return;
	pieces->piece[pieces->count++] = (struct iovec){ (void *)(uintptr_t)start, bytes };
	pieces->bytes += bytes;
}

static void put32(char *header_of_record, size_t at, uint32_t value)
{
	memcpy(header_of_record + at, &value, sizeof(value));
}

static void put64(char *header_of_record, size_t at, uint64_t value)
{
	memcpy(header_of_record + at, &value, sizeof(value));
}

static void part_add(struct pieces *pieces, const struct part *part, char *part_header)
{
	static const char padding[RECORD_ALIGNMENT];

	put32(part_header, PART_AT_ROLE, part->role);
	put32(part_header, PART_AT_BYTES, part->bytes);
	put64(part_header, PART_AT_ADDRESS, part->address);
	put64(part_header, PART_AT_WANTED, part->wanted);
	piece_add(pieces, part_header, PART_HEADER_BYTES);
	piece_add(pieces, part->data, part->bytes);
	piece_add(pieces, padding, -part->bytes % RECORD_ALIGNMENT);
}

static void record_header_fill(char *at, const struct record *record)
{
	uint16_t kind = record->kind;

	put32(at, RECORD_AT_MAGIC, RECORD_MAGIC);
	memcpy(at + RECORD_AT_KIND, &kind, sizeof(kind));
	at[RECORD_AT_MEMBERS] = (char)record->members;
	at[RECORD_AT_PARTS] = (char)record->parts;
	put32(at, RECORD_AT_PROCESS, (uint32_t)raw(SYS_getpid));
	put32(at, RECORD_AT_THREAD, (uint32_t)raw(SYS_gettid));
	put64(at, RECORD_AT_START, record->start);
	put64(at, RECORD_AT_END, record->end);
	put64(at, RECORD_AT_RESULT, (uint64_t)record->result);
}

/* The program may have closed the descriptor behind our back, and the number may be a file of its own by now. */
static bool is_there(void)
{
	if (is_the_trace(trace_fd))
		return true;
	trace_fd = open_again();
	return is_the_trace(trace_fd);
}

void trace_append(const struct record *record)
{
	char start[RECORD_HEADER_BYTES], part_headers[PARTS_MAX][PART_HEADER_BYTES];
	struct pieces pieces = { .count = 0, .bytes = 0 };
	uint32_t checksum = ~0u;
	long written;

	record_header_fill(start, record);
	piece_add(&pieces, start, sizeof(start));
	piece_add(&pieces, record->member, record->members * sizeof(record->member[0]));
	for (int index = 0; index < record->parts; index++)
		part_add(&pieces, &record->part[index], part_headers[index]);
	put32(start, RECORD_AT_BYTES, (uint32_t)pieces.bytes);
	checksum = checksum_add(checksum, start + RECORD_AT_KIND, sizeof(start) - RECORD_AT_KIND);
	for (int index = 1; index < pieces.count; index++)
		checksum = checksum_add(checksum, pieces.piece[index].iov_base, pieces.piece[index].iov_len);
	put32(start, RECORD_AT_CHECKSUM, ~checksum);

	written = is_there() ? raw(SYS_writev, trace_fd, pieces.piece, pieces.count) : -1;
	if (written != (long)pieces.bytes)
		count_up(TRACE_AT_LOST);
}
