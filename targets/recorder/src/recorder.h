/* SPDX-License-Identifier: MIT */
/*
 * The recorder: a library that is preloaded into a program and appends a record to a trace for each call that touches an iommufd
 * or a VFIO file, and for each change of the memory such calls work on. It changes nothing that the program can see but the time
 * it takes. It holds no locks and allocates with mmap alone, so that it may be entered from threads, signal handlers and forked
 * children alike.
 */
#ifndef RECORDER_H
#define RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "generated.h"
#include "next.h"

#define EXPORT __attribute__((visibility("default")))

/* trace.c: the file. */
bool trace_open(void);
bool trace_is_open(void);
/* Numbers the beginnings and ends of calls over all processes. */
uint64_t trace_sequence(void);
struct record;
void trace_append(const struct record *record);
/* Whether a descriptor is the recorder's own: the program must not meet it. */
bool trace_owns(int fd);
/* Frees a number that the program is about to take. */
void trace_make_way(int fd);
/* Whether a mapping that starts there is the recorder's own. */
bool trace_is_mapped_at(uint64_t address);

/* record.c: one record on its way. */
struct part {
	uint32_t role;
	uint32_t bytes;
	uint64_t address;
	uint64_t wanted;
	const void *data;
};

/* Memory that a record needs until it is written; shared, because such mappings never merge with those of the program. */
struct chunk {
	char *start;
	size_t bytes;
};

#define CHUNKS_MAX PARTS_MAX
#define ROOM_BYTES 768

struct record {
	uint64_t start;
	uint64_t end;
	int64_t result;
	uint64_t member[MEMBERS_MAX];
	struct part part[PARTS_MAX];
	struct chunk chunk[CHUNKS_MAX];
	uint16_t kind;
	uint8_t members;
	uint8_t parts;
	uint8_t chunks;
	/* What the program sees in errno. */
	int program_errno;
	size_t room_used;
	_Alignas(8) char room[ROOM_BYTES];
};

/* Begins a record; introduces the process first if it is new. */
void record_begin(struct record *record, uint16_t kind);
/* The same without looking at the process. */
void record_clear(struct record *record, uint16_t kind);
void record_member(struct record *record, uint64_t value);
/* Room that lasts as long as the record; NULL if there is none. */
char *record_room(struct record *record, size_t bytes);
/* Keeps memory of the program as far as it can be read; some of its beginning may be known already. */
const struct part *record_memory_from(struct record *record, uint32_t role, uint64_t address, uint64_t wanted,
				      const void *beginning, size_t known);
const struct part *record_memory(struct record *record, uint32_t role, uint64_t address, uint64_t wanted);
/* Keeps what the memory of the record became after the call, where it changed. */
void record_changes(struct record *record);
void record_bytes(struct record *record, uint32_t role, const char *bytes, size_t count);
void record_path(struct record *record, const char *path);
/* Around the call itself: right before it, and with what it returned. */
void record_enter(struct record *record);
void record_leave(struct record *record, int64_t returned);
/* Writes the record and restores what the program sees. */
void record_end(struct record *record);

/* peek.c: memory of the program, of which nobody knows whether it is there. */
size_t peek(uint64_t address, void *into, size_t bytes);
struct peeked {
	uint64_t address;
	void *into;
	/* What is wanted, and after that what could be copied. */
	size_t bytes;
};
/* Copies pieces, no more than a record has parts, at once where that can be done. */
void peek_each(struct peeked *pieces, int count);

/* text.c: text that grows in a record. */
struct text {
	struct record *record;
	char *start;
	size_t used;
	size_t size;
};
void text_begin(struct text *text, struct record *record);
void text_add_bytes(struct text *text, const char *bytes, size_t count);
void text_add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_end(struct text *text, uint32_t role);

/* process.c: the process as a whole. */
bool process_is_recorded(void);
/* Introduces the process unless that has been done. */
void process_introduce(int reason);
void process_keep_credentials(struct record *record);

/* maps.c: what memory is mapped of. Keeps the mappings that meet a range. */
void maps_keep(struct record *record, uint64_t start, uint64_t bytes);
void maps_keep_all(struct record *record);

/* call_process.c: notes that a process has ended that this one has killed or waited for. */
void process_note_end(pid_t process, int status);

/* call_kill.c: whether the end of a child has been noted as it was killed; says so once. */
bool kill_has_noted(pid_t child);

/* files.c: descriptors. */
void files_keep_one(struct record *record, int fd);
/* What a call passes. */
void files_keep_passed(struct record *record, int fd);
void files_keep_all(struct record *record);
/* Calls a function with each descriptor of the process. */
void files_each(void (*visit)(int fd, void *with), void *with);
/* Names of a directory of /proc that are numbers; it is open meanwhile. */
void files_each_number(const char *path, void (*visit)(int number, long directory, void *with), void *with);

/* watch.c: which descriptors are recorded, as DEVICE_*. */
int watch_of(int fd);
void watch_set(int fd, int device);
/* Forgets the descriptors of a range. */
void watch_clear(unsigned int first, unsigned int last);
int watch_device_of_path(const char *path);
/* Looks at what a descriptor really is. */
int watch_identify(int fd);
/* Notes a descriptor that came from elsewhere. */
void watch_found(int fd, int device);

#endif
