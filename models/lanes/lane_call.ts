import { viewOf } from '../base/bytes.js';
import type { CallDescription } from '../ioctls/description.js';
import { IOAS_MAP_FLAGS } from '../ioctls/shared_rules.js';
import { readMember } from '../layout/struct.js';
import type { RawStep } from '../program/raw.js';
import type { IommufdFile } from '../state/iommufd_file.js';
import { ioasOf } from '../state/access.js';
import type { World } from '../state/world.js';

/** A step of another lane, with its call if it is an ioctl. */
export interface CallUnderWay {
  readonly step: RawStep;
  readonly call: CallDescription | undefined;
}

/** A call with its struct decoded. */
export interface LaneCall {
  readonly call: CallDescription;
  readonly file: IommufdFile;
  readonly world: World;
  /** Of its struct. */
  readonly address: bigint;
  /** A member of the struct; undefined if it has none of the name. */
  member(this: void, name: string): bigint | undefined;
}

/** Calls that put areas into an IOAS, and that remove them, with the member that names it; VFIO's name none. */
export const MAPPING: ReadonlyMap<string, string | undefined> = new Map([
  ['IOMMU_IOAS_MAP', 'ioas_id'],
  ['IOMMU_IOAS_MAP_FILE', 'ioas_id'],
  ['IOMMU_IOAS_COPY', 'dst_ioas_id'],
  ['VFIO_IOMMU_MAP_DMA', undefined],
]);
export const UNMAPPING: ReadonlyMap<string, string | undefined> = new Map([
  ['IOMMU_IOAS_UNMAP', 'ioas_id'],
  ['VFIO_IOMMU_UNMAP_DMA', undefined],
]);

const FIXED_IOVA = BigInt(IOAS_MAP_FLAGS.FIXED_IOVA);

export function laneCall(world: World, { step, call }: CallUnderWay): LaneCall | undefined {
  if (step.do !== 'ioctl' || call === undefined) return undefined;
  const file = world.fds.get(step.slot);
  const [struct] = step.buffers;
  if (file?.kind !== 'iommufd' || struct === undefined) return undefined;
  const { address, bytes } = struct;
  const member = (name: string): bigint | undefined => {
    const found = call.layout.memberOf(name);
    if (found === undefined || found.offset + found.field.bytes > bytes.length) return undefined;
    return BigInt(readMember(found, viewOf(bytes)));
  };
  return { call, file, world, address, member };
}

/** Whether the kernel chooses where the area of a call comes that makes one. */
export function isPlacedByKernel({ call, member }: LaneCall): boolean {
  return call.protocol !== 'vfio' && ((member('flags') ?? 0n) & FIXED_IOVA) === 0n;
}

/** The ids by which a call names objects, each with its member. */
export function idsNamedBy({ call, member }: LaneCall): { readonly name: string; readonly id: bigint }[] {
  return call.layout.members.flatMap(({ name, field: { role, direction } }) => {
    const id = role.is === 'id' && direction !== 'out' ? member(name) : undefined;
    return id === undefined ? [] : [{ name, id }];
  });
}

/** Whether a call has looked up the object of an id. */
export function namesObject(other: LaneCall, id: bigint | undefined): boolean {
  return id !== undefined && idsNamedBy(other).some((named) => named.id === id);
}

/** The IOAS that a call puts areas into or removes them from, if it is such a call. */
export function tableOf(
  { call, file, member }: LaneCall,
  calls: ReadonlyMap<string, string | undefined>,
): bigint | undefined {
  if (!calls.has(call.name)) return undefined;
  const name = calls.get(call.name);
  if (name !== undefined) return member(name);
  return file.compatIoas === undefined ? undefined : BigInt(file.compatIoas.id);
}

export function tableOfAccess({ member, world }: LaneCall): bigint | undefined {
  const file = world.fds.byHandle(Number(member('id') ?? 0n));
  return file?.kind === 'access' ? BigInt(ioasOf(file.access).id) : undefined;
}

export function movesAreas(other: LaneCall, table: bigint | undefined): boolean {
  return isSame(tableOf(other, MAPPING), table) || isSame(tableOf(other, UNMAPPING), table);
}

export function isSame(one: bigint | undefined, two: bigint | undefined): boolean {
  return one !== undefined && one === two;
}
