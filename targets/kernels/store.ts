import { mkdir, readFile, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { unfinishedIn } from '../cached.js';
import { exists } from '../files.js';
import { TestBedError } from '../target.js';

/** How a kernel is configured: for gates, or with sanitizers for campaigns. */
export const FLAVOURS = ['fast', 'sanitize'] as const;

export type Flavour = (typeof FLAVOURS)[number];

/** A kernel that can be run. */
export interface Kernel {
  readonly id: string;
  readonly version: string;
  readonly flavour: Flavour;
  /** Where it came from, for people. */
  readonly source: string;
  /** Hash of everything it was made of. */
  readonly content: string;
  readonly bzImage: string;
  /** The image with symbols; absent for a kernel that came as a bzImage. */
  readonly vmlinux?: string;
  readonly config?: string;
  /** Directory with its iommufd headers, as C includes them; absent for a kernel that came as a bzImage. */
  readonly headers?: string;
  /** When it was built, in UTC. */
  readonly built: string;
  /** How long that took, in seconds. */
  readonly buildSeconds?: number;
  /** How many files were compiled, to estimate the next build by. */
  readonly objects?: number;
}

/** What a kernel is before its files have their final place. */
export type KernelDescription = Omit<Kernel, 'id' | 'bzImage' | 'vmlinux' | 'config' | 'headers'>;

/** Names of the files of a kernel in its directory. */
export const KERNEL_FILES = {
  bzImage: 'bzImage',
  vmlinux: 'vmlinux',
  config: 'config',
  headers: 'headers',
} as const;

const DESCRIPTION = 'kernel.json';

/** Built kernels, each in a directory of its own, found again by the hash of what they were made of. */
export class KernelStore {
  readonly #directory: string;

  constructor(cache: string) {
    this.#directory = join(cache, 'kernels');
  }

  /** Every kernel, by id. Directories without a description are ignored: they are unfinished or foreign. */
  async list(): Promise<Kernel[]> {
    const names = await readdir(this.#directory).catch(() => []);
    const kernels = await Promise.all(names.sort().map((name) => this.#read(name)));
    return kernels.filter((kernel) => kernel !== undefined);
  }

  /** The kernel of an id, or undefined. */
  async find(id: string): Promise<Kernel | undefined> {
    return (await this.list()).find((kernel) => kernel.id === id);
  }

  /** The kernel that was made of the same content, or undefined. */
  async findContent(content: string): Promise<Kernel | undefined> {
    return (await this.list()).find((kernel) => kernel.content === content);
  }

  /** The kernel that was built last of a source, by the beginning of its name, or undefined. */
  async findSource(source: string, flavour: Flavour): Promise<Kernel | undefined> {
    return (await this.list())
      .filter((kernel) => kernel.source.startsWith(source) && kernel.flavour === flavour)
      .sort((one, two) => (one.built < two.built ? -1 : 1))
      .at(-1);
  }

  /**
   * Takes over a finished kernel.
   * @param files a directory on the same file system with the files of KERNEL_FILES that there are; it is moved
   */
  async add(description: KernelDescription, files: string): Promise<Kernel> {
    const id = await this.#freeId(description);
    await writeFileAtomic(join(files, DESCRIPTION), `${JSON.stringify({ id, ...description }, null, 2)}\n`);
    await mkdir(this.#directory, { recursive: true });
    await rename(files, join(this.#directory, id));
    const kernel = await this.#read(id);
    if (kernel === undefined)
      throw new TestBedError(`the kernel ${id} could not be read back from the cache`);
    return kernel;
  }

  /** @throws TestBedError when there is no such kernel */
  async remove(id: string): Promise<void> {
    if ((await this.find(id)) === undefined) throw new TestBedError(`there is no kernel ${id} in the cache`);
    await rm(join(this.#directory, id), { recursive: true });
  }

  /** A directory for the files of a kernel under construction. */
  newDirectory(): Promise<string> {
    return unfinishedIn(this.#directory);
  }

  async #freeId({ version, flavour, content }: KernelDescription): Promise<string> {
    const short = `${version}-${flavour}`;
    return (await this.find(short)) === undefined ? short : `${short}-${content.slice(0, 8)}`;
  }

  async #read(name: string): Promise<Kernel | undefined> {
    const directory = join(this.#directory, name);
    const text = await readFile(join(directory, DESCRIPTION), 'utf8').catch(() => undefined);
    if (text === undefined) return undefined;
    const description = parseDescription(text);
    if (description === undefined) return undefined;
    const fileOf = async (file: string) =>
      (await exists(join(directory, file))) ? join(directory, file) : undefined;
    const vmlinux = await fileOf(KERNEL_FILES.vmlinux);
    const config = await fileOf(KERNEL_FILES.config);
    const headers = await fileOf(KERNEL_FILES.headers);
    return {
      ...description,
      id: name,
      bzImage: join(directory, KERNEL_FILES.bzImage),
      ...(vmlinux === undefined ? {} : { vmlinux }),
      ...(config === undefined ? {} : { config }),
      ...(headers === undefined ? {} : { headers }),
    };
  }
}

/** Undefined for text that is no description: a damaged entry of the cache is as good as none. */
function parseDescription(text: string): KernelDescription | undefined {
  try {
    const parsed = JSON.parse(text) as Partial<KernelDescription> | null;
    const isWhole =
      parsed?.version !== undefined && parsed.content !== undefined && parsed.built !== undefined;
    return isWhole ? (parsed as KernelDescription) : undefined;
  } catch {
    return undefined;
  }
}
