/* SPDX-License-Identifier: MIT */
/*
 * The agent: carries programs of system calls out on bytes and reports what came back. It has never heard of iommufd; what a
 * byte means is the host's business.
 */
#ifndef AGENT_H
#define AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire.h"

/* Bytes to be read in order; every read is checked against the end. */
struct reader {
	const uint8_t *at;
	const uint8_t *end;
};

uint64_t take(struct reader *from, unsigned int bytes);
const uint8_t *take_bytes(struct reader *from, size_t count);

/* Bytes to be written in order, in memory that outlives the worker. */
struct writer {
	uint8_t *start;
	uint8_t *at;
	uint8_t *end;
};

void put(struct writer *to, uint64_t value, unsigned int bytes);
void put_bytes(struct writer *to, const void *bytes, size_t count);

#define DEBUGFS "/sys/kernel/debug"
#define KCOV_FILE DEBUGFS "/kcov"

/* vfio.c: the devices of VFIO. */
void vfio_make_devices(void);
const char *vfio_node(unsigned int node);

/* start.c: what comes first in a guest. */
void start_mount(void);
void start_mount_at(const char *type, const char *path);
void start_say_hello(bool has_progress, bool can_inject);

/* frame.c: the port to the host. */
void port_open(void);
int port_number(void);
/* In a program that was started by exec(). */
void port_adopt(int number);
size_t frame_receive(uint32_t *type, uint8_t *payload);
void frame_send(uint32_t type, const void *payload, size_t bytes);
void trouble(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* arena.c: the memory that programs run in. */
void arena_lay_out(struct reader *from);
void arena_restore_scratch(void);
void arena_refill_guards(void);
/* Where the agent can write what a program shall see at an address; the same address unless the region is read-only. */
uint8_t *arena_writable(uint64_t address);
bool arena_is_guarded(uint64_t address, size_t bytes);
extern uint8_t arena_guard_byte;
extern uint32_t arena_guard_bytes;
extern uint64_t arena_memlock;

/* process.c: credentials, limits and counters of the worker. */
void process_start(void);
/* In a process that was just made, or has just started the program anew. */
void process_enter(void);
void process_read_capabilities(void);
void process_change(struct reader *from);
void process_restore(void);
struct counters {
	uint64_t pinned_pages;
	uint64_t locked_pages;
};
struct counters process_counters(void);

/* inject.c: allocations that fail. Starting it says whether the kernel can do it. */
bool inject_start(void);
/* In a process that is to run steps. */
void inject_enter(void);
/* The n-th allocation of the next system call between begin and end is to fail. */
void inject_ask(unsigned int nth);
void inject_begin(void);
void inject_end(void);
/* What was made to fail between the last begin and end. */
uint8_t inject_result(void);

/* coverage.c: what code of the kernel a program reaches. */
/* From now on, as the host describes it. */
void coverage_ask(struct reader *from);
void coverage_enter(void);
void coverage_leave(void);
void coverage_lane_begin(unsigned int lane);
void coverage_lane_end(unsigned int lane);
/* Takes what this process has traced since the last time, and what a thread that has ended has. */
void coverage_collect(void);
void coverage_collect_lane(unsigned int lane);
/* What the program reached, unless nobody asked; the next one begins with nothing. */
void coverage_put(struct writer *to);

/* What the agent is called when a process of a program has started it anew. */
#define EXEC_NAME "agent-exec"

/* children.c: other processes of a program, by number. */
void child_fork(unsigned int process);
void child_run_step(unsigned int process, struct reader *from, unsigned int step, struct writer *to);
void child_exit(unsigned int process);
/* In the process itself: starts the program anew. */
void child_exec(struct reader *from, bool reports) __attribute__((noreturn));
/* What it does then. */
void child_go_on(int socket, int memory) __attribute__((noreturn));
void children_tidy_up(void);

/* console.c: kernel messages since the last look, of warning level or worse. */
void console_start(void);
size_t console_take(char *text, size_t bytes_max);

/* files.c: the descriptors of a program, by slot; a slot without one has the number -1. */
int file_number(unsigned int slot);
int file_lowest_free(void);
void file_adopt(unsigned int slot, int number);
bool files_tidy_up(void);
/* Numbers by slot, for whoever comes after exec(). */
void files_hand_over(int *numbers);
void files_take_over(const int *numbers);
void run_open(struct reader *from, struct writer *to);
void run_memfd(struct reader *from, struct writer *to);
void run_truncate(struct reader *from, struct writer *to);
void run_dup(struct reader *from, struct writer *to);
void run_close(struct reader *from, struct writer *to);
void run_cloexec(struct reader *from, struct writer *to);
void run_poll(struct reader *from, struct writer *to);

/* passing.c: descriptors that one process of a program sends to another. */
void passing_start(void);
void run_send(struct reader *from, struct writer *to);
void run_receive(struct reader *from, struct writer *to);

/* call.c: steps with buffers, which later steps of the program may copy from. */
void run_ioctl(struct reader *from, unsigned int step, struct writer *to);
void run_transfer(struct reader *from, unsigned int step, struct writer *to, bool is_write);
void call_forget(unsigned int step);
void calls_forget(void);

/* lanes.c: steps that go on at the same time. Returns how many steps they are. */
unsigned int lanes_run(struct reader *from, unsigned int step, struct writer *to);

/* program.c: batches, steps, and how a step's result begins. */
void run_step(struct reader *from, unsigned int step, struct writer *to);
void put_result(struct writer *to, uint8_t tag, int error, long value);
void batch_run(struct reader *from);
uint64_t batch_bench(struct reader *from);

/* sysfs.c: the text of a small file of the kernel, empty if it cannot be read. */
void read_text(const char *directory, const char *name, char *text, size_t bytes);
/* Whether there is such a file, and it took all of the text. */
bool write_text(const char *directory, const char *name, const char *text);

#define REPORT_BYTES_MAX (FRAME_BYTES_MAX / 4)
#define BUFFERS_MAX 8
#define SAVED_BYTES_MAX (1 << 20)

/* Numbers of descriptors that programs shall not come to begin here. */
#define HIDDEN_NUMBER_MIN 600

/* Numbers of a program; more are too many for a frame. */
#define COVERAGE_NUMBERS_MAX (1 << 15)

struct coverage {
	uint8_t mode;
	/* What offsets count from. */
	uint64_t base;
	/* The code that is asked for, in order. */
	uint32_t ranges;
	struct {
		uint32_t start;
		uint32_t end;
	} range[COVERAGE_RANGES_MAX];
	/* The set, as a list and as a bit for each possible number. */
	uint32_t count;
	bool is_cut;
	uint32_t numbers[COVERAGE_NUMBERS_MAX];
	uint64_t seen[COVERAGE_SPACE / 64];
};

/* common.c: what the processes of a program have in common, wherever each of them sees it. */
struct common {
	/* The memory that programs run in, as the host described it. */
	size_t arena_bytes;
	uint8_t arena[4096];
	/* The frame at hand. */
	uint8_t payload[FRAME_BYTES_MAX];
	/* The buffers of a program's steps after their calls, which later steps copy from, whichever process carries them out. */
	struct {
		struct {
			uint8_t count;
			struct {
				uint32_t at;
				uint16_t length;
			} buffers[BUFFERS_MAX];
		} steps[STEPS_MAX];
		size_t used;
		uint8_t bytes[SAVED_BYTES_MAX];
	} saved;
	/* Where the result of a child's step is found. */
	uint8_t report[REPORT_BYTES_MAX];
	/* What a process needs after exec(): its descriptors by slot, the port, and the step that it is in. */
	int files[SLOTS_MAX];
	int port;
	uint32_t exec_end;
	bool exec_reports;
	struct coverage coverage;
	/* Descriptors are sent by the first and received by the second. */
	int passing[2];
};
extern struct common *common;
void common_start(void);
void common_adopt(int memory);
/* Lets the descriptor of it survive exec(), and returns it. */
int common_hand_over(void);
/* Moves a descriptor above those that programs come to. */
int move_up(int number);
void keep_on_exec(int number);

/* shared.c: memory that outlives the worker. Starting it says whether the host sees the progress. */
bool shared_start(void);
/* Shared with the host if it gave the VM such memory, else private. */
extern volatile uint8_t *progress;
void note_progress(unsigned int offset, uint32_t value);
/* Results of the batch; shared between worker and supervisor, so that a killed worker loses none. */
struct results {
	uint32_t batch;
	uint32_t programs;
	uint32_t bytes;
	uint8_t data[FRAME_BYTES_MAX];
};
extern struct results *results;
void results_send(void);
/* Brings a batch from its place in the shared memory; returns how many bytes it has. */
size_t batch_fetch(struct reader *place, uint8_t *payload);

#endif
