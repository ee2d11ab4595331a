/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "recorder.h"

#define PATH_BYTES_KEPT 256

void record_clear(struct record *record, uint16_t kind)
{
	record->program_errno = errno;
	record->kind = kind;
	record->members = 0;
	record->parts = 0;
	record->chunks = 0;
	record->room_used = 0;
	record->result = 0;
}

void record_begin(struct record *record, uint16_t kind)
{
	record_clear(record, kind);
	process_introduce(REASON_FIRST_EVENT);
}

void record_member(struct record *record, uint64_t value)
{
	if (record->members < MEMBERS_MAX)
		record->member[record->members++] = value;
}

char *record_room(struct record *record, size_t bytes)
{
	size_t rounded = (bytes + RECORD_ALIGNMENT - 1) / RECORD_ALIGNMENT * RECORD_ALIGNMENT;
	void *mapped;

	if (rounded <= ROOM_BYTES - record->room_used) {
		char *room = record->room + record->room_used;

		record->room_used += rounded;
		return room;
	}
	if (record->chunks == CHUNKS_MAX)
		return NULL;
	mapped = (void *)raw(SYS_mmap, NULL, rounded, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (mapped == MAP_FAILED)
		return NULL;
	record->chunk[record->chunks++] = (struct chunk){ mapped, rounded };
	return mapped;
}

static const struct part *part_add(struct record *record, struct part part)
{
	if (record->parts == PARTS_MAX)
		return NULL;
	record->part[record->parts] = part;
	return &record->part[record->parts++];
}

const struct part *record_memory_from(struct record *record, uint32_t role, uint64_t address, uint64_t wanted,
				      const void *beginning, size_t known)
{
	size_t kept = wanted < PART_BYTES_MAX ? wanted : PART_BYTES_MAX, bytes = known < kept ? known : kept;
	char *room = record_room(record, kept);

	if (!room)
		bytes = 0;
	else if (bytes)
		memcpy(room, beginning, bytes);
	if (room && bytes < kept)
		bytes += peek(address + bytes, room + bytes, kept - bytes);
	return part_add(record, (struct part){ role, (uint32_t)bytes, address, wanted, room });
}

const struct part *record_memory(struct record *record, uint32_t role, uint64_t address, uint64_t wanted)
{
	return record_memory_from(record, role, address, wanted, NULL, 0);
}

/* Of memory before the call, and what it became. */
struct change {
	const struct part *before;
	char *after;
	size_t bytes;
};

/* Reads what all of them became, at once if nothing is missing. */
static void read_changes(struct change *changes, int count)
{
	struct peeked pieces[PARTS_MAX] = { { 0, NULL, 0 } };

	for (int index = 0; index < count; index++)
		pieces[index] =
			(struct peeked){ changes[index].before->address, changes[index].after, changes[index].bytes };
	if (peek_all(pieces, count))
		return;
	for (int index = 0; index < count; index++)
		changes[index].bytes = peek(pieces[index].address, pieces[index].into, pieces[index].bytes);
}

void record_changes(struct record *record)
{
	struct change changes[PARTS_MAX];
	int count = 0;

	for (int index = 0; index < record->parts; index++) {
		const struct part *part = &record->part[index];
		char *after = part->role == ROLE_BEFORE ? record_room(record, part->bytes) : NULL;

		if (after)
			changes[count++] = (struct change){ part, after, part->bytes };
	}
	if (!count)
		return;
	read_changes(changes, count);
	for (int index = 0; index < count; index++) {
		const struct part *before = changes[index].before;
		const char *after = changes[index].after;
		uint32_t bytes = (uint32_t)changes[index].bytes;

		if (bytes < before->bytes || memcmp(after, before->data, bytes))
			part_add(record, (struct part){ ROLE_AFTER, bytes, before->address, before->wanted, after });
	}
}

void record_bytes(struct record *record, uint32_t role, const char *bytes, size_t count)
{
	part_add(record, (struct part){ role, (uint32_t)count, 0, count, bytes });
}

/* A path is a string of the program: it may lie anywhere, and end where nothing can be read. */
void record_path(struct record *record, const char *path)
{
	if (record_memory(record, ROLE_PATH, (uint64_t)(uintptr_t)path, PATH_BYTES_KEPT)) {
		struct part *part = &record->part[record->parts - 1];

		part->bytes = part->bytes ? (uint32_t)strnlen(part->data, part->bytes) : 0;
		part->wanted = part->bytes;
	}
}

void record_enter(struct record *record)
{
	record->start = trace_sequence();
	errno = record->program_errno;
}

void record_leave(struct record *record, int64_t returned)
{
	record->program_errno = errno;
	record->end = trace_sequence();
	record->result = returned == -1 ? -(int64_t)errno : returned;
}

void record_end(struct record *record)
{
	trace_append(record);
	while (record->chunks) {
		struct chunk *chunk = &record->chunk[--record->chunks];

		raw(SYS_munmap, chunk->start, chunk->bytes);
	}
	errno = record->program_errno;
}
