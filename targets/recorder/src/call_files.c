/* SPDX-License-Identifier: MIT */
/* Calls that make, copy and close descriptors. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "recorder.h"

/* The device that a path names as usual; its other names are found by what was opened. */
static int device_of_name(const char *path)
{
	char start[16] = "";

	peek((uint64_t)(uintptr_t)path, start, sizeof(start) - 1);
	return start[0] == '/' ? watch_device_of_path(start) : DEVICE_NONE;
}

static int device_of_character_file(int fd)
{
	struct stat status;

	return fd >= 0 && !raw(SYS_fstat, fd, &status) && S_ISCHR(status.st_mode) ? watch_identify(fd) : DEVICE_NONE;
}

static void open_end(struct record *record, int fd, int directory, const char *path, int flags, mode_t mode, int device)
{
	record_leave(record, fd);
	record_member(record, (uint64_t)directory);
	record_member(record, (uint64_t)flags);
	record_member(record, mode);
	record_member(record, (uint64_t)device);
	record_path(record, path);
	watch_set(fd, device);
	record_end(record);
}

static int open_at(int directory, const char *path, int flags, mode_t mode)
{
	struct record record;
	int saved = errno, fd, device;

	if (!trace_is_open())
		return next()->openat(directory, path, flags, mode);
	device = device_of_name(path);
	errno = saved;
	if (device != DEVICE_NONE) {
		record_begin(&record, KIND_OPEN);
		record_enter(&record);
		fd = next()->openat(directory, path, flags, mode);
		open_end(&record, fd, directory, path, flags, mode, device);
		return fd;
	}
	fd = next()->openat(directory, path, flags, mode);
	saved = errno;
	device = device_of_character_file(fd);
	errno = saved;
	if (device == DEVICE_NONE) {
		watch_set(fd, DEVICE_NONE);
		return fd;
	}
	record_begin(&record, KIND_OPEN);
	record_enter(&record);
	open_end(&record, fd, directory, path, flags, mode, device);
	return fd;
}

#define MODE_ARGUMENT(flags)                                                                                            \
	({                                                                                                                    \
		mode_t mode_ = 0;                                                                                                   \
		if ((flags) & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) {                                                             \
			va_list arguments_;                                                                                               \
			va_start(arguments_, flags);                                                                                      \
			mode_ = va_arg(arguments_, mode_t);                                                                               \
			va_end(arguments_);                                                                                               \
		}                                                                                                                   \
		mode_;                                                                                                              \
	})

EXPORT int open(const char *path, int flags, ...)
{
	return open_at(AT_FDCWD, path, flags, MODE_ARGUMENT(flags));
}

EXPORT int open64(const char *path, int flags, ...)
{
	return open_at(AT_FDCWD, path, flags, MODE_ARGUMENT(flags));
}

EXPORT int openat(int directory, const char *path, int flags, ...)
{
	return open_at(directory, path, flags, MODE_ARGUMENT(flags));
}

EXPORT int openat64(int directory, const char *path, int flags, ...)
{
	return open_at(directory, path, flags, MODE_ARGUMENT(flags));
}

/* What programs compiled with _FORTIFY_SOURCE call. */
EXPORT int __open_2(const char *path, int flags);
EXPORT int __open64_2(const char *path, int flags);
EXPORT int __openat_2(int directory, const char *path, int flags);
EXPORT int __openat64_2(int directory, const char *path, int flags);

int __open_2(const char *path, int flags)
{
	return open_at(AT_FDCWD, path, flags, 0);
}

int __open64_2(const char *path, int flags)
{
	return open_at(AT_FDCWD, path, flags, 0);
}

int __openat_2(int directory, const char *path, int flags)
{
	return open_at(directory, path, flags, 0);
}

int __openat64_2(int directory, const char *path, int flags)
{
	return open_at(directory, path, flags, 0);
}

EXPORT int close(int fd)
{
	struct record record;
	int device = watch_of(fd), result;

	if (trace_owns(fd)) {
		errno = EBADF;
		return -1;
	}
	if (device == DEVICE_NONE)
		return next()->close(fd);
	record_begin(&record, KIND_CLOSE);
	record_member(&record, (uint64_t)fd);
	record_member(&record, (uint64_t)device);
	/* The number may be taken again before the call returns. */
	watch_set(fd, DEVICE_NONE);
	record_enter(&record);
	result = next()->close(fd);
	record_leave(&record, result);
	record_end(&record);
	return result;
}

/* Closes a range around the recorder's own descriptor. */
static int close_around_ours(unsigned int first, unsigned int last, int flags)
{
	for (unsigned int fd = first; fd <= last && fd <= INT_MAX; fd++) {
		int result = 0;

		if (!trace_owns((int)fd))
			continue;
		if (fd > first)
			result = next()->close_range(first, fd - 1, flags);
		if (!result && fd < last)
			result = next()->close_range(fd + 1, last, flags);
		return result;
	}
	return next()->close_range(first, last, flags);
}

static int close_many(unsigned int first, unsigned int last, int flags)
{
	/* Not in linux/close_range.h of older systems. */
	const int cloexec = 4;
	struct record record;
	int result;

	if (!process_is_recorded())
		return trace_is_open() ? close_around_ours(first, last, flags) : next()->close_range(first, last, flags);
	record_begin(&record, KIND_CLOSE_RANGE);
	record_member(&record, first);
	record_member(&record, last);
	record_member(&record, (uint64_t)flags);
	record_enter(&record);
	result = close_around_ours(first, last, flags);
	record_leave(&record, result);
	if (!result && !(flags & cloexec))
		watch_clear(first, last);
	record_end(&record);
	return result;
}

EXPORT int close_range(unsigned int first, unsigned int last, int flags)
{
	return close_many(first, last, flags);
}

EXPORT void closefrom(int first)
{
	close_many(first < 0 ? 0 : (unsigned int)first, UINT_MAX, 0);
}

static bool is_of_interest(int fd, int at)
{
	return watch_of(fd) != DEVICE_NONE || watch_of(at) != DEVICE_NONE;
}

static void dup_begin(struct record *record, int fd, int at, int flags)
{
	record_begin(record, KIND_DUP);
	record_member(record, (uint64_t)fd);
	record_member(record, (uint64_t)at);
	record_member(record, (uint64_t)flags);
	record_member(record, (uint64_t)watch_of(fd));
	record_enter(record);
}

static int dup_end(struct record *record, int fd, int result)
{
	record_leave(record, result);
	if (result >= 0)
		watch_set(result, watch_of(fd));
	record_end(record);
	return result;
}

EXPORT int dup(int fd)
{
	struct record record;

	if (!is_of_interest(fd, -1))
		return next()->dup(fd);
	dup_begin(&record, fd, -1, 0);
	return dup_end(&record, fd, next()->dup(fd));
}

EXPORT int dup2(int fd, int at)
{
	struct record record;

	trace_make_way(at);
	if (!is_of_interest(fd, at))
		return next()->dup2(fd, at);
	dup_begin(&record, fd, at, 0);
	return dup_end(&record, fd, next()->dup2(fd, at));
}

EXPORT int dup3(int fd, int at, int flags)
{
	struct record record;

	trace_make_way(at);
	if (!is_of_interest(fd, at))
		return next()->dup3(fd, at, flags);
	dup_begin(&record, fd, at, flags);
	return dup_end(&record, fd, next()->dup3(fd, at, flags));
}

static int fcntl_any(int fd, int command, void *argument)
{
	struct record record;

	if ((command != F_DUPFD && command != F_DUPFD_CLOEXEC) || !is_of_interest(fd, -1))
		return next()->fcntl(fd, command, argument);
	dup_begin(&record, fd, (int)(intptr_t)argument, command == F_DUPFD_CLOEXEC ? O_CLOEXEC : 0);
	return dup_end(&record, fd, next()->fcntl(fd, command, argument));
}

#define POINTER_ARGUMENT(last)                                                                                          \
	({                                                                                                                    \
		va_list arguments_;                                                                                                 \
		void *pointer_;                                                                                                     \
		va_start(arguments_, last);                                                                                         \
		pointer_ = va_arg(arguments_, void *);                                                                              \
		va_end(arguments_);                                                                                                 \
		pointer_;                                                                                                           \
	})

EXPORT int fcntl(int fd, int command, ...)
{
	return fcntl_any(fd, command, POINTER_ARGUMENT(command));
}

EXPORT int fcntl64(int fd, int command, ...)
{
	return fcntl_any(fd, command, POINTER_ARGUMENT(command));
}

EXPORT int memfd_create(const char *name, unsigned int flags)
{
	struct record record;
	int fd;

	if (!process_is_recorded())
		return next()->memfd_create(name, flags);
	record_begin(&record, KIND_MEMFD_CREATE);
	record_member(&record, flags);
	record_path(&record, name);
	record_enter(&record);
	fd = next()->memfd_create(name, flags);
	record_leave(&record, fd);
	files_keep_one(&record, fd);
	record_end(&record);
	return fd;
}

static int truncate_fd(int fd, off_t length)
{
	struct record record;
	int result;

	if (!process_is_recorded())
		return next()->ftruncate(fd, length);
	record_begin(&record, KIND_FTRUNCATE);
	record_member(&record, (uint64_t)fd);
	record_member(&record, (uint64_t)length);
	record_enter(&record);
	result = next()->ftruncate(fd, length);
	record_leave(&record, result);
	files_keep_one(&record, fd);
	record_end(&record);
	return result;
}

EXPORT int ftruncate(int fd, off_t length)
{
	return truncate_fd(fd, length);
}

EXPORT int ftruncate64(int fd, off64_t length)
{
	return truncate_fd(fd, length);
}
