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

/* The child whose end was noted as it was killed. */
static pid_t killed;

static void record_wait(pid_t child, int status)
{
	struct record record;

	record_begin(&record, KIND_WAIT);
	record_member(&record, (uint64_t)status);
	record_enter(&record);
	record_leave(&record, child);
	record_end(&record);
}

static int note_end(pid_t child, int status)
{
	if (child == killed)
		killed = 0;
	else if (child > 0 && process_is_recorded() && !WIFSTOPPED(status) && !WIFCONTINUED(status))
		record_wait(child, status);
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

/* How long a child that was killed may take to end. */
#define END_WAIT_MS 10000

/*
 * A process that is killed cannot say that it ends, and whoever kills it may not wait for it: what it held would seem to be there for ever.
 * So the recorder waits for the end of it, and leaves the child for the program to wait for.
 */
static void note_killed(pid_t child)
{
	static const struct timespec moment = { 0, 1000000 };
	int program_errno = errno;

	for (int waited_ms = 0; waited_ms < END_WAIT_MS; waited_ms++) {
		siginfo_t info = { 0 };

		if (next()->waitid(P_PID, (id_t)child, &info, WEXITED | WNOHANG | WNOWAIT))
			break;
		if (info.si_pid == child) {
			record_wait(child, SIGKILL);
			killed = child;
			break;
		}
		raw(SYS_nanosleep, &moment, NULL);
	}
	errno = program_errno;
}

EXPORT int kill(pid_t process, int signal)
{
	int result = next()->kill(process, signal);

	/* A group has the number of its leader. */
	if (!result && signal == SIGKILL && (process > 0 || process < -1))
		note_killed(process > 0 ? process : -process);
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
