import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { assert } from 'chai';
import { FILE_HEADERS_ONLY, createTwoFilesPatch } from 'diff';
import { execa } from 'execa';
import { present } from '../../../models/base/assert.js';
import { exists } from '../../../targets/files.js';
import { sourceTreeOf } from '../../../targets/kernels/source.js';
import { type Ended, runCli } from '../../self/cli.js';
import { fastKernels, gateKernels } from '../guests.js';

/** One thing that is changed in a function of the kernel, and the rule that must be found broken. */
interface PlantedChange {
  readonly what: string;
  readonly file: string;
  readonly function: string;
  /** What stands there once, and what takes its place. */
  readonly from: string;
  readonly to: string;
  readonly breaks: string;
}

const PLACE = { file: 'drivers/iommu/iommufd/io_pagetable.c', function: 'iopt_check_iova' } as const;

const CHANGES: readonly PlantedChange[] = [
  {
    ...PLACE,
    what: 'an error number: a range that is taken is refused with another one',
    from: 'EEXIST',
    to: 'EADDRINUSE',
    breaks: 'IOMMU_IOAS_MAP/EEXIST.area',
  },
  {
    ...PLACE,
    what: 'a check that is gone: reserved IOVAs are mapped',
    from: 'if (iopt_reserved_iter_first',
    to: 'if (0 && iopt_reserved_iter_first',
    breaks: 'IOMMU_IOAS_MAP/EINVAL.iova_reserved',
  },
  {
    ...PLACE,
    what: 'an IOVA bound that is off by one: a range may not be next to another one',
    from: 'length - 1',
    to: 'length',
    breaks: 'IOMMU_IOAS_MAP/OK',
  },
];

const FLAVOUR = process.env.PLANTED_FLAVOUR ?? 'fast';

/** What a gate runs: on a sanitized kernel, on which all of it would take ten minutes, what maps. */
const RUN = FLAVOUR === 'sanitize' ? ['ioas/map', '--programs', '100'] : ['ioas', '--programs', '500'];

/** A function from the line with its name to the brace at the beginning of a line. */
function functionOf(text: string, name: string): string {
  const found = new RegExp(`^\\w[^;\\n]*\\b${name}\\([^;]*?^{`, 'ms').exec(text);
  const [start] = found === null ? [] : [found.index];
  const end = start === undefined ? -1 : text.indexOf('\n}', start);
  assert.isAbove(end, 0, `${name} is there`);
  return text.slice(start, end);
}

function plant(text: string, change: PlantedChange): string {
  const before = functionOf(text, change.function);
  assert.lengthOf(before.split(change.from), 2, `${change.from} stands once in ${change.function}`);
  return text.replace(before, () => before.replace(change.from, () => change.to));
}

/** The change as a diff of git's. */
function diffOf({ file }: PlantedChange, before: string, after: string): string {
  return createTwoFilesPatch(`a/${file}`, `b/${file}`, before, after, undefined, undefined, {
    headerOptions: FILE_HEADERS_ONLY,
  });
}

/** The line that is changed, as the view of a patch shows it. */
function changedLine({ function: name, from, to }: PlantedChange, before: string): string {
  const line =
    functionOf(before, name)
      .split('\n')
      .find((each) => each.includes(from)) ?? '';
  return line.replace(from, () => to).trim();
}

/**
 * The first build takes as long as that of any kernel; the copy of the source and what was built of it stay in the cache. PLANTED_KERNEL
 * names the kernel whose source is taken, if it is not to be the newest of the cache. With PLANTED_FLAVOUR=sanitize, which takes several
 * times as long, the gate also has to show the changed line.
 */
describe('a gate on a kernel with a planted change', () => {
  let tree: string;
  let cache: string;

  before(async () => {
    const asked = process.env.PLANTED_KERNEL;
    const kernels =
      asked === undefined ? await fastKernels() : (await gateKernels()).filter(({ id }) => id === asked);
    const kernel = present(kernels.at(-1), 'a kernel in the cache that was built from source');
    const shared = join(dirname(kernel.bzImage), '../..');
    const source = await sourceTreeOf(kernel, shared);
    cache = join(shared, 'planted');
    tree = join(cache, 'sources', basename(source));
    if (await exists(tree)) return;
    await mkdir(dirname(tree), { recursive: true });
    await execa('cp', ['-a', '--reflink=auto', source, `${tree}.unfinished`]);
    await execa('mv', [`${tree}.unfinished`, tree]);
  });

  function gate(...more: string[]): Promise<Ended> {
    const out = join(cache, 'gate');
    const source = ['--source', tree, '--flavour', FLAVOUR];
    return runCli(['gate', ...RUN, ...source, '--out', out, ...more], {
      IOMMUFD_CTS_CACHE: cache,
    });
  }

  it('passes as it is', async () => {
    const { code, stdout, stderr } = await gate();
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /^gate: PASS /m);
  });

  for (const change of CHANGES) {
    it(change.what, async () => {
      const file = join(tree, change.file);
      const original = await readFile(file, 'utf8');
      try {
        const planted = plant(original, change);
        const patch = join(cache, 'planted.patch');
        await writeFile(file, planted);
        await writeFile(patch, diffOf(change, original, planted));
        const isWatched = FLAVOUR === 'sanitize';
        const { code, stdout, stderr } = await gate(...(isWatched ? ['--patch', patch] : []));
        process.stdout.write(stdout);
        assert.equal(code, 1, stdout + stderr);
        assert.include(stdout, change.breaks);
        if (isWatched) assert.include(stdout, changedLine(change, original));
      } finally {
        await writeFile(file, original);
      }
    });
  }
});
