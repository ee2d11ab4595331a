/* SPDX-License-Identifier: MIT */
/*
 * As the guest's init the agent has two processes: the worker runs programs, the supervisor outlives it and reports where it
 * died. A kernel that oopses kills the worker; a kernel that panics takes both, and the host reads the shared progress page.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent.h"

/* For processes that have to lay it out anew. */
static void note_arena(size_t bytes)
{
	if (bytes > sizeof(common->arena))
		trouble("the description of the arena is too long");
	memcpy(common->arena, common->payload, bytes);
	common->arena_bytes = bytes;
}

static void work(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	console_start();
	common_start();
	passing_start();
	for (;;) {
		uint32_t type;
		size_t bytes = frame_receive(&type, common->payload);
		struct reader from = { common->payload, common->payload + bytes };
		uint64_t elapsed;

		switch (type) {
		case FRAME_ARENA:
			note_arena(bytes);
			arena_lay_out(&from);
			process_start();
			break;
		case FRAME_COVERAGE:
			coverage_ask(&from);
			break;
		case FRAME_RUN_PLACED:
			bytes = batch_fetch(&from, common->payload);
			from = (struct reader){ common->payload, common->payload + bytes };
			batch_run(&from);
			break;
		case FRAME_RUN:
			batch_run(&from);
			break;
		case FRAME_BENCH:
			elapsed = batch_bench(&from);
			frame_send(FRAME_BENCHED, &elapsed, sizeof(elapsed));
			break;
		default:
			trouble("there is no frame of type %u", type);
		}
	}
}

/* Where the worker was, and which signal ended it. What it had finished is sent first. */
static void report_death(int status)
{
	uint32_t died[PROGRESS_LANES / sizeof(uint32_t) + LANES_MAX + 1];
	unsigned int words = sizeof(died) / sizeof(*died) - 1;

	for (unsigned int i = 0; i < words; i++)
		died[i] = *(volatile uint32_t *)(progress + i * sizeof(uint32_t));
	died[words] = (uint32_t)(WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	results_send();
	frame_send(FRAME_DIED, died, sizeof(died));
}

/* Under its other name it is a process of a program that has called exec(): its socket and the memory that it shares. */
int main(int count, char **arguments)
{
	int status = 0;
	pid_t worker;
	bool has_progress;

	if (count == 3 && !strcmp(arguments[0], EXEC_NAME))
		child_go_on(atoi(arguments[1]), atoi(arguments[2]));
	if (getpid() == 1) {
		start_mount();
		vfio_make_devices();
	}
	port_open();
	has_progress = shared_start();
	start_say_hello(has_progress, inject_start());
	worker = fork();
	if (worker < 0)
		trouble("the worker cannot be started: %s", strerror(errno));
	if (!worker)
		work();
	while (waitpid(worker, &status, 0) != worker)
		;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 112)
		report_death(status);
	if (getpid() == 1) {
		/* The host ends the virtual machine when it has read the report. */
		for (;;)
			pause();
	}
	return 1;
}
