/* SPDX-License-Identifier: MIT */
/*
 * Stands in for /dev/iommu where a kernel has none: a library to be preloaded behind the recorder. Opening the device gives a
 * memory file; three ioctls on it answer, with fixed values.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "calls.h"

#define FILE_NAME "fake-iommu"
#define DEVICE "/dev/iommu"

/* What the link in /proc/self/fd really says. */
static long read_link(const char *name, char *link, size_t size)
{
	long (*next)(long, ...) = dlsym(RTLD_NEXT, "syscall");

	return next(SYS_readlinkat, AT_FDCWD, name, link, size);
}

static int is_ours(int fd)
{
	char name[64], link[64] = "";

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	return read_link(name, link, sizeof(link) - 1) > 0 && strstr(link, FILE_NAME);
}

/* The recorder's own system calls come by here: they see the device under its name. */
long syscall(long number, ...)
{
	long (*next)(long, ...) = dlsym(RTLD_NEXT, "syscall"), given[6], result;
	va_list arguments;

	va_start(arguments, number);
	for (int index = 0; index < 6; index++)
		given[index] = va_arg(arguments, long);
	va_end(arguments);
	result = next(number, given[0], given[1], given[2], given[3], given[4], given[5]);
	if (number == SYS_readlinkat && result > 0 && memmem((char *)given[2], (size_t)result, FILE_NAME, strlen(FILE_NAME)))
		return stpcpy((char *)given[2], DEVICE) - (char *)given[2];
	return result;
}

int openat(int directory, const char *path, int flags, ...)
{
	int (*next)(int, const char *, int, ...) = dlsym(RTLD_NEXT, "openat");
	unsigned int mode;
	va_list arguments;

	va_start(arguments, flags);
	mode = va_arg(arguments, unsigned int);
	va_end(arguments);
	if (!strcmp(path, DEVICE))
		return memfd_create(FILE_NAME, flags & O_CLOEXEC ? MFD_CLOEXEC : 0);
	return next(directory, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
	unsigned int mode;
	va_list arguments;

	va_start(arguments, flags);
	mode = va_arg(arguments, unsigned int);
	va_end(arguments);
	return openat(AT_FDCWD, path, flags, mode);
}

static int fail(int error)
{
	errno = error;
	return -1;
}

/* Like the kernel, it refuses what it cannot read. */
static int can_read(const void *pointer, size_t bytes)
{
	int end[2], is_readable;

	if (pipe(end))
		return 0;
	/* A write that meets a hole writes what lies before it. */
	is_readable = write(end[1], pointer, bytes) == (ssize_t)bytes;
	close(end[0]);
	close(end[1]);
	return is_readable;
}

int ioctl(int fd, unsigned long request, ...)
{
	int (*next)(int, unsigned long, ...) = dlsym(RTLD_NEXT, "ioctl");
	struct ioas_iova_ranges *ranges;
	va_list arguments;
	void *argument;

	va_start(arguments, request);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	if (!is_ours(fd))
		return next(fd, request, argument);
	if (!can_read(argument, sizeof(uint32_t)))
		return fail(EFAULT);
	switch (request) {
	case IOAS_ALLOC:
		if (!can_read(argument, sizeof(struct ioas_alloc)))
			return fail(EFAULT);
		((struct ioas_alloc *)argument)->out_ioas_id = ANSWER_ID;
		return 0;
	case IOAS_IOVA_RANGES:
		ranges = argument;
		((struct iova_range *)(uintptr_t)ranges->allowed_iovas)[0] = (struct iova_range){ 0, ANSWER_LAST };
		ranges->num_iovas = 1;
		return 0;
	case IOAS_MAP:
		((struct ioas_map *)argument)->iova = ANSWER_IOVA;
		return 0;
	default:
		return fail(ENOTTY);
	}
}
