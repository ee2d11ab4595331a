import { type Value, describeValue } from './argument.js';
import { type DesignCall } from './call.js';
import type { Design } from './design.js';
import { callOf } from './design.js';

/** The version of the format of program files. */
export const DESIGN_PROGRAM_SCHEMA = 1;

/** The result of an earlier step: `label`, or `label.output`. */
export interface ResultReference {
  readonly ref: string;
  readonly plus?: Value;
}

/** A number, the name of one, or the result of an earlier step. */
export type DesignOperand = Value | string | ResultReference;

export interface DesignStep {
  readonly call: string;
  /** Arguments that are not given are what is usual. */
  readonly args?: Readonly<Record<string, DesignOperand>>;
  /** The label of the result. */
  readonly as?: string;
  /** The thread; steps without one come before all lanes, or after them. */
  readonly lane?: string;
}

/** A program of a design, as data. */
export interface DesignProgram {
  readonly steps: readonly DesignStep[];
}

/** A program in one line. */
export function describeProgram(design: Design, { steps }: DesignProgram): string {
  return steps.map((step) => describeDesignStep(design, step)).join('; ');
}

/** `a = IOMMU_IOASID_ALLOC(addr_width 64)`, without what is usual. */
export function describeDesignStep(design: Design, { call: name, args = {}, as, lane }: DesignStep): string {
  const call = callOf(design, name);
  const parts = Object.entries(args).map(([arg, operand]) => `${arg} ${describeOperand(call, arg, operand)}`);
  const result = as === undefined ? '' : `${as} = `;
  return `${lane === undefined ? '' : `${lane}: `}${result}${name}(${parts.join(', ')})`;
}

function describeOperand(call: DesignCall | undefined, name: string, operand: DesignOperand): string {
  if (typeof operand === 'string') return operand;
  const argument = call?.args[name];
  if (typeof operand !== 'object') {
    return argument === undefined ? String(operand) : describeValue(argument, operand);
  }
  return operand.plus === undefined ? operand.ref : `${operand.ref} + ${String(operand.plus)}`;
}

/** Labels of steps that a step uses. */
export function labelsUsed({ args = {} }: DesignStep): string[] {
  return Object.values(args).flatMap((operand) =>
    typeof operand === 'object' ? [operand.ref.split('.')[0] ?? ''] : [],
  );
}
