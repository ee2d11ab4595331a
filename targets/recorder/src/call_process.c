/* SPDX-License-Identifier: MIT */
/* The beginning and the end of processes, and what changes them as a whole. */
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "recorder.h"

/* vfork is fork here: a child that shares the parent's memory could not return through this library. */
static pid_t fork_recorded(void)
{
	struct record record;
	pid_t child;

	if (!process_is_recorded())
		return next()->fork();
	record_begin(&record, KIND_FORK);
	record_member(&record, 0);
	record_enter(&record);
	child = next()->fork();
	if (!child) {
		process_introduce(REASON_FORK);
		errno = record.program_errno;
		return 0;
	}
	record_leave(&record, child);
	record_end(&record);
	return child;
}

EXPORT pid_t fork(void)
{
	return fork_recorded();
}

EXPORT pid_t __fork(void);
pid_t __fork(void)
{
	return fork_recorded();
}

EXPORT pid_t vfork(void)
{
	return fork_recorded();
}

/* What the destructor says if the program leaves by exit or from main. */
static int exit_status;

static void exit_record(int status)
{
	struct record record;

	if (!process_is_recorded())
		return;
	record_begin(&record, KIND_EXIT);
	record_member(&record, (uint64_t)status);
	record_enter(&record);
	record_leave(&record, 0);
	record_end(&record);
}

__attribute__((destructor)) static void leave(void)
{
	exit_record(exit_status);
}

EXPORT void _exit(int status)
{
	exit_record(status);
	for (;;)
		next()->_exit(status);
}

EXPORT void _Exit(int status)
{
	_exit(status);
}

void process_note_end(pid_t process, int status)
{
	struct record record;

	record_begin(&record, KIND_WAIT);
	record_member(&record, (uint64_t)status);
	record_enter(&record);
	record_leave(&record, process);
	record_end(&record);
}

static int note_end(pid_t child, int status)
{
	if (child > 0 && process_is_recorded() && !WIFSTOPPED(status) && !WIFCONTINUED(status) && !kill_has_noted(child))
		process_note_end(child, status);
	return child;
}

EXPORT pid_t waitpid(pid_t pid, int *status, int options)
{
	int own = 0;
	pid_t child = next()->waitpid(pid, status ? status : &own, options);

	return child > 0 ? note_end(child, status ? *status : own) : child;
}

EXPORT pid_t wait(int *status)
{
	return waitpid(-1, status, 0);
}

EXPORT pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage)
{
	int own = 0;
	pid_t child = next()->wait4(pid, status ? status : &own, options, usage);

	return child > 0 ? note_end(child, status ? *status : own) : child;
}

EXPORT int waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
	int result = next()->waitid(type, id, info, options);

	if (!result && info && (info->si_code == CLD_EXITED || info->si_code == CLD_KILLED || info->si_code == CLD_DUMPED))
		note_end(info->si_pid, 0);
	return result;
}

static void limits_record(int resource, const struct rlimit *limits, int result)
{
	struct record record;

	record_begin(&record, KIND_SETRLIMIT);
	record_enter(&record);
	record_leave(&record, result);
	record_member(&record, (uint64_t)resource);
	record_member(&record, limits->rlim_cur);
	record_member(&record, limits->rlim_max);
	record_end(&record);
}

static int set_limits(int resource, const struct rlimit *limits)
{
	int result = next()->setrlimit(resource, limits);

	if (!result && process_is_recorded())
		limits_record(resource, limits, result);
	return result;
}

EXPORT int setrlimit(__rlimit_resource_t resource, const struct rlimit *limits)
{
	return set_limits((int)resource, limits);
}

EXPORT int setrlimit64(__rlimit_resource_t resource, const struct rlimit64 *limits)
{
	return set_limits((int)resource, (const struct rlimit *)(const void *)limits);
}

static int set_limits_of(pid_t pid, int resource, const struct rlimit *limits, struct rlimit *old)
{
	int result = next()->prlimit(pid, resource, limits, old);

	if (!result && limits && process_is_recorded() && (!pid || pid == (pid_t)raw(SYS_getpid)))
		limits_record(resource, limits, result);
	return result;
}

EXPORT int prlimit(pid_t pid, enum __rlimit_resource resource, const struct rlimit *limits, struct rlimit *old)
{
	return set_limits_of(pid, (int)resource, limits, old);
}

EXPORT int prlimit64(pid_t pid, enum __rlimit_resource resource, const struct rlimit64 *limits, struct rlimit64 *old)
{
	return set_limits_of(pid, (int)resource, (const struct rlimit *)(const void *)limits,
			     (struct rlimit *)(void *)old);
}
