import type { IommufdFile } from './iommufd_file.js';
import type { IommufdObject } from './objects.js';

/** What a call does piece by piece. Other calls see what is there at each `yield`. */
export type Steps = Generator<undefined, void, undefined>;

/** Nobody looks in between. */
export function inOneGo(steps: Steps): void {
  while (steps.next().done !== true);
}

/** An object has no id any more, and is not destroyed yet. Source: main.c:iommufd_object_remove. */
export function takeOut({ objects, going }: IommufdFile, object: IommufdObject): void {
  objects.remove(object);
  object.users = 0;
  going.add(object);
}
