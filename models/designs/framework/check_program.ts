import { ProgramError } from '../../program/program.js';
import { type Argument, valueOfName } from './argument.js';
import type { DesignCall } from './call.js';
import { type Design, callOf } from './design.js';
import {
  DESIGN_PROGRAM_SCHEMA,
  type DesignOperand,
  type DesignProgram,
  type DesignStep,
  labelsUsed,
} from './program.js';

const NAME = /^[A-Za-z][A-Za-z0-9_]*$/;
const REFERENCE = /^[A-Za-z][A-Za-z0-9_]*([.][A-Za-z_][A-Za-z0-9_]*)?$/;
const WORD = /^0x[0-9a-f]{1,16}$/i;

/** A program for a design, as a file holds it. */
export function designProgramText(design: Design, { steps }: DesignProgram): string {
  const json = { schema: DESIGN_PROGRAM_SCHEMA, design: design.name, steps };
  const plain = (_: string, value: unknown) =>
    typeof value === 'bigint' ? `0x${value.toString(16)}` : value;
  return `${JSON.stringify(json, plain, 2)}\n`;
}

/**
 * The program that the data of a file describes.
 * @throws ProgramError saying what makes no sense
 */
export function parseDesignProgram(json: unknown, design: Design): DesignProgram {
  if (!isRecord(json)) throw new ProgramError('a program of a design is an object with schema and steps');
  if (json.schema !== DESIGN_PROGRAM_SCHEMA) {
    throw new ProgramError(`the schema is ${shown(json.schema)}, this version reads 1`);
  }
  if (json.design !== undefined && json.design !== design.name) {
    throw new ProgramError(`the program is for the design ${shown(json.design)}, not for ${design.name}`);
  }
  if (!Array.isArray(json.steps)) throw new ProgramError('steps is not a list');
  const steps = (json.steps as unknown[]).map((step, at) => parseStep(step, at));
  checkDesignProgram(design, { steps });
  return { steps };
}

function parseStep(json: unknown, at: number): DesignStep {
  if (!isRecord(json)) throw refused(at, 'is no object');
  const { call, args = {}, as, lane, ...rest } = json;
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined) throw refused(at, `has ${unknown}, which means nothing`);
  if (typeof call !== 'string') throw refused(at, 'names no call');
  if (!isRecord(args)) throw refused(at, 'has args that are no object');
  if (as !== undefined && !isName(as)) throw refused(at, `has the label ${shown(as)}, which is no name`);
  if (lane !== undefined && !isName(lane)) throw refused(at, `has the lane ${shown(lane)}, which is no name`);
  const operands = Object.entries(args).map(
    ([name, value]) => [name, parseOperand(value, name, at)] as const,
  );
  return {
    call,
    args: Object.fromEntries(operands),
    ...(as === undefined ? {} : { as }),
    ...(lane === undefined ? {} : { lane }),
  };
}

function parseOperand(json: unknown, name: string, at: number): DesignOperand {
  if (typeof json === 'number') return json;
  if (typeof json === 'string') return WORD.test(json) ? BigInt(json) : json;
  if (isRecord(json) && typeof json.ref === 'string') {
    const plus = json.plus === undefined ? undefined : parseOperand(json.plus, name, at);
    if (typeof plus === 'string' || typeof plus === 'object') throw refused(at, `adds no number to ${name}`);
    return { ref: json.ref, ...(plus === undefined ? {} : { plus }) };
  }
  throw refused(at, `has the argument ${name} that is no number, name or reference`);
}

/**
 * Whether a program can run on a design.
 * @throws ProgramError naming the first step that cannot
 */
export function checkDesignProgram(design: Design, { steps }: DesignProgram): void {
  const labels = new Set<string>();
  for (const [at, step] of steps.entries()) {
    const call = callOf(design, step.call);
    if (call === undefined) throw refused(at, `calls ${step.call}, which ${design.name} does not have`);
    for (const [name, operand] of Object.entries(step.args ?? {})) {
      const argument = call.args[name];
      if (argument === undefined) throw refused(at, `passes ${name}, which ${step.call} does not take`);
      checkOperand(argument, name, operand, at);
    }
    for (const [name, { usual }] of Object.entries(call.args)) {
      if (usual === undefined && step.args?.[name] === undefined) throw refused(at, `does not say ${name}`);
    }
    checkLabels(call, step, at, labels);
  }
  checkLanes(steps);
}

function checkOperand(argument: Argument, name: string, operand: DesignOperand, at: number): void {
  if (typeof operand === 'object') {
    if (!REFERENCE.test(operand.ref)) throw refused(at, `refers to ${shown(operand.ref)}, which is no label`);
    return;
  }
  if (typeof operand === 'string') {
    if (valueOfName(argument, operand) === undefined) {
      const known = Object.keys(argument.names).join(', ');
      const hint = known === '' ? 'it takes a number' : `it knows ${known}`;
      throw refused(at, `passes ${shown(operand)} for ${name}; ${hint}`);
    }
    return;
  }
  const isWhole = typeof operand === 'bigint' || Number.isSafeInteger(operand);
  if (!isWhole || BigInt(operand) < argument.min || BigInt(operand) > argument.max) {
    throw refused(at, `passes ${String(operand)} for ${name}, which does not fit`);
  }
}

function checkLabels({ makes }: DesignCall, step: DesignStep, at: number, labels: Set<string>): void {
  for (const label of labelsUsed(step)) {
    if (!labels.has(label)) throw refused(at, `uses ${label}, which no step before it has made`);
  }
  if (step.as === undefined) return;
  if (labels.has(step.as)) throw refused(at, `makes ${step.as} a second time`);
  if (makes.length === 0) throw refused(at, `labels a result of ${step.call}, which makes nothing`);
  labels.add(step.as);
}

/** Lanes run between what prepares them and what comes after them. */
function checkLanes(steps: readonly DesignStep[]): void {
  const first = steps.findIndex(({ lane }) => lane !== undefined);
  if (first === -1) return;
  const last = steps.findLastIndex(({ lane }) => lane !== undefined);
  const gap = steps.findIndex(({ lane }, at) => at > first && at < last && lane === undefined);
  if (gap !== -1) throw refused(gap, 'has no lane, but stands between steps that have one');
}

function refused(at: number, problem: string): ProgramError {
  return new ProgramError(`step ${String(at + 1)} ${problem}`);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && NAME.test(value);
}

function shown(value: unknown): string {
  return value === undefined ? 'missing' : JSON.stringify(value);
}
