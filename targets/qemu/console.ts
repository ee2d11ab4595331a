import type { ConsoleSplat } from '../../models/outcome.js';

/** What a kernel message means for the machine that printed it. */
interface SplatPattern {
  /** Its first group, if any, is the place. */
  readonly pattern: RegExp;
  readonly kind: string;
  /** Whether the kernel checks less afterwards, or cannot go on. */
  readonly needsRestart: boolean;
}

/**
 * Most telling first: an oops prints several of them. Formats of Linux 6.12 and 7.3; the WARNING line changed its form in
 * between.
 */
const PATTERNS: readonly SplatPattern[] = [
  { kind: 'KASAN', pattern: /BUG: KASAN: (.+ in [\w.]+)/, needsRestart: true },
  { kind: 'KCSAN', pattern: /BUG: KCSAN: (.+)/, needsRestart: false },
  { kind: 'UBSAN', pattern: /UBSAN: (.+)/, needsRestart: false },
  { kind: 'BUG', pattern: /kernel BUG at (\S+?):\d+!/, needsRestart: true },
  { kind: 'BUG', pattern: /BUG: (kernel NULL pointer dereference)/, needsRestart: true },
  { kind: 'BUG', pattern: /BUG: (unable to handle page fault)/, needsRestart: true },
  { kind: 'general protection fault', pattern: /general protection fault/, needsRestart: true },
  {
    kind: 'lockdep',
    pattern: /WARNING: (possible circular locking dependency detected)/,
    needsRestart: true,
  },
  { kind: 'lockdep', pattern: /WARNING: (possible recursive locking detected)/, needsRestart: true },
  {
    kind: 'lockdep',
    pattern: /WARNING: (possible irq lock inversion dependency detected)/,
    needsRestart: true,
  },
  { kind: 'lockdep', pattern: /WARNING: (inconsistent lock state)/, needsRestart: true },
  { kind: 'lockdep', pattern: /WARNING: (bad unlock balance detected)/, needsRestart: true },
  { kind: 'lockdep', pattern: /WARNING: (lock held when returning to user space)/, needsRestart: true },
  { kind: 'lockdep', pattern: /WARNING: (suspicious RCU usage)/, needsRestart: true },
  { kind: 'lockdep', pattern: /WARNING: (Nested lock was not taken)/, needsRestart: true },
  { kind: 'hung task', pattern: /INFO: task (\S+?):\d+ blocked for more than/, needsRestart: true },
  { kind: 'lockup', pattern: /BUG: (soft lockup)/, needsRestart: true },
  { kind: 'stall', pattern: /rcu: INFO: (rcu_\w+ .*stall)/, needsRestart: true },
  { kind: 'BUG', pattern: /BUG: (sleeping function called from invalid context)/, needsRestart: true },
  { kind: 'BUG', pattern: /BUG: (.+?)(?: at | in |,|$)/m, needsRestart: true },
  { kind: 'refcount', pattern: /refcount_t: (.+)/, needsRestart: false },
  { kind: 'list', pattern: /(list_\w+ corruption)/, needsRestart: true },
  { kind: 'WARNING', pattern: /WARNING: .* at \S+:\d+ ([\w.]+)\+0x/, needsRestart: false },
  { kind: 'WARNING', pattern: /WARNING: .* at ([\w.]+)\+0x/, needsRestart: false },
  { kind: 'panic', pattern: /Kernel panic - not syncing: (.+)/, needsRestart: true },
];

/** The function that a message blames, behind "RIP:". */
const CULPRIT = /RIP: \d+:([\w.]+)\+0x/;

/** Console text that tells of trouble. */
export interface ParsedSplat extends ConsoleSplat {
  readonly needsRestart: boolean;
}

/** The last line of a warning, an oops or a BUG. */
const REPORT_END = /^.*---\[ end (?:trace|Kernel panic).*$/m;

/** Finds the messages of a console text: the most telling one of each report, and each title once. */
export function parseSplats(text: string): ParsedSplat[] {
  const splats = new Map<string, ParsedSplat>();
  for (const report of text.split(REPORT_END)) {
    const splat = parseSplat(report);
    if (splat !== undefined && !splats.has(splat.title)) splats.set(splat.title, { ...splat, text });
  }
  return [...splats.values()];
}

/**
 * Finds the most telling message of a console text.
 * @returns undefined for text that tells of no trouble
 */
export function parseSplat(text: string): ParsedSplat | undefined {
  for (const { kind, pattern, needsRestart } of PATTERNS) {
    const found = pattern.exec(text);
    if (found !== null) return { title: titleOf(kind, found[1], text), text, needsRestart };
  }
  return undefined;
}

/** Whether a console text tells why a machine ended: not every message does. */
export function isFatal(text: string): boolean {
  return PATTERNS.some(({ pattern, needsRestart }) => needsRestart && pattern.test(text));
}

function titleOf(kind: string, detail: string | undefined, text: string): string {
  const place = detail === undefined ? undefined : stripVolatile(detail);
  if (kind === 'WARNING') return `WARNING in ${place ?? 'an unnamed place'}`;
  const culprit = !place?.includes(' in ') ? CULPRIT.exec(text)?.[1] : undefined;
  const blamed = culprit === undefined ? '' : ` in ${culprit}`;
  return `${place === undefined ? kind : `${kind}: ${place}`}${blamed}`;
}

/** Drops what differs from run to run: addresses, offsets, numbers of tasks and processors. */
function stripVolatile(words: string): string {
  return words
    .replace(/\+0x[0-9a-f]+(?:\/0x[0-9a-f]+)?/g, '')
    .replace(/0x[0-9a-f]+|\b[0-9a-f]{12,16}\b/g, 'ADDR')
    .replace(/\b\d+\b/g, 'N')
    .replace(/\.(?:isra|constprop|part|cold)(?:\.\w+)?/g, '')
    .trim();
}

/** Console text as it arrives, kept from the last mark on and bounded. */
export class ConsoleLog {
  #text = '';
  #printed = 0;

  /** Characters since the machine was started. */
  get printed(): number {
    return this.#printed;
  }

  append(text: string): void {
    this.#printed += text.length;
    this.#text += text.replaceAll('\r', '');
    if (this.#text.length > CONSOLE_CHARS_MAX) this.#text = this.#text.slice(-CONSOLE_CHARS_MAX / 2);
  }

  /** Forgets what was printed so far. */
  mark(): void {
    this.#text = '';
  }

  get text(): string {
    return this.#text;
  }
}

const CONSOLE_CHARS_MAX = 1 << 19;
