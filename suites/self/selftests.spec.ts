import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assert } from 'chai';
import { countCases, parseTap } from '../../targets/selftests/tap.js';
import { runCli } from './cli.js';
import { makeDirectory, removeDirectory } from './temporary.js';

/** What the harness of the kernel prints, with a case of each kind. */
const TAP = `TAP version 13
1..5
# Starting 5 tests from 2 test cases.
#  RUN           iommufd.simple_close ...
#            OK  iommufd.simple_close
ok 1 iommufd.simple_close
#  RUN           iommufd_ioas.no_domain.dmabuf_simple ...
# iommufd.c:1: dmabuf_simple:Expected 0 (0) == -1 (-1)
# dmabuf_simple: Test failed
#          FAIL  iommufd_ioas.no_domain.dmabuf_simple
not ok 2 iommufd_ioas.no_domain.dmabuf_simple
ok 3 iommufd_viommu.no_viommu.vdevice_alloc # SKIP no vIOMMU
not ok 4 iommufd.odd # XFAIL known
`;

describe('what the selftests of the kernel print', () => {
  it('cases are counted by how they ended', () => {
    const report = parseTap(TAP);
    assert.deepEqual(report, {
      planned: 5,
      cases: [
        { name: 'iommufd.simple_close', status: 'passed' },
        { name: 'iommufd_ioas.no_domain.dmabuf_simple', status: 'failed' },
        { name: 'iommufd_viommu.no_viommu.vdevice_alloc', status: 'skipped' },
        { name: 'iommufd.odd', status: 'failed' },
      ],
    });
    assert.equal(countCases(report, 'failed'), 2);
  });

  it('a program that says nothing has planned nothing', () => {
    assert.deepEqual(parseTap('iommufd: Assertion failed\n'), { planned: undefined, cases: [] });
  });
});

describe('record-selftests', () => {
  let cache: string;

  beforeEach(async () => {
    cache = await makeDirectory();
  });

  afterEach(() => removeDirectory(cache));

  /** A cached kernel that says where it came from. */
  async function addKernel(source: string): Promise<void> {
    const directory = join(cache, 'kernels/7.3.4-fast');
    await mkdir(directory, { recursive: true });
    const description = { version: '7.3.4', flavour: 'fast', source, content: 'c', built: '2026-01-01' };
    await writeFile(join(directory, 'kernel.json'), JSON.stringify(description));
  }

  it('a kernel that is not there is named: 64', async () => {
    const { code, stderr } = await runCli(['record-selftests', '--kernel', '1.0'], {
      IOMMUFD_CTS_CACHE: cache,
    });
    assert.equal(code, 64);
    assert.equal(stderr, 'iommufd-cts: there is no kernel 1.0 in the cache; there is none\n');
  });

  it('without a compiler it says what to install: 2', async () => {
    await addKernel('Debian linux-source-7.3 7.3.4-1');
    const { code, stderr } = await runCli(['record-selftests'], { IOMMUFD_CTS_CACHE: cache, PATH: cache });
    assert.equal(code, 2);
    assert.match(stderr, /^iommufd-cts: .*gcc.* missing; install with "apt-get install .*gcc.*"\n$/);
  });

  const sources = {
    'Debian linux-source-7.3 7.3.4-1':
      'there is no source of 7.3.4-fast (Debian linux-source-7.3 7.3.4-1); remove the kernel with "kernel remove 7.3.4-fast" and build it again',
    '/nowhere/bzImage':
      'there is no source of 7.3.4-fast (/nowhere/bzImage); kernels built by "kernel build" from source have one',
  };
  for (const [source, says] of Object.entries(sources)) {
    it(`a kernel whose source is gone (${source}): 2`, async function () {
      await addKernel(source);
      const { code, stderr } = await runCli(['record-selftests'], { IOMMUFD_CTS_CACHE: cache });
      assert.equal(code, 2);
      // A machine that cannot run guests says so first.
      if (!stderr.includes('missing; install')) assert.include(stderr, `iommufd-cts: ${says}\n`);
    });
  }
});
