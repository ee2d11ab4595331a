/* SPDX-License-Identifier: MIT */
/* Programs that start other programs, which are to be recorded as well whatever environment they are given. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "recorder.h"

#define PRELOAD "LD_PRELOAD="
#define TRACE TRACE_VARIABLE "="
#define LIBRARY LIBRARY_VARIABLE "="

extern char **environ;

/* The value of a variable as "NAME=value"; NULL if it is not there. */
static char *variable(char *const environment[], const char *start)
{
	for (; environment && *environment; environment++)
		if (!strncmp(*environment, start, strlen(start)))
			return *environment;
	return NULL;
}

/* An environment for a new program; its memory goes with the process image, or is given back. */
struct environment {
	char *const *variables;
	void *mapped;
	size_t bytes;
};

static void environment_give_back(struct environment *environment)
{
	int saved = errno;

	if (environment->mapped)
		raw(SYS_munmap, environment->mapped, environment->bytes);
	errno = saved;
}

/* The environment that the program chose, with the recorder in it. */
static struct environment with_recorder(char *const chosen[])
{
	struct environment made = { chosen, NULL, 0 };
	char *library = variable(environ, LIBRARY), *trace = variable(environ, TRACE), *preload, **to, *text;
	const char *others;
	size_t count = 0;

	if (!trace_is_open() || !library || !trace)
		return made;
	preload = variable(chosen, PRELOAD);
	library += strlen(LIBRARY);
	if (preload && strstr(preload, library) && variable(chosen, TRACE))
		return made;
	while (chosen && chosen[count])
		count++;
	others = preload ? preload + strlen(PRELOAD) : "";
	made.bytes = (count + 4) * sizeof(char *) + sizeof(PRELOAD) + strlen(library) + 1 + strlen(others) + 1;
	made.mapped = (void *)raw(SYS_mmap, NULL, made.bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (made.mapped == MAP_FAILED)
		return (struct environment){ chosen, NULL, 0 };
	to = made.mapped;
	text = (char *)(to + count + 4);
	made.variables = to;
	for (size_t index = 0; index < count; index++)
		if (chosen[index] != preload)
			*to++ = chosen[index];
	strcpy(stpcpy(stpcpy(stpcpy(text, PRELOAD), library), *others ? ":" : ""), others);
	*to++ = text;
	*to++ = trace;
	*to++ = library - strlen(LIBRARY);
	return made;
}

static void exec_record(int directory, const char *path, int result)
{
	struct record record;

	if (!process_is_recorded())
		return;
	record_begin(&record, KIND_EXEC);
	record_member(&record, (uint64_t)directory);
	if (path)
		record_path(&record, path);
	record_enter(&record);
	record_leave(&record, result);
	record_end(&record);
}

typedef int (*exec_call)(const char *path, char *const arguments[], char *const environment[]);

static int execute(exec_call call, const char *path, char *const arguments[], char *const chosen[])
{
	struct environment environment = with_recorder(chosen);
	int result;

	exec_record(AT_FDCWD, path, 0);
	result = call(path, arguments, environment.variables);
	environment_give_back(&environment);
	exec_record(AT_FDCWD, path, result);
	return result;
}

EXPORT int execve(const char *path, char *const arguments[], char *const environment[])
{
	return execute(next()->execve, path, arguments, environment);
}

EXPORT int execv(const char *path, char *const arguments[])
{
	return execute(next()->execve, path, arguments, environ);
}

EXPORT int execvp(const char *file, char *const arguments[])
{
	return execute(next()->execvpe, file, arguments, environ);
}

EXPORT int execvpe(const char *file, char *const arguments[], char *const environment[])
{
	return execute(next()->execvpe, file, arguments, environment);
}

EXPORT int fexecve(int fd, char *const arguments[], char *const chosen[])
{
	struct environment environment = with_recorder(chosen);
	int result;

	exec_record(fd, NULL, 0);
	result = next()->fexecve(fd, arguments, environment.variables);
	environment_give_back(&environment);
	exec_record(fd, NULL, result);
	return result;
}

/* Arguments that are passed one by one up to a NULL, and then the environment if there is one. */
static int execute_list(exec_call call, const char *path, const char *first, va_list list, bool has_environment)
{
	size_t count = 0;
	va_list ahead;

	va_copy(ahead, list);
	for (const char *argument = first; argument; argument = va_arg(ahead, char *))
		count++;
	va_end(ahead);
	char *arguments[count + 1];
	arguments[0] = (char *)(uintptr_t)first;
	for (size_t index = 1; index <= count; index++)
		arguments[index] = va_arg(list, char *);
	return execute(call, path, arguments, has_environment ? va_arg(list, char *const *) : environ);
}

#define EXEC_OF_LIST(name, call, has_environment)                                                                        \
	EXPORT int name(const char *path, const char *first, ...)                                                             \
	{                                                                                                                     \
		va_list list;                                                                                                       \
		int result;                                                                                                         \
                                                                                                                         \
		va_start(list, first);                                                                                              \
		result = execute_list(next()->call, path, first, list, has_environment);                                            \
		va_end(list);                                                                                                       \
		return result;                                                                                                      \
	}

EXEC_OF_LIST(execl, execve, false)
EXEC_OF_LIST(execlp, execvpe, false)
EXEC_OF_LIST(execle, execve, true)

typedef int (*spawn_call)(pid_t *child, const char *path, const posix_spawn_file_actions_t *actions,
			  const posix_spawnattr_t *attributes, char *const arguments[], char *const environment[]);

static int spawn(spawn_call call, pid_t *child, const char *path, const posix_spawn_file_actions_t *actions,
		 const posix_spawnattr_t *attributes, char *const arguments[], char *const chosen[])
{
	struct environment environment = with_recorder(chosen);
	struct record record;
	bool is_recorded = process_is_recorded();
	pid_t started = 0;
	int result;

	if (is_recorded) {
		record_begin(&record, KIND_FORK);
		record_member(&record, 1);
		record_path(&record, path);
		record_enter(&record);
	}
	result = call(&started, path, actions, attributes, arguments, environment.variables);
	if (is_recorded) {
		record_leave(&record, result ? -result : started);
		record_end(&record);
	}
	environment_give_back(&environment);
	if (!result && child)
		*child = started;
	return result;
}

EXPORT int posix_spawn(pid_t *child, const char *path, const posix_spawn_file_actions_t *actions,
		       const posix_spawnattr_t *attributes, char *const arguments[], char *const environment[])
{
	return spawn(next()->posix_spawn, child, path, actions, attributes, arguments, environment);
}

EXPORT int posix_spawnp(pid_t *child, const char *path, const posix_spawn_file_actions_t *actions,
			const posix_spawnattr_t *attributes, char *const arguments[], char *const environment[])
{
	return spawn(next()->posix_spawnp, child, path, actions, attributes, arguments, environment);
}
