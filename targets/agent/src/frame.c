/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"

static int port = -1;

int port_number(void)
{
	return port;
}

void port_adopt(int number)
{
	port = number;
}

/* A virtio port shows its name in sysfs; its node in /dev has the name of the sysfs directory. */
void port_open(void)
{
	DIR *ports = opendir("/sys/class/virtio-ports");
	struct dirent *entry;

	while (ports && (entry = readdir(ports))) {
		char path[320], name[64] = "";
		int file;

		snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name", entry->d_name);
		file = open(path, O_RDONLY);
		if (file < 0)
			continue;
		if (read(file, name, sizeof(name) - 1) < 0)
			name[0] = '\0';
		close(file);
		if (strncmp(name, PORT_NAME, strlen(PORT_NAME)))
			continue;
		snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
		port = open(path, O_RDWR | O_CLOEXEC);
	}
	if (ports)
		closedir(ports);
	if (port < 0)
		trouble("no virtio port %s: the kernel needs VIRTIO_PCI and VIRTIO_CONSOLE", PORT_NAME);
}

static void read_all(uint8_t *to, size_t bytes)
{
	while (bytes) {
		ssize_t got = read(port, to, bytes);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			trouble("the port cannot be read: %s", got ? strerror(errno) : "closed");
		to += got;
		bytes -= (size_t)got;
	}
}

static void write_all(const uint8_t *from, size_t bytes)
{
	while (bytes) {
		ssize_t put = write(port, from, bytes);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			_exit(111);
		from += put;
		bytes -= (size_t)put;
	}
}

size_t frame_receive(uint32_t *type, uint8_t *payload)
{
	uint32_t header[3];

	read_all((uint8_t *)header, sizeof(header));
	if (header[0] != FRAME_MAGIC || header[2] > FRAME_BYTES_MAX)
		trouble("the port delivers something that is no frame");
	*type = header[1];
	read_all(payload, header[2]);
	return header[2];
}

void frame_send(uint32_t type, const void *payload, size_t bytes)
{
	uint32_t header[3] = { FRAME_MAGIC, type, (uint32_t)bytes };

	write_all((const uint8_t *)header, sizeof(header));
	write_all(payload, bytes);
}

/* Something is wrong with the test bed, not with the kernel under test. */
void trouble(const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(stderr, "agent: %s\n", text);
	if (port >= 0)
		frame_send(FRAME_TROUBLE, text, strlen(text));
	_exit(112);
}
