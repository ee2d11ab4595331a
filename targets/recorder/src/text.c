/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "recorder.h"

/* What a text begins with, in the record itself if it fits there. */
#define FIRST_BYTES 224
/* What it moves to when it outgrows that. */
#define STEP_BYTES 32768
/* No record can be longer. */
#define TEXT_BYTES_MAX (RECORD_BYTES_MAX / 4)

void text_begin(struct text *text, struct record *record)
{
	*text = (struct text){ .record = record };
}

/* Moves a text to where there is room for so many bytes. Shared mappings cannot grow: what they map has a size. */
static bool move(struct text *text, size_t size)
{
	char *moved = record_room(text->record, size);

	if (!moved)
		return false;
	if (text->used)
		memcpy(moved, text->start, text->used);
	text->start = moved;
	text->size = size;
	return true;
}

/* Makes room for some more bytes; the text may move. */
static bool reserve(struct text *text, size_t bytes)
{
	size_t size = text->size ? text->size : FIRST_BYTES;

	if (text->used + bytes <= text->size)
		return true;
	while (text->used + bytes > size)
		size += size < STEP_BYTES ? STEP_BYTES : size;
	return size <= TEXT_BYTES_MAX && move(text, size);
}

void text_add_bytes(struct text *text, const char *bytes, size_t count)
{
	if (!reserve(text, count))
		return;
	memcpy(text->start + text->used, bytes, count);
	text->used += count;
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
	text_add_bytes(text, line, (size_t)bytes);
}

void text_end(struct text *text, uint32_t role)
{
	record_bytes(text->record, role, text->start, text->used);
}
