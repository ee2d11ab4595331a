/** Numbers of Linux on x86-64 that traces contain. Source: include/uapi/asm-generic/{mman-common,fcntl}.h, linux/{mman,close_range}.h. */
export const PROT = { READ: 1, WRITE: 2, EXEC: 4 } as const;

export const MAP = { PRIVATE: 2 } as const;

export const MADV = { DONTNEED: 4 } as const;

export const CLOSE_RANGE = { CLOEXEC: 4 } as const;

/** The access mode within the flags of open, and the one that only reads. */
export const O_ACCMODE = 3;
export const O_RDONLY = 0;

/** Events that poll reports without being asked. Source: asm-generic/poll.h. */
export const POLL_ALWAYS = 0x8 | 0x10 | 0x20;
