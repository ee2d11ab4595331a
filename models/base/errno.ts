/**
 * Error numbers of Linux on x86-64 that iommufd can answer with.
 * Source: include/uapi/asm-generic/errno-base.h and errno.h.
 */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EIO: 5,
  ENXIO: 6,
  E2BIG: 7,
  EBADF: 9,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  ENODEV: 19,
  EINVAL: 22,
  EMFILE: 24,
  ENOTTY: 25,
  ENOSPC: 28,
  ESPIPE: 29,
  ERANGE: 34,
  EDEADLK: 35,
  EBADE: 52,
  EOVERFLOW: 75,
  EBADFD: 77,
  EMSGSIZE: 90,
  EOPNOTSUPP: 95,
  EADDRINUSE: 98,
} as const;

/** The name of an error number, as the kernel spells it. */
export type Errno = keyof typeof ERRNO;

/** Every name of the table, in the order of its number. */
export const ERRNO_NAMES = Object.keys(ERRNO) as readonly Errno[];

const nameOfNumber = new Map<number, Errno>(ERRNO_NAMES.map((name) => [ERRNO[name], name]));

/**
 * Names what a system call returned.
 * @param errno 0 for success, else the positive error number
 * @returns 'OK', a name of the table, or 'errno N' for a number that is not in it
 */
export function errnoName(errno: number): string {
  return errno === 0 ? 'OK' : (nameOfNumber.get(errno) ?? `errno ${String(errno)}`);
}
