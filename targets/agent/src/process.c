/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent.h"

#define PAGE_KIB 4

static int status_file = -1;
static struct __user_cap_data_struct all_capabilities[2];
static struct __user_cap_data_struct current_capabilities[2];

static void set_memlock(uint64_t bytes)
{
	struct rlimit limit = { .rlim_cur = bytes, .rlim_max = RLIM_INFINITY };

	if (setrlimit(RLIMIT_MEMLOCK, &limit))
		trouble("RLIMIT_MEMLOCK cannot be set: %s", strerror(errno));
}

static void set_capabilities(struct __user_cap_data_struct *data)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

	if (syscall(SYS_capset, &header, data))
		trouble("capabilities cannot be set: %s", strerror(errno));
}

static void open_status(void)
{
	status_file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	if (status_file < 0)
		trouble("/proc/self/status cannot be opened: %s", strerror(errno));
}

void process_read_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

	if (syscall(SYS_capget, &header, all_capabilities))
		trouble("capabilities cannot be read: %s", strerror(errno));
	memcpy(current_capabilities, all_capabilities, sizeof(all_capabilities));
}

void process_start(void)
{
	process_read_capabilities();
	open_status();
	inject_enter();
	set_memlock(arena_memlock);
}

void process_enter(void)
{
	if (status_file >= 0)
		close(status_file);
	open_status();
	inject_enter();
	coverage_enter();
}

/* Drops effective capabilities and sets the soft limit, until process_restore(). */
void process_change(struct reader *from)
{
	unsigned int dropped = (unsigned int)take(from, 1);
	bool has_memlock;

	while (dropped--) {
		unsigned int capability = (unsigned int)take(from, 1);

		current_capabilities[capability / 32].effective &= ~(1u << capability % 32);
	}
	has_memlock = take(from, 1);
	if (has_memlock)
		set_memlock(take(from, 8));
	set_capabilities(current_capabilities);
}

void process_restore(void)
{
	memcpy(current_capabilities, all_capabilities, sizeof(all_capabilities));
	set_capabilities(all_capabilities);
	set_memlock(arena_memlock);
}

static uint64_t status_pages(const char *status, const char *key)
{
	const char *line = strstr(status, key);

	return line ? strtoull(line + strlen(key), NULL, 10) / PAGE_KIB : 0;
}

struct counters process_counters(void)
{
	char status[4096];
	ssize_t bytes = pread(status_file, status, sizeof(status) - 1, 0);

	if (bytes < 0)
		trouble("/proc/self/status cannot be read: %s", strerror(errno));
	status[bytes] = '\0';
	return (struct counters){
		.pinned_pages = status_pages(status, "VmPin:"),
		.locked_pages = status_pages(status, "VmLck:"),
	};
}
