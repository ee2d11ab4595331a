/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"

void read_text(const char *directory, const char *name, char *text, size_t bytes)
{
	char path[512];
	ssize_t got = -1;
	int file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file >= 0)
		got = read(file, text, bytes - 1);
	text[got > 0 ? got : 0] = '\0';
	if (file >= 0)
		close(file);
}

bool write_text(const char *directory, const char *name, const char *text)
{
	char path[512];
	ssize_t bytes;
	int file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = open(path, O_WRONLY | O_CLOEXEC);
	if (file < 0)
		return false;
	bytes = write(file, text, strlen(text));
	close(file);
	return bytes == (ssize_t)strlen(text);
}
