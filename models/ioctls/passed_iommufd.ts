import type { IommufdFile } from '../state/iommufd_file.js';
import type { OpenFile } from '../state/open_file.js';
import type { World } from '../state/world.js';
import type { Rule } from './description.js';

/** What a number that shall be the descriptor of an iommufd leads to. */
export interface PassedIommufd {
  readonly passedFd: number;
  readonly passed: OpenFile | undefined;
  readonly iommufd: IommufdFile | undefined;
}

/** Looks up the iommufd that a call of VFIO is passed. */
export function lookUpIommufd(world: World, number: number): PassedIommufd {
  const passed = world.fds.byHandle(number);
  return { passedFd: number, passed, iommufd: passed?.kind === 'iommufd' ? passed : undefined };
}

/** A member that is no open descriptor. */
export function noDescriptor(member: string, cite: string): Rule<PassedIommufd> {
  return {
    id: `EBADF.${member}`,
    says: `${member} is no open descriptor`,
    cite,
    when: ({ passed }) => passed === undefined,
  };
}

/** A member that is the descriptor of something else. */
export function notIommufd(member: string, cite: string): Rule<PassedIommufd> {
  return {
    id: `EBADFD.${member}`,
    says: `${member} is a descriptor of another file than an iommufd`,
    cite,
    when: ({ passed }) => passed !== undefined && passed.kind !== 'iommufd',
  };
}
