import type { FdKind } from '../../models/layout/field.js';
import type { IoctlStep, Operand, Reference, Scalar } from '../../models/program/program.js';
import { ioasOf } from '../../models/state/access.js';
import { callByName } from '../../models/ioctls/index.js';
import type { IoPagetable } from '../../models/state/io_pagetable.js';
import type { IommufdFile } from '../../models/state/iommufd_file.js';
import type { MmapRegion } from '../../models/state/mmap_regions.js';
import type { IommufdObject, ObjectType } from '../../models/state/objects.js';
import type { World } from '../../models/state/world.js';
import type { Picks } from './picks.js';

/** An id that nothing has. */
export const NO_SUCH_ID = 0x7000;

/** A number that no descriptor has. */
const NO_SUCH_FD = 0x3fff_ffff;

/** What the generator knows while it writes a program: the model's state, and which step produced which id. */
export class GeneratorState {
  /** References by `slot/id`. */
  readonly #producers = new Map<string, Reference>();

  /** The names under which the program knows its descriptors, by slot. */
  readonly labels = new Map<number, string>();

  constructor(
    private readonly world: World,
    /** The file that the next call goes to. */
    public file: string,
    public slot: number,
  ) {}

  /** An id for a member that takes these types; sometimes of another type, stale, or of nothing. */
  drawId(types: readonly string[], picks: Picks): { operand: Scalar; table: IoPagetable | undefined } {
    const objects = this.#objects;
    if (picks.unusual('noId'))
      return { operand: picks.one([0, NO_SUCH_ID, 1, 0xffff_ffff]), table: undefined };
    const stale = picks.unusual('staleId') ? this.staleId(picks) : undefined;
    if (stale !== undefined) return { operand: stale, table: undefined };
    const fitting = objects.filter(({ type }) => types.includes(type));
    const object = picks.unusual('otherType') ? picks.any(objects) : picks.any(fitting);
    if (object === undefined) return { operand: picks.below(3), table: undefined };
    return { operand: this.#nameOf(object), table: tableOf(object) };
  }

  /** The types of the current file's objects. */
  types(): string[] {
    return [...new Set(this.#objects.map(({ type }) => type))];
  }

  /** An id that an object of the current file had that is gone, if there is one. */
  staleId(picks: Picks): Scalar | undefined {
    const live = new Set([...this.ids()].map((id) => this.#key(id)));
    const prefix = this.#key('');
    const gone = [...this.#producers].filter(([key]) => key.startsWith(prefix) && !live.has(key));
    return picks.any(gone)?.[1];
  }

  /** The newest objects of some types, and descriptors of some kinds of files, for those that there are. */
  newest(wanted: Readonly<Record<string, ObjectType | FdKind>>): Record<string, Operand> {
    return byMember(wanted, (kind) => {
      const object = this.#objects.findLast(({ type }) => type === kind);
      if (object !== undefined) return this.#nameOf(object);
      const fd = this.#labelsOfKind(kind).at(-1);
      return fd === undefined ? undefined : { fd };
    });
  }

  /** The oldest objects of some types, for those that there are. */
  oldest(wanted: Readonly<Record<string, ObjectType>>): Record<string, Operand> {
    return byMember(wanted, (kind) => {
      const object = this.#objects.find(({ type }) => type === kind);
      return object && this.#nameOf(object);
    });
  }

  /**
   * A descriptor for a member that takes these kinds of files; sometimes of another kind, or of nothing. What can be mapped is
   * of the right kind always: an iommufd that is mapped by itself, or a file that keeps it open, is open for ever.
   */
  drawFd(kinds: readonly FdKind[], picks: Picks): { operand: Operand; table: IoPagetable | undefined } {
    const labelled = [...this.world.fds.entries].filter(([slot]) => this.labels.has(slot));
    const isMappable = kinds.includes('memfd');
    const open = labelled.filter(([, { kind }]) => !isMappable || kind === 'memfd' || kind === 'dmabuf');
    const fitting = open.filter(([, { kind }]) => (kinds as readonly string[]).includes(kind));
    const [slot, file] = (picks.unusual('otherFd') ? picks.any(open) : picks.any(fitting)) ?? [];
    const label = slot === undefined ? undefined : this.labels.get(slot);
    if (label === undefined) return { operand: NO_SUCH_FD, table: undefined };
    const table = file?.kind === 'access' ? ioasOf(file.access).table : undefined;
    return { operand: { fd: label }, table };
  }

  /** The label of a descriptor, most often of one that is open. */
  drawFile(picks: Picks): string {
    const open = [...this.world.fds.entries].flatMap(([slot]) => this.labels.get(slot) ?? []);
    const labels = picks.unusual('closedFile') ? [...this.labels.values()] : open;
    return picks.any(labels) ?? this.file;
  }

  /** The label of an open descriptor of a kind, if there is one. */
  labelOfKind(kind: string, picks: Picks): string | undefined {
    return picks.any(this.#labelsOfKind(kind));
  }

  /** The oldest first. */
  #labelsOfKind(kind: string): string[] {
    const open = [...this.world.fds.entries].filter(([, file]) => file.kind === kind);
    return open.flatMap(([slot]) => this.labels.get(slot) ?? []);
  }

  /** A region that an iommufd offers for mmap, if there is one. */
  regionToMap(picks: Picks): { readonly file: string; readonly region: MmapRegion } | undefined {
    const offered = [...this.world.fds.entries].flatMap(([slot, file]) => {
      const label = this.labels.get(slot);
      if (label === undefined || file.kind !== 'iommufd') return [];
      return file.regions.all.map((region) => ({ file: label, region }));
    });
    return picks.any(offered);
  }

  /** Remembers the ids that a step has produced, as the model predicted them. */
  noteProducts(step: IoctlStep, idsBefore: readonly number[]): void {
    for (const { name, field } of callByName(step.call)?.layout.members ?? []) {
      if (field.role.is !== 'id' || field.direction === 'in') continue;
      const types = field.role.of;
      const isMade = ({ id, type }: IommufdObject): boolean =>
        !idsBefore.includes(id) && types.includes(type);
      const object = this.#objects.find(isMade);
      if (object !== undefined && step.label !== undefined) {
        this.#producers.set(this.#key(object.id), { ref: `${step.label}.${name}` });
      }
    }
  }

  /** Of the IOAS that calls of VFIO are about. */
  get compatTable(): IoPagetable | undefined {
    return this.#file?.compatIoas?.table;
  }

  /** The ids that are taken in the current file. */
  get takenIds(): readonly number[] {
    return this.#file?.objects.takenIds ?? [];
  }

  /** The ids of the current file. */
  ids(): Set<number> {
    return new Set(this.#objects.map(({ id }) => id));
  }

  /** Of the current file, the oldest first. */
  get #objects(): readonly IommufdObject[] {
    return this.#file?.objects.objects ?? [];
  }

  #nameOf({ id }: IommufdObject): Scalar {
    return this.#producers.get(this.#key(id)) ?? id;
  }

  get #file(): IommufdFile | undefined {
    return this.world.fds.getOfKind(this.slot, 'iommufd');
  }

  #key(id: number | string): string {
    return `${String(this.slot)}/${String(id)}`;
  }
}

/** What is found for each member, of those for which something is. */
function byMember<T>(
  wanted: Readonly<Record<string, T>>,
  find: (kind: T) => Operand | undefined,
): Record<string, Operand> {
  const found = Object.entries(wanted).map(([member, kind]) => [member, find(kind)] as const);
  return Object.fromEntries(found.filter((pair): pair is [string, Operand] => pair[1] !== undefined));
}

function tableOf(object: IommufdObject): IoPagetable | undefined {
  if (object.type === 'IOAS') return object.table;
  return object.type === 'HWPT_PAGING' ? object.ioas.table : undefined;
}
