import type { AccessFile } from '../../state/access_file.js';
import type { CallContext, Rule } from '../description.js';

/** The most bytes that an access pins or copies at once. Source: selftest.c. */
export const ACCESS_BYTES_MAX = 16n << 20n;

/** The file of an access that the header's id is a descriptor of. It need not be of the iommufd that the call is on. */
export function accessFileOf({ world, args }: CallContext<{ id: number }>): AccessFile | undefined {
  const file = world.fds.byHandle(args.id);
  return file?.kind === 'access' ? file : undefined;
}

export const NO_ACCESS: Rule<{ readonly accessFile: AccessFile | undefined }> = {
  id: 'EBADFD.access',
  says: 'id is no descriptor of an access',
  cite: 'selftest.c:iommufd_access_get',
  when: ({ accessFile }) => accessFile === undefined,
};
