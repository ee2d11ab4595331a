/* SPDX-License-Identifier: MIT */
#include <linux/capability.h>
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
	maps_keep_all(&record);
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
