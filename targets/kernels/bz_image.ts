import { open } from 'node:fs/promises';
import { BadInputError } from '../target.js';

/** Offsets in the x86 boot header. Source: Documentation/arch/x86/boot.rst. */
const SIGNATURE = { offset: 0x202, text: 'HdrS' } as const;
const VERSION_POINTER = 0x20e;
const HEADER_START = 0x200;

/** More than the header and the version text take. */
const BYTES_READ = 0x10000;

/**
 * The version of a kernel image, as `uname -r` prints it.
 * @throws BadInputError for a file that is missing or no bzImage
 */
export async function versionOfBzImage(path: string): Promise<string> {
  const bytes = await readStart(path);
  if (
    bytes.toString('latin1', SIGNATURE.offset, SIGNATURE.offset + SIGNATURE.text.length) !== SIGNATURE.text
  ) {
    throw new BadInputError(`${path} is not a bzImage`);
  }
  const start = bytes.readUInt16LE(VERSION_POINTER) + HEADER_START;
  const text = bytes.toString('latin1', start, start + 256).split('\0')[0] ?? '';
  return text.split(' ')[0] ?? '';
}

async function readStart(path: string): Promise<Buffer> {
  const file = await open(path).catch(() => undefined);
  if (file === undefined) throw new BadInputError(`there is no kernel image ${path}`);
  try {
    const bytes = Buffer.alloc(BYTES_READ);
    await file.read(bytes, 0, BYTES_READ, 0);
    return bytes;
  } catch {
    throw new BadInputError(`${path} cannot be read as a kernel image`);
  } finally {
    await file.close();
  }
}
