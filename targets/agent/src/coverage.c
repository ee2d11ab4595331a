/* SPDX-License-Identifier: MIT */
/*
 * Which code of the kernel a program reached, by kcov: each task that carries out steps has a trace of its own, and what all of
 * them saw goes into one set of numbers. Not seen: what exit() and exec() do by themselves, and the kernel's own threads.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kcov.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent.h"

/* Of a trace, whose first word says how many follow. What a step traces beyond is lost, and the host is told. */
#define WORDS_OF_WORKER (1 << 20)
#define WORDS_OF_OTHERS (1 << 18)

/* Constants of MurmurHash3, which spread the numbers of a pair. */
#define SPREAD_LAST 0x9e3779b1u
#define SPREAD_NEXT 0x85ebca6bu

struct kcov_trace {
	int file;
	size_t words;
	/* Written by the kernel. */
	volatile unsigned long *at;
};

/* Of this process, and of each thread that is a lane. */
static struct kcov_trace own = { .file = -1 };
static struct kcov_trace lanes[LANES_MAX];

static bool is_on(void)
{
	return common->coverage.mode != COVERAGE_OFF;
}

/* The descriptor is hidden from programs. */
static void trace_open(struct kcov_trace *trace, size_t words)
{
	int file = open(KCOV_FILE, O_RDWR | O_CLOEXEC);

	if (file < 0)
		trouble("kcov cannot be opened: %s", strerror(errno));
	trace->file = move_up(file);
	trace->words = words;
	if (ioctl(trace->file, KCOV_INIT_TRACE, words))
		trouble("kcov has no memory for a trace: %s", strerror(errno));
	trace->at = mmap(NULL, words * sizeof(unsigned long), PROT_READ | PROT_WRITE, MAP_SHARED, trace->file, 0);
	if (trace->at == MAP_FAILED || madvise((void *)trace->at, words * sizeof(unsigned long), MADV_DONTFORK))
		trouble("a trace of kcov cannot be mapped: %s", strerror(errno));
}

static void trace_enable(struct kcov_trace *trace)
{
	if (ioctl(trace->file, KCOV_ENABLE, KCOV_TRACE_PC))
		trouble("kcov cannot be enabled: %s", strerror(errno));
}

void coverage_ask(struct reader *from)
{
	struct coverage *coverage = &common->coverage;

	coverage->mode = (uint8_t)take(from, 1);
	coverage->base = take(from, 8);
	coverage->ranges = (uint32_t)take(from, 4);
	if (coverage->ranges > COVERAGE_RANGES_MAX)
		trouble("more than %d ranges of code are asked for", COVERAGE_RANGES_MAX);
	for (uint32_t i = 0; i < coverage->ranges; i++) {
		coverage->range[i].start = (uint32_t)take(from, 4);
		coverage->range[i].end = (uint32_t)take(from, 4);
		if (coverage->range[i].end > COVERAGE_SPACE)
			trouble("a range of code is too far from the first");
	}
	for (unsigned int i = 0; i < LANES_MAX; i++)
		trace_open(&lanes[i], WORDS_OF_OTHERS);
	trace_open(&own, WORDS_OF_WORKER);
	trace_enable(&own);
}

/* In a process that was just made: kcov does not follow it there. */
void coverage_enter(void)
{
	if (!is_on())
		return;
	if (own.file >= 0)
		close(own.file);
	trace_open(&own, WORDS_OF_OTHERS);
	trace_enable(&own);
}

/* Before exec(), which would leave the process a trace that nobody can read. */
void coverage_leave(void)
{
	if (is_on())
		ioctl(own.file, KCOV_DISABLE, 0);
}

void coverage_lane_begin(unsigned int lane)
{
	if (is_on())
		trace_enable(&lanes[lane]);
}

void coverage_lane_end(unsigned int lane)
{
	if (is_on())
		ioctl(lanes[lane].file, KCOV_DISABLE, 0);
}

static bool is_wanted(const struct coverage *coverage, uint64_t offset)
{
	uint32_t first = 0, last = coverage->ranges;

	while (first < last) {
		uint32_t middle = first + (last - first) / 2;

		if (offset < coverage->range[middle].start)
			last = middle;
		else if (offset >= coverage->range[middle].end)
			first = middle + 1;
		else
			return true;
	}
	return false;
}

/* Other processes of the program may do the same at the same time. */
static void note(struct coverage *coverage, uint32_t number)
{
	uint64_t bit = (uint64_t)1 << number % 64;
	uint32_t at;

	if (__atomic_fetch_or(&coverage->seen[number / 64], bit, __ATOMIC_RELAXED) & bit)
		return;
	at = __atomic_fetch_add(&coverage->count, 1, __ATOMIC_RELAXED);
	if (at < COVERAGE_NUMBERS_MAX)
		coverage->numbers[at] = number;
}

/* A pair of places one after the other, as one number. */
static uint32_t edge(uint32_t last, uint32_t next)
{
	return (last * SPREAD_LAST ^ next * SPREAD_NEXT) / (UINT32_MAX / COVERAGE_SPACE + 1);
}

static void trace_collect(struct kcov_trace *trace)
{
	struct coverage *coverage = &common->coverage;
	size_t count = trace->at[0];
	uint32_t last = 0;

	if (count >= trace->words - 1)
		coverage->is_cut = true;
	for (size_t i = 1; i <= count; i++) {
		uint64_t offset = trace->at[i] - coverage->base;

		if (!is_wanted(coverage, offset))
			continue;
		note(coverage, coverage->mode == COVERAGE_EDGES ? edge(last, (uint32_t)offset) : (uint32_t)offset);
		last = (uint32_t)offset;
	}
	trace->at[0] = 0;
}

void coverage_collect(void)
{
	if (is_on())
		trace_collect(&own);
}

void coverage_collect_lane(unsigned int lane)
{
	if (is_on())
		trace_collect(&lanes[lane]);
}

void coverage_put(struct writer *to)
{
	struct coverage *coverage = &common->coverage;
	uint32_t count = coverage->count < COVERAGE_NUMBERS_MAX ? coverage->count : COVERAGE_NUMBERS_MAX;

	if (!is_on())
		return;
	put(to, coverage->is_cut || count < coverage->count, 1);
	put(to, count, 4);
	put_bytes(to, coverage->numbers, count * sizeof(*coverage->numbers));
	if (count < coverage->count)
		memset(coverage->seen, 0, sizeof(coverage->seen));
	for (uint32_t i = 0; i < count; i++)
		coverage->seen[coverage->numbers[i] / 64] = 0;
	coverage->count = 0;
	coverage->is_cut = false;
}
