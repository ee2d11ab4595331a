/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "agent.h"

#define BUFFERS_MAX 8
#define CONSOLE_BYTES_MAX 16384
#define SAVED_BYTES_MAX (1 << 20)

static const char device[] = "/dev/iommu";

/* A program's open files, and the buffers of its steps after their calls, which later steps copy from. */
static int files[SLOTS_MAX] = { [0 ... SLOTS_MAX - 1] = -1 };
/* The number that the first file of a program gets while no earlier program left one open. */
static int first_file = -1;
static bool has_leaked_file;
static struct {
	uint8_t count;
	struct {
		const uint8_t *bytes;
		uint16_t length;
	} buffers[BUFFERS_MAX];
} saved[STEPS_MAX];
static uint8_t saved_bytes[SAVED_BYTES_MAX];
static size_t saved_used;
static bool changed_memory;
static bool changed_process;

struct buffer {
	uint64_t address;
	uint16_t length;
	uint8_t *memory;
	const uint8_t *given;
};

static void note_progress(unsigned int offset, uint32_t value)
{
	*(volatile uint32_t *)(progress + offset) = value;
}

static int saved_errno(long result)
{
	return result < 0 ? errno : 0;
}

static void put_result(struct writer *to, uint8_t tag, int error, long value)
{
	tag |= (uint8_t)(error ? RESULT_ERRNO : value ? RESULT_VALUE : 0);
	put(to, tag, 1);
	if (error)
		put(to, (uint64_t)error, 2);
	else if (value)
		put(to, (uint64_t)value, 4);
}

/* Copies bytes of an earlier step's buffer into this step's, plus a constant. */
static void apply_patch(struct reader *from, struct buffer *buffers, unsigned int count)
{
	unsigned int buffer = (unsigned int)take(from, 1);
	unsigned int bytes = (unsigned int)take(from, 1);
	unsigned int offset = (unsigned int)take(from, 2);
	unsigned int step = (unsigned int)take(from, 2);
	unsigned int source = (unsigned int)take(from, 1);
	unsigned int source_offset = (unsigned int)take(from, 2);
	uint64_t value = 0;
	uint64_t plus = take(from, 8);

	if (buffer >= count || step >= STEPS_MAX || source >= saved[step].count)
		return;
	if (source_offset + bytes > saved[step].buffers[source].length || offset + bytes > buffers[buffer].length)
		trouble("a patch lies outside of its buffer");
	memcpy(&value, saved[step].buffers[source].bytes + source_offset, bytes);
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
	if (saved_used + buffer->length > SAVED_BYTES_MAX)
		trouble("the buffers of a program exceed %d bytes", SAVED_BYTES_MAX);
	memcpy(saved_bytes + saved_used, buffer->memory, buffer->length);
	saved[step].buffers[index].bytes = saved_bytes + saved_used;
	saved[step].buffers[index].length = buffer->length;
	saved[step].count = (uint8_t)(index + 1);
	saved_used += buffer->length;
}

static void run_ioctl(struct reader *from, unsigned int step, struct writer *to)
{
	struct buffer buffers[BUFFERS_MAX];
	uint8_t before[BUFFERS_MAX][512];
	unsigned int slot = (unsigned int)take(from, 1);
	unsigned int count = (unsigned int)take(from, 1);
	unsigned int patches = (unsigned int)take(from, 1);
	unsigned int command = (unsigned int)take(from, 4);
	uint64_t argument = take(from, 8);
	unsigned int changed = 0;
	uint64_t stray = 0;
	uint8_t tag = 0;
	long result;
	int error;

	if (count > BUFFERS_MAX)
		trouble("an ioctl has more than %d buffers", BUFFERS_MAX);
	for (unsigned int i = 0; i < count; i++)
		place_buffer(from, &buffers[i]);
	while (patches--)
		apply_patch(from, buffers, count);
	for (unsigned int i = 0; i < count && buffers[i].length <= sizeof(before[i]); i++)
		memcpy(before[i], buffers[i].memory, buffers[i].length);

	result = ioctl(slot < SLOTS_MAX ? files[slot] : -1, command, argument);
	error = saved_errno(result);

	for (unsigned int i = 0; i < count; i++)
		save_buffer(step, i, &buffers[i]);
	if (!to)
		return;
	for (unsigned int i = 0; i < count; i++) {
		bool is_long = buffers[i].length > sizeof(before[i]);

		if (!stray)
			stray = stray_write(&buffers[i]);
		if (is_long || memcmp(before[i], buffers[i].memory, buffers[i].length))
			changed |= 1u << i;
	}
	tag = (uint8_t)((changed ? RESULT_CHANGED : 0) | (stray ? RESULT_STRAY : 0));
	put_result(to, tag, error, result < 0 ? 0 : result);
	if (changed)
		put(to, (unsigned int)__builtin_popcount(changed), 1);
	for (unsigned int i = 0; i < count; i++) {
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
}

static void run_open(struct reader *from, struct writer *to)
{
	unsigned int slot = (unsigned int)take(from, 1);

	if (slot >= SLOTS_MAX)
		trouble("a program has more than %d files", SLOTS_MAX);
	files[slot] = open(device, O_RDWR | O_CLOEXEC);
	if (first_file < 0)
		first_file = files[slot];
	if (files[slot] > first_file + (int)slot)
		has_leaked_file = true;
	if (to)
		put_result(to, 0, saved_errno(files[slot]), 0);
}

static void run_close(struct reader *from, struct writer *to)
{
	unsigned int slot = (unsigned int)take(from, 1);
	int result = close(slot < SLOTS_MAX ? files[slot] : -1);

	if (to)
		put_result(to, 0, saved_errno(result), 0);
	if (slot < SLOTS_MAX)
		files[slot] = -1;
}

static void run_mmap(struct reader *from, struct writer *to)
{
	uint8_t access = (uint8_t)take(from, 1);
	uint64_t start = take(from, 8);
	uint64_t bytes = take(from, 8);
	int protection = access == ACCESS_RW ? PROT_READ | PROT_WRITE : access == ACCESS_RO ? PROT_READ : PROT_NONE;
	void *at = mmap((void *)start, bytes, protection, MAP_FIXED | MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	changed_memory = true;
	if (to)
		put_result(to, 0, at == MAP_FAILED ? errno : 0, 0);
}

static void run_munmap(struct reader *from, struct writer *to)
{
	uint64_t start = take(from, 8);
	uint64_t bytes = take(from, 8);
	int result = munmap((void *)start, bytes);

	changed_memory = true;
	if (to)
		put_result(to, 0, saved_errno(result), 0);
}

static void run_counters(struct writer *to)
{
	struct counters counters = process_counters();

	if (!to)
		return;
	put_result(to, RESULT_COUNTERS, 0, 0);
	put(to, counters.pinned_pages, 8);
	put(to, counters.locked_pages, 8);
}

static void run_step(struct reader *from, unsigned int step, struct writer *to)
{
	uint8_t op = (uint8_t)take(from, 1);

	saved[step].count = 0;
	switch (op) {
	case OP_OPEN:
		run_open(from, to);
		break;
	case OP_CLOSE:
		run_close(from, to);
		break;
	case OP_IOCTL:
		run_ioctl(from, step, to);
		break;
	case OP_MMAP:
		run_mmap(from, to);
		break;
	case OP_MUNMAP:
		run_munmap(from, to);
		break;
	case OP_PROCESS:
		process_change(from);
		changed_process = true;
		if (to)
			put_result(to, 0, 0, 0);
		break;
	case OP_COUNTERS:
		run_counters(to);
		break;
	default:
		trouble("there is no operation %u", op);
	}
}

/* Whatever a program changed of the agent itself is undone, so that the next one starts as it did. */
static void tidy_up(void)
{
	for (unsigned int slot = 0; slot < SLOTS_MAX; slot++) {
		if (files[slot] >= 0)
			close(files[slot]);
		files[slot] = -1;
	}
	if (changed_memory)
		arena_restore_scratch();
	if (changed_process)
		process_restore();
	changed_memory = false;
	changed_process = false;
	has_leaked_file = false;
	saved_used = 0;
}

/* Returns whether an earlier program left a file open. */
static bool run_steps(struct reader *from, struct writer *to)
{
	unsigned int count = (unsigned int)take(from, 2);
	bool has_leaked;

	if (count > STEPS_MAX)
		trouble("a program has more than %d steps", STEPS_MAX);
	for (unsigned int step = 0; step < count; step++) {
		note_progress(PROGRESS_STEP, step);
		run_step(from, step, to);
	}
	has_leaked = has_leaked_file;
	tidy_up();
	return has_leaked;
}

/* The results of a program: whether it found a leaked file, the console text that it provoked, then its steps. */
static void run_program(struct reader *from, struct writer *to)
{
	static char console[CONSOLE_BYTES_MAX];
	static uint8_t steps[FRAME_BYTES_MAX / 4];
	struct writer step_results = { steps, steps, steps + sizeof(steps) };
	size_t console_bytes;
	bool has_leaked;

	has_leaked = run_steps(from, &step_results);
	console_bytes = console_take(console, sizeof(console));
	put(to, has_leaked, 1);
	put(to, console_bytes, 2);
	put_bytes(to, console, console_bytes);
	put_bytes(to, steps, (size_t)(step_results.at - steps));
}

/*
 * A batch is its number, how many programs it has, and the programs. The results end with the counters of the process, which
 * are 0 unless a program left something behind.
 */
void batch_run(struct reader *from)
{
	uint32_t batch = (uint32_t)take(from, 4);
	uint32_t count = (uint32_t)take(from, 4);
	struct writer to = { results->data, results->data, results->data + sizeof(results->data) };
	struct counters left;

	results->batch = batch;
	results->programs = 0;
	results->bytes = 0;
	note_progress(PROGRESS_BATCH, batch);
	for (uint32_t program = 0; program < count; program++) {
		note_progress(PROGRESS_PROGRAM, program);
		run_program(from, &to);
		results->bytes = (uint32_t)(to.at - to.start);
		results->programs = program + 1;
	}
	left = process_counters();
	put(&to, left.pinned_pages, 8);
	put(&to, left.locked_pages, 8);
	results->bytes = (uint32_t)(to.at - to.start);
	results_send();
}

/* Runs a batch again and again without looking at results, nor at guard bytes; returns the nanoseconds it took. */
uint64_t batch_bench(struct reader *from)
{
	uint32_t repeat = (uint32_t)take(from, 4);
	struct timespec start, end;

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (uint32_t round = 0; round < repeat; round++) {
		struct reader again = *from;
		uint32_t count;

		take(&again, 4);
		count = (uint32_t)take(&again, 4);
		for (uint32_t program = 0; program < count; program++)
			run_steps(&again, NULL);
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	arena_refill_guards();
	return (uint64_t)(end.tv_sec - start.tv_sec) * 1000000000u + (uint64_t)end.tv_nsec - (uint64_t)start.tv_nsec;
}
