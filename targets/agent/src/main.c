/* SPDX-License-Identifier: MIT */
/*
 * As the guest's init the agent has two processes: the worker runs programs, the supervisor outlives it and reports where it
 * died. A kernel that oopses kills the worker; a kernel that panics takes both, and the host reads the shared progress page.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent.h"

#define IVSHMEM_VENDOR "0x1af4"
#define IVSHMEM_DEVICE "0x1110"

volatile uint8_t *progress;
struct results *results;

static void mount_at(const char *type, const char *path)
{
	mkdir(path, 0755);
	if (mount(type, path, type, 0, NULL) && errno != EBUSY)
		trouble("%s cannot be mounted: %s", path, strerror(errno));
}

static void read_text(const char *directory, const char *name, char *text, size_t bytes)
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

static void *map_shared(int file, size_t bytes)
{
	int flags = MAP_SHARED | (file < 0 ? MAP_ANONYMOUS : 0);
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, file, 0);

	return at == MAP_FAILED ? NULL : at;
}

/* The memory that host and guest share is the second BAR of an ivshmem device. */
static bool map_progress(void)
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
		snprintf(path, sizeof(path), "%s/enable", directory);
		file = open(path, O_WRONLY | O_CLOEXEC);
		if (file < 0 || write(file, "1", 1) != 1)
			continue;
		close(file);
		snprintf(path, sizeof(path), "%s/resource2", directory);
		file = open(path, O_RDWR | O_SYNC | O_CLOEXEC);
		if (file >= 0)
			progress = map_shared(file, PROGRESS_BYTES);
		close(file);
	}
	if (devices)
		closedir(devices);
	if (progress)
		return true;
	progress = map_shared(-1, PROGRESS_BYTES);
	return false;
}

static void say_hello(bool has_progress)
{
	struct utsname name;
	char text[1024], thp[64];
	int bytes;

	uname(&name);
	read_text("/sys/kernel/mm/transparent_hugepage", "enabled", thp, sizeof(thp));
	bytes = snprintf(text, sizeof(text), "wire=%d\nrelease=%s\nversion=%s\nmachine=%s\nprogress=%d\nthp=%d\niommufd=%d\n",
			 WIRE_VERSION, name.release, name.version, name.machine, has_progress, thp[0] != '\0',
			 access("/dev/iommu", F_OK) == 0);
	frame_send(FRAME_HELLO, text, (size_t)bytes);
}

void results_send(void)
{
	uint8_t *frame = (uint8_t *)results;

	/* batch, programs, bytes and the data lie one behind the other. */
	frame_send(FRAME_RESULTS, frame, offsetof(struct results, data) + results->bytes);
}

static void work(void)
{
	static uint8_t payload[FRAME_BYTES_MAX];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	console_start();
	for (;;) {
		uint32_t type;
		size_t bytes = frame_receive(&type, payload);
		struct reader from = { payload, payload + bytes };
		uint64_t elapsed;

		switch (type) {
		case FRAME_ARENA:
			arena_lay_out(&from);
			process_start();
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
	uint32_t died[4];

	for (unsigned int i = 0; i < 3; i++)
		died[i] = *(volatile uint32_t *)(progress + i * sizeof(uint32_t));
	died[3] = (uint32_t)(WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	results_send();
	frame_send(FRAME_DIED, died, sizeof(died));
}

int main(void)
{
	int status = 0;
	pid_t worker;

	if (getpid() == 1) {
		mount_at("proc", "/proc");
		mount_at("sysfs", "/sys");
		mount_at("devtmpfs", "/dev");
	}
	port_open();
	results = map_shared(-1, sizeof(*results));
	if (!results)
		trouble("no memory for results");
	say_hello(map_progress());
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
