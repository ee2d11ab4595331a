/* SPDX-License-Identifier: MIT */
/*
 * Preloaded into a program, it notes what code of the kernel the program's tasks reach, as bits of a file that all of them have
 * mapped. A task is traced from its first call of a function below on, whoever made it, and what it traced is noted after each of
 * them: other system calls are traced with the next one. Not seen: what a task does after its last, and what exit() does by itself.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kcov.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "generated.h"

#define PUBLIC __attribute__((visibility("default")))
#define KCOV_FILE "/sys/kernel/debug/kcov"
/* Of a trace, whose first word says how many follow. */
#define WORDS (1 << 19)
/* Numbers of descriptors that programs shall not come to begin here. */
#define HIDDEN_NUMBER_MIN 600

static uint8_t *seen;
/* Of the calling task; a task that was made by clone() finds those of its maker. */
static __thread long traced_task;
static __thread volatile unsigned long *trace;

static void *next(const char *name)
{
	void *function = dlsym(RTLD_NEXT, name);

	if (!function)
		abort();
	return function;
}

static void fail(const char *what)
{
	perror(what);
	abort();
}

__attribute__((constructor)) static void start(void)
{
	const char *path = getenv(TRACE_VARIABLE);
	int file = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC) : -1;

	if (file < 0)
		return;
	seen = mmap(NULL, COVERAGE_SPACE / 8, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	syscall(SYS_close, file);
	if (seen == MAP_FAILED)
		fail("kcov: what was reached cannot be mapped");
}

/* All memory is there before the program's own calls: they may have been told to fail when they need some. */
static void trace_task(long task)
{
	int number = (int)syscall(SYS_openat, AT_FDCWD, KCOV_FILE, O_RDWR | O_CLOEXEC);
	int file = (int)syscall(SYS_fcntl, number, F_DUPFD_CLOEXEC, HIDDEN_NUMBER_MIN);
	size_t bytes = WORDS * sizeof(unsigned long);

	traced_task = task;
	syscall(SYS_close, number);
	if (syscall(SYS_ioctl, file, KCOV_INIT_TRACE, WORDS))
		fail("kcov: no trace");
	trace = (void *)syscall(SYS_mmap, NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (trace == MAP_FAILED)
		fail("kcov: the trace cannot be mapped");
	madvise((void *)trace, bytes, MADV_DONTFORK);
	madvise(seen, COVERAGE_SPACE / 8, MADV_POPULATE_WRITE);
	if (syscall(SYS_ioctl, file, KCOV_ENABLE, KCOV_TRACE_PC))
		fail("kcov: cannot be enabled");
}

static void begin(void)
{
	int error = errno;
	long task;

	if (!seen)
		return;
	task = syscall(SYS_gettid);
	if (task != traced_task)
		trace_task(task);
	errno = error;
}

static void note(void)
{
	unsigned long count = seen ? trace[0] : 0;

	for (unsigned long i = 1; i <= count; i++) {
		uint64_t offset = trace[i] - COVERAGE_BASE;

		if (offset < COVERAGE_SPACE)
			__atomic_fetch_or(&seen[offset / 8], (uint8_t)(1u << offset % 8), __ATOMIC_RELAXED);
	}
	if (seen)
		trace[0] = 0;
}

#define WRAP(type, name, parameters, arguments)                          \
	PUBLIC type name parameters                                      \
	{                                                                \
		static type(*function) parameters;                       \
		type result;                                             \
                                                                         \
		if (!function)                                           \
			function = next(#name);                          \
		begin();                                                 \
		result = function arguments;                             \
		note();                                                  \
		return result;                                           \
	}

WRAP(int, close, (int file), (file))
WRAP(ssize_t, read, (int file, void *to, size_t bytes), (file, to, bytes))
WRAP(ssize_t, write, (int file, const void *from, size_t bytes), (file, from, bytes))
WRAP(void *, mmap, (void *at, size_t bytes, int protection, int flags, int file, off_t offset),
     (at, bytes, protection, flags, file, offset))
WRAP(int, munmap, (void *at, size_t bytes), (at, bytes))

PUBLIC int ioctl(int file, unsigned long request, ...)
{
	va_list arguments;
	void *argument;
	long result;

	va_start(arguments, request);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	begin();
	result = syscall(SYS_ioctl, file, request, argument);
	note();
	return (int)result;
}

PUBLIC int open(const char *path, int flags, ...)
{
	va_list arguments;
	int mode;
	long result;

	va_start(arguments, flags);
	mode = va_arg(arguments, int);
	va_end(arguments);
	begin();
	result = syscall(SYS_openat, AT_FDCWD, path, flags, mode);
	note();
	return (int)result;
}

PUBLIC void _exit(int status)
{
	if (syscall(SYS_gettid) == traced_task)
		note();
	for (;;)
		syscall(SYS_exit_group, status);
}
