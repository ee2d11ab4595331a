/* SPDX-License-Identifier: MIT */
/* ioctl, with the struct that its argument leads to and whatever members of that lead to. */
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "recorder.h"

/* Where a number lies in a struct; no bytes where there is none. */
struct measure {
	uint16_t offset;
	uint16_t bytes;
};

enum member_kind { MEMBER_NONE, MEMBER_DATA, MEMBER_MEMORY, MEMBER_FD, MEMBER_NEW_FD };

#define FACTORS_MAX 2
#define SHAPE_MEMBERS_MAX 4

/* A member of a call's struct that says more than its own bytes. */
struct shape_member {
	enum member_kind kind;
	struct measure at;
	/* Bytes of what a pointer leads to: this times each of the factors. */
	uint32_t unit;
	struct measure factor[FACTORS_MAX];
	/* For bitmaps: what a bit stands for, so that the product is what all of them stand for. */
	struct measure granule;
};

struct call_shape {
	uint32_t command;
	/* Selects the operation of a multiplexed command. */
	struct measure op;
	uint32_t op_value;
	struct shape_member member[SHAPE_MEMBERS_MAX];
};

static const struct call_shape shapes[] = CALL_SHAPES;

/* ioctls of iommufd and VFIO all have this type, and a size in their struct instead of their number. */
#define IOCTL_TYPE ';'

/* A number in the struct as far as it was passed; the kernel takes the rest as 0. */
static uint64_t number_at(const struct part *given, struct measure measure)
{
	uint64_t value = 0;

	if (measure.offset + measure.bytes <= given->bytes)
		memcpy(&value, (const char *)given->data + measure.offset, measure.bytes);
	return value;
}

/* Bitmaps are whole words. */
static uint64_t bitmap_bytes(uint64_t length, uint64_t granule)
{
	uint64_t bits = granule ? length / granule + (length % granule != 0) : 0;

	return (bits / 64 + (bits % 64 != 0)) * sizeof(uint64_t);
}

static uint64_t extent_of(const struct part *given, const struct shape_member *member)
{
	unsigned __int128 extent = member->unit;

	for (int index = 0; index < FACTORS_MAX && member->factor[index].bytes; index++) {
		extent *= number_at(given, member->factor[index]);
		if (extent > UINT64_MAX)
			return UINT64_MAX;
	}
	return member->granule.bytes ? bitmap_bytes((uint64_t)extent, number_at(given, member->granule)) : (uint64_t)extent;
}

static const struct call_shape *shape_of(uint32_t command, const struct part *given)
{
	for (size_t index = 0; index < sizeof(shapes) / sizeof(shapes[0]); index++) {
		const struct call_shape *shape = &shapes[index];

		if (shape->command == command && (!shape->op.bytes || number_at(given, shape->op) == shape->op_value))
			return shape;
	}
	return NULL;
}

/* More than most structs have: they are read at once. */
#define BEGINNING_BYTES 128

/*
 * Keeps what the argument leads to, as many bytes as the number of the ioctl or the first member of the struct says; NULL if it
 * leads nowhere.
 */
static const struct part *keep_struct(struct record *record, unsigned long request, uint64_t argument)
{
	char beginning[BEGINNING_BYTES];
	uint32_t size = 0;
	size_t known;

	if (_IOC_SIZE(request))
		return record_memory(record, ROLE_BEFORE, argument, _IOC_SIZE(request));
	if (_IOC_TYPE(request) != IOCTL_TYPE)
		return NULL;
	known = peek(argument, beginning, sizeof(beginning));
	if (known < sizeof(size))
		return NULL;
	memcpy(&size, beginning, sizeof(size));
	return record_memory_from(record, ROLE_BEFORE, argument, size < sizeof(size) ? sizeof(size) : size, beginning,
				  known);
}

static void keep_members(struct record *record, const struct call_shape *shape, const struct part *given)
{
	for (int index = 0; index < SHAPE_MEMBERS_MAX; index++) {
		uint64_t value = number_at(given, shape->member[index].at);
		uint64_t extent = extent_of(given, &shape->member[index]);

		switch (shape->member[index].kind) {
		case MEMBER_DATA:
			if (extent)
				record_memory(record, ROLE_BEFORE, value, extent);
			break;
		case MEMBER_MEMORY:
			maps_keep(record, value, extent);
			break;
		case MEMBER_FD:
			files_keep_passed(record, (int)value);
			break;
		case MEMBER_NEW_FD:
		case MEMBER_NONE:
			break;
		}
	}
}

/* Descriptors that the call has made are recorded from now on. */
static void watch_new(const struct call_shape *shape, const struct part *given)
{
	for (int index = 0; index < SHAPE_MEMBERS_MAX; index++) {
		struct measure at = shape->member[index].at;
		int32_t fd;

		if (shape->member[index].kind == MEMBER_NEW_FD && at.offset + at.bytes <= given->bytes &&
		    peek(given->address + at.offset, &fd, sizeof(fd)) == sizeof(fd))
			watch_set(fd, DEVICE_HANDED_OUT);
	}
}

static int ioctl_recorded(int fd, unsigned long request, void *argument, int device)
{
	const struct call_shape *shape = NULL;
	const struct part *given = NULL;
	struct record record;
	uint64_t address = (uint64_t)(uintptr_t)argument;
	int result;

	record_begin(&record, KIND_IOCTL);
	record_member(&record, (uint64_t)fd);
	record_member(&record, request);
	record_member(&record, address);
	record_member(&record, (uint64_t)device);
	record_member(&record, (uint64_t)raw(SYS_getuid));
	process_keep_credentials(&record);
	given = keep_struct(&record, request, address);
	if (given)
		shape = shape_of((uint32_t)request, given);
	if (shape)
		keep_members(&record, shape, given);
	record_enter(&record);
	result = next()->ioctl(fd, request, argument);
	record_leave(&record, result);
	record_changes(&record);
	if (shape && result >= 0)
		watch_new(shape, given);
	record_end(&record);
	return result;
}

EXPORT int ioctl(int fd, unsigned long request, ...)
{
	void *argument;
	va_list arguments;
	int device = watch_of(fd);

	va_start(arguments, request);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	if (device == DEVICE_NONE && _IOC_TYPE(request) == IOCTL_TYPE && trace_is_open()) {
		/* Perhaps another process has passed it. */
		device = watch_identify(fd);
		if (device != DEVICE_NONE)
			watch_found(fd, device);
	}
	return device == DEVICE_NONE ? next()->ioctl(fd, request, argument) :
				       ioctl_recorded(fd, request, argument, device);
}
