import { UsageError } from '../errors.js';

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/**
 * Seconds of a duration like 90s, 10m, 8h.
 * @throws UsageError
 */
export function parseDuration(text: string, option: string): number {
  const found = /^(\d+(?:[.]\d+)?)([smhd]?)$/.exec(text);
  const seconds = Number(found?.[1]) * (SECONDS[found?.[2] ?? ''] ?? 1);
  if (found === null || !(seconds > 0)) {
    throw new UsageError(`${option} takes a duration like 90s, 10m or 8h, not ${text}`);
  }
  return seconds;
}
