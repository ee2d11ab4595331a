/* SPDX-License-Identifier: MIT */
/*
 * The processes that a program makes. Each carries out the steps that the worker names to it; the batch, what it reports, and
 * the buffers that later steps copy from, lie in memory that they have in common.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent.h"

static struct child {
	pid_t pid;
	int socket;
} children[PROCESSES_MAX];

/* A step to carry out, by its place in the frame at hand. */
struct order {
	bool is_end;
	bool reports;
	uint32_t at;
	uint32_t end;
	uint32_t step;
};

struct answer {
	uint32_t at;
	uint32_t bytes;
};

/* What serves the worker in a process that it has made. */
static int master = -1;

static uint32_t place_of(const uint8_t *at)
{
	return (uint32_t)(at - common->payload);
}

static bool say(uint32_t at, size_t bytes)
{
	struct answer answer = { at, (uint32_t)bytes };

	return write(master, &answer, sizeof(answer)) == sizeof(answer);
}

static void serve(void)
{
	struct order order;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	process_enter();
	while (read(master, &order, sizeof(order)) == sizeof(order) && !order.is_end) {
		struct reader from = { common->payload + order.at, common->payload + order.end };
		struct writer to = { common->report, common->report, common->report + REPORT_BYTES_MAX };

		run_step(&from, order.step, order.reports ? &to : NULL);
		coverage_collect();
		if (!say(place_of(from.at), (size_t)(to.at - to.start)))
			break;
	}
	_exit(0);
}

/* What the process needs goes with it; other descriptors of the agent close. */
void child_exec(struct reader *from, bool reports)
{
	char socket[16], memory[16];
	char *arguments[] = { EXEC_NAME, socket, memory, NULL };

	files_hand_over(common->files);
	common->port = port_number();
	common->exec_end = place_of(from->at);
	common->exec_reports = reports;
	keep_on_exec(master);
	keep_on_exec(common->port);
	keep_on_exec(common->passing[0]);
	keep_on_exec(common->passing[1]);
	snprintf(socket, sizeof(socket), "%d", master);
	snprintf(memory, sizeof(memory), "%d", common_hand_over());
	coverage_leave();
	execv("/proc/self/exe", arguments);
	trouble("the agent cannot be started anew: %s", strerror(errno));
}

void child_go_on(int socket, int memory)
{
	struct reader arena;
	struct writer to;

	master = socket;
	common_adopt(memory);
	port_adopt(common->port);
	files_take_over(common->files);
	arena = (struct reader){ common->arena, common->arena + common->arena_bytes };
	arena_lay_out(&arena);
	process_read_capabilities();
	to = (struct writer){ common->report, common->report, common->report + REPORT_BYTES_MAX };
	if (common->exec_reports)
		put_result(&to, 0, 0, 0);
	if (say(common->exec_end, (size_t)(to.at - to.start)))
		serve();
	_exit(0);
}

void child_fork(unsigned int process)
{
	int sockets[2];

	if (process >= PROCESSES_MAX)
		trouble("a program has more than %d processes", PROCESSES_MAX);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		trouble("no sockets for a process: %s", strerror(errno));
	sockets[0] = move_up(sockets[0]);
	sockets[1] = move_up(sockets[1]);
	children[process].pid = fork();
	if (children[process].pid < 0)
		trouble("a process cannot be made: %s", strerror(errno));
	if (!children[process].pid) {
		close(sockets[0]);
		for (unsigned int other = 0; other < PROCESSES_MAX; other++)
			if (children[other].pid)
				close(children[other].socket);
		master = sockets[1];
		serve();
	}
	close(sockets[1]);
	children[process].socket = sockets[0];
}

static void command(struct child *child, const struct order *order)
{
	if (write(child->socket, order, sizeof(*order)) != sizeof(*order))
		trouble("a process of the program is gone");
}

void child_run_step(unsigned int process, struct reader *from, unsigned int step, struct writer *to)
{
	struct child *child = process < PROCESSES_MAX ? &children[process] : NULL;
	struct order order = { false, to != NULL, place_of(from->at), place_of(from->end), step };
	struct answer answer;

	if (!child || !child->pid)
		trouble("a program has no process %u", process);
	command(child, &order);
	/* Killed by the kernel: what there is to report is where the worker was. */
	if (read(child->socket, &answer, sizeof(answer)) != sizeof(answer))
		raise(SIGKILL);
	from->at = common->payload + answer.at;
	if (to)
		put_bytes(to, common->report, answer.bytes);
}

void child_exit(unsigned int process)
{
	struct order order = { .is_end = true };
	struct child *child = &children[process];

	command(child, &order);
	while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
		;
	close(child->socket);
	child->pid = 0;
}

void children_tidy_up(void)
{
	for (unsigned int process = 0; process < PROCESSES_MAX; process++)
		if (children[process].pid)
			child_exit(process);
}
