/* SPDX-License-Identifier: MIT */
/* The descriptors of a program, by slot. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent.h"

enum { PAGE_BYTES = 4096 };

static const char device[] = "/dev/iommu";

static int files[SLOTS_MAX] = { [0 ... SLOTS_MAX - 1] = -1 };
/* The number that the first file of a program gets while no earlier program left one open. */
static int first_file = -1;
static bool has_leaked_file;

/* The number of the descriptor in a slot; -1 for one that is closed. */
int file_number(unsigned int slot)
{
	return slot < SLOTS_MAX ? files[slot] : -1;
}

int file_lowest_free(void)
{
	int number = fcntl(port_number(), F_DUPFD_CLOEXEC, 0);

	if (number >= 0)
		close(number);
	return number;
}

void file_adopt(unsigned int slot, int number)
{
	if (slot >= SLOTS_MAX)
		trouble("a program has more than %d files", SLOTS_MAX);
	if (number >= 0 && fcntl(number, F_GETFD) < 0)
		number = -1;
	files[slot] = number;
	if (number >= 0 && first_file < 0)
		first_file = number;
	if (number > first_file + (int)slot)
		has_leaked_file = true;
}

static void report(struct writer *to, int result, long value)
{
	if (to)
		put_result(to, 0, result < 0 ? errno : 0, value);
}

void run_open(struct reader *from, struct writer *to)
{
	unsigned int slot = (unsigned int)take(from, 1);
	bool is_read_only = take(from, 1);
	unsigned int node = (unsigned int)take(from, 1);
	const char *path = node == NODE_IOMMU ? device : vfio_node(node);
	int number = open(path, is_read_only ? O_RDONLY : O_RDWR);

	report(to, number, 0);
	file_adopt(slot, number);
}

/* Gives a file pages from one offset to another without a look at them. */
static void allocate_pages(int number, off_t from, off_t to)
{
	if (to > from && fallocate(number, 0, from, to - from))
		trouble("a file cannot be given pages: %s", strerror(errno));
}

/* Files of huge pages cannot be written, and have cleared pages. */
static bool is_of_huge_pages(int number)
{
	struct stat status;

	return !fstat(number, &status) && status.st_blksize > PAGE_BYTES;
}

/*
 * Writes zeros from one offset of a file to another. Pages that fallocate() makes are cleared by the first who looks at them as a
 * file, and iommufd pins them without looking.
 */
static void fill_file(int number, off_t from, off_t to)
{
	static const uint8_t zeros[PAGE_BYTES];

	while (from < to) {
		size_t bytes = to - from < (off_t)sizeof(zeros) ? (size_t)(to - from) : sizeof(zeros);

		if (pwrite(number, zeros, bytes, from) != (ssize_t)bytes)
			trouble("a file of memory cannot be filled: %s", strerror(errno));
		from += (off_t)bytes;
	}
}

/* Makes pages of a file exist. */
static void make_pages(int number, off_t from, off_t to)
{
	if (is_of_huge_pages(number))
		allocate_pages(number, from, to);
	else
		fill_file(number, from, to);
}

/* A file of memory whose pages all exist. */
void run_memfd(struct reader *from, struct writer *to)
{
	unsigned int slot = (unsigned int)take(from, 1);
	off_t bytes = (off_t)take(from, 8);
	bool is_huge = take(from, 1);
	bool is_fallocated = take(from, 1);
	int number = memfd_create("program", is_huge ? MFD_HUGETLB : 0);
	int result = number < 0 ? number : ftruncate(number, bytes);

	if (result >= 0 && is_fallocated)
		allocate_pages(number, 0, bytes);
	else if (result >= 0)
		make_pages(number, 0, bytes);
	report(to, result, 0);
	file_adopt(slot, number);
}

void run_truncate(struct reader *from, struct writer *to)
{
	unsigned int slot = (unsigned int)take(from, 1);
	off_t bytes = (off_t)take(from, 8);
	struct stat before;
	bool is_memory = !fstat(file_number(slot), &before) && S_ISREG(before.st_mode);
	int result = ftruncate(file_number(slot), bytes);
	int error = errno;

	/* Pages that come back exist, as they did at first. */
	if (!result && is_memory)
		make_pages(file_number(slot), before.st_size, bytes);
	errno = error;
	report(to, result, 0);
}

void run_dup(struct reader *from, struct writer *to)
{
	unsigned int slot = (unsigned int)take(from, 1);
	unsigned int as = (unsigned int)take(from, 1);
	int number = fcntl(file_number(slot), F_DUPFD, 0);

	report(to, number, 0);
	file_adopt(as, number);
}

void run_close(struct reader *from, struct writer *to)
{
	unsigned int slot = (unsigned int)take(from, 1);
	int result = close(file_number(slot));

	report(to, result, 0);
	if (slot < SLOTS_MAX)
		files[slot] = -1;
}

/* FD_CLOEXEC: whether the descriptor closes when the process starts another program. */
void run_cloexec(struct reader *from, struct writer *to)
{
	unsigned int slot = (unsigned int)take(from, 1);
	int flag = take(from, 1) ? FD_CLOEXEC : 0;

	report(to, fcntl(file_number(slot), F_SETFD, flag), 0);
}

void run_poll(struct reader *from, struct writer *to)
{
	/* No time at all would spare a file the question who waits for it. */
	static const struct timespec shortest = { .tv_nsec = 1 };
	struct pollfd asked = { .fd = file_number((unsigned int)take(from, 1)), .events = 0x3fff };
	int result = ppoll(&asked, 1, &shortest, NULL);

	report(to, result, asked.revents);
}

void files_hand_over(int *numbers)
{
	memcpy(numbers, files, sizeof(files));
}

/* Those that are closed by now have no number any more. Before anything else is opened. */
void files_take_over(const int *numbers)
{
	for (unsigned int slot = 0; slot < SLOTS_MAX; slot++)
		files[slot] = numbers[slot] >= 0 && fcntl(numbers[slot], F_GETFD) >= 0 ? numbers[slot] : -1;
}

/* Closes what a program left open; returns whether an earlier one had left something. */
bool files_tidy_up(void)
{
	bool has_leaked = has_leaked_file;

	for (unsigned int slot = 0; slot < SLOTS_MAX; slot++) {
		if (files[slot] >= 0)
			close(files[slot]);
		files[slot] = -1;
	}
	has_leaked_file = false;
	return has_leaked;
}
