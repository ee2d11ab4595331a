/* SPDX-License-Identifier: MIT */
/* read, write and poll of recorded descriptors, with their bytes. */
#include <unistd.h>

#include "recorder.h"

/* What stands for the file's own position. */
#define NO_OFFSET (-1)

static void transfer_begin(struct record *record, uint16_t kind, int fd, off_t offset)
{
	record_begin(record, kind);
	record_member(record, (uint64_t)fd);
	record_member(record, (uint64_t)offset);
	record_member(record, (uint64_t)watch_of(fd));
}

/* The bytes of the buffers that the call filled or emptied, which are the first ones. */
static void keep_pieces(struct record *record, uint32_t role, const struct iovec *pieces, int count, size_t moved)
{
	for (int index = 0; index < count; index++) {
		struct iovec piece;
		const struct part *kept;
		size_t bytes;

		if (peek((uint64_t)(uintptr_t)(pieces + index), &piece, sizeof(piece)) < sizeof(piece))
			return;
		bytes = moved < piece.iov_len ? moved : piece.iov_len;
		kept = record_memory(record, role, (uint64_t)(uintptr_t)piece.iov_base, bytes);
		if (!kept)
			return;
		record->part[record->parts - 1].wanted = piece.iov_len;
		moved -= bytes;
	}
}

static ssize_t read_end(struct record *record, const struct iovec *pieces, int count, ssize_t result)
{
	record_leave(record, result);
	keep_pieces(record, ROLE_AFTER, pieces, count, result < 0 ? 0 : (size_t)result);
	record_end(record);
	return result;
}

EXPORT ssize_t read(int fd, void *buffer, size_t count)
{
	struct iovec piece = { buffer, count };
	struct record record;

	if (watch_of(fd) == DEVICE_NONE)
		return next()->read(fd, buffer, count);
	transfer_begin(&record, KIND_READ, fd, NO_OFFSET);
	record_enter(&record);
	return read_end(&record, &piece, 1, next()->read(fd, buffer, count));
}

EXPORT ssize_t readv(int fd, const struct iovec *pieces, int count)
{
	struct record record;

	if (watch_of(fd) == DEVICE_NONE)
		return next()->readv(fd, pieces, count);
	transfer_begin(&record, KIND_READ, fd, NO_OFFSET);
	record_enter(&record);
	return read_end(&record, pieces, count, next()->readv(fd, pieces, count));
}

EXPORT ssize_t pread(int fd, void *buffer, size_t count, off_t offset)
{
	struct iovec piece = { buffer, count };
	struct record record;

	if (watch_of(fd) == DEVICE_NONE)
		return next()->pread(fd, buffer, count, offset);
	transfer_begin(&record, KIND_READ, fd, offset);
	record_enter(&record);
	return read_end(&record, &piece, 1, next()->pread(fd, buffer, count, offset));
}

EXPORT ssize_t pread64(int fd, void *buffer, size_t count, off64_t offset)
{
	return pread(fd, buffer, count, offset);
}

/* What programs compiled with _FORTIFY_SOURCE call. The check that it adds has nothing to do with the call itself. */
EXPORT ssize_t __read_chk(int fd, void *buffer, size_t count, size_t room);
EXPORT ssize_t __pread_chk(int fd, void *buffer, size_t count, off_t offset, size_t room);
EXPORT ssize_t __pread64_chk(int fd, void *buffer, size_t count, off_t offset, size_t room);
EXPORT int __poll_chk(struct pollfd *polled, nfds_t count, int timeout, size_t room);
EXPORT int __ppoll_chk(struct pollfd *polled, nfds_t count, const struct timespec *timeout, const sigset_t *signals,
		       size_t room);
void __chk_fail(void) __attribute__((noreturn));

ssize_t __read_chk(int fd, void *buffer, size_t count, size_t room)
{
	if (count > room)
		__chk_fail();
	return read(fd, buffer, count);
}

ssize_t __pread_chk(int fd, void *buffer, size_t count, off_t offset, size_t room)
{
	if (count > room)
		__chk_fail();
	return pread(fd, buffer, count, offset);
}

ssize_t __pread64_chk(int fd, void *buffer, size_t count, off_t offset, size_t room)
{
	return __pread_chk(fd, buffer, count, offset, room);
}

static void write_begin(struct record *record, int fd, off_t offset, const struct iovec *pieces, int count)
{
	transfer_begin(record, KIND_WRITE, fd, offset);
	keep_pieces(record, ROLE_BEFORE, pieces, count, PART_BYTES_MAX);
	record_enter(record);
}

static ssize_t write_end(struct record *record, ssize_t result)
{
	record_leave(record, result);
	record_end(record);
	return result;
}

EXPORT ssize_t write(int fd, const void *buffer, size_t count)
{
	struct iovec piece = { (void *)(uintptr_t)buffer, count };
	struct record record;

	if (watch_of(fd) == DEVICE_NONE)
		return next()->write(fd, buffer, count);
	write_begin(&record, fd, NO_OFFSET, &piece, 1);
	return write_end(&record, next()->write(fd, buffer, count));
}

EXPORT ssize_t writev(int fd, const struct iovec *pieces, int count)
{
	struct record record;

	if (watch_of(fd) == DEVICE_NONE)
		return next()->writev(fd, pieces, count);
	write_begin(&record, fd, NO_OFFSET, pieces, count);
	return write_end(&record, next()->writev(fd, pieces, count));
}

EXPORT ssize_t pwrite(int fd, const void *buffer, size_t count, off_t offset)
{
	struct iovec piece = { (void *)(uintptr_t)buffer, count };
	struct record record;

	if (watch_of(fd) == DEVICE_NONE)
		return next()->pwrite(fd, buffer, count, offset);
	write_begin(&record, fd, offset, &piece, 1);
	return write_end(&record, next()->pwrite(fd, buffer, count, offset));
}

EXPORT ssize_t pwrite64(int fd, const void *buffer, size_t count, off64_t offset)
{
	return pwrite(fd, buffer, count, offset);
}

/* Whether any of the descriptors is recorded. */
static bool is_polled(uint64_t polled, nfds_t count)
{
	if (!process_is_recorded())
		return false;
	for (nfds_t index = 0; index < count; index++) {
		struct pollfd one;

		if (peek(polled + index * sizeof(one), &one, sizeof(one)) < sizeof(one))
			return false;
		if (watch_of(one.fd) != DEVICE_NONE)
			return true;
	}
	return false;
}

static void poll_begin(struct record *record, uint64_t polled, nfds_t count, int64_t timeout)
{
	record_begin(record, KIND_POLL);
	record_member(record, count);
	record_member(record, (uint64_t)timeout);
	record_memory(record, ROLE_BEFORE, polled, count * sizeof(struct pollfd));
	record_enter(record);
}

static int poll_end(struct record *record, int result)
{
	record_leave(record, result);
	record_changes(record);
	record_end(record);
	return result;
}

EXPORT int poll(struct pollfd *polled, nfds_t count, int timeout)
{
	struct record record;

	if (!is_polled((uint64_t)(uintptr_t)polled, count))
		return next()->poll(polled, count, timeout);
	poll_begin(&record, (uint64_t)(uintptr_t)polled, count, timeout);
	return poll_end(&record, next()->poll(polled, count, timeout));
}

static int64_t milliseconds_of(const struct timespec *timeout)
{
	struct timespec given;

	if (!timeout || peek((uint64_t)(uintptr_t)timeout, &given, sizeof(given)) < sizeof(given))
		return -1;
	return given.tv_sec * 1000 + given.tv_nsec / 1000000;
}

EXPORT int ppoll(struct pollfd *polled, nfds_t count, const struct timespec *timeout, const sigset_t *signals)
{
	struct record record;

	if (!is_polled((uint64_t)(uintptr_t)polled, count))
		return next()->ppoll(polled, count, timeout, signals);
	poll_begin(&record, (uint64_t)(uintptr_t)polled, count, milliseconds_of(timeout));
	return poll_end(&record, next()->ppoll(polled, count, timeout, signals));
}

int __poll_chk(struct pollfd *polled, nfds_t count, int timeout, size_t room)
{
	if (room / sizeof(*polled) < count)
		__chk_fail();
	return poll(polled, count, timeout);
}

int __ppoll_chk(struct pollfd *polled, nfds_t count, const struct timespec *timeout, const sigset_t *signals, size_t room)
{
	if (room / sizeof(*polled) < count)
		__chk_fail();
	return ppoll(polled, count, timeout, signals);
}
