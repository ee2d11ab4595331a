import { type ArrayOperand, type Operand, type Scalar, isArray, isFd } from './program.js';

/** What takes the place of the names in an operand; undefined where nothing does. */
export interface Replacement {
  /** The file whose descriptor a program passes, by label. */
  file(this: void, label: string): string | undefined;
  scalar(this: void, scalar: Scalar): Scalar | undefined;
}

/** An operand with what it uses replaced; undefined if nothing takes the place of a part of it. */
export function replaceOperand(operand: Operand, { file, scalar }: Replacement): Operand | undefined {
  if (isFd(operand)) {
    const fd = file(operand.fd);
    return fd === undefined ? undefined : { fd };
  }
  return isArray(operand) ? replaceArray(operand, scalar) : scalar(operand);
}

function replaceArray(operand: ArrayOperand, replace: Replacement['scalar']): ArrayOperand | undefined {
  if ('room' in operand) return operand;
  if ('words' in operand) {
    const words = operand.words.map(replace);
    return words.every((word) => word !== undefined) ? { ...operand, words } : undefined;
  }
  const ranges = operand.ranges.map(([start, last]) => {
    const [one, two] = [replace(start), replace(last)];
    return one === undefined || two === undefined ? undefined : ([one, two] as const);
  });
  return ranges.every((range) => range !== undefined) ? { ...operand, ranges } : undefined;
}
