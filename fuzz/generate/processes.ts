import type { Step } from '../../models/program/program.js';
import type { Picks } from './picks.js';
import type { GeneratorState } from './state.js';

/** Descriptors of one program beyond which none are passed. */
const FILES_MAX = 16;

/** What concerns more than one process: a program that one starts, descriptors that survive that, or that are sent to the other. */
export type ProcessKind = 'exec' | 'cloexec' | 'pass';

/** A process by its label; undefined for the one that the program starts in. */
type ProcessLabel = string | undefined;

/** Says of some descriptor whether it closes on exec(). */
export function drawCloexec(state: GeneratorState, picks: Picks): Step {
  return { do: 'cloexec', file: state.drawFile(picks), isSet: picks.rarely(3) };
}

/** Sends some descriptor to the other process, seldom to the sender itself. */
export function drawPass(
  [sender, other]: readonly [ProcessLabel, ProcessLabel],
  state: GeneratorState,
  picks: Picks,
  label: string,
): Step | undefined {
  if (state.labels.size >= FILES_MAX) return undefined;
  const to = picks.rarely(10) ? sender : other;
  return { do: 'pass', file: state.drawFile(picks), label, ...(to === undefined ? {} : { to }) };
}
