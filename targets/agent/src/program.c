/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "agent.h"

#define CONSOLE_BYTES_MAX 16384

static bool changed_memory;
static bool changed_process;

void put_result(struct writer *to, uint8_t tag, int error, long value)
{
	tag |= (uint8_t)(error ? RESULT_ERRNO : value ? RESULT_VALUE : 0);
	put(to, tag, 1);
	if (error)
		put(to, (uint64_t)error, 2);
	else if (value)
		put(to, (uint64_t)value, 4);
}

static int protection_of(uint8_t access)
{
	switch (access) {
	case ACCESS_RW:
		return PROT_READ | PROT_WRITE;
	case ACCESS_RO:
		return PROT_READ;
	case ACCESS_RWX:
		return PROT_READ | PROT_WRITE | PROT_EXEC;
	default:
		return PROT_NONE;
	}
}

/* In place of what is there, which is unmapped first, so that a failing mmap() leaves a hole on every kernel. */
static void run_mmap(struct reader *from, struct writer *to)
{
	uint8_t access = (uint8_t)take(from, 1);
	uint64_t start = take(from, 8);
	uint64_t bytes = take(from, 8);
	int sharing = take(from, 1) ? MAP_PRIVATE : MAP_SHARED;
	int huge = take(from, 1) ? MAP_HUGETLB | MAP_POPULATE : 0;
	bool has_file = take(from, 1);
	unsigned int slot = (unsigned int)take(from, 1);
	off_t offset = (off_t)take(from, 8);
	int file = has_file ? file_number(slot) : -1;
	int flags = MAP_FIXED | sharing | huge | (has_file ? 0 : MAP_ANONYMOUS);
	void *at;

	munmap((void *)start, bytes);
	at = mmap((void *)start, bytes, protection_of(access), flags, file, offset);
	changed_memory = true;
	if (to)
		put_result(to, 0, at == MAP_FAILED ? errno : 0, 0);
}

static void run_mremap(struct reader *from, struct writer *to)
{
	uint64_t start = take(from, 8);
	uint64_t bytes = take(from, 8);
	uint64_t new_bytes = take(from, 8);
	uint64_t place = take(from, 8);
	int flags = place ? MREMAP_MAYMOVE | MREMAP_FIXED : 0;
	void *at = mremap((void *)start, bytes, new_bytes, flags, (void *)place);

	changed_memory = true;
	if (to)
		put_result(to, 0, at == MAP_FAILED ? errno : 0, 0);
}

static void run_mprotect(struct reader *from, struct writer *to)
{
	uint8_t access = (uint8_t)take(from, 1);
	uint64_t start = take(from, 8);
	uint64_t bytes = take(from, 8);
	int result = mprotect((void *)start, bytes, protection_of(access));

	changed_memory = true;
	if (to)
		put_result(to, 0, result < 0 ? errno : 0, 0);
}

static void run_munmap(struct reader *from, struct writer *to)
{
	uint64_t start = take(from, 8);
	uint64_t bytes = take(from, 8);
	int result = munmap((void *)start, bytes);

	changed_memory = true;
	if (to)
		put_result(to, 0, result < 0 ? errno : 0, 0);
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

static void run_by_child(struct reader *from, unsigned int step, struct writer *to)
{
	unsigned int process = (unsigned int)take(from, 1);

	if (from->at < from->end && *from->at == OP_EXIT) {
		take(from, 1);
		child_exit(process);
		if (to)
			put_result(to, 0, 0, 0);
	} else {
		child_run_step(process, from, step, to);
	}
}

void run_step(struct reader *from, unsigned int step, struct writer *to)
{
	uint8_t op = (uint8_t)take(from, 1);

	call_forget(step);
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
	case OP_READ:
		run_transfer(from, step, to, false);
		break;
	case OP_WRITE:
		run_transfer(from, step, to, true);
		break;
	case OP_POLL:
		run_poll(from, to);
		break;
	case OP_MEMFD:
		run_memfd(from, to);
		break;
	case OP_TRUNCATE:
		run_truncate(from, to);
		break;
	case OP_DUP:
		run_dup(from, to);
		break;
	case OP_CLOEXEC:
		run_cloexec(from, to);
		break;
	case OP_PASS:
		/* Two steps, each of its process. */
		run_step(from, step, to);
		run_step(from, step, NULL);
		break;
	case OP_SEND:
		run_send(from, to);
		break;
	case OP_RECEIVE:
		run_receive(from, to);
		break;
	case OP_EXEC:
		child_exec(from, to != NULL);
	case OP_MMAP:
		run_mmap(from, to);
		break;
	case OP_MREMAP:
		run_mremap(from, to);
		break;
	case OP_MPROTECT:
		run_mprotect(from, to);
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
	case OP_FORK:
		child_fork((unsigned int)take(from, 1));
		if (to)
			put_result(to, 0, 0, 0);
		break;
	case OP_FAIL_NTH:
		inject_ask((unsigned int)take(from, 2));
		run_step(from, step, to);
		break;
	case OP_BY:
		run_by_child(from, step, to);
		break;
	case OP_COUNTERS:
		run_counters(to);
		break;
	default:
		trouble("there is no operation %u", op);
	}
}

/*
 * Whatever a program changed of the agent itself is undone, so that the next one starts as it did. Returns whether an earlier
 * program left a file open.
 */
static bool tidy_up(void)
{
	bool has_leaked;

	children_tidy_up();
	has_leaked = files_tidy_up();

	if (changed_memory)
		arena_restore_scratch();
	if (changed_process)
		process_restore();
	changed_memory = false;
	changed_process = false;
	calls_forget();
	coverage_collect();
	return has_leaked;
}

/* Returns whether an earlier program left a file open. */
static bool run_steps(struct reader *from, struct writer *to)
{
	unsigned int count = (unsigned int)take(from, 2);

	if (count > STEPS_MAX)
		trouble("a program has more than %d steps", STEPS_MAX);
	for (unsigned int step = 0; step < count; step++) {
		note_progress(PROGRESS_STEP, step);
		if (from->at < from->end && *from->at == OP_LANES)
			step += lanes_run(from, step, to);
		else
			run_step(from, step, to);
		coverage_collect();
	}
	return tidy_up();
}

/*
 * The results of a program: whether it found a leaked file, the console text that it provoked, its steps, and what it reached if
 * the host has asked for that.
 */
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
	coverage_put(to);
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
