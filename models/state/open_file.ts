import { assert } from '../base/assert.js';
import { slotOf } from '../program/raw.js';
import type { AccessFile } from './access_file.js';
import type { DmaBuf } from './dma_buf.js';
import type { EventFile } from './event_files.js';
import type { IommufdFile } from './iommufd_file.js';
import type { MemoryFile } from './memory_file.js';
import type { VfioDeviceFile, VfioGroupFile } from './vfio_files.js';

/** What every open file has: struct file. */
export interface OpenFileBase {
  /** Descriptors, mappings and other files that keep it open: f_count. */
  references: number;
}

/** Whatever a descriptor of the program refers to. */
export type OpenFile = IommufdFile | MemoryFile | DmaBuf | EventFile | AccessFile | VfioFile;

/** A file of VFIO's own. */
export type VfioFile = VfioDeviceFile | VfioGroupFile;

export type OpenFileKind = OpenFile['kind'];

/** The descriptors of a process, by the program's slots. */
export class FdTable {
  readonly #files = new Map<number, OpenFile>();
  /** The slots whose descriptors close on exec(): FD_CLOEXEC. */
  readonly #closingOnExec = new Set<number>();

  get size(): number {
    return this.#files.size;
  }

  /** Ascending by the time of opening. */
  get entries(): Iterable<readonly [slot: number, file: OpenFile]> {
    return this.#files;
  }

  get(slot: number): OpenFile | undefined {
    return this.#files.get(slot);
  }

  /** The file in a slot if it is of a kind. */
  getOfKind<K extends OpenFileKind>(slot: number, kind: K): Extract<OpenFile, { kind: K }> | undefined {
    const file = this.#files.get(slot);
    return file?.kind === kind ? (file as Extract<OpenFile, { kind: K }>) : undefined;
  }

  /** The file that a program's handle is of. */
  byHandle(handle: number): OpenFile | undefined {
    const slot = slotOf(handle);
    return slot === undefined ? undefined : this.#files.get(slot);
  }

  /** How many descriptors refer to a file. */
  countOf(file: OpenFile): number {
    return [...this.#files.values()].filter((other) => other === file).length;
  }

  /** A new descriptor of a file. */
  install(slot: number, file: OpenFile, closesOnExec = false): void {
    assert(!this.#files.has(slot), `slot ${String(slot)} is free`);
    this.#files.set(slot, file);
    this.markOnExec(slot, closesOnExec);
    file.references += 1;
  }

  /** Takes the descriptor away; what becomes of the file is the caller's business. */
  remove(slot: number): OpenFile | undefined {
    const file = this.#files.get(slot);
    this.#files.delete(slot);
    this.#closingOnExec.delete(slot);
    return file;
  }

  /** Says whether a descriptor closes on exec(). */
  markOnExec(slot: number, closes: boolean): void {
    if (closes) this.#closingOnExec.add(slot);
    else this.#closingOnExec.delete(slot);
  }

  closesOnExec(slot: number): boolean {
    return this.#closingOnExec.has(slot);
  }

  /** The slots whose descriptors close on exec(). */
  get slotsClosingOnExec(): readonly number[] {
    return [...this.#closingOnExec];
  }
}

export function isOfVfio(file: OpenFile | undefined): file is VfioFile {
  return file?.kind === 'vfio_device' || file?.kind === 'vfio_group';
}
