/* SPDX-License-Identifier: MIT */
/* The device of VFIO that programs can open: one of the sample driver mtty, made when the guest starts. */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"

#define CREATE_FILE "/sys/devices/virtual/mtty/mtty/mdev_supported_types/mtty-1/create"

void vfio_make_device(void)
{
	int file = open(CREATE_FILE, O_WRONLY | O_CLOEXEC);

	/* Not every kernel has the driver. */
	if (file < 0)
		return;
	if (write(file, VFIO_DEVICE_NAME, strlen(VFIO_DEVICE_NAME)) < 0)
		trouble("the sample device of VFIO cannot be made");
	close(file);
}

/* The first entry of a directory whose name ends with a digit: names of nodes do, those of directories and of the container do not. */
static const char *find_node(const char *directory, char *path, size_t bytes)
{
	DIR *nodes = opendir(directory);
	const struct dirent *entry;

	path[0] = '\0';
	while (nodes && !path[0] && (entry = readdir(nodes))) {
		size_t length = strlen(entry->d_name);

		if (isdigit((unsigned char)entry->d_name[length - 1]))
			snprintf(path, bytes, "%s/%s", directory, entry->d_name);
	}
	if (nodes)
		closedir(nodes);
	return path;
}

/* Where a node is; a path that leads nowhere if there is none. */
const char *vfio_node(unsigned int node)
{
	static char device[512], group[512];

	if (node == NODE_VFIO_DEVICE)
		return device[0] ? device : find_node("/dev/vfio/devices", device, sizeof(device));
	return group[0] ? group : find_node("/dev/vfio", group, sizeof(group));
}
