/* Kernel messages that tell of trouble. */
static const char *const alarms[] = { "WARNING:", "BUG:", "BUG at", "UBSAN:", "KASAN:", "KCSAN:", "refcount_t:", "general protection fault",
				      "list_add corruption", "list_del corruption", "blocked for more than", NULL };
static bool is_certain_seen[CERTAIN_MESSAGES + 1];

static int log_file = -1;

HELPER void log_start(void)
{
	log_file = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (log_file < 0)
		return;
	log_file = move_up(log_file);
	lseek(log_file, 0, SEEK_END);
}

HELPER bool is_alarm(const char *line)
{
	for (int i = 0; alarms[i]; i++)
		if (strstr(line, alarms[i]))
			return true;
	return false;
}

HELPER void look_at(const char *line)
{
	bool is_allowed = false;

	for (int i = 0; certain_messages[i]; i++)
		if (strstr(line, certain_messages[i]))
			is_certain_seen[i] = true;
	if (!is_alarm(line))
		return;
	for (int i = 0; allowed_messages[i]; i++)
		is_allowed |= strstr(line, allowed_messages[i]) != NULL;
	if (is_allowed)
		return;
	printf("FAIL: the kernel printed: %s\n", line);
	failed();
}

HELPER void log_check(void)
{
	char record[8192];
	ssize_t bytes;

	if (log_file < 0)
		return;
	while ((bytes = read(log_file, record, sizeof(record) - 1)) > 0 || (bytes < 0 && errno == EPIPE)) {
		char *line = record, *end;

		if (bytes < 0)
			continue;
		record[bytes] = '\0';
		/* What stands before the semicolon is not the message. */
		line = strchr(record, ';') ? strchr(record, ';') + 1 : record;
		end = strchr(line, '\n');
		if (end)
			*end = '\0';
		look_at(line);
	}
	for (int i = 0; certain_messages[i]; i++)
		if (!is_certain_seen[i]) {
			printf("FAIL: the kernel did not print a message about %s\n", certain_messages[i]);
			failed();
		}
}
