import { linux612 } from './linux_6_12.js';
import { linux73 } from './linux_7_3.js';
import type { Profile } from './profile.js';

export type { Profile } from './profile.js';

/** Every profile, newest first. */
export const PROFILES: readonly Profile[] = [linux73, linux612];

/** The profile that is meant when nobody names one. */
export const DEFAULT_PROFILE = linux73;

export function profileById(id: string): Profile | undefined {
  return PROFILES.find((profile) => profile.id === id);
}

/**
 * The profile of a running kernel.
 * @param release what `uname -r` prints
 * @returns undefined for a kernel that no profile was made for
 */
export function profileOfRelease(release: string): Profile | undefined {
  return PROFILES.find(
    ({ id }) => release === id || release.startsWith(`${id}.`) || release.startsWith(`${id}-`),
  );
}
