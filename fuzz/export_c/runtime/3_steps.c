/* The descriptors of the process, by slot; -1 for those that are closed. */
static int files[SLOTS_MAX];
/* The step at hand; lanes have one each. */
static __thread int current;

HELPER void finish(long result)
{
	shared->results[current].error = result < 0 ? errno : 0;
	shared->results[current].value = 0;
}

HELPER void finish_with(long result)
{
	finish(result);
	if (result > 0)
		shared->results[current].value = result;
}

HELPER void adopt_file(int slot, int number)
{
	files[slot] = number >= 0 && fcntl(number, F_GETFD) >= 0 ? number : -1;
}

HELPER void open_device(int slot, int flags)
{
	int number = open("/dev/iommu", flags);

	finish(number);
	adopt_file(slot, number);
}

/* A node of VFIO: what a link in sysfs leads to, or the entry of a directory there, is its name. */
HELPER bool find_vfio_node(const char *told, const char *nodes, char *path, size_t bytes)
{
	char link[512];
	ssize_t length = readlink(told, link, sizeof(link) - 1);
	DIR *entries = length > 0 ? NULL : opendir(told);
	const struct dirent *entry;

	path[0] = '\0';
	if (length > 0) {
		link[length] = '\0';
		snprintf(path, bytes, "%s/%s", nodes, strrchr(link, '/') + 1);
	}
	while (entries && !path[0] && (entry = readdir(entries)))
		if (entry->d_name[0] != '.')
			snprintf(path, bytes, "%s/%s", nodes, entry->d_name);
	if (entries)
		closedir(entries);
	return path[0] != '\0';
}

/* Makes a device of VFIO's sample driver, where there is one. */
HELPER void make_vfio_device(void)
{
	int file = open(VFIO_CREATE_DIRECTORY "/create", O_WRONLY | O_CLOEXEC);

	if (file < 0)
		return;
	if (write(file, VFIO_DEVICE_NAME, strlen(VFIO_DEVICE_NAME)) < 0 && errno != EEXIST)
		trouble("the sample device of VFIO cannot be made: %s", strerror(errno));
	close(file);
}

/* Opens a node of VFIO, if need be of a device that is made for it. */
HELPER void open_vfio(int slot, const char *told, const char *nodes)
{
	char path[512];
	int number;

	if (!find_vfio_node(told, nodes, path, sizeof(path))) {
		make_vfio_device();
		if (!find_vfio_node(told, nodes, path, sizeof(path)))
			trouble("there is no such device of VFIO (CONFIG_SAMPLE_VFIO_MDEV_MTTY, or a PCI device bound to vfio-pci): %s", told);
	}
	number = open(path, O_RDWR);
	finish(number);
	adopt_file(slot, number);
}

/* Writes zeros, or of huge pages allocates them, so that the pages are there. */
HELPER void make_pages(int number, off_t from, off_t to, bool is_allocated)
{
	static const uint8_t zeros[PAGE_BYTES];
	struct stat status;

	if (is_allocated || (!fstat(number, &status) && status.st_blksize > PAGE_BYTES)) {
		if (to > from && fallocate(number, 0, from, to - from))
			trouble("a file of memory cannot be given pages: %s", strerror(errno));
		return;
	}
	while (from < to) {
		size_t bytes = to - from < PAGE_BYTES ? (size_t)(to - from) : PAGE_BYTES;

		if (pwrite(number, zeros, bytes, from) != (ssize_t)bytes)
			trouble("a file of memory cannot be filled: %s", strerror(errno));
		from += (off_t)bytes;
	}
}

HELPER void make_memory_file(int slot, uint64_t bytes, bool is_huge, bool is_allocated)
{
	int number = memfd_create("program", is_huge ? MFD_HUGETLB : 0);

	finish(number < 0 ? number : ftruncate(number, (off_t)bytes));
	if (!shared->results[current].error)
		make_pages(number, 0, (off_t)bytes, is_allocated);
	adopt_file(slot, number);
}

HELPER void truncate_file(int slot, uint64_t bytes)
{
	struct stat before;
	bool is_memory = !fstat(files[slot], &before) && S_ISREG(before.st_mode);

	finish(ftruncate(files[slot], (off_t)bytes));
	if (!shared->results[current].error && is_memory)
		make_pages(files[slot], before.st_size, (off_t)bytes, false);
}

HELPER void duplicate(int slot, int as)
{
	int number = fcntl(files[slot], F_DUPFD, 0);

	finish(number);
	adopt_file(as, number);
}

HELPER void close_file(int slot)
{
	finish(close(files[slot]));
	files[slot] = -1;
}

HELPER void close_on_exec(int slot, bool is_set)
{
	finish(fcntl(files[slot], F_SETFD, is_set ? FD_CLOEXEC : 0));
}

HELPER void poll_file(int slot)
{
	struct pollfd asked = { .fd = files[slot], .events = 0x3fff };
	int result = ppoll(&asked, 1, &(struct timespec){ .tv_nsec = 1 }, NULL);

	finish(result);
	shared->results[current].value = asked.revents;
}

/* What is there is unmapped first, so that a failing mmap() leaves a hole. */
HELPER void map_memory(uint64_t start, uint64_t bytes, int protection, int flags, int slot, uint64_t offset)
{
	void *at;

	munmap((void *)start, bytes);
	at = mmap((void *)start, bytes, protection, flags | MAP_FIXED, slot < 0 ? -1 : files[slot], (off_t)offset);
	finish(at == MAP_FAILED ? -1 : 0);
}

HELPER void move_memory(uint64_t start, uint64_t bytes, uint64_t new_bytes, uint64_t to)
{
	void *at = mremap((void *)start, bytes, new_bytes, to ? MREMAP_MAYMOVE | MREMAP_FIXED : 0, (void *)to);

	finish(at == MAP_FAILED ? -1 : 0);
}

HELPER void protect_memory(uint64_t start, uint64_t bytes, int protection)
{
	finish(mprotect((void *)start, bytes, protection));
}

HELPER void unmap_memory(uint64_t start, uint64_t bytes)
{
	finish(munmap((void *)start, bytes));
}

/* linux/capability.h */
struct capability_header {
	uint32_t version;
	int pid;
};
struct capability_sets {
	uint32_t effective, permitted, inheritable;
};

HELPER void drop_capability(unsigned int capability)
{
	struct capability_header header = { 0x20080522, 0 };
	struct capability_sets sets[2];

	if (syscall(SYS_capget, &header, sets))
		trouble("capabilities cannot be read: %s", strerror(errno));
	sets[capability / 32].effective &= ~(1u << capability % 32);
	if (syscall(SYS_capset, &header, sets))
		trouble("capabilities cannot be set: %s", strerror(errno));
}

HELPER void set_memlock(uint64_t bytes)
{
	struct rlimit limit = { .rlim_cur = bytes, .rlim_max = RLIM_INFINITY };

	if (setrlimit(RLIMIT_MEMLOCK, &limit))
		trouble("RLIMIT_MEMLOCK cannot be set: %s", strerror(errno));
}

HELPER uint64_t status_pages(const char *status, const char *key)
{
	const char *line = strstr(status, key);

	return line ? strtoull(line + strlen(key), NULL, 10) / 4 : 0;
}

/* VmPin and VmLck of the process. */
HELPER void read_counters(struct result *result)
{
	char status[4096];
	int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	ssize_t bytes = file < 0 ? -1 : read(file, status, sizeof(status) - 1);

	if (bytes < 0)
		trouble("/proc/self/status cannot be read: %s", strerror(errno));
	close(file);
	status[bytes] = '\0';
	result->error = 0;
	result->value = 0;
	result->pinned_pages = status_pages(status, "VmPin:");
	result->locked_pages = status_pages(status, "VmLck:");
}

HELPER void send_file(int slot)
{
	char byte = 0;
	struct iovec content = { &byte, 1 };
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr header;
	} control;
	struct msghdr message = { .msg_iov = &content, .msg_iovlen = 1, .msg_control = control.space,
				  .msg_controllen = sizeof(control.space) };

	memset(&control, 0, sizeof(control));
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &files[slot], sizeof(int));
	finish(sendmsg(shared->passing[0], &message, 0) < 0 ? -1 : 0);
}

/* Nothing arrives where nothing could be sent. */
HELPER void receive_file(int slot)
{
	char byte;
	struct iovec content = { &byte, 1 };
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr header;
	} control;
	struct msghdr message = { .msg_iov = &content, .msg_iovlen = 1, .msg_control = control.space,
				  .msg_controllen = sizeof(control.space) };
	int number = -1;

	if (recvmsg(shared->passing[1], &message, 0) > 0 && CMSG_FIRSTHDR(&message))
		memcpy(&number, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(number));
	adopt_file(slot, number);
}
