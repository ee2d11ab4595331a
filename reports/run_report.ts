/** What a run found, as every renderer reads it. */
export interface RunReport {
  readonly schema: 1;
  readonly tool: string;
  readonly target: string;
  /** Kernel and accelerator, or the model, in words. */
  readonly description: string;
  /** The id or path of the kernel; empty for a target without one. */
  readonly kernel: string;
  /** Empty for designs, which are held against what was written of them. */
  readonly profile: string;
  readonly reading: string;
  readonly notes: readonly string[];
  readonly results: readonly ResultLine[];
  /** Milliseconds from start to end. */
  readonly ms: number;
  /** Whether the run ended before its last scenario. */
  readonly isInterrupted: boolean;
  /** Rules of the model that some answer followed, and rules there are. */
  readonly rules: {
    readonly seen: number;
    readonly all: number;
    /** Those that were followed, by name; reports of designs do without. */
    readonly answered?: readonly string[];
  };
  /** After how many steps each invariant of the model had something to look at, by name; reports of designs do without. */
  readonly invariants?: Readonly<Record<string, number>>;
  /** How often calls were answered, by call, flag and rule; reports of designs do without. */
  readonly flags?: Readonly<Record<string, AnswersByFlag>>;
  /** The same by call, the state of an object that it names, as `member: state`, flag and rule; older reports do without. */
  readonly states?: Readonly<Record<string, Readonly<Record<string, AnswersByFlag>>>>;
}

/** By flag, and by rule: `none` is no flag at all, `unknown` stands for bits that have no name. */
export type AnswersByFlag = Readonly<Record<string, Readonly<Record<string, number>>>>;

export type ResultStatus = 'passed' | 'failed' | 'skipped' | 'unspecified' | 'infra';

/** One scenario. */
export interface ResultLine {
  readonly id: string;
  readonly doc: string;
  readonly status: ResultStatus;
  readonly reason?: string;
  /** What it did before, if it passed only when it was tried again. */
  readonly flaky?: string;
  /** Everything that is wrong, one line each. */
  readonly details: readonly string[];
  /** Names of kernel findings that the kernel has shown. */
  readonly findings: readonly string[];
  /** Cases that did not run although the scenario did, and why. */
  readonly skippedCases: readonly { readonly name: string; readonly reason: string }[];
  readonly ms: number;
  readonly programs: number;
  readonly covers: readonly string[];
  /** The orders that steps at the same time came in, and other ways to answer, by name, with how often; without it, there are none. */
  readonly orders?: Readonly<Record<string, number>>;
  /** Rules that the target did not keep; without it, there are none. */
  readonly broken?: readonly BrokenRule[];
  /** The file that it comes from, as seen from the root of the project. */
  readonly source?: string;
  /** What an expectations file or an earlier run says of it. */
  readonly expected?: { readonly is: 'fail' | 'may_fail'; readonly reason: string };
}

/** A rule of the model that a target did not keep. */
export interface BrokenRule {
  /** `call/rule`; `call/OK` is success. */
  readonly rule: string;
  /** What it says, as a sentence without its end. */
  readonly says: string;
  /** Where the kernel decides so. */
  readonly cite: string;
  /** The first answer that shows it, in one line. */
  readonly what: string;
}

export interface Summary extends Readonly<Record<ResultStatus, number>> {
  readonly total: number;
  /** Failures that nobody has foreseen, and passes of what always fails. */
  readonly unexpected: number;
  /** Scenarios that passed only when they were tried again. */
  readonly flaky: number;
  /** Known kernel findings that were seen, each once. */
  readonly findings: number;
}

export function summarise(results: readonly ResultLine[]): Summary {
  const count = (status: ResultStatus) => results.filter((result) => result.status === status).length;
  return {
    total: results.length,
    passed: count('passed'),
    failed: count('failed'),
    skipped: count('skipped'),
    unspecified: count('unspecified'),
    infra: count('infra'),
    unexpected: results.filter(isUnexpected).length,
    flaky: results.filter(({ flaky }) => flaky !== undefined).length,
    findings: findingsOf(results).size,
  };
}

/** Whether a result is another than its expectation; without one, scenarios are to pass. */
export function isUnexpected({ status, expected }: ResultLine): boolean {
  return status === 'failed' ? expected === undefined : status === 'passed' && expected?.is === 'fail';
}

/** Whether a scenario has done what it should, did not have to run, or fails as was foreseen. */
export function isGood(result: ResultLine): boolean {
  return result.status !== 'unspecified' && result.status !== 'infra' && !isUnexpected(result);
}

/** What is wrong with the pass of a scenario that was foreseen to fail. */
export function unexpectedPass({ expected }: ResultLine): string {
  return `it passed, and was expected to fail: ${expected?.reason ?? ''}`;
}

/** Kernel findings that were seen, by name, with how many scenarios have shown them. */
export function findingsOf(results: readonly ResultLine[]): Map<string, number> {
  const scenarios = new Map<string, number>();
  for (const { findings } of results) {
    for (const id of findings) scenarios.set(id, (scenarios.get(id) ?? 0) + 1);
  }
  return new Map([...scenarios].sort(([one], [two]) => (one < two ? -1 : 1)));
}

/** A scenario that ends otherwise than in an earlier run. */
export interface ChangedVerdict {
  readonly id: string;
  /** Undefined for a scenario that the earlier run does not have. */
  readonly before: ResultStatus | undefined;
  readonly now: ResultStatus;
  /** Why it ends so, or why it did before. */
  readonly reason: string | undefined;
}

export function changedVerdicts(before: readonly ResultLine[], now: readonly ResultLine[]): ChangedVerdict[] {
  const old = new Map(before.map((result) => [result.id, result]));
  return now.flatMap(({ id, status, reason }) => {
    const was = old.get(id);
    return was?.status === status
      ? []
      : [{ id, before: was?.status, now: status, reason: reason ?? was?.reason }];
  });
}

/** The first part of a scenario's id. */
export function areaOf(id: string): string {
  return id.slice(0, id.indexOf('/'));
}

/** Results by area, in the order of their first result. */
export function byArea(results: readonly ResultLine[]): Map<string, ResultLine[]> {
  const areas = new Map<string, ResultLine[]>();
  for (const result of results) {
    const area = areaOf(result.id);
    areas.set(area, [...(areas.get(area) ?? []), result]);
  }
  return areas;
}

/**
 * 0 pass, 1 a finding or an expectation that does not hold any more, 2 could not tell: also where every scenario was skipped,
 * since then nothing was tested.
 */
export function exitCodeOf(report: RunReport): 0 | 1 | 2 {
  const { unexpected, unspecified, infra, passed, failed } = summarise(report.results);
  if (unexpected > 0) return 1;
  return unspecified > 0 || infra > 0 || passed + failed === 0 || report.isInterrupted ? 2 : 0;
}
