import { hex } from '../base/u64.js';
import { type Operand, type Step, isArray, isReference } from './program.js';

/** A step in one line, as findings and reports show it. */
export function describeStep(step: Step): string {
  switch (step.do) {
    case 'open':
      return `open ${step.label}`;
    case 'close':
      return `close ${step.file}`;
    case 'ioctl': {
      const args = Object.entries(step.args).map(([name, operand]) => `${name}=${describeOperand(operand)}`);
      const extras = [
        ...(step.tail === undefined
          ? []
          : [`tail of ${String(step.tail.bytes)} bytes ${hex(step.tail.value)}`]),
        ...(step.at === undefined
          ? []
          : [`at ${typeof step.at === 'string' ? step.at : `edge ${String(step.at.edge)}`}`]),
        ...(step.command === undefined ? [] : [`command ${hex(step.command)}`]),
      ];
      const label = step.label === undefined ? '' : `${step.label} = `;
      return `${label}${step.call}(${[...args, ...extras].join(', ')})`;
    }
    case 'mmap':
      return `mmap ${hex(step.start)} ${hex(step.bytes)} ${step.access}`;
    case 'munmap':
      return `munmap ${hex(step.start)} ${hex(step.bytes)}`;
    case 'process':
      return `process ${[...(step.drop ?? []).map((name) => `without ${name}`), ...(step.memlock === undefined ? [] : [`memlock ${hex(step.memlock)}`])].join(' ')}`;
    case 'counters':
      return 'counters';
  }
}

function describeOperand(operand: Operand): string {
  if (isReference(operand)) {
    return operand.plus === undefined ? operand.ref : `${operand.ref}+${hex(operand.plus)}`;
  }
  if (!isArray(operand)) return hex(operand);
  if ('room' in operand) return `[room for ${String(operand.room)}]`;
  if ('words' in operand) return `[words ${operand.words.map(describeOperand).join(' ')}]`;
  return `[${operand.ranges.map((range) => range.map(describeOperand).join('-')).join(' ')}]`;
}
