/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "recorder.h"

/* What a text begins with, and what is read of a file at once. */
#define STEP_BYTES 32768
/* No record can be longer. */
#define TEXT_BYTES_MAX (RECORD_BYTES_MAX / 4)

void text_begin(struct text *text, struct record *record)
{
	*text = (struct text){ .record = record };
}

/* Makes room; the text may move. */
bool text_reserve(struct text *text, size_t bytes)
{
	struct chunk *chunk;
	size_t size = text->size;
	void *moved;

	if (text->used + bytes <= size)
		return true;
	while (text->used + bytes > size)
		size += size + STEP_BYTES;
	if (size > TEXT_BYTES_MAX)
		return false;
	if (!text->start) {
		text->start = record_room(text->record, size);
		text->size = text->start ? size : 0;
		return text->start != NULL;
	}
	for (chunk = text->record->chunk; chunk->start != text->start; chunk++)
		;
	moved = (void *)raw(SYS_mremap, chunk->start, chunk->bytes, size, MREMAP_MAYMOVE, 0);
	if (moved == MAP_FAILED)
		return false;
	*chunk = (struct chunk){ moved, size };
	text->start = moved;
	text->size = size;
	return true;
}

void text_add(struct text *text, const char *format, ...)
{
	char line[512];
	va_list arguments;
	int bytes;

	va_start(arguments, format);
	bytes = vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	if (bytes <= 0)
		return;
	if (bytes >= (int)sizeof(line)) {
		bytes = sizeof(line) - 1;
		line[bytes - 1] = '\n';
	}
	if (text_reserve(text, (size_t)bytes)) {
		memcpy(text->start + text->used, line, (size_t)bytes);
		text->used += (size_t)bytes;
	}
}

void text_add_file(struct text *text, const char *path)
{
	long fd = raw(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC), count = 0;

	if (fd < 0)
		return;
	while (text_reserve(text, STEP_BYTES)) {
		count = raw(SYS_read, fd, text->start + text->used, (size_t)STEP_BYTES);
		if (count <= 0)
			break;
		text->used += (size_t)count;
	}
	raw(SYS_close, fd);
}

void text_end(struct text *text, uint32_t role)
{
	record_bytes(text->record, role, text->start, text->used);
}
