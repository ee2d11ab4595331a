/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "recorder.h"

/* The most descriptors that a process can have by default (fs.nr_open); higher ones are not recorded. */
#define FDS_MAX (1 << 20)

static uint8_t watched[FDS_MAX];

int watch_of(int fd)
{
	return fd >= 0 && fd < FDS_MAX ? __atomic_load_n(&watched[fd], __ATOMIC_ACQUIRE) : DEVICE_NONE;
}

void watch_set(int fd, int device)
{
	if (fd >= 0 && fd < FDS_MAX && watch_of(fd) != device)
		__atomic_store_n(&watched[fd], (uint8_t)device, __ATOMIC_RELEASE);
}

void watch_clear(unsigned int first, unsigned int last)
{
	for (unsigned int fd = first; fd < FDS_MAX && fd <= last; fd++)
		watch_set((int)fd, DEVICE_NONE);
}

static bool starts_with(const char *text, const char *start)
{
	return !strncmp(text, start, strlen(start));
}

int watch_device_of_path(const char *path)
{
	if (!strcmp(path, "/dev/iommu"))
		return DEVICE_IOMMUFD;
	if (!strcmp(path, "/dev/vfio/vfio"))
		return DEVICE_VFIO_CONTAINER;
	if (starts_with(path, "/dev/vfio/") || starts_with(path, "anon_inode:[vfio"))
		return DEVICE_VFIO;
	return starts_with(path, "anon_inode:[iommufd") ? DEVICE_HANDED_OUT : DEVICE_NONE;
}

int watch_identify(int fd)
{
	char name[32], link[64];
	long bytes;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	bytes = raw(SYS_readlinkat, AT_FDCWD, name, link, sizeof(link) - 1);
	link[bytes < 0 ? 0 : bytes] = '\0';
	return watch_device_of_path(link);
}

void watch_found(int fd, int device)
{
	struct record record;

	watch_set(fd, device);
	process_introduce(REASON_PROGRAM_START);
	record_clear(&record, KIND_FOUND);
	record.start = trace_sequence();
	record_member(&record, (uint64_t)fd);
	record_member(&record, (uint64_t)device);
	files_keep_one(&record, fd);
	record.end = trace_sequence();
	record_end(&record);
}
