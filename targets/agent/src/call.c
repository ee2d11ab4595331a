/* SPDX-License-Identifier: MIT */
/* Steps that hand buffers to the kernel: ioctl, read, write. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "agent.h"

#define FDS_MAX 4

struct buffer {
	uint64_t address;
	uint16_t length;
	uint8_t *memory;
	const uint8_t *given;
};

/* The buffers of the call at hand, and their bytes before it; each lane has its own. */
static __thread struct buffer buffers[BUFFERS_MAX];
static __thread uint8_t before[BUFFERS_MAX][512];
static __thread unsigned int buffers_count;

/* Places where the kernel reads or writes the number of a descriptor, and the program a handle. */
struct fd_place {
	uint8_t direction;
	uint8_t buffer;
	uint16_t offset;
	uint8_t slot;
	int32_t number;
};

static __thread struct fd_place places[FDS_MAX];
static __thread unsigned int places_count;

void calls_forget(void)
{
	common->saved.used = 0;
}

void call_forget(unsigned int step)
{
	common->saved.steps[step].count = 0;
}

/* Copies bytes of an earlier step's buffer into this step's, plus a constant; what memory ended before is 0. */
static void apply_patch(struct reader *from)
{
	unsigned int buffer = (unsigned int)take(from, 1);
	unsigned int bytes = (unsigned int)take(from, 1);
	unsigned int offset = (unsigned int)take(from, 2);
	unsigned int step = (unsigned int)take(from, 2);
	unsigned int source = (unsigned int)take(from, 1);
	unsigned int source_offset = (unsigned int)take(from, 2);
	uint64_t value = 0;
	uint64_t plus = take(from, 8);
	unsigned int there;

	if (buffer >= buffers_count || step >= STEPS_MAX || source >= common->saved.steps[step].count)
		return;
	if (offset + bytes > buffers[buffer].length)
		trouble("a patch lies outside of its buffer");
	there = common->saved.steps[step].buffers[source].length;
	there = there > source_offset ? there - source_offset : 0;
	if (there > bytes)
		there = bytes;
	memcpy(&value, common->saved.bytes + common->saved.steps[step].buffers[source].at + source_offset, there);
	value += plus;
	memcpy(buffers[buffer].memory + offset, &value, bytes);
}

static void place_buffer(struct reader *from, struct buffer *buffer)
{
	buffer->address = take(from, 8);
	buffer->length = (uint16_t)take(from, 2);
	buffer->given = take_bytes(from, buffer->length);
	buffer->memory = arena_writable(buffer->address);
	memcpy(buffer->memory, buffer->given, buffer->length);
}

/* Whether bytes are all guard bytes: word by word, since this is done around every buffer of every ioctl. */
static bool are_guards(const uint8_t *at, uint64_t bytes)
{
	uint64_t guards = arena_guard_byte * 0x0101010101010101u;
	uint64_t word;

	for (; bytes >= sizeof(word); at += sizeof(word), bytes -= sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		if (word != guards)
			return false;
	}
	return bytes == 0;
}

static uint64_t first_stray(uint64_t start, uint64_t bytes)
{
	if (are_guards((const uint8_t *)start, bytes))
		return 0;
	for (uint64_t address = start; address < start + bytes; address++)
		if (*(volatile uint8_t *)address != arena_guard_byte)
			return address;
	return 0;
}

/* The first changed guard byte around a buffer, or 0. */
static uint64_t stray_write(const struct buffer *buffer)
{
	uint64_t before = buffer->address - arena_guard_bytes;
	uint64_t after = buffer->address + buffer->length;
	uint64_t stray = 0;

	if (arena_is_guarded(before, arena_guard_bytes))
		stray = first_stray(before, arena_guard_bytes);
	if (!stray && arena_is_guarded(after, arena_guard_bytes))
		stray = first_stray(after, arena_guard_bytes);
	return stray;
}

static void save_buffer(unsigned int step, unsigned int index, const struct buffer *buffer)
{
	size_t at = __atomic_fetch_add(&common->saved.used, buffer->length, __ATOMIC_RELAXED);

	if (at + buffer->length > SAVED_BYTES_MAX)
		trouble("the buffers of a program exceed %d bytes", SAVED_BYTES_MAX);
	memcpy(common->saved.bytes + at, buffer->memory, buffer->length);
	common->saved.steps[step].buffers[index].at = (uint32_t)at;
	common->saved.steps[step].buffers[index].length = buffer->length;
	common->saved.steps[step].count = (uint8_t)(index + 1);
}

static void place_buffers(struct reader *from)
{
	buffers_count = (unsigned int)take(from, 1);
	if (buffers_count > BUFFERS_MAX)
		trouble("a call has more than %d buffers", BUFFERS_MAX);
	for (unsigned int i = 0; i < buffers_count; i++)
		place_buffer(from, &buffers[i]);
}

static void note_before(void)
{
	for (unsigned int i = 0; i < buffers_count; i++)
		if (buffers[i].length <= sizeof(before[i]))
			memcpy(before[i], buffers[i].memory, buffers[i].length);
}

static void take_places(struct reader *from)
{
	places_count = (unsigned int)take(from, 1);
	if (places_count > FDS_MAX)
		trouble("a call has more than %d descriptors", FDS_MAX);
	for (unsigned int i = 0; i < places_count; i++) {
		places[i].direction = (uint8_t)take(from, 1);
		places[i].buffer = (uint8_t)take(from, 1);
		places[i].offset = (uint16_t)take(from, 2);
		places[i].slot = (uint8_t)take(from, 1);
	}
}

static void put_number(const struct fd_place *place, int32_t number)
{
	memcpy(buffers[place->buffer].memory + place->offset, &number, sizeof(number));
}

static int32_t number_at(const struct fd_place *place)
{
	int32_t number;

	memcpy(&number, buffers[place->buffer].memory + place->offset, sizeof(number));
	return number;
}

/* Handles become numbers. */
static void pass_fds(void)
{
	for (unsigned int i = 0; i < places_count; i++) {
		struct fd_place *place = &places[i];

		if (place->direction == FD_IN) {
			place->number = file_number(place->slot);
			put_number(place, place->number);
		} else if (place->direction == FD_HIDDEN) {
			place->number = file_lowest_free();
		}
	}
}

/* Numbers become handles, and new descriptors are kept. Returns what the call returned, with a handle for a number too. */
static long receive_fds(long result)
{
	bool has_succeeded = result >= 0;

	for (unsigned int i = 0; i < places_count; i++) {
		struct fd_place *place = &places[i];
		int32_t handle = (int32_t)(FD_HANDLE_BASE + place->slot);

		if (place->direction == FD_IN) {
			if (number_at(place) == place->number)
				put_number(place, handle);
		} else if (has_succeeded && place->direction == FD_OUT) {
			file_adopt(place->slot, number_at(place));
			put_number(place, handle);
		} else if (has_succeeded) {
			file_adopt(place->slot, place->number);
			if (result > 0 && result == place->number)
				result = handle;
		}
	}
	return result;
}

/* What the call has changed of its buffers, and around them. */
static void report(struct writer *to, int error, long value)
{
	unsigned int changed = 0;
	uint64_t stray = 0;

	for (unsigned int i = 0; i < buffers_count; i++) {
		const uint8_t *old = buffers[i].length > sizeof(before[i]) ? buffers[i].given : before[i];

		if (!stray)
			stray = stray_write(&buffers[i]);
		if (memcmp(old, buffers[i].memory, buffers[i].length))
			changed |= 1u << i;
	}
	put_result(to, (uint8_t)((changed ? RESULT_CHANGED : 0) | (stray ? RESULT_STRAY : 0) | (inject_result() ? RESULT_INJECTED : 0)),
		   error, value);
	if (changed)
		put(to, (unsigned int)__builtin_popcount(changed), 1);
	for (unsigned int i = 0; i < buffers_count; i++) {
		if (changed & 1u << i) {
			put(to, i, 1);
			put(to, buffers[i].length, 2);
			put_bytes(to, buffers[i].memory, buffers[i].length);
		}
		if (arena_is_guarded(buffers[i].address, buffers[i].length))
			memset(buffers[i].memory, arena_guard_byte, buffers[i].length);
	}
	if (stray) {
		put(to, stray, 8);
		memset(arena_writable(stray), arena_guard_byte, 1);
	}
	if (inject_result())
		put(to, inject_result(), 1);
}

static void finish(unsigned int step, struct writer *to, long result)
{
	int error = result < 0 ? errno : 0;

	result = receive_fds(result);
	for (unsigned int i = 0; i < buffers_count; i++)
		save_buffer(step, i, &buffers[i]);
	if (to)
		report(to, error, result < 0 ? 0 : result);
}

void run_ioctl(struct reader *from, unsigned int step, struct writer *to)
{
	unsigned int slot = (unsigned int)take(from, 1);
	unsigned int patches;
	unsigned int command;
	uint64_t argument;
	long result;

	place_buffers(from);
	patches = (unsigned int)take(from, 1);
	command = (unsigned int)take(from, 4);
	argument = take(from, 8);
	while (patches--)
		apply_patch(from);
	take_places(from);
	note_before();
	pass_fds();
	inject_begin();
	result = ioctl(file_number(slot), command, argument);
	inject_end();
	finish(step, to, result);
}

/* read() and write(), with an offset pread() and pwrite(). */
void run_transfer(struct reader *from, unsigned int step, struct writer *to, bool is_write)
{
	unsigned int slot = (unsigned int)take(from, 1);
	uint64_t address = take(from, 8);
	size_t bytes = take(from, 4);
	bool has_offset = take(from, 1);
	off_t offset = (off_t)take(from, 8);
	int fd = file_number(slot);
	long result;

	place_buffers(from);
	places_count = 0;
	note_before();
	inject_begin();
	if (is_write)
		result = has_offset ? pwrite(fd, (void *)address, bytes, offset) : write(fd, (void *)address, bytes);
	else
		result = has_offset ? pread(fd, (void *)address, bytes, offset) : read(fd, (void *)address, bytes);
	inject_end();
	finish(step, to, result);
}
