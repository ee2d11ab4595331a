/* What the kernel may answer. */
struct expected_buffer {
	enum { BEFORE, BYTES, ANYTHING } is;
	const uint8_t *bytes;
};
struct answer {
	/* The rule that decides, and the error number or 0. */
	const char *because;
	int error;
	long value;
	/* Of the step that reads them; else -1. */
	long pinned_pages, locked_pages;
	/* What must have failed, as bits of `injected`; 0 if that does not matter. */
	unsigned int injected;
	struct expected_buffer buffers[BUFFERS_MAX];
};
/* A member of a struct; ids and IOVAs may be others where calls of lanes take some for a while. */
struct member {
	const char *name;
	unsigned int offset, bytes;
	bool is_free;
};

/*
 * The model has one or more states after each step, by number, and ways from one to the next. A way is a row of numbers: the state that
 * it comes from, the one that it leads to, and which of its answers each step gives; ANY where the model cannot tell.
 */
#define ANY 0xffff
static bool is_possible[STATES_MAX] = { true };
/* The model has lost its way, and allows everything. */
static bool is_lost;

HELPER const char *name_of(int error)
{
	static char unknown[32];

	for (int i = 0; error_names[i].name; i++)
		if (error_names[i].number == error)
			return error_names[i].name;
	snprintf(unknown, sizeof(unknown), "error %d", error);
	return unknown;
}

HELPER bool is_free(int step, unsigned int buffer, unsigned int offset)
{
	const struct member *member = buffer ? NULL : steps[step].members;

	for (; member && member->name; member++)
		if (member->is_free && offset - member->offset < member->bytes)
			return true;
	return false;
}

/* The first byte of a buffer that is not as an answer has it, or -1. */
HELPER int first_difference(int step, unsigned int buffer, const struct answer *answer)
{
	const struct saved *saved = &shared->results[step].saved[buffer];
	const struct expected_buffer *expected = &answer->buffers[buffer];
	const uint8_t *after = shared->bytes + saved->after;
	const uint8_t *wanted = expected->is == BYTES ? expected->bytes : shared->bytes + saved->before;

	for (int i = 0; expected->is != ANYTHING && i < saved->length; i++)
		if (after[i] != wanted[i] && !is_free(step, buffer, (unsigned int)i))
			return i;
	return -1;
}

HELPER bool fits_beside_buffers(const struct result *result, const struct answer *answer)
{
	return result->error == answer->error && (result->error || result->value == answer->value) &&
	       (!answer->injected || (result->injected & answer->injected)) &&
	       (answer->pinned_pages < 0 || (result->pinned_pages == (uint64_t)answer->pinned_pages &&
					     result->locked_pages == (uint64_t)answer->locked_pages));
}

HELPER bool fits(int step, const struct answer *answer)
{
	const struct result *result = &shared->results[step];

	if (!fits_beside_buffers(result, answer))
		return false;
	for (unsigned int i = 0; i < result->buffers; i++)
		if (first_difference(step, i, answer) >= 0)
			return false;
	return true;
}

HELPER uint64_t number_at(const uint8_t *bytes, unsigned int count)
{
	uint64_t number = 0;

	memcpy(&number, bytes, count);
	return number;
}

HELPER void print_difference(int step, unsigned int buffer, int at, const struct answer *answer)
{
	const struct saved *saved = &shared->results[step].saved[buffer];
	const uint8_t *after = shared->bytes + saved->after;
	const uint8_t *wanted = answer->buffers[buffer].is == BYTES ? answer->buffers[buffer].bytes :
								      shared->bytes + saved->before;
	const struct member *member = buffer ? NULL : steps[step].members;

	for (; member && member->name; member++)
		if ((unsigned int)at - member->offset < member->bytes) {
			printf("%s: allowed is %#lx, seen %#lx\n", member->name,
			       (unsigned long)number_at(wanted + member->offset, member->bytes),
			       (unsigned long)number_at(after + member->offset, member->bytes));
			return;
		}
	printf("byte %d of buffer %u: allowed is %#x, seen %#x\n", at, buffer, wanted[at], after[at]);
}

HELPER void print_mismatch(int step, const struct answer *answer)
{
	const struct result *result = &shared->results[step];

	if (result->error != answer->error) {
		printf("allowed is %s (%s), seen %s\n", name_of(answer->error), answer->because, name_of(result->error));
		return;
	}
	if (answer->injected && !(result->injected & answer->injected)) {
		printf("%s (%s) is allowed only if something else is made to fail\n", name_of(answer->error), answer->because);
		return;
	}
	if (!fits_beside_buffers(result, answer)) {
		if (answer->pinned_pages >= 0)
			printf("allowed is %ld pages pinned and %ld locked, seen %lu and %lu\n", answer->pinned_pages,
			       answer->locked_pages, (unsigned long)result->pinned_pages, (unsigned long)result->locked_pages);
		else
			printf("it is allowed to return %ld, and returned %ld\n", answer->value, result->value);
		return;
	}
	for (unsigned int i = 0; i < result->buffers; i++) {
		int at = first_difference(step, i, answer);

		if (at >= 0) {
			print_difference(step, i, at, answer);
			return;
		}
	}
}

HELPER void children_end(void)
{
	for (int process = 0; process < PROCESSES_MAX; process++)
		exit_process(process);
}

HELPER void __attribute__((noreturn)) failed(void)
{
	fflush(stdout);
	children_end();
	_exit(FAILED);
}

HELPER void print_place(int step)
{
	printf("FAIL: step %d, %s: ", step + 1, steps[step].text);
}

/* How many of some steps fit a way. */
HELPER int count_fitting(int first, int count, const uint16_t *way)
{
	int fitting = 0;

	while (fitting < count &&
	       (way[2 + fitting] == ANY || fits(first + fitting, &steps[first + fitting].answers[way[2 + fitting]])))
		fitting++;
	return fitting;
}

HELPER void check_stray(int step)
{
	if (!shared->results[step].stray)
		return;
	print_place(step);
	printf("the kernel wrote to %#lx, outside of every buffer\n", (unsigned long)shared->results[step].stray);
	failed();
}

/* Whether some way fits what a step has answered, or lanes with all their steps. */
HELPER void check(int first, int count)
{
	bool is_next[STATES_MAX] = { false };
	const uint16_t *closest = NULL;
	bool fits_some = false;
	int best = -1;

	for (int i = 0; i < count; i++)
		check_stray(first + i);
	for (int i = 0; i < steps[first].ways_count && !is_lost; i++) {
		const uint16_t *way = steps[first].ways + i * (2 + count);
		int fitting = is_possible[way[0]] ? count_fitting(first, count, way) : -1;

		if (fitting == count) {
			fits_some = true;
			if (way[1] == ANY)
				is_lost = true;
			else
				is_next[way[1]] = true;
		}
		/* Of several, the one with the error number that was seen tells most. */
		if (fitting > best || (fitting == best && fitting >= 0 && fitting < count && way[2 + fitting] != ANY &&
				       steps[first + fitting].answers[way[2 + fitting]].error ==
					       shared->results[first + fitting].error)) {
			best = fitting;
			closest = way;
		}
	}
	memcpy(is_possible, is_next, sizeof(is_possible));
	if (fits_some || is_lost)
		return;
	print_place(first + best);
	if (closest)
		print_mismatch(first + best, &steps[first + best].answers[closest[2 + best]]);
	failed();
}
