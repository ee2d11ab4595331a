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

/* start.c: what comes first in a guest. */
void start_mount(void);
void start_mount_at(const char *type, const char *path);
void start_say_hello(bool has_progress);

/* frame.c: the port to the host. */
void port_open(void);
int port_number(void);
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
/* In a process that was just made. */
void process_enter(void);
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

/* children.c: other processes of a program, by number. */
void child_fork(unsigned int process);
void child_run_step(unsigned int process, struct reader *from, unsigned int step, struct writer *to);
void child_exit(unsigned int process);
void children_tidy_up(void);

/* console.c: kernel messages since the last look, of warning level or worse. */
void console_start(void);
size_t console_take(char *text, size_t bytes_max);

/* files.c: the descriptors of a program, by slot; a slot without one has the number -1. */
int file_number(unsigned int slot);
int file_lowest_free(void);
void file_adopt(unsigned int slot, int number);
bool files_tidy_up(void);
void run_open(struct reader *from, struct writer *to);
void run_memfd(struct reader *from, struct writer *to);
void run_truncate(struct reader *from, struct writer *to);
void run_dup(struct reader *from, struct writer *to);
void run_close(struct reader *from, struct writer *to);
void run_poll(struct reader *from, struct writer *to);

/* call.c: steps with buffers, which later steps of the program may copy from. */
void run_ioctl(struct reader *from, unsigned int step, struct writer *to);
void run_transfer(struct reader *from, unsigned int step, struct writer *to, bool is_write);
void calls_start(void);
void call_forget(unsigned int step);
void calls_forget(void);

/* program.c: batches, steps, and how a step's result begins. */
void run_step(struct reader *from, unsigned int step, struct writer *to);
void put_result(struct writer *to, uint8_t tag, int error, long value);
void batch_run(struct reader *from);
uint64_t batch_bench(struct reader *from);

/* sysfs.c: the text of a small file of the kernel, empty if it cannot be read. */
void read_text(const char *directory, const char *name, char *text, size_t bytes);

/* shared.c: memory that outlives the worker. Starting it says whether the host sees the progress. */
bool shared_start(void);
/* Memory that is shared with processes that are made later. */
void *shared_memory(size_t bytes);
/* Shared with the host if it gave the VM such memory, else private. */
extern volatile uint8_t *progress;
/* Results of the batch; shared between worker and supervisor, so that a killed worker loses none. */
struct results {
	uint32_t batch;
	uint32_t programs;
	uint32_t bytes;
	uint8_t data[FRAME_BYTES_MAX];
};
extern struct results *results;
void results_send(void);

#endif
