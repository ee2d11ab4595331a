import { hex } from '../base/u64.js';
import {
  type MmapStep,
  type Operand,
  type PlacedStep,
  type ReadStep,
  type Step,
  type StructPlace,
  type WriteStep,
  isArray,
  isFd,
  isReference,
} from './program.js';

/** A step in one line, with its lane. */
export function describePlacedStep({ step, lane }: PlacedStep): string {
  return lane === undefined ? describeStep(step) : `lane ${String(lane + 1)}: ${describeStep(step)}`;
}

/** A step in one line, as findings and reports show it. */
export function describeStep(step: Step): string {
  const call = describeCall(step);
  const { failNth } = 'failNth' in step ? step : { failNth: undefined };
  const what = failNth === undefined ? call : `${call}, its allocation ${String(failNth)} fails`;
  return step.by === undefined ? what : `${step.by}: ${what}`;
}

function describeCall(step: Step): string {
  switch (step.do) {
    case 'open':
      return `open ${step.label}${step.access === undefined ? '' : ' read-only'}${step.node === undefined ? '' : `, the ${step.node}`}`;
    case 'memfd':
      return `memfd ${step.label} of ${hex(step.bytes)}${step.huge === true ? ' in huge pages' : ''}${step.fallocated === true ? ', fallocated' : ''}`;
    case 'truncate':
      return `truncate ${step.file} to ${hex(step.bytes)}`;
    case 'dup':
      return `dup ${step.file} as ${step.label}`;
    case 'read':
      return `read ${step.file} ${String(step.bytes)}${placeOf(step)}`;
    case 'write':
      return `write ${step.file} [${step.words.map((word) => hex(word)).join(' ')}]${placeOf(step)}`;
    case 'poll':
      return `poll ${step.file}`;
    case 'close':
      return `close ${step.file}`;
    case 'ioctl': {
      const args = Object.entries(step.args).map(([name, operand]) => `${name}=${describeOperand(operand)}`);
      const extras = [
        ...(step.tail === undefined
          ? []
          : [`tail of ${String(step.tail.bytes)} bytes ${hex(step.tail.value)}`]),
        ...(step.at === undefined ? [] : [`at ${describePlace(step.at)}`]),
        ...(step.command === undefined ? [] : [`command ${hex(step.command)}`]),
        ...(step.fd === undefined ? [] : [`descriptor ${step.fd}`]),
      ];
      const label = step.label === undefined ? '' : `${step.label} = `;
      return `${label}${step.call}(${[...args, ...extras].join(', ')})`;
    }
    case 'mmap':
      return `mmap ${hex(step.start)} ${hex(step.bytes)} ${describeMapping(step)}`;
    case 'mremap':
      return `mremap ${hex(step.start)} ${hex(step.bytes)} to ${hex(step.to ?? step.start)} ${hex(step.newBytes)}`;
    case 'mprotect':
      return `mprotect ${hex(step.start)} ${hex(step.bytes)} ${step.access}`;
    case 'munmap':
      return `munmap ${hex(step.start)} ${hex(step.bytes)}`;
    case 'process':
      return `process ${[...(step.drop ?? []).map((name) => `without ${name}`), ...(step.memlock === undefined ? [] : [`memlock ${hex(step.memlock)}`])].join(' ')}`;
    case 'cloexec':
      return `${step.isSet ? 'close' : 'keep'} ${step.file} on exec`;
    case 'pass':
      return `pass ${step.file} to ${step.to ?? 'the first process'} as ${step.label}`;
    case 'counters':
    case 'exec':
    case 'exit':
      return step.do;
    case 'fork':
      return `fork ${step.label}`;
    case 'lanes':
      return `lanes of ${step.lanes.map(({ length }) => String(length)).join(' and ')} steps`;
  }
}

function describePlace(place: StructPlace): string {
  return typeof place === 'string' ? place : `edge ${String(place.edge)}`;
}

function placeOf({ at, offset }: ReadStep | WriteStep): string {
  const where = at === undefined ? '' : ` at ${describePlace(at)}`;
  return offset === undefined ? where : `${where} offset ${hex(offset)}`;
}

function describeMapping({ access, file, offset, isPrivate, huge }: MmapStep): string {
  const from = file === undefined ? [] : [`of ${file} at ${hex(offset ?? 0n)}`];
  return [
    access,
    ...(isPrivate === true ? ['private'] : []),
    ...(huge === true ? ['huge'] : []),
    ...from,
  ].join(' ');
}

function describeOperand(operand: Operand): string {
  if (isReference(operand)) {
    return operand.plus === undefined ? operand.ref : `${operand.ref}+${hex(operand.plus)}`;
  }
  if (isFd(operand)) return `fd ${operand.fd}`;
  if (!isArray(operand)) return hex(operand);
  if ('room' in operand) return `[room for ${String(operand.room)}]`;
  if ('words' in operand) return `[words ${operand.words.map(describeOperand).join(' ')}]`;
  return `[${operand.ranges.map((range) => range.map(describeOperand).join('-')).join(' ')}]`;
}
