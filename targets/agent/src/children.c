/* SPDX-License-Identifier: MIT */
/*
 * The processes that a program makes. Each has a copy of the batch, and carries out the steps that the worker names to it; what
 * it reports, and the buffers that later steps copy from, lie in shared memory.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent.h"

/* Numbers of our sockets begin here, above those that programs come to. */
#define SOCKET_NUMBER_MIN 600
#define RESULT_BYTES_MAX (FRAME_BYTES_MAX / 4)

static struct child {
	pid_t pid;
	int socket;
} children[PROCESSES_MAX];

/* A step to carry out; without bytes, the end. */
struct order {
	const uint8_t *at;
	const uint8_t *end;
	uint32_t step;
	bool reports;
};

struct answer {
	const uint8_t *at;
	size_t bytes;
};

/* Where the result of a child's step is found. */
static uint8_t *report;

static void serve(int socket)
{
	struct order order;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	process_enter();
	while (read(socket, &order, sizeof(order)) == sizeof(order) && order.at) {
		struct reader from = { order.at, order.end };
		struct writer to = { report, report, report + RESULT_BYTES_MAX };
		struct answer answer;

		run_step(&from, order.step, order.reports ? &to : NULL);
		answer = (struct answer){ from.at, (size_t)(to.at - to.start) };
		if (write(socket, &answer, sizeof(answer)) != sizeof(answer))
			break;
	}
	_exit(0);
}

static int move_up(int number)
{
	int moved = fcntl(number, F_DUPFD_CLOEXEC, SOCKET_NUMBER_MIN);

	if (moved < 0)
		trouble("a socket cannot be moved: %s", strerror(errno));
	close(number);
	return moved;
}

void child_fork(unsigned int process)
{
	int sockets[2];

	if (process >= PROCESSES_MAX)
		trouble("a program has more than %d processes", PROCESSES_MAX);
	if (!report)
		report = shared_memory(RESULT_BYTES_MAX);
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
		serve(sockets[1]);
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
	struct order order = { from->at, from->end, step, to != NULL };
	struct answer answer;

	if (!child || !child->pid)
		trouble("a program has no process %u", process);
	command(child, &order);
	/* Killed by the kernel: what there is to report is where the worker was. */
	if (read(child->socket, &answer, sizeof(answer)) != sizeof(answer))
		raise(SIGKILL);
	from->at = answer.at;
	if (to)
		put_bytes(to, report, answer.bytes);
}

void child_exit(unsigned int process)
{
	struct order order = { 0 };
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
