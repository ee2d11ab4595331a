/* SPDX-License-Identifier: MIT */
/* A file of memory that all processes of a program have mapped; one that starts the program anew maps it again. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent.h"

struct common *common;
static int memory = -1;

int move_up(int number)
{
	int moved = fcntl(number, F_DUPFD_CLOEXEC, HIDDEN_NUMBER_MIN);

	if (moved < 0)
		trouble("a descriptor cannot be moved: %s", strerror(errno));
	close(number);
	return moved;
}

void keep_on_exec(int number)
{
	if (fcntl(number, F_SETFD, 0))
		trouble("a descriptor cannot be kept: %s", strerror(errno));
}

void common_adopt(int number)
{
	memory = number;
	common = mmap(NULL, sizeof(*common), PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	if (common == MAP_FAILED)
		trouble("no memory for what processes have in common: %s", strerror(errno));
}

void common_start(void)
{
	int number = memfd_create("common", MFD_CLOEXEC);

	if (number < 0 || ftruncate(number, sizeof(*common)))
		trouble("no file for what processes have in common: %s", strerror(errno));
	common_adopt(move_up(number));
}

int common_hand_over(void)
{
	keep_on_exec(memory);
	return memory;
}
