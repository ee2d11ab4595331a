import type { StoredCoverage } from '../kernel_coverage.js';
import type { Comparison } from '../comparison.js';
import type { PatchView } from '../patch_view.js';
import type { RunReport } from '../run_report.js';

/** A run, and where it was read from. */
export interface NamedRun {
  readonly name: string;
  readonly report: RunReport;
}

/** What a scenario is about. */
export interface ScenarioFacts {
  readonly id: string;
  readonly doc: string;
  /** Rules that it is about, as `call/rule`. */
  readonly covers: readonly string[];
}

/** A rule of a call, or its effect, and what has shown it. */
export interface RuleRow {
  readonly id: string;
  readonly errno: string;
  readonly says: string;
  /** Scenarios that cover it. */
  readonly scenarios: readonly string[];
  /** Whether programs of campaigns were answered by it. */
  readonly isInCampaigns: boolean;
}

export interface CallRow {
  readonly name: string;
  /** Flags that it takes. */
  readonly flags: readonly string[];
  readonly rules: readonly RuleRow[];
}

/** A kernel finding that some run or campaign has seen. */
export interface KnownFinding {
  readonly id: string;
  readonly title: string;
  readonly kind: string;
}

/** A step of a program, what the model says of it, and the state that it leaves. */
export interface TracedStep {
  readonly text: string;
  readonly answer: string;
  /** Objects by kind, areas, pages; empty when nothing has changed. */
  readonly state: string;
}

/** Something that a campaign has found. */
export interface CampaignFinding {
  readonly id: string;
  readonly title: string;
  readonly kind: string;
  readonly suspect: string;
  readonly allowed: string;
  readonly seen: string;
  readonly count: number;
  readonly reliability: string;
  readonly console: string;
  /** Commands that show it again. */
  readonly commands: readonly string[];
  readonly steps: readonly TracedStep[];
}

/** A moment of a campaign, all workers together. */
export interface CampaignMoment {
  readonly seconds: number;
  readonly programs: number;
  readonly coverage: number;
  readonly corpus: number;
  readonly findings: number;
}

export interface Campaign {
  readonly name: string;
  readonly target: string;
  readonly seed: number;
  readonly workers: number;
  /** The difference that was planted in the model, if one was: it is to be found. */
  readonly planted: string | undefined;
  readonly calls: number;
  readonly moments: readonly CampaignMoment[];
  readonly findings: readonly CampaignFinding[];
}

/** A design of the patch discussions against an invariant. */
export interface DesignStanding {
  readonly design: string;
  readonly invariant: string;
  readonly verdict: 'holds' | 'breaks' | 'n/a';
  readonly programs: readonly string[];
}

/** An invariant of the model. */
export interface InvariantFacts {
  readonly id: string;
  readonly statement: string;
  readonly notCovered: string;
}

/** Rules and effects of a design's calls, as `call/rule`. */
export interface DesignBranches {
  readonly design: string;
  readonly all: number;
  /** Those that no row comes to. */
  readonly missed: readonly string[];
}

/** What code of a kernel was reached, with the reader's own source of it. */
export interface AnnotatedCoverage {
  readonly coverage: StoredCoverage;
  /** Lines of files, by path from the top of the tree; empty where the source is not there. */
  readonly texts: ReadonlyMap<string, readonly string[]>;
  /** Why the source is not there, and what to do about it. */
  readonly lack: string | undefined;
}

/** What was executed of a diff, and on what kernel. */
export interface MeasuredPatch {
  readonly view: PatchView;
  readonly measured: AnnotatedCoverage;
}

/** All that a report shows. */
export interface ReportData {
  readonly tool: string;
  readonly runs: readonly NamedRun[];
  readonly scenarios: readonly ScenarioFacts[];
  readonly calls: readonly CallRow[];
  readonly known: readonly KnownFinding[];
  readonly campaigns: readonly Campaign[];
  /** By kernel. */
  readonly coverages: readonly AnnotatedCoverage[];
  /** What was executed of a diff, by kernel; empty if none was given. */
  readonly patches: readonly MeasuredPatch[];
  readonly designs: readonly DesignStanding[];
  readonly branches: readonly DesignBranches[];
  readonly invariants: readonly InvariantFacts[];
  /** By the name of the run; without an earlier run, there are none. */
  readonly changes: ReadonlyMap<string, Comparison>;
  /** What coverages have gained and lost, by kernel. */
  readonly coverageChanges: ReadonlyMap<string, Comparison>;
}
