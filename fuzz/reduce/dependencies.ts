import { callByName } from '../../models/ioctls/index.js';
import {
  type Operand,
  type Reference,
  type Scalar,
  type Step,
  isReference,
} from '../../models/program/program.js';
import { type Replacement, replaceOperand } from '../../models/program/replace_operand.js';

/** What steps make for later ones: results of calls, files and processes, each with names of their own. */
export type ProductKind = 'result' | 'file' | 'process';

/** A label that a step makes. */
interface Product {
  readonly kind: ProductKind;
  readonly label: string;
  /** Products of the same sort can stand in for each other. */
  readonly sort: string;
}

/** What stands in for a product that is gone; undefined if nothing does. */
export type Substitute = (kind: ProductKind, label: string) => string | undefined;

/** What a step makes; `sortOf` tells the sort of the files before it. */
export function productsOf(step: Step, sortOf: (file: string) => string | undefined): Product[] {
  switch (step.do) {
    case 'open':
      return [file(step.label, step.node ?? 'iommufd')];
    case 'memfd':
      return [file(step.label, 'memfd')];
    case 'dup':
    case 'pass':
      return [file(step.label, sortOf(step.file) ?? '')];
    case 'fork':
      return [{ kind: 'process', label: step.label, sort: 'process' }];
    case 'ioctl':
      return [
        ...(step.label === undefined
          ? []
          : [{ kind: 'result', label: step.label, sort: resultSort(step.call) } as const]),
        ...(step.fd === undefined ? [] : [file(step.fd, step.call)]),
      ];
    default:
      return [];
  }
}

function file(label: string, sort: string): Product {
  return { kind: 'file', label, sort };
}

/** Calls that answer with the same members can stand in for each other. */
function resultSort(call: string): string {
  const members = callByName(call)?.layout.members ?? [];
  return members
    .filter(({ field }) => field.direction !== 'in')
    .map(({ name }) => name)
    .join();
}

/**
 * A step with what it uses replaced; undefined if nothing stands in for something that it cannot do without. A process that is gone
 * is replaced by the one that the program starts in, if `mayBeFirst`.
 */
export function replaceUses(step: Step, substitute: Substitute, mayBeFirst: boolean): Step | undefined {
  const performed = replacePerformer(step, substitute, mayBeFirst);
  if (performed === undefined) return undefined;
  switch (performed.do) {
    case 'ioctl': {
      const found = substitute('file', performed.file);
      const args = replaceArgs(performed.args, substitute);
      return found === undefined || args === undefined ? undefined : { ...performed, file: found, args };
    }
    case 'pass': {
      const found = substitute('file', performed.file);
      const to = performed.to === undefined ? undefined : substitute('process', performed.to);
      if (found === undefined || to !== performed.to) return undefined;
      return { ...performed, file: found };
    }
    case 'mmap': {
      if (performed.file === undefined) return performed;
      const found = substitute('file', performed.file);
      return found === undefined ? undefined : { ...performed, file: found };
    }
    case 'truncate':
    case 'dup':
    case 'read':
    case 'write':
    case 'poll':
    case 'close':
    case 'cloexec': {
      const found = substitute('file', performed.file);
      return found === undefined ? undefined : { ...performed, file: found };
    }
    default:
      return performed;
  }
}

function replacePerformer(step: Step, substitute: Substitute, mayBeFirst: boolean): Step | undefined {
  const { by, ...bare } = step;
  if (by === undefined || substitute('process', by) === by) return step;
  const needsOwn = step.do === 'exit' || step.do === 'exec';
  return mayBeFirst && !needsOwn ? bare : undefined;
}

type Args = Readonly<Record<string, Operand>>;

function replaceArgs(args: Args, substitute: Substitute): Args | undefined {
  const replacement: Replacement = {
    file: (label) => substitute('file', label),
    scalar: (scalar) => replaceScalar(scalar, substitute),
  };
  const entries = Object.entries(args).map(
    ([name, operand]) => [name, replaceOperand(operand, replacement)] as const,
  );
  const isWhole = entries.every(([, operand]) => operand !== undefined);
  return isWhole ? (Object.fromEntries(entries) as Args) : undefined;
}

function replaceScalar(scalar: Scalar, substitute: Substitute): Scalar | undefined {
  if (!isReference(scalar)) return scalar;
  const [label = '', member = ''] = scalar.ref.split('.');
  const found = substitute('result', label);
  return found === undefined ? undefined : ({ ...scalar, ref: `${found}.${member}` } satisfies Reference);
}
