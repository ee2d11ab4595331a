import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assert } from 'chai';
import type { Kernel } from '../../targets/kernels/store.js';
import { runCli } from '../self/cli.js';
import { makeDirectory, removeDirectory } from '../self/temporary.js';

describe('coverage of a kernel with kcov', function () {
  this.timeout(600_000);
  let directory: string | undefined;
  let kernel: string;

  before(async function () {
    const { stdout } = await runCli(['kernel', 'list', '--json']);
    const found = (JSON.parse(stdout) as Kernel[]).find(
      ({ flavour, vmlinux }) => flavour === 'sanitize' && vmlinux !== undefined,
    );
    if (found === undefined) {
      process.stdout.write('skipped: no kernel of the flavour sanitize in the cache, none has kcov\n');
      this.skip();
    }
    kernel = found.id;
    directory = await makeDirectory();
  });

  after(async () => {
    if (directory !== undefined) await removeDirectory(directory);
  });

  it('the scenarios of one call reach that call, and data says which did', async () => {
    const file = join(directory ?? '', 'coverage.json');
    const { stdout, stderr } = await runCli(['coverage', 'ioas/alloc', '--kernel', kernel, '--json', file]);
    assert.match(stdout, /\| drivers\/iommu\/iommufd\/ioas\.c +\| +\d+ of \d+/, stderr);
    const { files } = JSON.parse(await readFile(file, 'utf8')) as {
      files: { file: string; reachable: { function: string; first?: string }[] }[];
    };
    const ioas = files.find((each) => each.file.endsWith('/ioas.c'))?.reachable ?? [];
    const reached = new Set(ioas.filter(({ first }) => first !== undefined).map((line) => line.function));
    assert.include([...reached], 'iommufd_ioas_alloc_ioctl');
    assert.notInclude([...reached], 'iommufd_ioas_copy');
    assert.match(ioas.find(({ first }) => first !== undefined)?.first ?? '', /^ioas\/alloc:.*, program \d+$/);
  });
});
