/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"

#define LEVEL_WARNING 4
#define RECORD_BYTES_MAX 8192

static int messages = -1;
/* Makes the kernel warn again where it warns once, so that the next program is told too; absent without debugfs. */
static int warn_again = -1;

void console_start(void)
{
	warn_again = open(DEBUGFS "/clear_warn_once", O_WRONLY | O_CLOEXEC);
	messages = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (messages >= 0)
		lseek(messages, 0, SEEK_END);
}

/* A record is "priority,sequence,time,flags;text\n continuation lines". */
static size_t append_record(char *record, char *text, size_t room)
{
	char *body = strchr(record, ';');
	char *end;
	size_t bytes;

	if (!body || (strtoul(record, NULL, 10) & 7) > LEVEL_WARNING)
		return 0;
	body++;
	end = strchr(body, '\n');
	bytes = end ? (size_t)(end - body) : strlen(body);
	if (bytes + 1 > room)
		return 0;
	memcpy(text, body, bytes);
	text[bytes] = '\n';
	return bytes + 1;
}

size_t console_take(char *text, size_t bytes_max)
{
	static char record[RECORD_BYTES_MAX];
	size_t used = 0;
	ssize_t bytes;

	if (messages < 0)
		return 0;
	/* EPIPE: the buffer of the kernel was too small for all that has come; what is left of it follows. */
	while ((bytes = read(messages, record, sizeof(record) - 1)) > 0 || (bytes < 0 && errno == EPIPE)) {
		if (bytes < 0)
			continue;
		record[bytes] = '\0';
		used += append_record(record, text + used, bytes_max - used);
	}
	if (used && warn_again >= 0 && write(warn_again, "1", 1) != 1)
		warn_again = -1;
	return used;
}
