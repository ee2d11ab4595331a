import { assert } from '../../base/assert.js';
import type { VfioGroupFile } from '../../state/vfio_files.js';
import type { CallContext } from '../description.js';

/** The file that a call on a group of VFIO is on. */
export function groupOf({ opened }: CallContext<unknown>): VfioGroupFile {
  assert(opened.kind === 'vfio_group', 'a call on a group of VFIO');
  return opened;
}
