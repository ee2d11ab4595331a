/** An internal contradiction: our bug, never the kernel's answer. */
export class AssertionFailure extends Error {
  override readonly name = 'AssertionFailure';
}

/**
 * States what must be true of our own code.
 * @throws AssertionFailure with the claim when it is not
 */
export function assert(condition: boolean, claim: string): asserts condition {
  if (!condition) throw new AssertionFailure(claim);
}

/** A value that our own code has put there. */
export function present<T>(value: T | null | undefined, what: string): T {
  if (value === undefined || value === null) throw new AssertionFailure(`${what} is missing`);
  return value;
}

/** Ends a switch over a closed set of tags; `tsc` refuses it while a tag is unhandled. */
export function unreachable(tag: never): never {
  throw new AssertionFailure(`no case for ${JSON.stringify(tag)}`);
}
