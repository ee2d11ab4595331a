import type { IommufdFile } from './iommufd_file.js';
import type { HwptPaging, IommufdObject } from './objects.js';

/**
 * What a call does piece by piece. Other calls see what is there at each `yield`. An object that is yielded goes next, unless a call
 * that is under way uses it: the answer says whether one does.
 */
export type Steps = Generator<HwptPaging | undefined, void, boolean>;

/** Nobody looks in between. */
export function inOneGo(steps: Steps): void {
  while (steps.next(false).done !== true);
}

/** An object has no id any more, and is not destroyed yet. Source: main.c:iommufd_object_remove. */
export function takeOut({ objects, going }: IommufdFile, object: IommufdObject): void {
  objects.remove(object);
  object.users = 0;
  going.add(object);
}
