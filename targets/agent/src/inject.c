/* SPDX-License-Identifier: MIT */
/*
 * Lets the n-th place fail at which the kernel can make a system call fail: allocations, and places that a driver adds for its
 * tests. Who is to fail is told by what counts down when somebody does.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"

/* So many failures are allowed before the kernel stops counting. */
#define TIMES "1000000000"

#define NUMBER_BYTES_MAX 16

/* Who fails; one that a kernel does not have is left alone. */
static const struct {
	const char *directory;
	uint8_t what;
} failing[] = {
	{ DEBUGFS "/failslab", INJECTED_SLAB },
	{ DEBUGFS "/fail_page_alloc", INJECTED_PAGES },
	{ DEBUGFS "/fail_iommufd", INJECTED_IOMMUFD },
};

enum { FAILING = sizeof(failing) / sizeof(failing[0]) };

static long times_before[FAILING];
static int nth_file = -1;
static unsigned int wanted;
static uint8_t injected;

/* Any allocation may fail, a single page too, and nothing is said of it. */
bool inject_start(void)
{
	bool has_slab = write_text(DEBUGFS "/failslab", "ignore-gfp-wait", "N");
	bool has_pages = write_text(DEBUGFS "/fail_page_alloc", "ignore-gfp-wait", "N") &&
			 write_text(DEBUGFS "/fail_page_alloc", "ignore-gfp-highmem", "N") &&
			 write_text(DEBUGFS "/fail_page_alloc", "min-order", "0");

	for (unsigned int i = 0; i < FAILING; i++) {
		write_text(failing[i].directory, "verbose", "0");
		write_text(failing[i].directory, "times", TIMES);
	}
	return has_slab && has_pages && access("/proc/thread-self/fail-nth", W_OK) == 0;
}

/* In a process that runs steps. The descriptor stays open, so that programs find the same numbers free. */
void inject_enter(void)
{
	if (nth_file >= 0)
		close(nth_file);
	nth_file = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
}

static long times_left(unsigned int who)
{
	char text[NUMBER_BYTES_MAX];

	read_text(failing[who].directory, "times", text, sizeof(text));
	return strtol(text, NULL, 10);
}

/* 0 once something has been made to fail. */
static long nth_left(void)
{
	char text[NUMBER_BYTES_MAX];
	ssize_t bytes = pread(nth_file, text, sizeof(text) - 1, 0);

	if (bytes <= 0)
		return -1;
	text[bytes] = '\0';
	return strtol(text, NULL, 10);
}

static void set_nth(unsigned int nth)
{
	char text[NUMBER_BYTES_MAX];
	int bytes = snprintf(text, sizeof(text), "%u", nth);

	if (pwrite(nth_file, text, (size_t)bytes, 0) != bytes)
		trouble("fail-nth cannot be set: %s", strerror(errno));
}

void inject_ask(unsigned int nth)
{
	if (nth_file < 0)
		trouble("the kernel cannot make allocations fail");
	wanted = nth;
}

void inject_begin(void)
{
	injected = INJECTED_NOTHING;
	if (!wanted)
		return;
	for (unsigned int i = 0; i < FAILING; i++)
		times_before[i] = times_left(i);
	set_nth(wanted);
}

/* Leaves errno as the system call has set it. */
void inject_end(void)
{
	int error = errno;
	long left;

	if (!wanted)
		return;
	left = nth_left();
	set_nth(0);
	if (left == 0) {
		injected = INJECTED_OTHER;
		for (unsigned int i = 0; i < FAILING; i++)
			if (times_left(i) != times_before[i])
				injected = failing[i].what;
	}
	wanted = 0;
	errno = error;
}

uint8_t inject_result(void)
{
	return injected;
}
