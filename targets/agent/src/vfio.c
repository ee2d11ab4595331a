/* SPDX-License-Identifier: MIT */
/*
 * The devices of VFIO that programs can open, made when the guest starts: one of the sample driver mtty, and, where the machine has
 * an IOMMU, a device on its PCI bus.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"

static void tell(const char *directory, const char *name, const char *text)
{
	if (!write_text(directory, name, text))
		trouble("%s/%s does not take %s", directory, name, text);
}

/* Not every kernel has the drivers, and not every machine the device. */
void vfio_make_devices(void)
{
	if (access(VFIO_CREATE_DIRECTORY, F_OK) == 0)
		tell(VFIO_CREATE_DIRECTORY, "create", VFIO_DEVICE_NAME);
	if (access(VFIO_PCI_DIRECTORY "/iommu_group", F_OK) == 0) {
		tell(VFIO_PCI_DIRECTORY, "driver_override", "vfio-pci");
		tell("/sys/bus/pci", "drivers_probe", VFIO_PCI_ADDRESS);
	}
}

/* A node of VFIO: what a link in sysfs leads to, or the entry of a directory there, is its name. */
static const char *find_node(const char *told, const char *nodes, char *path, size_t bytes)
{
	char link[512];
	ssize_t length = readlink(told, link, sizeof(link) - 1);
	DIR *entries = length > 0 ? NULL : opendir(told);
	const struct dirent *entry;

	path[0] = '\0';
	if (length > 0) {
		link[length] = '\0';
		snprintf(path, bytes, "%s/%s", nodes, strrchr(link, '/') + 1);
	}
	while (entries && !path[0] && (entry = readdir(entries)))
		if (entry->d_name[0] != '.')
			snprintf(path, bytes, "%s/%s", nodes, entry->d_name);
	if (entries)
		closedir(entries);
	return path;
}

/* Where a node is; a path that leads nowhere if there is none. */
const char *vfio_node(unsigned int node)
{
	static const struct {
		const char *told, *nodes;
	} known[] = VFIO_PLACES;
	static char paths[sizeof(known) / sizeof(*known)][512];
	char *path = paths[node];

	return path[0] ? path : find_node(known[node].told, known[node].nodes, path, sizeof(paths[node]));
}
