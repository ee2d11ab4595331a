import { readFileSync } from 'node:fs';

/** A moment, with what the processors of this machine have done until then. */
export interface Moment {
  readonly ms: number;
  /** Time of all processors that a hypervisor gave to others, in ticks. Source: proc_stat(5), steal. */
  readonly stolen: number;
  /** All of their time, in ticks. */
  readonly all: number;
}

/** Members of the first line of /proc/stat, of which user and nice have guest and guest_nice in them. */
const MEMBERS = 8;
const STEAL = 7;

/** Without /proc/stat nothing is stolen. */
export function momentNow(): Moment {
  return { ms: performance.now(), ...ticksIn(readStat()) };
}

/** How long it was from a moment to another, without the share that others had of the processors, in milliseconds. */
export function ownTime(from: Moment, to: Moment): number {
  const all = to.all - from.all;
  const share = all > 0 ? (to.stolen - from.stolen) / all : 0;
  return (to.ms - from.ms) * (1 - Math.min(Math.max(share, 0), 1));
}

/** @param stat what /proc/stat has */
export function ticksIn(stat: string): Omit<Moment, 'ms'> {
  const [, ...ticks] = (stat.split('\n', 1)[0] ?? '').split(/\s+/);
  const numbers = ticks.slice(0, MEMBERS).map(Number);
  return { stolen: numbers[STEAL] ?? 0, all: numbers.reduce((sum, each) => sum + each, 0) };
}

function readStat(): string {
  try {
    return readFileSync('/proc/stat', 'utf8');
  } catch {
    return '';
  }
}
