import { callByName } from '../../models/ioctls/index.js';
import { type IoctlStep, ProgramError, isFd } from '../../models/program/program.js';

/** What a step that somebody else has written must be before a program takes it. */

/** What is assembled; nothing where it makes no sense. */
export function assembledOrNothing<T>(assemble: () => T): T | undefined {
  try {
    return assemble();
  } catch (error) {
    if (error instanceof ProgramError) return undefined;
    throw error;
  }
}

/** Whether what a call maps is memory: an iommufd that is mapped by itself, or a file that keeps it open, is open for ever. */
export function mapsMemory(
  { call, args }: IoctlStep,
  kindOf: (label: string) => string | undefined,
): boolean {
  const members = callByName(call)?.layout.members ?? [];
  return members.every(({ name, field: { role } }) => {
    const operand = args[name];
    if (role.is !== 'fd' || !role.of.includes('memfd') || operand === undefined || !isFd(operand))
      return true;
    return [undefined, 'memfd', 'dmabuf'].includes(kindOf(operand.fd));
  });
}
