/* SPDX-License-Identifier: MIT */
/*
 * The init of a guest that runs the kernel's own selftests: starts the programs that the host names, with the library
 * that it wants, and passes on what they print and what is noted while they run.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent.h"
#include "selftests.h"

#define ARGUMENTS_MAX 16
#define TRACE_DIRECTORY "/trace"
#define TRACE_FILE TRACE_DIRECTORY "/trace"
#define HUGE_PAGES "/sys/kernel/mm/hugepages/hugepages-2048kB"
#define LOOK_EVERY_MS 50
#define CHUNK_BYTES (1 << 20)

/* What the host asks for. */
struct order {
	unsigned int seconds;
	uint32_t preload;
	char *arguments[ARGUMENTS_MAX + 1];
};

/* A trace on its way to the host. */
struct trace {
	int file;
	uint64_t sent;
};

static void set_up(void)
{
	start_mount();
	start_mount_at("tmpfs", TRACE_DIRECTORY);
	if (!access("/sys/kernel/debug", F_OK))
		start_mount_at("debugfs", "/sys/kernel/debug");
}

static struct order receive_order(void)
{
	static uint8_t payload[FRAME_BYTES_MAX + 1];
	struct order order = { 0 };
	uint32_t type;
	size_t bytes = frame_receive(&type, payload);
	struct reader from = { payload, payload + bytes };
	unsigned int count = 0;

	if (type != FRAME_EXECUTE)
		trouble("there is no frame of type %u", type);
	order.seconds = (unsigned int)take(&from, 4);
	order.preload = (uint32_t)take(&from, 4);
	for (; from.at < from.end && count < ARGUMENTS_MAX; from.at += strlen((const char *)from.at) + 1)
		order.arguments[count++] = (char *)from.at;
	return order;
}

/* Begins with the header that the host has prepared: it knows the format. */
static void trace_start(struct trace *trace)
{
	static uint8_t header[TRACE_HEADER_BYTES];
	int empty = open(EMPTY_TRACE, O_RDONLY | O_CLOEXEC);
	ssize_t bytes = read(empty, header, sizeof(header));

	close(empty);
	unlink(TRACE_FILE);
	trace->file = open(TRACE_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (bytes != sizeof(header) || write(trace->file, header, sizeof(header)) != bytes)
		trouble("the trace cannot be made: %s", strerror(errno));
	trace->sent = sizeof(header);
}

static bool trace_send_at(struct trace *trace, uint64_t offset, size_t bytes_max)
{
	static uint8_t frame[sizeof(uint64_t) + CHUNK_BYTES];
	ssize_t bytes = pread(trace->file, frame + sizeof(offset), bytes_max, (off_t)offset);

	if (bytes <= 0)
		return false;
	memcpy(frame, &offset, sizeof(offset));
	frame_send(FRAME_TRACE, frame, sizeof(offset) + (size_t)bytes);
	if (offset == trace->sent) {
		/* What the host has takes no more memory. */
		fallocate(trace->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, bytes);
		trace->sent += (uint64_t)bytes;
	}
	return true;
}

static void trace_pass_on(struct trace *trace)
{
	while (trace_send_at(trace, trace->sent, CHUNK_BYTES))
		;
}

/* The counters in the header changed while the program ran. */
static void trace_finish(struct trace *trace)
{
	trace_pass_on(trace);
	trace_send_at(trace, 0, TRACE_HEADER_BYTES);
	close(trace->file);
}

/* What was reached is not passed on before the end: it changes everywhere. */
static void reached_start(struct trace *trace)
{
	unlink(TRACE_FILE);
	trace->file = open(TRACE_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (trace->file < 0 || ftruncate(trace->file, REACHED_BYTES))
		trouble("there is no file for what is reached: %s", strerror(errno));
}

static void reached_finish(struct trace *trace)
{
	for (uint64_t offset = 0; offset < REACHED_BYTES; offset += CHUNK_BYTES)
		trace_send_at(trace, offset, CHUNK_BYTES);
	close(trace->file);
}

static void become(const struct order *order, int output)
{
	char *environment[] = { "PATH=/bin", "HOME=/", "LD_PRELOAD=" PRELOADED_PATH, TRACE_VARIABLE "=" TRACE_FILE,
				LIBRARY_VARIABLE "=" PRELOADED_PATH, NULL };
	int nothing = open("/dev/null", O_RDONLY);

	if (order->preload == PRELOAD_NOTHING)
		environment[2] = NULL;
	setsid();
	dup2(nothing, STDIN_FILENO);
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	closefrom(STDERR_FILENO + 1);
	execve(order->arguments[0], order->arguments, environment);
	printf("%s cannot be started: %s\n", order->arguments[0], strerror(errno));
	fflush(stdout);
	_exit(127);
}

/* Passes on what there is to read; false once nothing will come any more. */
static bool output_pass_on(int output)
{
	static uint8_t text[65536];
	struct pollfd waited = { .fd = output, .events = POLLIN };
	ssize_t bytes;

	if (poll(&waited, 1, LOOK_EVERY_MS) <= 0)
		return true;
	bytes = read(output, text, sizeof(text));
	if (bytes > 0)
		frame_send(FRAME_OUTPUT, text, (size_t)bytes);
	return bytes > 0;
}

static time_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec;
}

static void run(const struct order *order)
{
	struct trace trace = { .file = -1 };
	uint32_t ended[2] = { 0, 0 };
	time_t end = now() + (time_t)order->seconds;
	int pipes[2];
	pid_t child;

	if (order->preload == PRELOAD_RECORDER)
		trace_start(&trace);
	else if (order->preload == PRELOAD_KCOV)
		reached_start(&trace);
	if (pipe2(pipes, O_CLOEXEC))
		trouble("no pipe: %s", strerror(errno));
	child = fork();
	if (child < 0)
		trouble("%s cannot be started: %s", order->arguments[0], strerror(errno));
	if (!child)
		become(order, pipes[1]);
	close(pipes[1]);
	while (output_pass_on(pipes[0])) {
		if (order->preload == PRELOAD_RECORDER)
			trace_pass_on(&trace);
		if (!ended[1] && now() >= end) {
			ended[1] = 1;
			/* Everything but init. */
			kill(-1, SIGKILL);
		}
	}
	close(pipes[0]);
	waitpid(child, (int *)&ended[0], 0);
	/* Children that their parents left behind would still write to the trace. */
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
	if (order->preload == PRELOAD_RECORDER)
		trace_finish(&trace);
	else if (order->preload == PRELOAD_KCOV)
		reached_finish(&trace);
	frame_send(FRAME_ENDED, ended, sizeof(ended));
}

int main(void)
{
	set_up();
	port_open();
	start_say_hello(false, false);
	/* More than the agent's programs need, which the greeting has reserved; the kernel takes what it can. */
	if (!access(HUGE_PAGES, F_OK) && !write_text(HUGE_PAGES, "nr_hugepages", HUGE_PAGES_WANTED))
		fprintf(stderr, "init: %s: %s\n", HUGE_PAGES, strerror(errno));
	for (;;) {
		struct order order = receive_order();

		if (order.arguments[0])
			run(&order);
	}
}
