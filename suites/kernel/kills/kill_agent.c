/* SPDX-License-Identifier: MIT */
/* Built with the agent in a test: somebody ends the worker with SIGKILL, at a moment that is another in each machine. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#define SOONEST_MS 300
#define RANGE_MS 4000

static void end_worker_some_time(void)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL };
	struct itimerspec when = { 0 };
	struct timespec now;
	timer_t timer;
	long ms;

	/* Processes that programs make are children of the worker. */
	if (getppid() != 1)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	ms = SOONEST_MS + now.tv_nsec / 1000 % RANGE_MS;
	when.it_value.tv_sec = ms / 1000;
	when.it_value.tv_nsec = ms % 1000 * 1000000;
	if (!timer_create(CLOCK_MONOTONIC, &event, &timer))
		timer_settime(timer, 0, &when, NULL);
}

__attribute__((constructor)) static void prepare(void)
{
	pthread_atfork(NULL, NULL, end_worker_some_time);
}
