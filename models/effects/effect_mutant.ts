import type { CallDescription, RuleId } from '../ioctls/description.js';
import type { OperationDescription } from '../operations/operation.js';
import type { IoPagetable } from '../state/io_pagetable.js';
import type { IommufdObject } from '../state/objects.js';
import type { World } from '../state/world.js';

/**
 * A planted difference in what calls do, where a mutant of rules is one in whether they do it. It changes descriptions of calls, or
 * methods of state as it comes to be; the model itself does not know of it.
 */
export interface EffectMutant {
  /** Whether it is one of a list written by hand, or follows from a description: an answer is wrong, or success does nothing. */
  readonly kind: 'effect' | 'answer' | 'idle';
  /** The call that does it, or the first of several; by the name of its rules. */
  readonly call: string;
  /** The answer that comes with it. */
  readonly rule: RuleId | 'OK';
  /** What is wrong, as one word of the mutant's name. */
  readonly what: string;
  /** What is wrong, as half a sentence. */
  readonly says: string;
  /** What is different about a call. */
  alterCall?(this: void, call: CallDescription): Partial<CallDescription> | undefined;
  /** What is different about an operation on files. */
  alterOperation?(this: void, operation: OperationDescription): Partial<OperationDescription> | undefined;
  /** Changes a world in which nothing has happened yet. */
  plant?(this: void, world: World): void;
}

/** Has each object changed as it comes to the table of its file. */
function plantInObjects(world: World, change: (object: IommufdObject) => void): void {
  const open = world.openIommufd.bind(world);
  world.openIommufd = (slot, isReadOnly) => {
    const file = open(slot, isReadOnly);
    const insert = file.objects.insert.bind(file.objects);
    file.objects.insert = (object) => {
      change(object);
      insert(object);
    };
    return file;
  };
}

/** Has each IOAS's table of areas changed as it comes to be. */
export function plantInTables(world: World, change: (table: IoPagetable) => void): void {
  plantInObjects(world, (object) => {
    if (object.type === 'IOAS') change(object.table);
  });
}
