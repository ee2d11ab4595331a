import type { Position } from './text.js';

/** Why a call of a text is left out. */
export class Unsupported extends Error {
  constructor(
    readonly says: string,
    readonly at: Position | undefined,
  ) {
    super(says);
  }
}
