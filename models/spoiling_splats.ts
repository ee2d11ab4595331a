import { findingById } from './findings.js';
import type { Splat } from './ioctls/description.js';
import { RULE_SOURCES } from './rule_sources.js';

/**
 * Titles of kernel messages after which a kernel goes on and is not to be trusted, as far as rules say so: those of findings that
 * spoil it, and what may follow them.
 */
export const SPOILING_SPLATS: ReadonlySet<string> = new Set(
  RULE_SOURCES.flatMap(({ rules }) => rules.flatMap(({ splat }) => splat ?? []))
    .filter(({ finding }: Splat) => findingById(finding).spoilsKernel !== undefined)
    .flatMap(({ title, followedBy = [] }) => [title, ...followedBy]),
);
