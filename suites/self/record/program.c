/* SPDX-License-Identifier: MIT */
/* A program to be recorded. Its first argument says what it does; it ends with 0 if everything was as it is without a recorder. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calls.h"

#define PAGE 4096
#define THREADS 4
#define CALLS_EACH 200

/* The number that a lost expectation ends with, so that a failing test tells where. */
#define EXPECT(condition)           \
	do {                              \
		if (!(condition)) {             \
			dprintf(2, "line %d: %s\n", __LINE__, #condition); \
			_exit(100);                   \
		}                               \
	} while (0)

extern char **environ;
static const char *self;

static int open_device(int flags)
{
	int fd = open("/dev/iommu", O_RDWR | flags);

	EXPECT(fd >= 0);
	return fd;
}

static int alloc(int fd)
{
	struct ioas_alloc args = { sizeof(args), 0, 0 };
	int result = ioctl(fd, IOAS_ALLOC, &args);

	EXPECT(result || args.out_ioas_id == ANSWER_ID);
	return result;
}

static void calls(void)
{
	int fd = open_device(O_CLOEXEC), copy;
	struct iova_range range[2] = { { 1, 1 }, { 2, 2 } };
	struct ioas_iova_ranges ranges = { sizeof(ranges), ANSWER_ID, 2, 0, (uintptr_t)range, 0 };
	char *memory = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct ioas_map map = { sizeof(map), 6, ANSWER_ID, 0, (uintptr_t)memory + PAGE, PAGE, 0 };
	struct pollfd polled = { fd, POLLIN, 0 };
	char bytes[4] = "";

	EXPECT(!alloc(fd));
	EXPECT(!ioctl(fd, IOAS_IOVA_RANGES, &ranges) && range[0].last == ANSWER_LAST && ranges.num_iovas == 1);
	EXPECT(!ioctl(fd, IOAS_MAP, &map) && map.iova == ANSWER_IOVA);
	errno = 0;
	EXPECT(ioctl(fd, NO_SUCH_CALL, &map) == -1 && errno == ENOTTY);
	EXPECT(!mprotect(memory, PAGE, PROT_READ));
	memory = mremap(memory, 2 * PAGE, PAGE, 0);
	EXPECT(memory != MAP_FAILED);
	EXPECT(!madvise(memory, PAGE, MADV_DONTNEED) && !munmap(memory, PAGE));
	copy = dup(fd);
	EXPECT(write(copy, "abc", 3) == 3 && pread(copy, bytes, 3, 0) == 3 && !strcmp(bytes, "abc"));
	EXPECT(poll(&polled, 1, 0) == 1);
	EXPECT(!close(copy) && !close(fd) && close(fd) == -1 && errno == EBADF);
}

/* Pointers that lead nowhere, and a struct that begins two bytes before the end of memory. */
static void holes(void)
{
	int fd = open_device(0);
	char *memory = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	EXPECT(!munmap(memory + PAGE, PAGE));
	memset(memory, 0, PAGE);
	*(uint32_t *)(void *)(memory + PAGE - 8) = sizeof(struct ioas_alloc);
	EXPECT(ioctl(fd, IOAS_ALLOC, NULL) == -1 && errno == EFAULT);
	EXPECT(ioctl(fd, IOAS_ALLOC, memory + PAGE) == -1 && errno == EFAULT);
	EXPECT(ioctl(fd, IOAS_ALLOC, memory + PAGE - 2) == -1 && errno == EFAULT);
	EXPECT(ioctl(fd, IOAS_ALLOC, memory + PAGE - 8) == -1 && errno == EFAULT);
	EXPECT(ioctl(fd, IOAS_ALLOC, (void *)-8L) == -1 && errno == EFAULT);
}

/* A kernel or a sandbox that does not let memory be read. */
static void confine(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_readv, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

	EXPECT(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) && !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

static void forks(void)
{
	int fd = open_device(0), status;
	pid_t child;

	for (int round = 0; round < 2; round++) {
		child = round ? (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) : fork();
		EXPECT(child >= 0);
		if (!child) {
			EXPECT(!alloc(fd) && !alloc(fd));
			_exit(5);
		}
		EXPECT(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 5);
	}
	child = vfork();
	if (!child)
		_exit(6);
	EXPECT(wait(&status) == child && WEXITSTATUS(status) == 6);
	EXPECT(!alloc(fd));
}

static void *work(void *fd)
{
	for (int call = 0; call < CALLS_EACH; call++)
		EXPECT(!alloc(*(int *)fd));
	return NULL;
}

static void threads(void)
{
	int fd = open_device(0);
	pthread_t thread[THREADS];

	for (int index = 0; index < THREADS; index++)
		EXPECT(!pthread_create(&thread[index], NULL, work, &fd));
	for (int index = 0; index < THREADS; index++)
		EXPECT(!pthread_join(thread[index], NULL));
}

/* The program that is executed finds the descriptor open; the environment is the one that is asked for. */
static void executes(const char *environment)
{
	int fd = open_device(0);
	char number[16];
	char *arguments[] = { (char *)(uintptr_t)self, "inherited", number, NULL };
	const char *preload = getenv("LD_PRELOAD"), *colon = strrchr(preload, ':');
	char *only_fake[] = { NULL, NULL };

	snprintf(number, sizeof(number), "%d", fd);
	EXPECT(!alloc(fd));
	/* The fake device is part of the world; the recorder comes by itself. */
	EXPECT(asprintf(&only_fake[0], "LD_PRELOAD=%s", colon ? colon + 1 : preload) > 0);
	if (!strcmp(environment, "bare"))
		execve(self, arguments, only_fake);
	if (!strcmp(environment, "listed"))
		execl(self, self, "inherited", number, (char *)NULL);
	if (!strcmp(environment, "searched"))
		execlp(self, self, "inherited", number, (char *)NULL);
	if (!strcmp(environment, "listed_bare"))
		execle(self, self, "inherited", number, (char *)NULL, only_fake);
	if (!strcmp(environment, "fails"))
		EXPECT(execl("/nonexistent", "x", (char *)NULL) == -1 && errno == ENOENT);
	execv(self, arguments);
	EXPECT(0);
}

/* A process that knows nothing of the device is passed a descriptor by another one. */
static void passes(void)
{
	int pair[2], fd, status;
	char byte = 0, room[CMSG_SPACE(sizeof(int))] = "";
	struct iovec data = { &byte, 1 };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof(room) };
	struct cmsghdr *passed = CMSG_FIRSTHDR(&message);
	pid_t child;

	EXPECT(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	child = fork();
	if (!child) {
		fd = open_device(0);
		passed->cmsg_level = SOL_SOCKET;
		passed->cmsg_type = SCM_RIGHTS;
		passed->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(passed), &fd, sizeof(fd));
		EXPECT(sendmsg(pair[0], &message, 0) == 1);
		_exit(0);
	}
	EXPECT(recvmsg(pair[1], &message, 0) == 1);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	EXPECT(waitpid(child, &status, 0) == child && !status && !alloc(fd));
}

/* What a daemon does before it begins. */
static void closes(void)
{
	EXPECT(open_device(0) == 3 && open_device(0) == 4);
	for (int fd = 3; fd < 2048; fd++)
		close(fd);
	EXPECT(open_device(0) == 3 && !alloc(3));
	closefrom(3);
	EXPECT(alloc(3) == -1 && errno == EBADF);
	EXPECT(open_device(0) == 3 && !alloc(3));
	EXPECT(!close_range(3, ~0u, 0));
	for (int fd = 3; fd < 1024; fd++)
		EXPECT(dup2(2, fd) == fd);
	EXPECT(open_device(0) >= 1024);
	for (int fd = 3; fd < 1100; fd++)
		syscall(SYS_close, fd);
	EXPECT(open_device(0) == 3 && !alloc(3));
}

static void without_stdio(void)
{
	close(0);
	close(1);
	close(2);
	EXPECT(open_device(0) == 0 && open_device(0) == 1 && open_device(0) == 2);
	EXPECT(!alloc(0) && !alloc(2));
}

static void killed(void)
{
	int fd = open_device(0), ready[2];
	char byte = 0;
	pid_t child;

	EXPECT(!pipe(ready));
	child = fork();
	if (!child) {
		for (int call = 1;; call++) {
			alloc(fd);
			if (call == 20)
				EXPECT(write(ready[1], &byte, 1) == 1);
		}
	}
	EXPECT(read(ready[0], &byte, 1) == 1);
	kill(child, SIGKILL);
	wait(NULL);
	for (int call = 0; call < 10; call++)
		EXPECT(!alloc(fd));
	raise(SIGKILL);
}

/* Who kills has done nothing of interest, and does not look whether it is done. */
static void killed_unseen(void)
{
	int ready[2];
	char byte = 0;
	pid_t child;

	EXPECT(!pipe(ready));
	child = fork();
	if (!child) {
		setpgid(0, 0);
		if (!fork())
			EXPECT(!alloc(open_device(0)) && write(ready[1], &byte, 1) == 1);
		for (;;)
			pause();
	}
	EXPECT(read(ready[0], &byte, 1) == 1);
	EXPECT(!kill(-child, SIGKILL));
	EXPECT(!alloc(open_device(0)));
	EXPECT(waitpid(child, NULL, WNOHANG) == child);
}

static void limits(void)
{
	struct rlimit limit = { 65536, 65536 };
	int fd = open_device(0);

	EXPECT(!setrlimit(RLIMIT_MEMLOCK, &limit) && !alloc(fd));
}

/* More descriptors and mappings than fit a page. */
static void crowded(void)
{
	for (int index = 0; index < 2000; index++)
		EXPECT(mmap(NULL, PAGE, index % 2 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
	for (int index = 0; index < 300; index++)
		EXPECT(dup(2) >= 0);
	EXPECT(!alloc(open_device(0)));
}

static void handle(int signal)
{
	(void)signal;
	_exit(42);
}

static void waits(void)
{
	signal(SIGTERM, handle);
	alloc(open_device(0));
	dprintf(1, "ready\n");
	for (;;)
		pause();
}

int main(int count, char **arguments)
{
	const char *what = count > 1 ? arguments[1] : "";

	self = arguments[0];
	if (count > 2 && !strcmp(arguments[2], "confined"))
		confine();
	if (!strcmp(what, "calls"))
		calls();
	else if (!strcmp(what, "holes"))
		holes();
	else if (!strcmp(what, "forks"))
		forks();
	else if (!strcmp(what, "threads"))
		threads();
	else if (!strcmp(what, "executes"))
		executes(count > 2 ? arguments[2] : "");
	else if (!strcmp(what, "inherited"))
		EXPECT(count > 2 && !alloc(atoi(arguments[2])));
	else if (!strcmp(what, "passes"))
		passes();
	else if (!strcmp(what, "closes"))
		closes();
	else if (!strcmp(what, "without_stdio"))
		without_stdio();
	else if (!strcmp(what, "killed"))
		killed();
	else if (!strcmp(what, "killed_unseen"))
		killed_unseen();
	else if (!strcmp(what, "crowded"))
		crowded();
	else if (!strcmp(what, "limits"))
		limits();
	else if (!strcmp(what, "waits"))
		waits();
	else
		return 99;
	return 0;
}
