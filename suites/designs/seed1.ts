import { seed1Handles } from './seed1_handles.js';
import { seed1Devices } from './seed1_devices.js';
import { seed1Spaces } from './seed1_spaces.js';
import type { RowFile } from './row.js';

/** Rows of the discussion of IOASIDs. */
export const seed1: RowFile = {
  seed: 1,
  proposal: 'ioasid-rfc',
  merged: 'ioasid-rfc-merged',
  bystanders: ['D1.3', 'D1.4'],
  rows: [...seed1Handles, ...seed1Devices, ...seed1Spaces].sort((one, two) => (one.id < two.id ? -1 : 1)),
};
