/** Events of poll(). Source: include/uapi/asm-generic/poll.h. */
export const POLL = { IN: 0x1, OUT: 0x4, RDNORM: 0x40, WRNORM: 0x100 } as const;
