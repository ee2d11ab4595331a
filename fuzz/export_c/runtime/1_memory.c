/* Not every program needs all of what follows. */
#define HELPER static __attribute__((unused))

enum { PASSED = 0, FAILED = 1, CANNOT_RUN = 2 };

enum { PAGE_BYTES = 4096, BUFFERS_MAX = 8, FDS_MAX = 4, SAVED_BYTES_MAX = 4 << 20 };

/* What became of a step. */
struct result {
	int error;
	long value;
	uint64_t pinned_pages, locked_pages;
	/* What was made to fail: 1 slab, 2 pages, 4 a place of iommufd's own tests, 8 something else. */
	unsigned int injected;
	/* A byte outside of every buffer that was written. */
	uint64_t stray;
	unsigned int buffers;
	struct saved {
		uint16_t length;
		/* Where the bytes before and after the call are kept. */
		uint32_t before, after;
	} saved[BUFFERS_MAX];
};

/* What all processes of the program see. */
static struct shared {
	struct result results[STEPS];
	uint32_t used;
	uint8_t bytes[SAVED_BYTES_MAX];
	/* The step that is carried out, for a process that starts the program anew in it. */
	int files[SLOTS_MAX];
	int passing[2];
} *shared;
static int shared_file = -1;

/* The program cannot be run here. */
HELPER void trouble(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fprintf(stdout, "CANNOT RUN: ");
	vfprintf(stdout, format, arguments);
	fprintf(stdout, "\n");
	va_end(arguments);
	fflush(stdout);
	_exit(CANNOT_RUN);
}

/* Out of the way of the numbers that steps come to. */
HELPER int move_up(int number)
{
	int moved = fcntl(number, F_DUPFD_CLOEXEC, 600);

	if (moved < 0)
		trouble("a descriptor cannot be moved: %s", strerror(errno));
	close(number);
	return moved;
}

HELPER void shared_adopt(int file)
{
	shared_file = file;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (shared == MAP_FAILED)
		trouble("no shared memory: %s", strerror(errno));
}

HELPER void shared_start(void)
{
	int file = memfd_create("shared", MFD_CLOEXEC);

	if (file < 0 || ftruncate(file, sizeof(*shared)))
		trouble("no shared memory: %s", strerror(errno));
	shared_adopt(move_up(file));
}

HELPER void map_region(const struct region *region, int file)
{
	int flags = MAP_FIXED | (region->is_private ? MAP_PRIVATE : MAP_SHARED) | (file < 0 ? MAP_ANONYMOUS : 0);
	void *at = mmap((void *)region->start, region->bytes, PROT_READ | PROT_WRITE, flags, file, 0);

	if (at == MAP_FAILED)
		trouble("no memory at %#lx: %s", (unsigned long)region->start, strerror(errno));
	/* Touched, so that each page is there. */
	memset(at, region->is_guarded ? GUARD_BYTE : 0, region->bytes);
	if (mprotect(at, region->bytes, region->protection))
		trouble("memory at %#lx cannot be protected: %s", (unsigned long)region->start, strerror(errno));
}

/* Lays out the memory that the steps name by address. */
HELPER void memory_lay_out(void)
{
	int files[REGIONS];

	for (int i = 0; i < REGIONS; i++) {
		const struct region *region = &regions[i];

		files[i] = -1;
		if (region->alias_of >= 0) {
			files[i] = memfd_create("region", MFD_CLOEXEC);
			if (files[i] < 0 || ftruncate(files[i], (off_t)region->bytes))
				trouble("no file of memory: %s", strerror(errno));
			files[region->alias_of] = files[i];
		}
	}
	for (int i = 0; i < REGIONS; i++)
		map_region(&regions[i], files[i]);
	for (int i = 0; i < REGIONS; i++)
		if (regions[i].alias_of >= 0)
			close(files[i]);
}

HELPER const struct region *region_of(uint64_t address)
{
	for (int i = 0; i < REGIONS; i++)
		if (address - regions[i].start < regions[i].bytes)
			return &regions[i];
	return NULL;
}

/* Where bytes are written that the kernel shall find at an address, which may be read-only. */
HELPER uint8_t *writable(uint64_t address)
{
	const struct region *region = region_of(address);

	for (int i = 0; region && i < REGIONS; i++)
		if (regions[i].alias_of == region - regions)
			return (uint8_t *)(regions[i].start + (address - region->start));
	return (uint8_t *)address;
}

HELPER bool is_guarded(uint64_t address, uint64_t bytes)
{
	const struct region *region = region_of(address);

	return region && region->is_guarded && address + bytes <= region->start + region->bytes;
}
