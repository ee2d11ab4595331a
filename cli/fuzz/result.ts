import { join } from 'node:path';
import type { Campaign } from '../../fuzz/campaign/campaign.js';
import { FILES } from '../../fuzz/findings/finding_file.js';
import { EXIT, type ExitCode, describeError, worst } from '../errors.js';
import { agreement } from './display.js';

/** What a campaign came to: the last line of `fuzz --json`. Source: docs/cli.md. */
export interface FuzzResult {
  readonly schema: 1;
  readonly seed: number;
  readonly programs: number;
  readonly calls: number;
  readonly seconds: number;
  /** Programs in the corpus. */
  readonly corpus: number;
  /** Features that they show. */
  readonly coverage: number;
  readonly findings: readonly {
    readonly title: string;
    readonly kind: string;
    readonly suspect: string;
    readonly count: number;
    readonly firstSeed: number;
    readonly file: string;
  }[];
  readonly canary: { readonly mutant: string; readonly found: boolean; readonly programs: number } | null;
  readonly directory: string;
  /** Programs that came to what the campaign is about; null if it is about everything. */
  readonly inFocus: number | null;
  /** Programs of other campaigns that have run here. */
  readonly visitors: number;
  readonly restarts: number;
  readonly lost: number;
  readonly unspecified: number;
  /** Known findings of the kernel, with the number of programs that have shown them. */
  readonly known: Readonly<Record<string, number>>;
  readonly troubles: readonly string[];
}

export function resultOf(campaign: Campaign): FuzzResult {
  const { next, calls, inFocus, visitors, restarts, lost, unspecified, known } = campaign.totals;
  return {
    schema: 1,
    seed: campaign.config.seed,
    programs: next,
    calls,
    seconds: Math.round(campaign.seconds * 1000) / 1000,
    corpus: campaign.corpus.size,
    coverage: campaign.coverage,
    findings: campaign.findings.map(({ title, kind, suspect, count, seed, reduced }) => ({
      title,
      kind,
      suspect,
      count,
      firstSeed: seed,
      file: join(
        campaign.directoryOf(title) ?? campaign.directory,
        reduced === undefined ? FILES.program : FILES.reduced,
      ),
    })),
    canary: campaign.canary ?? null,
    directory: campaign.directory,
    inFocus: campaign.config.focus.length === 0 ? null : inFocus,
    visitors,
    restarts,
    lost,
    unspecified,
    known,
    troubles: troublesOf(campaign),
  };
}

/** Everything a reader must know to trust the result, a sentence each. */
function troublesOf(campaign: Campaign): string[] {
  const { canary, totals, unwritten, troubles, lost } = campaign;
  const { writes, failures, reason } = unwritten;
  const oom = totals.outOfMemory;
  return [
    ...(canary?.found === false
      ? [
          `the fuzzer is broken: it did not find ${canary.mutant}, which was planted, in ${String(canary.programs)} programs`,
        ]
      : []),
    ...lost,
    ...(failures === 0
      ? []
      : [
          `${String(failures)} writes failed and ${writes === 0 ? 'were made up for' : `${String(writes)} are not on the disk`}: ${describeError(reason)}`,
        ]),
    ...(oom === 0 ? [] : [`the guest had no memory left in ${String(oom)} programs`]),
    ...summarize(troubles),
  ];
}

/** The same trouble is told once. */
function summarize(troubles: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const trouble of troubles) counts.set(trouble, (counts.get(trouble) ?? 0) + 1);
  return [...counts].map(([what, times]) => (times === 1 ? what : `${what} (${String(times)} times)`));
}

export function exitCodeOfCampaign(
  { canary, findings, lost, unwritten }: Pick<Campaign, 'canary' | 'findings' | 'lost' | 'unwritten'>,
  isInterrupted: boolean,
): ExitCode {
  const isUnsure = isInterrupted || canary?.found === false || lost.length > 0 || unwritten.writes > 0;
  return worst(findings.length > 0 ? EXIT.finding : EXIT.pass, isUnsure ? EXIT.unknown : EXIT.pass);
}

export function renderResult(campaign: Campaign): string {
  const {
    programs,
    calls,
    seconds,
    corpus,
    coverage,
    findings,
    canary,
    known,
    troubles,
    unspecified,
    ...rest
  } = resultOf(campaign);
  const { problems } = campaign.totals;
  const names = Object.entries(known).sort(([one], [two]) => (one < two ? -1 : 1));
  const rate = Math.round(programs / Math.max(0.001, seconds)).toLocaleString('en');
  return [
    `${String(programs)} programs, ${String(calls)} calls in ${seconds.toFixed(1)} s (${rate} programs/s), agreement ${agreement(programs, problems)}`,
    `corpus ${String(corpus)} programs, which show ${String(coverage)} features`,
    ...(rest.inFocus === null ? [] : [`${String(rest.inFocus)} of them came to what the campaign is about`]),
    ...(rest.visitors === 0 ? [] : [`${String(rest.visitors)} programs of other campaigns came by`]),
    ...(rest.restarts + rest.lost === 0
      ? []
      : [`${String(rest.restarts)} machines replaced, ${String(rest.lost)} programs lost`]),
    ...(unspecified === 0 ? [] : [`${String(unspecified)} steps of which the model cannot tell`]),
    ...(names.length === 0
      ? []
      : [
          `known findings seen, in so many programs: ${names.map(([id, count]) => `${id} (${String(count)})`).join(', ')}`,
        ]),
    ...(canary?.found !== true
      ? []
      : [`canary: ${canary.mutant} was found in ${String(canary.programs)} programs`]),
    ...troubles.map((trouble) => `TROUBLE: ${trouble}`),
    findings.length === 0 ? 'no findings' : `${String(findings.length)} findings:`,
    ...findings.map(
      ({ title, suspect, count, file }) =>
        `  ${title} (suspect: ${suspect}, seen ${String(count)} times)\n    ${file}`,
    ),
    `everything is in ${rest.directory}; go on with "fuzz --resume ${rest.directory}"`,
    '',
  ].join('\n');
}
