import { present } from '../../models/base/assert.js';
import { readNumber } from '../../models/base/bytes.js';
import type { CallDescription } from '../../models/ioctls/description.js';
import { type AssembledProgram, assemble } from '../../models/program/assemble.js';
import { SEALED } from '../../models/program/arena.js';
import type { Program } from '../../models/program/program.js';
import { type RawIoctl, type RawPatch, type RawStep, buffersOf } from '../../models/program/raw.js';
import { type Image, type Images, type Passed, exportBytes, exportStruct } from './export_struct.js';
import { isTooFar, layoutCalls, toData } from './memory.js';
import { printProgram } from './print.js';
import { exportSystemCall } from './system_calls.js';
import { type SyzCall, type SyzLine, type Value, num, pointer, variable } from './text.js';
import { RAW_CALL, type Variant, resourceOf, variantsOf } from './variants.js';

/** Something that the text does not say, or says otherwise. */
export interface Shortcoming {
  /** Counted from 1. */
  readonly step: number;
  readonly says: string;
  /** Whether the step is missing from the text. */
  readonly isLeftOut: boolean;
}

export interface Exported {
  readonly text: string;
  readonly shortcomings: readonly Shortcoming[];
}

/**
 * A program as text of syzkaller. What cannot be said in it stands there as a comment, and is reported.
 * @throws ProgramError when the program makes no sense
 */
export function exportProgram(program: Program): Exported {
  return new Exporter(program, assemble(program)).run();
}

/** What a variable holds: the descriptor in a slot, or bytes of the struct of a step. */
const keyOfSlot = (slot: number): string => `slot ${String(slot)}`;
const keyOfBytes = (step: number, offset: number): string => `step ${String(step)} ${String(offset)}`;

class Exporter {
  readonly #lines: SyzLine[] = [];
  readonly #shortcomings: Shortcoming[] = [];
  readonly #names = new Map<string, string>();
  /** Variables that have a value by now. */
  readonly #known = new Set<string>();
  readonly #needed: ReadonlySet<string>;

  constructor(
    private readonly program: Program,
    private readonly assembled: AssembledProgram,
  ) {
    this.#needed = neededBy(assembled.steps);
  }

  run(): Exported {
    if (this.program.about !== undefined) this.#lines.push({ comment: oneLine(this.program.about) });
    this.#lines.push(...layoutCalls());
    for (const [index, raw] of this.assembled.steps.entries()) this.#add(raw, index);
    return { text: printProgram(this.#lines), shortcomings: this.#shortcomings };
  }

  #add(raw: RawStep, index: number): void {
    const why = whyLeftOut(raw);
    const calls = why ?? (raw.do === 'ioctl' ? this.#ioctl(raw, index) : this.#systemCall(raw));
    if (typeof calls === 'string') {
      this.#report(index, `left out: ${calls}`, true);
      return;
    }
    const isSealed = buffersOf(raw).some(
      ({ address }) => address >= SEALED.start && address < SEALED.start + SEALED.bytes,
    );
    if (isSealed)
      this.#report(index, 'it reads memory that cannot be written, which syzkaller cannot fill', false);
    const failNth = raw.failNth;
    this.#lines.push(...calls.map((call) => (failNth === undefined ? call : { ...call, failNth })));
  }

  #report(index: number, says: string, isLeftOut: boolean): void {
    this.#shortcomings.push({ step: index + 1, says, isLeftOut });
    this.#lines.push({ comment: `step ${String(index + 1)}: ${says}` });
  }

  #systemCall(raw: Exclude<RawStep, RawIoctl>): SyzCall[] | string {
    return exportSystemCall(raw, {
      file: (slot) => this.#file(slot),
      takes: (slot) => this.#produce(keyOfSlot(slot)),
      other: () => this.#newName(`other ${String(this.#names.size)}`),
    });
  }

  #ioctl(raw: RawIoctl, index: number): SyzCall[] | string {
    const call = present(this.assembled.calls[index], 'a call');
    if (call.on !== 'iommufd') return 'files of VFIO are not described here';
    const file = this.#file(raw.slot);
    const hidden = raw.fds.find(({ direction }) => direction === 'hidden');
    const variants = variantsOf(call);
    const images = this.#images(raw, index);
    const chosen = this.#choose(call, variants, images, raw);
    if (chosen === undefined) return 'a value of 8 or 16 bits comes from an earlier call';
    // After its arguments, which may be of earlier calls.
    const result = hidden === undefined ? undefined : this.#produce(keyOfSlot(hidden.slot));
    return [
      {
        name: chosen.name,
        args: [file, num(raw.command), ...(chosen.argument === undefined ? [] : [chosen.argument])],
        ...(result === undefined ? {} : { result }),
      },
    ];
  }

  #choose(
    call: CallDescription,
    variants: readonly Variant[],
    images: Images | undefined,
    raw: RawIoctl,
  ): { readonly name: string; readonly argument: Value | undefined } | undefined {
    const [first] = variants;
    const last = present(variants.at(-1), 'a variant');
    if (call.argument === 'value') {
      return { name: last.name, argument: call.layout.members.length === 0 ? undefined : num(raw.arg) };
    }
    if (images === undefined) {
      const place = toData(raw.arg);
      return { name: (first ?? last).name, argument: place === undefined ? num(raw.arg) : pointer(place) };
    }
    const place = present(toData(raw.arg), 'a place for the struct');
    for (const variant of this.#fitting(variants, raw)) {
      const value = exportStruct(variant, images);
      if (value !== undefined) return { name: variant.name, argument: pointer(place, value) };
    }
    const value = exportBytes(call, images);
    return value === undefined ? undefined : { name: RAW_CALL, argument: pointer(place, value) };
  }

  /** The variants for what is known of ids that come from earlier calls, those first that say so. */
  #fitting(variants: readonly Variant[], { patches }: RawIoctl): readonly Variant[] {
    const isFit = (variant: Variant): boolean =>
      patches.every(({ buffer, offset, from }) => {
        const member = variant.call.layout.members.find((candidate) => candidate.offset === offset);
        const wanted = member && buffer === 0 ? resourceOf(variant, member) : undefined;
        return wanted === undefined || wanted === this.#resourceAt(from);
      });
    return variants.toSorted((one, two) => Number(isFit(two)) - Number(isFit(one)));
  }

  #resourceAt({ step, offset }: RawPatch['from']): string | undefined {
    const call = this.assembled.calls[step];
    const member = call?.layout.members.find((candidate) => candidate.offset === offset);
    const [variant] = call === undefined ? [] : variantsOf(call);
    return member === undefined || variant === undefined ? undefined : resourceOf(variant, member);
  }

  /** What lies in memory; undefined if the struct does not. */
  #images(raw: RawIoctl, index: number): Images | undefined {
    const [struct, ...arrays] = raw.buffers.map((buffer, at): Image => ({
      buffer,
      passed: [...this.#passed(raw, at), ...this.#passedFds(raw, at)],
      produced: at === 0 ? this.#produced(raw, index) : [],
    }));
    return struct?.buffer.address === raw.arg ? { struct, arrays } : undefined;
  }

  #passed({ patches }: RawIoctl, at: number): Passed[] {
    return patches
      .filter(({ buffer }) => buffer === at)
      .flatMap(({ offset, bytes, from, plus }) => {
        const name = this.#nameIfKnown(keyOfBytes(from.step, from.offset));
        return name === undefined ? [] : [{ offset, bytes, variable: name, plus }];
      });
  }

  #passedFds({ fds }: RawIoctl, at: number): Passed[] {
    return fds.flatMap((fd) => {
      if (fd.direction !== 'in' || fd.buffer !== at) return [];
      const name = this.#nameIfKnown(keyOfSlot(fd.slot));
      return name === undefined ? [] : [{ offset: fd.offset, bytes: 4 as const, variable: name, plus: 0n }];
    });
  }

  /** Members of the struct that later calls are passed. */
  #produced({ fds }: RawIoctl, index: number): Image['produced'] {
    const { layout } = present(this.assembled.calls[index], 'a call');
    return layout.members.flatMap(({ offset, field: { bytes } }) => {
      const fd = fds.find((one) => one.direction === 'out' && one.offset === offset);
      const name = this.#produce(fd?.direction === 'out' ? keyOfSlot(fd.slot) : keyOfBytes(index, offset));
      return name === undefined ? [] : [{ offset, bytes, variable: name }];
    });
  }

  /** The name of a variable that gets its value now, if it is ever used. */
  #produce(key: string): string | undefined {
    if (!this.#needed.has(key)) return undefined;
    this.#known.add(key);
    return this.#names.get(key) ?? this.#newName(key);
  }

  #newName(key: string): string {
    const name = `r${String(this.#names.size)}`;
    this.#names.set(key, name);
    return name;
  }

  #nameIfKnown(key: string): string | undefined {
    return this.#known.has(key) ? this.#names.get(key) : undefined;
  }

  /** A file; those that nothing in the text opens have no descriptor. */
  #file(slot: number): Value {
    const name = this.#nameIfKnown(keyOfSlot(slot));
    return name === undefined ? num(-1) : variable(name);
  }
}

/** The variables that anything uses. */
function neededBy(steps: readonly RawStep[]): Set<string> {
  const needed = new Set<string>();
  for (const step of steps) {
    if ('slot' in step && step.do !== 'open' && step.do !== 'memfd') needed.add(keyOfSlot(step.slot));
    if (step.do === 'memfd') needed.add(keyOfSlot(step.slot));
    if (step.do === 'mmap' && step.file !== undefined) needed.add(keyOfSlot(step.file.slot));
    if (step.do !== 'ioctl') continue;
    for (const { from } of step.patches) needed.add(keyOfBytes(from.step, from.offset));
    for (const fd of step.fds) if (fd.direction === 'in') needed.add(keyOfSlot(fd.slot));
  }
  return needed;
}

/** Steps that take more than one process. */
const OF_PROCESSES: ReadonlySet<RawStep['do']> = new Set(['fork', 'exec', 'pass', 'exit']);

/** What a text cannot say; undefined if it can. */
function whyLeftOut(raw: RawStep): string | undefined {
  if (raw.by !== undefined || OF_PROCESSES.has(raw.do)) return 'a program has one process';
  if (raw.do === 'open' && raw.node !== undefined) return 'files of VFIO are not described here';
  if (raw.do === 'lanes') return 'calls run one after another, those of a lane before those of the next';
  if (raw.do === 'process' && raw.drop.length > 0) return 'capabilities are not dropped';
  if (raw.do === 'mmap' && raw.isHuge) return 'there is no place for huge pages';
  const addresses = [
    'start' in raw ? raw.start : 0n,
    ...buffersOf(raw).flatMap(({ bytes }) => wordsOf(bytes)),
  ];
  return addresses.some(isTooFar) ? 'there is no place for huge pages' : undefined;
}

function wordsOf(bytes: Uint8Array): bigint[] {
  return Array.from({ length: bytes.length >> 3 }, (_, word) => readNumber(bytes, word * 8, 8));
}

function oneLine(about: string): string {
  return about.replace(/\s+/g, ' ');
}
