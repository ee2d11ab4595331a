/* SPDX-License-Identifier: MIT */
/* Changes of the address space. The C library's own ones (malloc, stacks of threads) do not come by here. */
#include <stdarg.h>
#include <sys/mman.h>
#include <unistd.h>

#include "recorder.h"

static uint64_t address_of(const void *pointer)
{
	return (uint64_t)(uintptr_t)pointer;
}

static void *map(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
	struct record record;
	void *result;

	if (!process_is_recorded())
		return next()->mmap(address, length, protection, flags, fd, offset);
	record_begin(&record, KIND_MMAP);
	record_member(&record, address_of(address));
	record_member(&record, length);
	record_member(&record, (uint64_t)protection);
	record_member(&record, (uint64_t)flags);
	record_member(&record, (uint64_t)fd);
	record_member(&record, (uint64_t)offset);
	record_member(&record, (uint64_t)watch_of(fd));
	if (!(flags & MAP_ANONYMOUS))
		files_keep_one(&record, fd);
	record_enter(&record);
	result = next()->mmap(address, length, protection, flags, fd, offset);
	record_leave(&record, (int64_t)(intptr_t)result);
	/* A fixed mapping that fails may leave a hole behind. */
	if (result != MAP_FAILED || flags & MAP_FIXED)
		maps_keep(&record, address_of(result != MAP_FAILED ? result : address), length);
	record_end(&record);
	return result;
}

EXPORT void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
	return map(address, length, protection, flags, fd, offset);
}

EXPORT void *mmap64(void *address, size_t length, int protection, int flags, int fd, off64_t offset)
{
	return map(address, length, protection, flags, fd, offset);
}

EXPORT int munmap(void *address, size_t length)
{
	struct record record;
	int result;

	if (!process_is_recorded())
		return next()->munmap(address, length);
	record_begin(&record, KIND_MUNMAP);
	record_member(&record, address_of(address));
	record_member(&record, length);
	record_enter(&record);
	result = next()->munmap(address, length);
	record_leave(&record, result);
	record_end(&record);
	return result;
}

EXPORT void *mremap(void *address, size_t old_length, size_t new_length, int flags, ...)
{
	struct record record;
	void *result, *new_address;
	va_list arguments;

	va_start(arguments, flags);
	new_address = va_arg(arguments, void *);
	va_end(arguments);
	if (!process_is_recorded())
		return next()->mremap(address, old_length, new_length, flags, new_address);
	record_begin(&record, KIND_MREMAP);
	record_member(&record, address_of(address));
	record_member(&record, old_length);
	record_member(&record, new_length);
	record_member(&record, (uint64_t)flags);
	record_member(&record, flags & MREMAP_FIXED ? address_of(new_address) : 0);
	record_enter(&record);
	result = next()->mremap(address, old_length, new_length, flags, new_address);
	record_leave(&record, (int64_t)(intptr_t)result);
	if (result != MAP_FAILED)
		maps_keep(&record, address_of(result), new_length);
	record_end(&record);
	return result;
}

static int change(uint16_t kind, int (*call)(void *, size_t, int), void *address, size_t length, int how)
{
	struct record record;
	int result;

	if (!process_is_recorded())
		return call(address, length, how);
	record_begin(&record, kind);
	record_member(&record, address_of(address));
	record_member(&record, length);
	record_member(&record, (uint64_t)how);
	record_enter(&record);
	result = call(address, length, how);
	record_leave(&record, result);
	record_end(&record);
	return result;
}

EXPORT int mprotect(void *address, size_t length, int protection)
{
	return change(KIND_MPROTECT, next()->mprotect, address, length, protection);
}

EXPORT int madvise(void *address, size_t length, int advice)
{
	return change(KIND_MADVISE, next()->madvise, address, length, advice);
}
