/* SPDX-License-Identifier: MIT */
/* The calls above when they are made by number. */
#include <errno.h>
#include <linux/sched.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <fcntl.h>

#include "recorder.h"

#define ARGUMENTS 6

/* A clone with memory of its own is a fork. */
static long clone_recorded(long number, const long *given, uint64_t flags)
{
	struct record record;
	long child;

	if (!process_is_recorded() || flags & CLONE_VM)
		return next()->syscall(number, given[0], given[1], given[2], given[3], given[4], given[5]);
	record_begin(&record, KIND_FORK);
	record_member(&record, 0);
	record_enter(&record);
	child = next()->syscall(number, given[0], given[1], given[2], given[3], given[4], given[5]);
	if (!child) {
		process_introduce(REASON_FORK);
		errno = record.program_errno;
		return 0;
	}
	record_leave(&record, child);
	record_end(&record);
	return child;
}

static uint64_t flags_of_clone3(long arguments)
{
	uint64_t flags = 0;

	peek((uint64_t)arguments, &flags, sizeof(flags));
	return flags;
}

EXPORT long syscall(long number, ...)
{
	long given[ARGUMENTS];
	va_list arguments;

	va_start(arguments, number);
	for (int index = 0; index < ARGUMENTS; index++)
		given[index] = va_arg(arguments, long);
	va_end(arguments);

	switch (number) {
	case SYS_ioctl:
		return ioctl((int)given[0], (unsigned long)given[1], (void *)given[2]);
	case SYS_openat:
		return openat((int)given[0], (const char *)given[1], (int)given[2], (mode_t)given[3]);
	case SYS_close:
		return close((int)given[0]);
	case SYS_close_range:
		return close_range((unsigned int)given[0], (unsigned int)given[1], (int)given[2]);
	case SYS_dup:
		return dup((int)given[0]);
	case SYS_dup3:
		return dup3((int)given[0], (int)given[1], (int)given[2]);
	case SYS_fcntl:
		return fcntl((int)given[0], (int)given[1], (void *)given[2]);
	case SYS_memfd_create:
		return memfd_create((const char *)given[0], (unsigned int)given[1]);
	case SYS_ftruncate:
		return ftruncate((int)given[0], given[1]);
	case SYS_read:
		return read((int)given[0], (void *)given[1], (size_t)given[2]);
	case SYS_write:
		return write((int)given[0], (const void *)given[1], (size_t)given[2]);
	case SYS_mmap:
		return (long)mmap((void *)given[0], (size_t)given[1], (int)given[2], (int)given[3], (int)given[4], given[5]);
	case SYS_munmap:
		return munmap((void *)given[0], (size_t)given[1]);
	case SYS_mremap:
		return (long)mremap((void *)given[0], (size_t)given[1], (size_t)given[2], (int)given[3], (void *)given[4]);
	case SYS_mprotect:
		return mprotect((void *)given[0], (size_t)given[1], (int)given[2]);
	case SYS_madvise:
		return madvise((void *)given[0], (size_t)given[1], (int)given[2]);
	case SYS_execve:
		return execve((const char *)given[0], (char *const *)given[1], (char *const *)given[2]);
	case SYS_exit_group:
		_exit((int)given[0]);
	case SYS_clone:
		return clone_recorded(number, given, (uint64_t)given[0]);
	case SYS_clone3:
		return clone_recorded(number, given, flags_of_clone3(given[0]));
#ifdef SYS_open
	case SYS_open:
		return open((const char *)given[0], (int)given[1], (mode_t)given[2]);
	case SYS_dup2:
		return dup2((int)given[0], (int)given[1]);
	case SYS_fork:
	case SYS_vfork:
		return fork();
#endif
	default:
		return next()->syscall(number, given[0], given[1], given[2], given[3], given[4], given[5]);
	}
}
