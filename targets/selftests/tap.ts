/** How a case ended. */
export interface TapCase {
  readonly name: string;
  readonly status: 'passed' | 'failed' | 'skipped';
}

/** What a test program reported. */
export interface TapReport {
  readonly cases: readonly TapCase[];
  /** How many cases it said it would run; undefined if it did not get so far. */
  readonly planned: number | undefined;
}

/** The report of a program that speaks TAP as the kernel's selftests do. Source: Documentation/dev-tools/ktap.rst. */
export function parseTap(text: string): TapReport {
  const planned = /^1\.\.(\d+)$/m.exec(text)?.[1];
  const lines = text.matchAll(/^(ok|not ok) \d+ (.*?)(?:\s+# (SKIP|XFAIL)\b.*)?$/gm);
  return {
    cases: [...lines].map(([, verdict, name = '', directive]) => ({
      name,
      status: directive === 'SKIP' ? 'skipped' : verdict === 'ok' ? 'passed' : 'failed',
    })),
    planned: planned === undefined ? undefined : Number(planned),
  };
}

/** How many cases ended in a way. */
export function countCases({ cases }: TapReport, status: TapCase['status']): number {
  return cases.filter((each) => each.status === status).length;
}

/** Whether every case came to its end, however it did. */
export function isWhole({ cases, planned }: TapReport): boolean {
  return planned !== undefined && cases.length === planned;
}
