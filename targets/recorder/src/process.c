/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "recorder.h"

/* The process that was introduced; a child starts with its parent's number here. 0: nothing of interest has happened yet. */
static int introduced;

bool process_is_recorded(void)
{
	return __atomic_load_n(&introduced, __ATOMIC_ACQUIRE) != 0;
}

void process_keep_credentials(struct record *record)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = { { 0, 0, 0 }, { 0, 0, 0 } };
	struct rlimit memlock = { RLIM_INFINITY, RLIM_INFINITY };

	raw(SYS_prlimit64, 0L, (long)RLIMIT_MEMLOCK, NULL, &memlock);
	raw(SYS_capget, &head, data);
	record_member(record, memlock.rlim_cur);
	record_member(record, data[0].effective | (uint64_t)data[1].effective << 32);
}

/* What is read of /proc/self/maps at once; the kernel hands out whole lines. */
#define MAPS_BYTES 4096

/* Whether a line of /proc/self/maps is of a mapping of the recorder. */
static bool is_our_own(const struct record *record, uint64_t start)
{
	for (int index = 0; index < record->chunks; index++)
		if (start == (uint64_t)(uintptr_t)record->chunk[index].start)
			return true;
	return trace_is_mapped_at(start);
}

/* Keeps those lines that meet a range; says whether there can be more of them. */
static bool keep_lines(struct text *kept, char *lines, size_t bytes, uint64_t start, uint64_t last)
{
	for (size_t at = 0; at < bytes;) {
		char *line = lines + at, *newline = memchr(line, '\n', bytes - at), *next_number;
		size_t length = newline ? (size_t)(newline + 1 - line) : bytes - at;
		uint64_t from = strtoull(line, &next_number, 16), end = strtoull(next_number + 1, NULL, 16);

		at += length;
		if (from > last)
			return false;
		if (end > start && !is_our_own(kept->record, from))
			text_add_bytes(kept, line, length);
	}
	return true;
}

/* The mappings that meet a range; as few system calls as possible, for programs map memory often. */
static void keep_maps(struct record *record, uint64_t start, uint64_t last)
{
	char lines[MAPS_BYTES + 1];
	struct text kept;
	long fd = raw(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC), bytes;

	if (fd < 0)
		return;
	text_begin(&kept, record);
	while ((bytes = raw(SYS_read, fd, lines, (size_t)MAPS_BYTES)) > 0) {
		lines[bytes] = '\0';
		if (!keep_lines(&kept, lines, (size_t)bytes, start, last))
			break;
	}
	raw(SYS_close, fd);
	text_end(&kept, ROLE_MAPS);
}

void process_keep_maps(struct record *record, uint64_t start, uint64_t bytes)
{
	if (bytes)
		keep_maps(record, start, start + (bytes - 1) < start ? UINT64_MAX : start + (bytes - 1));
}

static void keep_program(struct record *record)
{
	static const size_t size = 256;
	char *path = record_room(record, size);
	long bytes = path ? raw(SYS_readlinkat, -1, "/proc/self/exe", path, size) : 0;

	if (bytes > 0)
		record_bytes(record, ROLE_PATH, path, (size_t)bytes);
}

static void keep_release(struct record *record)
{
	struct utsname name;
	char *release = record_room(record, sizeof(name.release));

	if (!release || raw(SYS_uname, &name))
		return;
	memcpy(release, name.release, sizeof(name.release));
	record_bytes(record, ROLE_RELEASE, release, strnlen(release, sizeof(name.release)));
}

void process_introduce(int reason)
{
	struct record record;
	int pid = (int)raw(SYS_getpid);
	int before = __atomic_exchange_n(&introduced, pid, __ATOMIC_ACQ_REL);

	if (before == pid)
		return;
	record_clear(&record, KIND_PROCESS);
	record.start = trace_sequence();
	record_member(&record, (uint64_t)(before ? REASON_FORK : reason));
	record_member(&record, (uint64_t)(before ? before : raw(SYS_getppid)));
	record_member(&record, (uint64_t)raw(SYS_getuid));
	record_member(&record, sizeof(void *));
	record_member(&record, (uint64_t)sysconf(_SC_PAGESIZE));
	process_keep_credentials(&record);
	keep_program(&record);
	keep_release(&record);
	files_keep_all(&record);
	keep_maps(&record, 0, UINT64_MAX);
	record.end = trace_sequence();
	record_end(&record);
}

static void note_inherited(int fd, void *with)
{
	int device = watch_identify(fd);

	(void)with;
	if (device != DEVICE_NONE)
		watch_found(fd, device);
}

/* A program that inherits a watched descriptor is recorded from its start; any other once it opens one. */
__attribute__((constructor)) static void start(void)
{
	if (trace_open())
		files_each(note_inherited, NULL);
}
