import { ARENA } from '../program/arena.js';
import { IommufdFile } from './iommufd_file.js';
import { ProcessState } from './process.js';
import { UserMemory } from './user_memory.js';

/** Everything that the calls of one program can see or change. */
export class World {
  readonly memory = new UserMemory(ARENA);
  readonly process = new ProcessState();
  /** Open files by the program's slot number. */
  readonly files = new Map<number, IommufdFile>();

  openFile(slot: number): IommufdFile {
    const file = new IommufdFile();
    this.files.set(slot, file);
    return file;
  }
}
