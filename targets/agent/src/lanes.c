/* SPDX-License-Identifier: MIT */
/*
 * Steps that go on at the same time: each lane has a thread, which shares memory and descriptors with the worker. The threads wait
 * for each other, so that their first calls overlap. Results are kept apart, and put in order when all have ended.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>

#include "agent.h"

#define LANE_RESULT_BYTES_MAX (128 << 10)
/* Looks at the others before the CPU is offered to them. */
#define SPINS_MAX 2000

static struct lane {
	pthread_t thread;
	struct reader from;
	struct writer to;
	unsigned int first;
	unsigned int steps;
	bool reports;
	bool has_ended;
	uint8_t results[LANE_RESULT_BYTES_MAX];
} lanes[LANES_MAX];

static unsigned int missing;
/* The lane whose thread is started first, which changes: the thread that is started last is seldom late. */
static unsigned int first_started;

static void wait_for_others(void)
{
	unsigned int spins = 0;

	__atomic_sub_fetch(&missing, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&missing, __ATOMIC_ACQUIRE))
		if (++spins % SPINS_MAX == 0)
			sched_yield();
}

static void *run_lane(void *argument)
{
	struct lane *lane = argument;
	unsigned int offset = PROGRESS_LANES + (unsigned int)(lane - lanes) * sizeof(uint32_t);

	coverage_lane_begin((unsigned int)(lane - lanes));
	wait_for_others();
	for (unsigned int i = 0; i < lane->steps; i++) {
		note_progress(offset, lane->first + i + 1);
		run_step(&lane->from, lane->first + i, lane->reports ? &lane->to : NULL);
	}
	coverage_lane_end((unsigned int)(lane - lanes));
	note_progress(offset, 0);
	lane->has_ended = true;
	return NULL;
}

/* What the lanes are, and where the bytes of each are found. Returns how many steps they have. */
static unsigned int take_lanes(struct reader *from, unsigned int step, unsigned int count)
{
	size_t bytes[LANES_MAX];
	unsigned int steps = 0;

	for (unsigned int i = 0; i < count; i++) {
		lanes[i].first = step + 1 + steps;
		lanes[i].steps = (unsigned int)take(from, 1);
		if (lanes[i].steps > LANE_STEPS_MAX)
			trouble("a lane has more than %d steps", LANE_STEPS_MAX);
		bytes[i] = take(from, 4);
		steps += lanes[i].steps;
	}
	for (unsigned int i = 0; i < count; i++) {
		const uint8_t *at = take_bytes(from, bytes[i]);

		lanes[i].from = (struct reader){ at, at + bytes[i] };
	}
	return steps;
}

static void start_lane(struct lane *lane, bool reports)
{
	int error;

	lane->to = (struct writer){ lane->results, lane->results, lane->results + sizeof(lane->results) };
	lane->reports = reports;
	lane->has_ended = false;
	error = pthread_create(&lane->thread, NULL, run_lane, lane);
	if (error)
		trouble("a thread cannot be started: %s", strerror(error));
}

unsigned int lanes_run(struct reader *from, unsigned int step, struct writer *to)
{
	unsigned int count, steps;

	take(from, 1);
	count = (unsigned int)take(from, 1);
	if (count > LANES_MAX)
		trouble("a program has more than %d lanes", LANES_MAX);
	steps = take_lanes(from, step, count);
	missing = count;
	first_started++;
	for (unsigned int i = 0; i < count; i++)
		start_lane(&lanes[(first_started + i) % count], to != NULL);
	for (unsigned int i = 0; i < count; i++)
		pthread_join(lanes[i].thread, NULL);
	for (unsigned int i = 0; i < count; i++)
		coverage_collect_lane(i);
	if (to)
		put_result(to, 0, 0, 0);
	for (unsigned int i = 0; i < count; i++) {
		/* Killed by the kernel: what there is to report is where the lanes were. */
		if (!lanes[i].has_ended)
			raise(SIGKILL);
		if (to)
			put_bytes(to, lanes[i].results, (size_t)(lanes[i].to.at - lanes[i].results));
	}
	return steps;
}
