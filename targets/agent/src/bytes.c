/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "agent.h"

uint64_t take(struct reader *from, unsigned int bytes)
{
	uint64_t value = 0;

	memcpy(&value, take_bytes(from, bytes), bytes);
	return value;
}

const uint8_t *take_bytes(struct reader *from, size_t count)
{
	const uint8_t *bytes = from->at;

	if ((size_t)(from->end - from->at) < count)
		trouble("a frame ends %zu bytes too early", count - (size_t)(from->end - from->at));
	from->at += count;
	return bytes;
}

void put(struct writer *to, uint64_t value, unsigned int bytes)
{
	put_bytes(to, &value, bytes);
}

void put_bytes(struct writer *to, const void *bytes, size_t count)
{
	if ((size_t)(to->end - to->at) < count)
		trouble("the results of a batch exceed a frame");
	memcpy(to->at, bytes, count);
	to->at += count;
}
