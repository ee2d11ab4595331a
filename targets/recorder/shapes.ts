import { present } from '../../models/base/assert.js';
import { CALLS } from '../../models/ioctls/index.js';
import type { CallDescription } from '../../models/ioctls/description.js';
import type { ArrayElement, Role } from '../../models/layout/field.js';
import { IOVA_RANGE } from '../../models/layout/iova_range.js';
import type { Member } from '../../models/layout/struct.js';

/** Where a number lies in a struct. */
export interface Measure {
  readonly offset: number;
  readonly bytes: number;
}

/** A member whose value says more to the recorder than its own bytes. */
interface ShapeMember {
  /** Leads to memory that the call reads or writes; names user memory; takes or gives a descriptor. */
  readonly what: 'data' | 'memory' | 'fd' | 'new_fd';
  readonly at: Measure;
  /** Bytes of what a pointer leads to: this times each of the factors. */
  readonly unit: number;
  readonly factors: readonly Measure[];
  /** For bitmaps: what one bit stands for, so that the product is what the whole bitmap stands for. */
  readonly granule: Measure | undefined;
}

/** What the recorder has to know of a call. */
export interface CallShape {
  readonly name: string;
  readonly command: number;
  readonly op: { readonly at: Measure; readonly value: number } | undefined;
  readonly members: readonly ShapeMember[];
}

/** Every call whose struct has such members, from the descriptions. */
export const SHAPES: readonly CallShape[] = CALLS.map(shapeOf).filter(({ members }) => members.length > 0);

function shapeOf(call: CallDescription): CallShape {
  const { name, command, op, layout } = call;
  const opMember = op === undefined ? undefined : present(layout.memberOf('op'), 'op');
  return {
    name,
    command,
    op: opMember === undefined ? undefined : { at: placeOf(opMember), value: present(op, 'an operation') },
    members: layout.members.flatMap((member) => shapeMember(member, layout.members)),
  };
}

function shapeMember(member: Member, all: readonly Member[]): ShapeMember[] {
  const { role } = member.field;
  const at = placeOf(member);
  switch (role.is) {
    case 'array':
      return [{ what: 'data', at, ...extentOf(role.element, all) }];
    case 'user_va':
      return [{ what: 'memory', at, ...extent(1, placesOf(all, 'length')) }];
    case 'fd':
      return [{ what: member.field.direction === 'out' ? 'new_fd' : 'fd', at, ...extent(0, []) }];
    default:
      return [];
  }
}

type Extent = Pick<ShapeMember, 'unit' | 'factors' | 'granule'>;

function extent(unit: number, factors: readonly Measure[], granule?: Measure): Extent {
  return { unit, factors, granule };
}

/** How long an array is: so many bytes, elements of a size that the struct says or the header fixes, or a bit for each granule. */
function extentOf(element: ArrayElement, all: readonly Member[]): Extent {
  const bytes = placesOf(all, 'array_bytes');
  if (bytes.length > 0) return extent(1, bytes);
  const counts = [...placesOf(all, 'count'), ...placesOf(all, 'element_bytes')];
  switch (element) {
    case 'iommu_iova_range':
      return extent(IOVA_RANGE.bytes, counts);
    case 'word':
      return extent(1, counts);
    case 'bitmap_word':
      return extent(1, placesOf(all, 'length'), present(placesOf(all, 'granule')[0], 'a granule'));
  }
}

function placesOf(all: readonly Member[], is: Role['is']): Measure[] {
  return all.filter(({ field }) => field.role.is === is).map(placeOf);
}

function placeOf({ offset, field }: Member): Measure {
  return { offset, bytes: field.bytes };
}
