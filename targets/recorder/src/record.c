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

void record_changes(struct record *record)
{
	const struct part *before[PARTS_MAX];
	struct peeked after[PARTS_MAX] = { { 0, NULL, 0 } };
	int count = 0;

	for (int index = 0; index < record->parts; index++) {
		const struct part *part = &record->part[index];
		char *room = part->role == ROLE_BEFORE ? record_room(record, part->bytes) : NULL;

		if (!room)
			continue;
		before[count] = part;
		after[count++] = (struct peeked){ part->address, room, part->bytes };
	}
	peek_each(after, count);
	for (int index = 0; index < count; index++) {
		const struct part *was = before[index];
		const struct peeked *is = &after[index];

		if (is->bytes < was->bytes || memcmp(is->into, was->data, is->bytes))
			part_add(record, (struct part){ ROLE_AFTER, (uint32_t)is->bytes, was->address, was->wanted, is->into });
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
