/* SPDX-License-Identifier: MIT */
/* Descriptors that one process of a program sends to another, by SCM_RIGHTS. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent.h"

/* A message of one byte that takes a descriptor along. */
struct parcel {
	char byte;
	struct iovec content;
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr header;
	} control;
	struct msghdr message;
};

static void wrap(struct parcel *parcel)
{
	memset(parcel, 0, sizeof(*parcel));
	parcel->content = (struct iovec){ &parcel->byte, 1 };
	parcel->message.msg_iov = &parcel->content;
	parcel->message.msg_iovlen = 1;
	parcel->message.msg_control = parcel->control.space;
	parcel->message.msg_controllen = sizeof(parcel->control.space);
}

void passing_start(void)
{
	int sockets[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sockets))
		trouble("no sockets to pass descriptors: %s", strerror(errno));
	common->passing[0] = move_up(sockets[0]);
	common->passing[1] = move_up(sockets[1]);
}

void run_send(struct reader *from, struct writer *to)
{
	int number = file_number((unsigned int)take(from, 1));
	struct parcel parcel;
	struct cmsghdr *header;
	ssize_t sent;

	wrap(&parcel);
	header = CMSG_FIRSTHDR(&parcel.message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(number));
	memcpy(CMSG_DATA(header), &number, sizeof(number));
	sent = sendmsg(common->passing[0], &parcel.message, 0);
	if (to)
		put_result(to, 0, sent < 0 ? errno : 0, 0);
}

/* Nothing arrives where nothing could be sent. */
void run_receive(struct reader *from, struct writer *to)
{
	unsigned int slot = (unsigned int)take(from, 1);
	int number = -1;
	struct parcel parcel;
	struct cmsghdr *header;

	wrap(&parcel);
	if (recvmsg(common->passing[1], &parcel.message, 0) > 0) {
		header = CMSG_FIRSTHDR(&parcel.message);
		if (!header || header->cmsg_type != SCM_RIGHTS)
			trouble("a descriptor is lost on its way");
		memcpy(&number, CMSG_DATA(header), sizeof(number));
	}
	file_adopt(slot, number);
	if (to)
		put_result(to, 0, 0, 0);
}
