/* SPDX-License-Identifier: MIT */
/* Memory of the program, of which nobody knows whether it is there: the kernel copies it, and says how far it came. */
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "recorder.h"

/* No copy crosses the end of a page: whether one that meets a hole is partial is not documented. */
#define PAGE_BYTES 4096

/* Kernels without CONFIG_CROSS_MEMORY_ATTACH and programs that confine themselves have no process_vm_readv. */
static int has_readv = 1;

static long copy_pieces(const struct iovec *to, const struct iovec *from, long count)
{
	return raw(SYS_process_vm_readv, raw(SYS_getpid), to, count, from, count, 0L);
}

static long copy_by_readv(uint64_t from, void *into, size_t count)
{
	struct iovec local = { into, count };
	struct iovec remote = { (void *)(uintptr_t)from, count };

	return copy_pieces(&local, &remote, 1);
}

/* A pipe for each copy: one that lasted would be shared with other threads and with children. */
static long copy_by_pipe(uint64_t from, void *into, size_t count)
{
	int end[2];
	long copied;

	if (raw(SYS_pipe2, end, O_CLOEXEC | O_NONBLOCK))
		return -1;
	copied = raw(SYS_write, end[1], from, count);
	if (copied > 0)
		copied = raw(SYS_read, end[0], into, copied);
	raw(SYS_close, end[0]);
	raw(SYS_close, end[1]);
	return copied;
}

static long copy(uint64_t from, void *into, size_t count)
{
	if (__atomic_load_n(&has_readv, __ATOMIC_RELAXED)) {
		long copied = copy_by_readv(from, into, count);

		if (copied >= 0 || (errno != ENOSYS && errno != EPERM))
			return copied;
		__atomic_store_n(&has_readv, 0, __ATOMIC_RELAXED);
	}
	return copy_by_pipe(from, into, count);
}

static size_t left_in_page(uint64_t address)
{
	return PAGE_BYTES - address % PAGE_BYTES;
}

size_t peek(uint64_t address, void *into, size_t bytes)
{
	size_t done = 0;

	while (done < bytes) {
		uint64_t from = address + done;
		size_t in_page = left_in_page(from);
		size_t count = bytes - done < in_page ? bytes - done : in_page;
		long copied = from < address ? -1 : copy(from, (char *)into + done, count);

		if (copied <= 0)
			break;
		done += (size_t)copied;
		if ((size_t)copied < count)
			break;
	}
	return done;
}

/* Whether all that is wanted could be copied by one call. */
static bool copy_at_once(const struct peeked *pieces, int count)
{
	struct iovec local[PARTS_MAX], remote[PARTS_MAX];
	size_t bytes = 0;

	if (!__atomic_load_n(&has_readv, __ATOMIC_RELAXED))
		return false;
	for (int index = 0; index < count; index++) {
		const struct peeked *piece = &pieces[index];

		if (piece->bytes > left_in_page(piece->address))
			return false;
		local[index] = (struct iovec){ piece->into, piece->bytes };
		remote[index] = (struct iovec){ (void *)(uintptr_t)piece->address, piece->bytes };
		bytes += piece->bytes;
	}
	return copy_pieces(local, remote, count) == (long)bytes;
}

void peek_each(struct peeked *pieces, int count)
{
	if (copy_at_once(pieces, count))
		return;
	for (int index = 0; index < count; index++)
		pieces[index].bytes = peek(pieces[index].address, pieces[index].into, pieces[index].bytes);
}
