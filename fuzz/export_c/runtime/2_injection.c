/* Allocations that fail: /proc/thread-self/fail-nth. */
static const struct {
	const char *directory;
	unsigned int what;
} failing[] = {
	{ "/sys/kernel/debug/failslab", 1 },
	{ "/sys/kernel/debug/fail_page_alloc", 2 },
	{ "/sys/kernel/debug/fail_iommufd", 4 },
};
enum { FAILING = sizeof(failing) / sizeof(failing[0]) };

static __thread unsigned int nth_wanted;
static long times_before[FAILING];

HELPER bool write_knob(const char *directory, const char *name, const char *value)
{
	char path[128];
	int file;
	bool is_written;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = open(path, O_WRONLY | O_CLOEXEC);
	is_written = file >= 0 && write(file, value, strlen(value)) == (ssize_t)strlen(value);
	if (file >= 0)
		close(file);
	return is_written;
}

HELPER long read_knob(const char *directory, const char *name)
{
	char path[128], text[32] = "";
	int file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file >= 0 && read(file, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	if (file >= 0)
		close(file);
	return strtol(text, NULL, 10);
}

HELPER void injection_start(void)
{
	mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	if (!write_knob(failing[0].directory, "ignore-gfp-wait", "N") ||
	    !write_knob(failing[1].directory, "ignore-gfp-wait", "N") ||
	    !write_knob(failing[1].directory, "ignore-gfp-highmem", "N") ||
	    !write_knob(failing[1].directory, "min-order", "0") || access("/proc/thread-self/fail-nth", W_OK))
		trouble("this kernel cannot make allocations fail (CONFIG_FAULT_INJECTION), or debugfs is not writable");
	for (int i = 0; i < FAILING; i++) {
		write_knob(failing[i].directory, "verbose", "0");
		write_knob(failing[i].directory, "times", "1000000000");
	}
}

/* The n-th allocation of the next call is to fail. */
HELPER void fail_nth(unsigned int nth)
{
	nth_wanted = nth;
}

HELPER void injection_begin(void)
{
	char text[16];

	if (!nth_wanted)
		return;
	for (int i = 0; i < FAILING; i++)
		times_before[i] = read_knob(failing[i].directory, "times");
	snprintf(text, sizeof(text), "%u", nth_wanted);
	if (!write_knob("/proc/thread-self", "fail-nth", text))
		trouble("fail-nth cannot be set: %s", strerror(errno));
}

/* Returns what has failed. */
HELPER unsigned int injection_end(void)
{
	unsigned int injected = 0;

	if (!nth_wanted)
		return 0;
	if (read_knob("/proc/thread-self", "fail-nth") == 0)
		injected = 8;
	write_knob("/proc/thread-self", "fail-nth", "0");
	for (int i = 0; injected && i < FAILING; i++)
		if (read_knob(failing[i].directory, "times") != times_before[i])
			injected = failing[i].what;
	nth_wanted = 0;
	return injected;
}
