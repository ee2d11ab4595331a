import type { FindingId } from '../../models/findings.js';
import type { Program } from '../../models/program/program.js';
import type { Reliability, Sighting } from '../findings/finding.js';

/** What a worker has done so far. */
export interface WorkerStats {
  /** Number of the next program: those before it are judged, or lost. */
  next: number;
  /** Steps whose answers the model had foreseen. */
  calls: number;
  /** Steps of which the model cannot tell. */
  unspecified: number;
  /** Programs that the target did not do as the model says. */
  problems: number;
  /** Programs that the test bed lost. */
  lost: number;
  /** Programs that ended because the guest had no memory left. */
  outOfMemory: number;
  /** Programs that came to what the campaign is about; none if it is about everything. */
  inFocus: number;
  /** Programs of other campaigns that have run here. */
  visitors: number;
  /** Machines that were replaced. */
  restarts: number;
  /** Programs whose news did not come again. */
  unrepeated: number;
  /** Programs that have shown each known finding of the kernel. */
  readonly known: Partial<Record<FindingId, number>>;
}

export function emptyStats(): WorkerStats {
  return {
    next: 0,
    calls: 0,
    unspecified: 0,
    problems: 0,
    lost: 0,
    outOfMemory: 0,
    inFocus: 0,
    visitors: 0,
    restarts: 0,
    unrepeated: 0,
    known: {},
  };
}

/** What the search for a planted difference came to. */
export interface CanaryResult {
  readonly mutant: string;
  readonly found: boolean;
  /** Programs until it was found, or in vain. */
  readonly programs: number;
}

/** What a worker reports, in the order of its programs. */
export type CampaignEvent =
  | {
      readonly kind: 'entry';
      readonly index: number;
      readonly program: Program;
      /** Names of the features that nothing had shown before. */
      readonly news: readonly string[];
      /** Whether it came to what the campaign is about. */
      readonly isInFocus: boolean;
      readonly stats: WorkerStats;
    }
  | {
      readonly kind: 'sighting';
      readonly index: number;
      readonly sighting: Sighting;
      /** What the kernel printed meanwhile; empty if nothing. */
      readonly console: string;
      readonly stats: WorkerStats;
    }
  /** The smallest program that shows a title which was reported before. */
  | {
      readonly kind: 'reduced';
      readonly title: string;
      readonly program: Program;
      readonly reliability: Reliability;
    }
  /** A title that was reported before has been seen again. */
  | { readonly kind: 'again'; readonly title: string; readonly times: number }
  | { readonly kind: 'progress'; readonly stats: WorkerStats }
  | { readonly kind: 'canary'; readonly result: CanaryResult }
  /** @property program the one that it came with, for those who want to know why */
  | { readonly kind: 'trouble'; readonly what: string; readonly program?: Program }
  /** The worker gives up. */
  | { readonly kind: 'lost'; readonly what: string };

/** Takes a report; fulfilled when it is on the disk, or waits for it. */
export type Report = (event: CampaignEvent) => Promise<void>;
