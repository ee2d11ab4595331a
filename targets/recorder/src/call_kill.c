/* SPDX-License-Identifier: MIT */
/*
 * A process that is killed cannot say that it ends, and who kills it may not wait for it: what it held would seem to be there for ever.
 * So the recorder waits until it has ended, with all of its group if that was killed, and leaves the child for the program to wait for.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "recorder.h"

/* Processes of one kill; what there is beside is not waited for. */
#define KILLED_MAX 64

/* How long those of one kill may take to end. */
#define END_WAIT_MS 10000

struct killed {
	pid_t process[KILLED_MAX];
	int count;
};

/* Those whose end has been noted and who have not been waited for; an old one gives way. */
static struct killed noted;

bool kill_has_noted(pid_t child)
{
	for (int index = 0; index < noted.count; index++) {
		if (noted.process[index] != child)
			continue;
		noted.process[index] = noted.process[--noted.count];
		return true;
	}
	return false;
}

/* The state of a process as its /proc/PID/stat has it, and its group; 0 if it is gone. */
static char state_of(pid_t process, pid_t *group)
{
	char path[32], text[512], *name_end, *after_parent;
	long fd, bytes;

	snprintf(path, sizeof(path), "/proc/%d/stat", process);
	fd = raw(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	bytes = raw(SYS_read, fd, text, sizeof(text) - 1);
	raw(SYS_close, fd);
	if (bytes <= 0)
		return 0;
	text[bytes] = '\0';
	/* The name may have anything in it, also what follows it. */
	name_end = strrchr(text, ')');
	if (!name_end || strlen(name_end) < 4)
		return 0;
	/* Its parent comes before its group. */
	strtol(name_end + 3, &after_parent, 10);
	*group = (pid_t)strtol(after_parent, NULL, 10);
	return name_end[2];
}

struct group {
	pid_t number;
	struct killed *killed;
};

static void add_if_of_group(int process, long directory, void *with)
{
	const struct group *group = with;
	struct killed *killed = group->killed;
	pid_t its;

	(void)directory;
	if (killed->count < KILLED_MAX && state_of(process, &its) && its == group->number)
		killed->process[killed->count++] = process;
}

/* A process has let go of everything before it is a zombie. Source: kernel/exit.c:do_exit. */
static bool has_ended(pid_t process)
{
	pid_t group;
	char state = state_of(process, &group);

	return !state || state == 'Z' || state == 'X';
}

static void note_ends(const struct killed *killed)
{
	static const struct timespec moment = { 0, 1000000 };
	int waited_ms = 0;

	for (int index = 0; index < killed->count; index++) {
		pid_t process = killed->process[index];

		while (!has_ended(process) && waited_ms++ < END_WAIT_MS)
			raw(SYS_nanosleep, &moment, NULL);
		if (!has_ended(process))
			return;
		process_note_end(process, SIGKILL);
		if (noted.count == KILLED_MAX)
			noted.count--;
		noted.process[noted.count++] = process;
	}
}

EXPORT int kill(pid_t process, int signal)
{
	struct killed killed = { .count = 0 };
	struct group group = { -process, &killed };
	int result, program_errno = errno;

	if (signal != SIGKILL)
		return next()->kill(process, signal);
	/* 0 and -1 mean whoever this process belongs to, and nearly everybody. */
	if (process > 0)
		killed.process[killed.count++] = process;
	else if (process < -1)
		files_each_number("/proc", add_if_of_group, &group);
	errno = program_errno;
	result = next()->kill(process, signal);
	program_errno = errno;
	if (!result)
		note_ends(&killed);
	errno = program_errno;
	return result;
}
