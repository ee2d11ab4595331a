/* A step, as the table of the program has it. */
struct step {
	/* As people read it. */
	const char *text;
	enum { ORDINARY, LANES, FORK, EXIT } kind;
	/* Who carries it out; 0 is the first process. Of FORK, the process that is made. */
	int process;
	void (*run)(void);
	/* Of a descriptor that is sent: who receives it, and how. */
	int receiver;
	void (*receive)(void);
	/* Of LANES: how many steps each has; they follow. */
	int lane_steps[LANES_MAX];
	/* What it may answer, and the members of the struct of its first buffer. */
	const struct answer *answers;
	const struct member *members;
	/* The ways in which it may go on, with those of the lanes that follow: see check(). */
	const uint16_t *ways;
	int ways_count;
};
static const struct step steps[STEPS];

#define ANEW "reproducer-started-anew"

/* The processes that the program makes. */
static struct child {
	pid_t pid;
	int socket;
} children[PROCESSES_MAX];
/* In such a process: the way to the first one. */
static int master = -1;

struct order {
	int step;
	enum { RUN, RECEIVE, END } what;
};

HELPER void run_step(int step)
{
	current = step;
	steps[step].run();
}

HELPER void serve(void)
{
	struct order order;
	char done = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(master, &order, sizeof(order)) == sizeof(order) && order.what != END) {
		current = order.step;
		if (order.what == RUN)
			steps[order.step].run();
		else
			steps[order.step].receive();
		if (write(master, &done, 1) != 1)
			break;
	}
	_exit(0);
}

HELPER void fork_process(int process)
{
	int sockets[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		trouble("no sockets for a process: %s", strerror(errno));
	sockets[0] = move_up(sockets[0]);
	sockets[1] = move_up(sockets[1]);
	children[process].pid = fork();
	if (children[process].pid < 0)
		trouble("a process cannot be made: %s", strerror(errno));
	if (!children[process].pid) {
		close(sockets[0]);
		for (int other = 0; other < PROCESSES_MAX; other++)
			if (children[other].pid > 0)
				close(children[other].socket);
		master = sockets[1];
		serve();
	}
	close(sockets[1]);
	children[process].socket = sockets[0];
}

/* Returns whether the process is still there. */
HELPER bool command(int process, int step, int what)
{
	struct order order = { step, what };
	char done;

	return write(children[process].socket, &order, sizeof(order)) == sizeof(order) &&
	       read(children[process].socket, &done, 1) == 1;
}

HELPER void exit_process(int process)
{
	struct child *child = &children[process];
	struct order order = { 0, END };

	if (!child->pid)
		return;
	if (write(child->socket, &order, sizeof(order)) != sizeof(order))
		kill(child->pid, SIGKILL);
	while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
		;
	close(child->socket);
	child->pid = 0;
}

HELPER void keep_on_exec(int number)
{
	if (fcntl(number, F_SETFD, 0))
		trouble("a descriptor cannot be kept: %s", strerror(errno));
}

/* The process starts the program anew: its memory is that which the program begins with. */
HELPER void start_anew(void)
{
	char socket[16], memory[16];
	char *arguments[] = { ANEW, socket, memory, NULL };

	memcpy(shared->files, files, sizeof(files));
	keep_on_exec(master);
	keep_on_exec(shared_file);
	keep_on_exec(shared->passing[0]);
	keep_on_exec(shared->passing[1]);
	snprintf(socket, sizeof(socket), "%d", master);
	snprintf(memory, sizeof(memory), "%d", shared_file);
	shared->results[current].error = 0;
	execv("/proc/self/exe", arguments);
	trouble("the program cannot be started anew: %s", strerror(errno));
}

/* What it does then. */
HELPER void go_on(int socket, int memory)
{
	char done = 0;

	master = socket;
	shared_adopt(memory);
	for (int slot = 0; slot < SLOTS_MAX; slot++)
		adopt_file(slot, shared->files[slot]);
	memory_lay_out();
	if (write(master, &done, 1) == 1)
		serve();
	_exit(0);
}

/* Steps that go on at the same time. */
static struct lane {
	pthread_t thread;
	int first, count;
} lanes[LANES_MAX];
static int lanes_missing;

HELPER void *run_lane(void *argument)
{
	struct lane *lane = argument;

	__atomic_sub_fetch(&lanes_missing, 1, __ATOMIC_ACQ_REL);
	for (unsigned int spins = 1; __atomic_load_n(&lanes_missing, __ATOMIC_ACQUIRE); spins++)
		if (spins % 2000 == 0)
			sched_yield();
	for (int i = 0; i < lane->count; i++)
		run_step(lane->first + i);
	return NULL;
}

/* Returns how many steps they have. */
HELPER int run_lanes(int step)
{
	int total = 0, count = 0;

	for (; count < LANES_MAX && steps[step].lane_steps[count]; count++) {
		lanes[count] = (struct lane){ .first = step + 1 + total, .count = steps[step].lane_steps[count] };
		total += lanes[count].count;
	}
	lanes_missing = count;
	for (int i = 0; i < count; i++)
		if (pthread_create(&lanes[i].thread, NULL, run_lane, &lanes[i]))
			trouble("a thread cannot be started");
	for (int i = 0; i < count; i++)
		pthread_join(lanes[i].thread, NULL);
	return total;
}
