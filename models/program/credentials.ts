/** Capabilities that iommufd asks for, in the initial user namespace. Source: include/uapi/linux/capability.h. */
export const CAPABILITY_NUMBERS = { CAP_IPC_LOCK: 14, CAP_SYS_RAWIO: 17, CAP_SYS_RESOURCE: 24 } as const;

export type Capability = keyof typeof CAPABILITY_NUMBERS;

export const CAPABILITIES = Object.keys(CAPABILITY_NUMBERS) as readonly Capability[];

/** RLIMIT_MEMLOCK of the program at its start, in bytes. The agent sets it. */
export const MEMLOCK_DEFAULT_BYTES = 8n << 20n;
