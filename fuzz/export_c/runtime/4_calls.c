/* Calls that hand buffers to the kernel. */
struct buffer {
	uint64_t address;
	uint16_t length;
	uint8_t *memory;
};
static __thread struct buffer buffers[BUFFERS_MAX];
static __thread unsigned int buffers_count;

/* Places of buffers that hold the number of a descriptor; expectations have 0x40000000 plus the slot there. */
static __thread struct fd_place {
	enum { GIVEN, TAKEN, HIDDEN } kind;
	unsigned int buffer, offset;
	int slot, number;
} fd_places[FDS_MAX];
static __thread unsigned int fd_places_count;

HELPER uint32_t save(const void *bytes, uint16_t length)
{
	uint32_t at = __atomic_fetch_add(&shared->used, length, __ATOMIC_RELAXED);

	if (at + length > SAVED_BYTES_MAX)
		trouble("the buffers of the program take more than %d bytes", SAVED_BYTES_MAX);
	memcpy(shared->bytes + at, bytes, length);
	return at;
}

/* Puts a buffer where the kernel will find it. */
HELPER void place(uint64_t address, const void *bytes, uint16_t length)
{
	struct buffer *buffer = &buffers[buffers_count++];

	*buffer = (struct buffer){ address, length, writable(address) };
	memcpy(buffer->memory, bytes, length);
}

/* Copies a number from what an earlier call left in its buffer, and adds to it. */
HELPER void copy_number(unsigned int buffer, unsigned int offset, unsigned int bytes, int step, unsigned int from,
			unsigned int from_offset, uint64_t plus)
{
	const struct result *source = &shared->results[step];
	uint64_t number = 0;

	if (from >= source->buffers || from_offset + bytes > source->saved[from].length)
		return;
	memcpy(&number, shared->bytes + source->saved[from].after + from_offset, bytes);
	number += plus;
	memcpy(buffers[buffer].memory + offset, &number, bytes);
}

HELPER void place_fd(int kind, unsigned int buffer, unsigned int offset, int slot)
{
	fd_places[fd_places_count++] = (struct fd_place){ kind, buffer, offset, slot, -1 };
}

HELPER void give_fd(unsigned int buffer, unsigned int offset, int slot)
{
	place_fd(GIVEN, buffer, offset, slot);
}

HELPER void take_fd(unsigned int buffer, unsigned int offset, int slot)
{
	place_fd(TAKEN, buffer, offset, slot);
}

/* The call makes a descriptor and does not say which: the lowest that is free. */
HELPER void take_hidden_fd(int slot)
{
	place_fd(HIDDEN, 0, 0, slot);
}

HELPER int lowest_free(void)
{
	int number = fcntl(shared_file, F_DUPFD_CLOEXEC, 0);

	if (number >= 0)
		close(number);
	return number;
}

HELPER void begin_call(void)
{
	struct result *result = &shared->results[current];

	result->buffers = buffers_count;
	for (unsigned int i = 0; i < buffers_count; i++)
		result->saved[i] = (struct saved){ buffers[i].length, save(buffers[i].memory, buffers[i].length), 0 };
	for (unsigned int i = 0; i < fd_places_count; i++) {
		struct fd_place *fd = &fd_places[i];

		fd->number = fd->kind == HIDDEN ? lowest_free() : fd->kind == GIVEN ? files[fd->slot] : -1;
		if (fd->kind == GIVEN)
			memcpy(buffers[fd->buffer].memory + fd->offset, &fd->number, sizeof(fd->number));
	}
	injection_begin();
}

/* Numbers of descriptors are put aside, and what stands for them is put in their place. */
HELPER long receive_fds(long value)
{
	for (unsigned int i = 0; i < fd_places_count; i++) {
		struct fd_place *fd = &fd_places[i];
		int handle = FD_HANDLE_BASE + fd->slot;
		uint8_t *at = fd->kind == HIDDEN ? NULL : buffers[fd->buffer].memory + fd->offset;
		int number = fd->number;

		if (fd->kind != GIVEN && value < 0)
			continue;
		if (fd->kind == TAKEN)
			memcpy(&number, at, sizeof(number));
		if (fd->kind != GIVEN)
			adopt_file(fd->slot, number);
		if (at && !memcmp(at, &number, sizeof(number)))
			memcpy(at, &handle, sizeof(handle));
		if (fd->kind == HIDDEN && value > 0 && value == number)
			value = handle;
	}
	return value;
}

HELPER uint64_t first_stray(uint64_t start, uint64_t bytes)
{
	for (uint64_t address = start; is_guarded(start, bytes) && address < start + bytes; address++)
		if (*(volatile uint8_t *)address != GUARD_BYTE)
			return address;
	return 0;
}

HELPER void end_call(long value)
{
	struct result *result = &shared->results[current];
	int error = errno;

	result->injected = injection_end();
	result->error = value < 0 ? error : 0;
	value = receive_fds(value);
	result->value = value < 0 ? 0 : value;
	for (unsigned int i = 0; i < buffers_count; i++) {
		struct buffer *buffer = &buffers[i];

		result->saved[i].after = save(buffer->memory, buffer->length);
		if (!result->stray)
			result->stray = first_stray(buffer->address - GUARD_BYTES, GUARD_BYTES);
		if (!result->stray)
			result->stray = first_stray(buffer->address + buffer->length, GUARD_BYTES);
	}
	for (unsigned int i = 0; i < buffers_count; i++)
		if (is_guarded(buffers[i].address, buffers[i].length))
			memset(buffers[i].memory, GUARD_BYTE, buffers[i].length);
	buffers_count = 0;
	fd_places_count = 0;
}

HELPER void call_ioctl(int slot, unsigned long command, uint64_t argument)
{
	long value;

	begin_call();
	value = ioctl(files[slot], command, argument);
	end_call(value);
}

HELPER void call_read(int slot, uint64_t address, size_t bytes)
{
	long value;

	begin_call();
	value = read(files[slot], (void *)address, bytes);
	end_call(value);
}

HELPER void call_pread(int slot, uint64_t address, size_t bytes, uint64_t offset)
{
	long value;

	begin_call();
	value = pread(files[slot], (void *)address, bytes, (off_t)offset);
	end_call(value);
}

HELPER void call_write(int slot, uint64_t address, size_t bytes)
{
	long value;

	begin_call();
	value = write(files[slot], (void *)address, bytes);
	end_call(value);
}

HELPER void call_pwrite(int slot, uint64_t address, size_t bytes, uint64_t offset)
{
	long value;

	begin_call();
	value = pwrite(files[slot], (void *)address, bytes, (off_t)offset);
	end_call(value);
}
