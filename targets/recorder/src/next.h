/* SPDX-License-Identifier: MIT */
/* The functions that the recorder stands in front of. */
#ifndef NEXT_H
#define NEXT_H

#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

#define NEXT_FUNCTIONS(X)                                                                                               \
	X(long, syscall, (long number, ...))                                                                                  \
	X(int, open, (const char *path, int flags, ...))                                                                      \
	X(int, openat, (int directory, const char *path, int flags, ...))                                                     \
	X(int, close, (int fd))                                                                                               \
	X(int, close_range, (unsigned int first, unsigned int last, int flags))                                               \
	X(int, dup, (int fd))                                                                                                 \
	X(int, dup2, (int fd, int at))                                                                                        \
	X(int, dup3, (int fd, int at, int flags))                                                                             \
	X(int, fcntl, (int fd, int command, ...))                                                                             \
	X(int, memfd_create, (const char *name, unsigned int flags))                                                          \
	X(int, ftruncate, (int fd, off_t length))                                                                             \
	X(int, ioctl, (int fd, unsigned long request, ...))                                                                   \
	X(ssize_t, read, (int fd, void *buffer, size_t count))                                                                \
	X(ssize_t, pread, (int fd, void *buffer, size_t count, off_t offset))                                                 \
	X(ssize_t, readv, (int fd, const struct iovec *pieces, int count))                                                    \
	X(ssize_t, write, (int fd, const void *buffer, size_t count))                                                         \
	X(ssize_t, pwrite, (int fd, const void *buffer, size_t count, off_t offset))                                          \
	X(ssize_t, writev, (int fd, const struct iovec *pieces, int count))                                                   \
	X(int, poll, (struct pollfd * polled, nfds_t count, int timeout))                                                     \
	X(int, ppoll, (struct pollfd * polled, nfds_t count, const struct timespec *timeout, const sigset_t *signals))        \
	X(void *, mmap, (void *address, size_t length, int protection, int flags, int fd, off_t offset))                      \
	X(int, munmap, (void *address, size_t length))                                                                        \
	X(void *, mremap, (void *address, size_t old_length, size_t new_length, int flags, ...))                              \
	X(int, mprotect, (void *address, size_t length, int protection))                                                      \
	X(int, madvise, (void *address, size_t length, int advice))                                                           \
	X(int, setrlimit, (int resource, const struct rlimit *limits))                                                        \
	X(int, prlimit, (pid_t pid, int resource, const struct rlimit *limits, struct rlimit *old))                           \
	X(pid_t, fork, (void))                                                                                                \
	X(void, _exit, (int status))                                                                                          \
	X(int, execve, (const char *path, char *const arguments[], char *const environment[]))                                \
	X(int, execvpe, (const char *file, char *const arguments[], char *const environment[]))                               \
	X(int, fexecve, (int fd, char *const arguments[], char *const environment[]))                                         \
	X(int, posix_spawn,                                                                                                   \
	  (pid_t * child, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,   \
	   char *const arguments[], char *const environment[]))                                                               \
	X(int, posix_spawnp,                                                                                                  \
	  (pid_t * child, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,   \
	   char *const arguments[], char *const environment[]))                                                               \
	X(pid_t, waitpid, (pid_t pid, int *status, int options))                                                              \
	X(pid_t, wait4, (pid_t pid, int *status, int options, struct rusage *usage))                                          \
	X(int, waitid, (idtype_t type, id_t id, siginfo_t * info, int options))                                               \
	X(int, kill, (pid_t process, int signal))

#define DECLARE_NEXT(type, name, parameters) type(*name) parameters;
struct next_functions {
	NEXT_FUNCTIONS(DECLARE_NEXT)
};
#undef DECLARE_NEXT

/* The table, filled at the first use: other libraries may call before the recorder's constructor has run. */
const struct next_functions *next(void);

/* A system call of the recorder itself. */
#define raw(...) next()->syscall(__VA_ARGS__)

#endif
