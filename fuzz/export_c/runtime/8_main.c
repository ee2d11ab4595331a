/* Without CONFIG_IOMMUFD_TEST its command does not exist; with it, a struct that cannot be read is EFAULT. */
HELPER void demand_mock(void)
{
	int file = open("/dev/iommu", O_RDWR | O_CLOEXEC);

	if (ioctl(file, TEST_COMMAND, NULL) < 0 && errno == ENOTTY)
		trouble("this kernel has no mock hardware (CONFIG_IOMMUFD_TEST)");
	close(file);
}

HELPER void demand_huge_pages(void)
{
	FILE *file = fopen("/proc/sys/vm/nr_hugepages", "r+");
	int count = 0;

	if (file && fscanf(file, "%d", &count) == 1 && count < HUGE_PAGES) {
		rewind(file);
		fprintf(file, "%d\n", HUGE_PAGES);
		fflush(file);
		rewind(file);
		if (fscanf(file, "%d", &count) != 1)
			count = 0;
	}
	if (file)
		fclose(file);
	if (count < HUGE_PAGES)
		trouble("the program needs %d huge pages of 2 MiB", HUGE_PAGES);
}

HELPER void start(void)
{
	/* A process that is gone is noticed by what does not come back. */
	signal(SIGPIPE, SIG_IGN);
	if (access("/dev/iommu", F_OK))
		trouble("there is no /dev/iommu (CONFIG_IOMMUFD)");
	if (access("/dev/iommu", R_OK | W_OK))
		trouble("/dev/iommu cannot be opened: %s", strerror(errno));
	if (NEEDS_MOCK)
		demand_mock();
	if (access("/sys/kernel/mm/transparent_hugepage", F_OK))
		trouble("addresses that the kernel chooses are others without CONFIG_TRANSPARENT_HUGEPAGE");
	if (HUGE_PAGES)
		demand_huge_pages();
	if (NEEDS_INJECTION)
		injection_start();
	shared_start();
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, shared->passing))
		trouble("no sockets to pass descriptors: %s", strerror(errno));
	shared->passing[0] = move_up(shared->passing[0]);
	shared->passing[1] = move_up(shared->passing[1]);
	memory_lay_out();
	set_memlock(MEMLOCK_BYTES);
	for (int slot = 0; slot < SLOTS_MAX; slot++)
		files[slot] = -1;
	log_start();
}

HELPER void run_by(int process, int step, int what)
{
	if (process && command(process, step, what))
		return;
	if (process) {
		print_place(step);
		printf("the process was killed\n");
		failed();
	}
	current = step;
	if (what == RUN)
		steps[step].run();
	else
		steps[step].receive();
}

/* Returns the index of the last step that it has carried out. */
HELPER int carry_out(int step)
{
	const struct step *one = &steps[step];

	switch (one->kind) {
	case FORK:
		fork_process(one->process);
		return step;
	case EXIT:
		exit_process(one->process);
		return step;
	case LANES:
		return step + run_lanes(step);
	default:
		run_by(one->process, step, RUN);
		if (one->receive)
			run_by(one->receiver, step, RECEIVE);
		return step;
	}
}

/* Everything is closed: nothing may stay behind. */
HELPER void check_end(void)
{
	struct result left = { 0 };

	children_end();
	for (int slot = 0; slot < SLOTS_MAX; slot++)
		if (files[slot] >= 0)
			close(files[slot]);
	read_counters(&left);
	if (left.pinned_pages || left.locked_pages) {
		printf("FAIL: after the program %lu pages stay pinned and %lu locked\n", (unsigned long)left.pinned_pages,
		       (unsigned long)left.locked_pages);
		failed();
	}
	log_check();
}

int main(int count, char **arguments)
{
	if (count == 3 && !strcmp(arguments[0], ANEW))
		go_on(atoi(arguments[1]), atoi(arguments[2]));
	start();
	for (int step = 0; step < STEPS;) {
		int next = carry_out(step) + 1;

		check(step, next - step);
		step = next;
	}
	check_end();
	printf("PASS: %d steps answer as the model of Linux " PROFILE " says\n", STEPS);
	return PASSED;
}
