import type { Errno } from '../../models/base/errno.js';
import type { Value } from '../../models/designs/framework/argument.js';
import type { DefectId } from '../../models/designs/framework/call.js';
import type { UndefinedKind } from '../../models/designs/framework/outcome.js';
import type { DesignStep } from '../../models/designs/framework/program.js';

/** How a step must end: any success, a value or outputs, an errno, or what is undefined. */
export type Gives = 'OK' | Errno | UndefinedKind | Value | Readonly<Record<string, Value>>;

export interface PlayStep extends DesignStep {
  /** Without it, any success. A list for steps whose outcome the order of lanes decides: each of it, and nothing else. */
  readonly gives?: Gives | readonly Gives[];
}

/** A program on a design, with what must come of it. */
export interface Play {
  /** The design, if not the one that the file is about. */
  readonly on?: string;
  readonly steps: readonly PlayStep[];
  /** Defects that it shows. Without it, those of the row on a proposal, and none on what became of it. */
  readonly breaks?: readonly DefectId[];
}

/** Why a row has no program here: the interface has nothing like it, or kernels show it. */
export interface Absent {
  readonly absent: string;
}

/** A row of the table of scenarios. */
export interface Row {
  /** `S1-01` */
  readonly id: string;
  readonly title: string;
  /** Message subject and date. */
  readonly source: string;
  /** Why no scenario shows it on kernels; without it, one does. */
  readonly noKernel?: string;
  /** What the row is about. */
  readonly defects: readonly DefectId[];
  readonly proposal: Play | Absent;
  readonly merged: Play | Absent;
  /** On other designs: versions in between, single planted defects. */
  readonly others?: readonly (Play & { readonly on: string })[];
}

/** The rows of a discussion. */
export interface RowFile {
  readonly seed: number;
  /** Names of the designs that plays are on. */
  readonly proposal: string;
  readonly merged: string;
  /** Defects that nearly every program on the proposal shows; plays need not name them. */
  readonly bystanders: readonly DefectId[];
  readonly rows: readonly Row[];
}

/** A play with all that follows from its place. */
export interface PlacedPlay {
  readonly row: Row;
  readonly design: string;
  readonly play: Play;
  readonly breaks: readonly DefectId[];
  readonly bystanders: readonly DefectId[];
}

/** Every play of a file. */
export function playsOf({ proposal, merged, bystanders, rows }: RowFile): PlacedPlay[] {
  return rows.flatMap((row) => {
    const place = (play: Play | Absent, usual: string, breaks: readonly DefectId[]): PlacedPlay[] =>
      'absent' in play
        ? []
        : [{ row, design: play.on ?? usual, play, breaks: play.breaks ?? breaks, bystanders }];
    return [
      ...place(row.proposal, proposal, row.defects),
      ...place(row.merged, merged, []),
      ...(row.others ?? []).flatMap((play) => place(play, play.on, row.defects)),
    ];
  });
}
