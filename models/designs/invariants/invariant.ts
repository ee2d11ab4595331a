import type { EndedCall } from '../framework/run.js';
import type { Facet, View } from '../framework/view.js';

/** What invariants look at: a call that has just returned, or a pause in one, with the views around it. */
export interface DesignMoment {
  /** Undefined at a pause. */
  readonly ended: EndedCall | undefined;
  /** The state that the call found; at a pause, the one when invariants were last looked at. */
  readonly before: View;
  readonly after: View;
  readonly isChanged: boolean;
}

/** What must hold of every design. */
export interface DesignInvariant {
  readonly id: string;
  /** One positive sentence. */
  readonly statement: string;
  /** What the check cannot see. */
  readonly notCovered: string;
  /** The part of a view that it looks at; a design without it is not held to the invariant. */
  readonly facet?: Facet;
  /** Whether it also holds while a call is under way. */
  readonly holdsAtPauses: boolean;
  /** What is wrong, each in half a sentence. */
  check(this: void, moment: DesignMoment): readonly string[];
}
