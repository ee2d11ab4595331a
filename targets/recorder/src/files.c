/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "recorder.h"

/* struct linux_dirent64, which no header of user space has. Source: getdents(2). */
struct entry {
	uint64_t inode;
	int64_t next;
	uint16_t bytes;
	uint8_t type;
	char name[];
};

void files_each_number(const char *path, void (*visit)(int number, long directory, void *with), void *with)
{
	_Alignas(8) char entries[1024];
	long directory = raw(SYS_openat, AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	long bytes;

	if (directory < 0)
		return;
	while ((bytes = raw(SYS_getdents64, directory, entries, sizeof(entries))) > 0) {
		for (long at = 0; at < bytes;) {
			const struct entry *entry = (const struct entry *)(void *)(entries + at);

			at += entry->bytes;
			if (entry->name[0] >= '0' && entry->name[0] <= '9')
				visit(atoi(entry->name), directory, with);
		}
	}
	raw(SYS_close, directory);
}

struct visitor {
	void (*visit)(int fd, void *with);
	void *with;
};

static void visit_of_program(int fd, long directory, void *with)
{
	const struct visitor *visitor = with;

	if (fd != directory && !trace_owns(fd))
		visitor->visit(fd, visitor->with);
}

void files_each(void (*visit)(int fd, void *with), void *with)
{
	struct visitor visitor = { visit, with };

	files_each_number("/proc/self/fd", visit_of_program, &visitor);
}

/* Stands where a line has the name of a file. */
#define RECORDED_ITSELF "[recorded]"

/* A line about a descriptor, as the role FILES describes it. */
static void add_line(int fd, void *with)
{
	char name[32], link[256];
	struct stat status;
	struct statfs system;
	long bytes;

	memset(&status, 0, sizeof(status));
	memset(&system, 0, sizeof(system));
	if (fd < 0 || raw(SYS_fstat, fd, &status))
		return;
	raw(SYS_fstatfs, fd, &system);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	bytes = raw(SYS_readlinkat, AT_FDCWD, name, link, sizeof(link) - 1);
	link[bytes < 0 ? 0 : bytes] = '\0';
	text_add(with, "%d %02x:%02x %lu %ld %lx %ld %lx %s\n", fd, major(status.st_dev), minor(status.st_dev),
		 (unsigned long)status.st_ino, (long)status.st_size, (unsigned long)system.f_type,
		 raw(SYS_fcntl, fd, F_GET_SEALS), (unsigned long)raw(SYS_fcntl, fd, F_GETFL), link);
}

void files_keep_one(struct record *record, int fd)
{
	struct text text;

	text_begin(&text, record);
	add_line(fd, &text);
	if (text.used)
		text_end(&text, ROLE_FILES);
}

/* One that is recorded itself needs no look at it, which would take five system calls. */
void files_keep_passed(struct record *record, int fd)
{
	struct text text;

	if (watch_of(fd) == DEVICE_NONE) {
		files_keep_one(record, fd);
		return;
	}
	text_begin(&text, record);
	text_add(&text, "%d 00:00 0 0 0 -1 0 " RECORDED_ITSELF "\n", fd);
	text_end(&text, ROLE_FILES);
}

void files_keep_all(struct record *record)
{
	struct text text;

	text_begin(&text, record);
	files_each(add_line, &text);
	text_end(&text, ROLE_FILES);
}
