/* SPDX-License-Identifier: MIT */
/* Memory that outlives the worker: what it does now is shared with the host, what it has done with the supervisor. What would have
 * to be carried through the port page by page is put there too. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent.h"

#define IVSHMEM_VENDOR "0x1af4"
#define IVSHMEM_DEVICE "0x1110"

volatile uint8_t *progress;
/* Whether it is the host with whom it is shared. */
static bool is_host_there;
struct results *results;

void note_progress(unsigned int offset, uint32_t value)
{
	*(volatile uint32_t *)(progress + offset) = value;
}

static void *map_shared(int file, size_t bytes)
{
	int flags = MAP_SHARED | (file < 0 ? MAP_ANONYMOUS : 0);
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, file, 0);

	return at == MAP_FAILED ? NULL : at;
}

/* The memory that host and guest share is the second BAR of an ivshmem device. */
static bool map_host_memory(void)
{
	const char *root = "/sys/bus/pci/devices";
	DIR *devices = opendir(root);
	struct dirent *entry;

	while (devices && !progress && (entry = readdir(devices))) {
		char directory[320], vendor[16], id[16], path[400];
		int file;

		snprintf(directory, sizeof(directory), "%s/%s", root, entry->d_name);
		read_text(directory, "vendor", vendor, sizeof(vendor));
		read_text(directory, "device", id, sizeof(id));
		if (strncmp(vendor, IVSHMEM_VENDOR, 6) || strncmp(id, IVSHMEM_DEVICE, 6))
			continue;
		if (!write_text(directory, "enable", "1"))
			continue;
		snprintf(path, sizeof(path), "%s/resource2", directory);
		file = open(path, O_RDWR | O_SYNC | O_CLOEXEC);
		if (file >= 0)
			progress = map_shared(file, SHARED_BYTES);
		close(file);
	}
	if (devices)
		closedir(devices);
	if (progress)
		return true;
	progress = map_shared(-1, SHARED_BYTES);
	return false;
}

bool shared_start(void)
{
	results = map_shared(-1, sizeof(*results));
	if (!results)
		trouble("no memory for results");
	is_host_there = map_host_memory();
	return is_host_there;
}

size_t batch_fetch(struct reader *place, uint8_t *payload)
{
	size_t offset = (size_t)take(place, 4);
	size_t bytes = (size_t)take(place, 4);

	if (offset + bytes > SHARED_BYTES || bytes > FRAME_BYTES_MAX)
		trouble("a batch lies outside of the shared memory");
	memcpy(payload, (const uint8_t *)progress + offset, bytes);
	return bytes;
}

void results_send(void)
{
	uint8_t *frame = (uint8_t *)results;
	/* batch, programs, bytes and the data lie one behind the other. */
	size_t bytes = offsetof(struct results, data) + results->bytes;
	uint32_t place[2] = { PLACES_RESULTS + (results->batch & 1) * PLACES_EACH, (uint32_t)bytes };

	if (!is_host_there || bytes > PLACES_EACH) {
		frame_send(FRAME_RESULTS, frame, bytes);
		return;
	}
	memcpy((uint8_t *)progress + place[0], frame, bytes);
	frame_send(FRAME_RESULTS_PLACED, place, sizeof(place));
}
