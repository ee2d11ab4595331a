import type { CallDescription } from '../../models/ioctls/description.js';
import { CAPABILITY_NUMBERS } from '../../models/program/credentials.js';
import type { AssembledProgram } from '../../models/program/assemble.js';
import type { MmapAccess } from '../../models/program/program.js';
import { VFIO_PLACES } from '../../models/program/vfio_nodes.js';
import {
  type RawIoctl,
  type RawMmap,
  type RawStep,
  type RawTransfer,
  buffersOf,
} from '../../models/program/raw.js';
import { byteArray, quoted, word } from './c_text.js';

/** The struct that a buffer of a step holds, if it is that of its call. */
export function structIn(
  { steps, calls }: AssembledProgram,
  at: number,
  buffer: number,
): CallDescription | undefined {
  const step = steps[at];
  if (step?.do !== 'ioctl') return undefined;
  return step.buffers[buffer]?.address === step.arg ? calls[at] : undefined;
}

/** The name of the function that carries a step out; undefined for steps that are more than a function. */
export function functionOf({ do: kind }: RawStep, at: number): string | undefined {
  return kind === 'lanes' || kind === 'fork' || kind === 'exit' ? undefined : `step_${String(at + 1)}`;
}

/** What carries a step out, in C. */
export function stepFunctions(program: AssembledProgram, at: number, text: string): string[] {
  const step = program.steps[at];
  const name = step === undefined ? undefined : functionOf(step, at);
  if (step === undefined || name === undefined) return [];
  const body = [...givenBytes(program, step, at), ...statements(step).map((statement) => `\t${statement};`)];
  return [
    `/* ${text} */`,
    ...cFunction(name, body),
    ...(step.do === 'pass' ? cFunction(receiverOf(at), [`\treceive_file(${String(step.as)});`]) : []),
  ];
}

/** The name of the function that receives a descriptor. */
export function receiverOf(at: number): string {
  return `step_${String(at + 1)}_received`;
}

function cFunction(name: string, body: readonly string[]): string[] {
  return [`static void ${name}(void)`, '{', ...body, '}', ''];
}

function givenBytes(program: AssembledProgram, step: RawStep, at: number): string[] {
  const arrays = buffersOf(step).flatMap(({ bytes }, index) =>
    bytes.length === 0 ? [] : byteArray(`given_${String(index)}`, bytes, structIn(program, at, index)),
  );
  return arrays.length === 0 ? [] : [...arrays, ''];
}

function statements(step: RawStep): string[] {
  switch (step.do) {
    case 'open':
      if (step.node !== undefined) {
        const { told, nodes } = VFIO_PLACES[step.node];
        return [`open_vfio(${String(step.slot)}, ${quoted(told)}, ${quoted(nodes)})`];
      }
      return [`open_device(${String(step.slot)}, ${step.isReadOnly ? 'O_RDONLY' : 'O_RDWR'})`];
    case 'memfd': {
      const pages = `${String(step.isHuge)}, ${String(step.isFallocated)}`;
      return [`make_memory_file(${String(step.slot)}, ${word(step.bytes)}, ${pages})`];
    }
    case 'truncate':
      return [`truncate_file(${String(step.slot)}, ${word(step.bytes)})`];
    case 'dup':
      return [`duplicate(${String(step.slot)}, ${String(step.as)})`];
    case 'close':
      return [`close_file(${String(step.slot)})`];
    case 'poll':
      return [`poll_file(${String(step.slot)})`];
    case 'ioctl':
      return ioctlStatements(step);
    case 'read':
    case 'write':
      return transferStatements(step);
    case 'mmap':
      return [mmapStatement(step)];
    case 'mremap': {
      const sizes = `${word(step.bytes)}, ${word(step.newBytes)}`;
      return [`move_memory(${word(step.start)}, ${sizes}, ${word(step.to ?? 0n)})`];
    }
    case 'mprotect':
      return [`protect_memory(${word(step.start)}, ${word(step.bytes)}, ${PROTECTION[step.access]})`];
    case 'munmap':
      return [`unmap_memory(${word(step.start)}, ${word(step.bytes)})`];
    case 'process':
      return [
        ...step.drop.map((name) => `drop_capability(${String(CAPABILITY_NUMBERS[name])} /* ${name} */)`),
        ...(step.memlockBytes === undefined ? [] : [`set_memlock(${word(step.memlockBytes)})`]),
        'finish(0)',
      ];
    case 'counters':
      return ['read_counters(&shared->results[current])'];
    case 'cloexec':
      return [`close_on_exec(${String(step.slot)}, ${String(step.isSet)})`];
    case 'pass':
      return [`send_file(${String(step.slot)})`];
    case 'exec':
      return ['start_anew()'];
    case 'fork':
    case 'exit':
    case 'lanes':
      return [];
  }
}

export const PROTECTION: Readonly<Record<MmapAccess, string>> = {
  rw: 'PROT_READ | PROT_WRITE',
  ro: 'PROT_READ',
  rwx: 'PROT_READ | PROT_WRITE | PROT_EXEC',
  none: 'PROT_NONE',
};

function mmapStatement({ start, bytes, access, isPrivate, isHuge, file }: RawMmap): string {
  const flags = [
    isPrivate ? 'MAP_PRIVATE' : 'MAP_SHARED',
    ...(isHuge ? ['MAP_HUGETLB | MAP_POPULATE'] : []),
    ...(file === undefined ? ['MAP_ANONYMOUS'] : []),
  ].join(' | ');
  const from = file === undefined ? '-1, 0' : `${String(file.slot)}, ${word(file.offset)}`;
  return `map_memory(${word(start)}, ${word(bytes)}, ${PROTECTION[access]}, ${flags}, ${from})`;
}

function ioctlStatements(step: RawIoctl & RawStep): string[] {
  return [
    ...placing(step),
    ...step.patches.map(({ buffer, offset, bytes, from, plus }) => {
      const target = [buffer, offset, bytes, from.step, from.buffer, from.offset].join(', ');
      return `copy_number(${target}, ${word(plus)})`;
    }),
    ...step.fds.map((fd) => {
      if (fd.direction === 'hidden') return `take_hidden_fd(${String(fd.slot)})`;
      const place = [fd.buffer, fd.offset, fd.slot].join(', ');
      return fd.direction === 'in' ? `give_fd(${place})` : `take_fd(${place})`;
    }),
    ...failure(step),
    `call_ioctl(${String(step.slot)}, ${word(step.command)}, ${word(step.arg)})`,
  ];
}

function transferStatements(step: RawTransfer & RawStep): string[] {
  const { do: kind, slot, address, bytes, offset } = step;
  const usual = [String(slot), word(address), String(bytes)].join(', ');
  const call = offset === undefined ? `call_${kind}(${usual})` : `call_p${kind}(${usual}, ${word(offset)})`;
  return [...placing(step), ...failure(step), call];
}

function placing(step: RawStep): string[] {
  return buffersOf(step).map(({ address, bytes }, index) => {
    const given = bytes.length === 0 ? 'NULL' : `given_${String(index)}`;
    return `place(${word(address)}, ${given}, ${String(bytes.length)})`;
  });
}

function failure({ failNth }: RawStep): string[] {
  return failNth === undefined ? [] : [`fail_nth(${String(failNth)})`];
}
