/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "agent.h"

void start_mount_at(const char *type, const char *path)
{
	mkdir(path, 0755);
	if (mount(type, path, type, 0, NULL) && errno != EBUSY)
		trouble("%s cannot be mounted: %s", path, strerror(errno));
}

void start_mount(void)
{
	start_mount_at("proc", "/proc");
	start_mount_at("sysfs", "/sys");
	start_mount_at("devtmpfs", "/dev");
	mount("debugfs", DEBUGFS, "debugfs", 0, NULL);
}

/* Reserves huge pages for programs; returns how many there are. */
static int reserve_huge_pages(void)
{
	char text[32];

	snprintf(text, sizeof(text), "%d", HUGE_PAGES_MAX);
	if (!write_text("/proc/sys/vm", "nr_hugepages", text))
		return 0;
	read_text("/proc/sys/vm", "nr_hugepages", text, sizeof(text));
	return atoi(text);
}

void start_say_hello(bool has_progress, bool can_inject)
{
	struct utsname name;
	char text[1024], thp[64];
	int bytes;

	uname(&name);
	read_text("/sys/kernel/mm/transparent_hugepage", "enabled", thp, sizeof(thp));
	bytes = snprintf(text, sizeof(text), "wire=%d\nrelease=%s\nversion=%s\nmachine=%s\nprogress=%d\nthp=%d\nhugetlb=%d\nfailnth=%d\nkcov=%d\niommufd=%d\nvfio=%d\nvfio_pci=%d\n",
			 WIRE_VERSION, name.release, name.version, name.machine, has_progress, thp[0] != '\0', reserve_huge_pages(),
			 can_inject, access(KCOV_FILE, R_OK | W_OK) == 0, access("/dev/iommu", F_OK) == 0,
			 access(vfio_node(NODE_VFIO_DEVICE), F_OK) == 0,
			 access(vfio_node(NODE_VFIO_PCI), F_OK) == 0);
	frame_send(FRAME_HELLO, text, (size_t)bytes);
}
