import type { IommufdFile } from './iommufd_file.js';
import type { AccessObject } from './objects.js';
import type { OpenFileBase } from './open_file.js';

/** What CREATE_ACCESS returns a descriptor of: the test driver's hold on an access. Source: selftest.c:struct selftest_access. */
export class AccessFile implements OpenFileBase {
  readonly kind = 'access';
  references = 0;

  /** The access keeps its iommufd open. */
  constructor(
    readonly iommufd: IommufdFile,
    readonly access: AccessObject,
  ) {
    iommufd.references += 1;
  }
}
