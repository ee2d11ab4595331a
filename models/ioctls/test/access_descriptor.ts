import { ioasOf } from '../../state/access.js';
import type { AccessFile } from '../../state/access_file.js';
import type { CallContext, Rule } from '../description.js';
import { FOREIGN_FD } from '../shared_rules.js';
import { syzkallerIova } from '../syzkaller.js';

/** The most bytes that an access pins or copies at once. Source: selftest.c. */
export const ACCESS_BYTES_MAX = 16n << 20n;

/** More bytes are asked for than an operation of the mock has room for. */
export function tooManyBytes(cite: string): Rule<CallContext<{ length: bigint }>> {
  return {
    id: 'ENOMEM.length',
    says: 'length is above 16 MiB',
    cite,
    when: ({ args }) => args.length > ACCESS_BYTES_MAX,
  };
}

/** What the header's id is a descriptor of. */
export interface PassedAccess {
  readonly passedFd: number;
  /** The file of an access, which need not be of the iommufd that the call is on. */
  readonly accessFile: AccessFile | undefined;
}

export function lookUpAccess({ world, args }: CallContext<{ id: number }>): PassedAccess {
  const file = world.fds.byHandle(args.id);
  return { passedFd: args.id, accessFile: file?.kind === 'access' ? file : undefined };
}

/**
 * The first IOVA that an operation is about, decoded where a fuzzer asks for it.
 * @param syzFlag the flag by which it does
 */
export function accessIova(
  { flags, iova }: { readonly flags: number; readonly iova: bigint },
  syzFlag: number,
  accessFile: AccessFile | undefined,
): bigint {
  if ((flags & syzFlag) === 0 || accessFile === undefined) return iova;
  return syzkallerIova(ioasOf(accessFile.access).table, iova);
}

const NO_ACCESS: Rule<PassedAccess> = {
  id: 'EBADFD.access',
  says: 'id is no descriptor of an access',
  cite: 'selftest.c:iommufd_access_get',
  when: ({ accessFile }) => accessFile === undefined,
};

/** What a descriptor of an access can be refused for. */
export const ACCESS_RULES: readonly Rule<PassedAccess>[] = [FOREIGN_FD, NO_ACCESS];
