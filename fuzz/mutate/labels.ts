import { callByName } from '../../models/ioctls/index.js';
import type { Role } from '../../models/layout/field.js';
import {
  type IoctlStep,
  type Operand,
  type Program,
  type Reference,
  type Scalar,
  type Step,
  isReference,
  placedSteps,
} from '../../models/program/program.js';
import { replaceOperand } from '../../models/program/replace_operand.js';

/** What the names of one program stand for: enough to find something like it in another. */
export class Names {
  /** Kinds of files by label. */
  readonly #files = new Map<string, string>();
  /** Calls by the label of their result. */
  readonly #calls = new Map<string, string>();

  constructor(program: Program) {
    for (const { step } of placedSteps(program)) this.#take(step);
  }

  kindOfFile(label: string): string | undefined {
    return this.#files.get(label);
  }

  /** The call and the role of the member that a reference reads. */
  sourceOf({
    ref,
  }: Reference): { readonly call: string; readonly member: string; readonly role: Role } | undefined {
    const [label = '', member = ''] = ref.split('.');
    const call = this.#calls.get(label);
    const role = call === undefined ? undefined : callByName(call)?.layout.memberOf(member)?.field.role;
    return call === undefined || role === undefined ? undefined : { call, member, role };
  }

  #take(step: Step): void {
    switch (step.do) {
      case 'open':
        this.#files.set(step.label, step.node ?? 'iommufd');
        return;
      case 'memfd':
        this.#files.set(step.label, 'memfd');
        return;
      case 'dup':
      case 'pass':
        this.#files.set(step.label, this.#files.get(step.file) ?? 'iommufd');
        return;
      case 'ioctl':
        if (step.label !== undefined) this.#calls.set(step.label, step.call);
        if (step.fd !== undefined) this.#files.set(step.fd, kindOfNewFd(step.call));
        return;
      default:
    }
  }
}

/** DMABUF_GET is the one call that does not tell its descriptor. */
function kindOfNewFd(call: string): string {
  const newFd = callByName(call)?.newFd;
  const role = newFd === undefined || 'hidden' in newFd ? undefined : newFd.field.role;
  return role?.is === 'fd' ? (role.of[0] ?? 'dmabuf') : 'dmabuf';
}

/** What takes the place of the names that a step uses; undefined where nothing does. */
export interface Renaming {
  file(label: string): string | undefined;
  process(label: string): string | undefined;
  value(reference: Reference, role: Role | undefined): Scalar;
  /** A name that the step gives. */
  made(label: string): string;
}

/** A step under other names; undefined where it needs a file or a process that there is not. */
export function rename(step: Step, renaming: Renaming): Step | undefined {
  const by = step.by === undefined ? undefined : renaming.process(step.by);
  if (step.by !== undefined && by === undefined) return undefined;
  const renamed = renameBare(step, renaming);
  return renamed === undefined || by === undefined ? renamed : { ...renamed, by };
}

function renameBare(step: Step, renaming: Renaming): Step | undefined {
  if (step.do === 'lanes') return renameLanes(step, renaming);
  if (step.do === 'pass' && step.to !== undefined) {
    const to = renaming.process(step.to);
    if (to === undefined) return undefined;
    return renameFiles({ ...step, to }, renaming);
  }
  return renameFiles(step, renaming);
}

function renameLanes(step: Extract<Step, { do: 'lanes' }>, renaming: Renaming): Step | undefined {
  const lanes = step.lanes
    .map((lane) => lane.flatMap((inside) => rename(inside, renaming) ?? []))
    .filter(({ length }) => length > 0);
  return lanes.length < 2 ? undefined : { do: 'lanes', lanes };
}

function renameFiles(step: Step, renaming: Renaming): Step | undefined {
  if (!('file' in step)) return renameMade(step, renaming);
  const file = renaming.file(step.file);
  return file === undefined ? undefined : renameMade({ ...step, file }, renaming);
}

function renameMade(step: Step, renaming: Renaming): Step | undefined {
  if (step.do === 'ioctl') return renameCall(step, renaming);
  return 'label' in step ? { ...step, label: renaming.made(step.label) } : step;
}

function renameCall(step: IoctlStep, renaming: Renaming): Step | undefined {
  const { label, fd } = step;
  const layout = callByName(step.call)?.layout;
  const args: Record<string, Operand> = {};
  for (const [name, operand] of Object.entries(step.args)) {
    const role = layout?.memberOf(name)?.field.role;
    const renamed = replaceOperand(operand, {
      file: (file) => renaming.file(file),
      scalar: (scalar) => (isReference(scalar) ? renaming.value(scalar, role) : scalar),
    });
    if (renamed === undefined) return undefined;
    args[name] = renamed;
  }
  return {
    ...step,
    args,
    ...(label === undefined ? {} : { label: renaming.made(label) }),
    ...(fd === undefined ? {} : { fd: renaming.made(fd) }),
  };
}
