import { access, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assert } from 'chai';
import { PROFILES } from '../../models/profiles/index.js';
import { TALKATIVE, assertRefused, runCli, startCli } from './cli.js';
import { makeDirectory, removeDirectory } from './temporary.js';

/** A file that has the header of a kernel image and nothing else. */
function hollowBzImage(version: string): Buffer {
  const image = Buffer.alloc(0x1000);
  image.write('HdrS', 0x202, 'latin1');
  image.writeUInt16LE(0x200, 0x20e);
  image.write(`${version} (builder) #1\0`, 0x400, 'latin1');
  return image;
}

describe('bad input', function () {
  let directory: string;
  let cache: Readonly<Record<string, string>>;

  before(async () => {
    directory = await makeDirectory();
    cache = { IOMMUFD_CTS_CACHE: join(directory, 'cache') };
    await writeFile(join(directory, 'corrupt.json'), '{"schema": 1, "steps": [{"do"');
    await writeFile(join(directory, 'future.json'), '{"schema": 2, "steps": []}');
    await writeFile(join(directory, 'other.json'), '{"schema": 1, "steps": [{"call": "mmap"}]}');
    await writeFile(join(directory, 'text'), 'this is no kernel\n');
    await writeFile(join(directory, 'bzImage'), hollowBzImage('7.3.4'));
  });

  after(() => removeDirectory(directory));

  const usage: readonly (readonly [what: string, args: readonly string[], says: RegExp])[] = [
    ['no command', [], /say what to do/],
    ['an unknown command', ['rnu'], /Unknown command|Did you mean run/],
    ['an unknown option', ['run', '--colour'], /colour/],
    ['an unknown query', ['run', 'ioas/mop'], /no scenario matches ioas\/mop; did you mean/],
    ['an unknown query of list', ['list', 'nothing'], /no scenario matches nothing/],
    ['an unknown target', ['run', '--target', 'host2'], /there is no target host2/],
    [
      'an unknown design',
      ['run', '--target', 'design:mmap'],
      /there is no design mmap; there are .*ioasid-rfc/,
    ],
    ['an unknown row', ['run', '--target', 'design:ioasid-rfc', 'S1-99'], /no row matches S1-99/],
    ...[
      '--kernel=7.3.4-fast',
      '--repeat=2',
      '--retries=1',
      '--no-variants',
      '--time=1m',
      '--focus-diff=x',
    ].map(
      (option) =>
        [
          `${option} for rows of a discussion`,
          ['run', '--target', 'design:ioasid-rfc', option],
          new RegExp(`${option.replace('--no-', '--').replace(/=.*/, '')} is for scenarios`),
        ] as const,
    ),
    ['an unknown name of a design', ['designs', 'nothing'], /there is no design nothing; there are/],
    [
      'a search of no programs',
      ['designs', 'ioasid-rfc', '--search', '0'],
      /--search takes a whole number from 1 on/,
    ],
    ['a seed that is none', ['designs', 'ioasid-rfc', '--seed', '1.5'], /--seed takes a whole number/],
    [
      'a program without a design',
      ['designs', '--program', 'x.json'],
      /--program needs the name of a design/,
    ],
    ['an unknown profile', ['run', '--profile', '5.0'], /profile/],
    ['an unknown reporter', ['run', '--reporter', 'html'], /there is no reporter html/],
    [
      'two reporters on the terminal',
      ['run', '--reporter', 'json', '--reporter', 'ktap'],
      /only one reporter can print/,
    ],
    ['a shard of nothing', ['run', '--shard', '3/2'], /--shard 3\/2 makes no sense/],
    ['repetitions that are none', ['run', '--repeat', '0'], /--repeat/],
    ['programs that are none', ['test-kernel', '--programs', 'many'], /--programs takes a whole number/],
    ['nothing to record', ['record'], /say what to record after "--"/],
    ['an unknown id', ['explain', 'IOMMU_IOAS_MAPP'], /nothing is called IOMMU_IOAS_MAPP/],
    ['an unknown kernel', ['run', '--kernel', '9.9-fast'], /there is no kernel 9\.9-fast/],
    ['no kernel at all', ['run', '--target', 'qemu'], /there is no kernel in the cache; build one/],
    [
      'a kernel to remove that is not there',
      ['kernel', 'remove', '9.9-fast'],
      /there is no kernel 9\.9-fast/,
    ],
    ['no source to build from', ['kernel', 'build'], /name one of --package, --source and --bzimage/],
    ['two sources to build from', ['kernel', 'build', '--source', '/', '--bzimage', 'x'], /name one of/],
    ['a source tree that is none', ['kernel', 'build', '--source', '/'], /is no kernel source tree/],
    ['a missing program file', ['replay', '/nonexistent.json'], /\/nonexistent\.json cannot be read/],
    [
      'a missing bzImage',
      ['run', '--kernel', '/nonexistent/bzImage'],
      /there is no kernel image \/nonexistent\/bzImage/,
    ],
  ];
  for (const [what, args, says] of usage) {
    it(`${what}: 64`, async () => {
      assertRefused(await runCli(args, cache), 64, says);
    });
  }

  it('every profile can be named', async () => {
    for (const { id } of PROFILES) {
      const { code, stdout } = await runCli(['run', 'object', '--profile', id, '--reading', 'contract']);
      assert.equal(code, 0);
      assert.include(stdout, `expectations of Linux ${id}, contract reading`);
    }
  });

  it('a corrupt program file: 64', async () => {
    const file = join(directory, 'corrupt.json');
    assertRefused(await runCli(['replay', file]), 64, /corrupt\.json is not JSON/);
  });

  const designPrograms: readonly (readonly [what: string, file: string, says: RegExp])[] = [
    ['a corrupt program of a design', 'corrupt.json', /corrupt\.json is no JSON/],
    ['one of a future schema', 'future.json', /the schema is 2, this version reads 1/],
    ['one of a call that the design does not have', 'other.json', /step 1 calls mmap, which ioasid-rfc/],
    ['one that is not there', 'missing.json', /missing\.json cannot be used/],
  ];
  for (const [what, name, says] of designPrograms) {
    it(`${what}: refused in one sentence`, async () => {
      const args = ['designs', 'ioasid-rfc', '--program', join(directory, name)];
      assertRefused(await runCli(args), name === 'missing.json' ? 2 : 64, says);
    });
  }

  it('a program file of a future schema: 64', async () => {
    const file = join(directory, 'future.json');
    assertRefused(await runCli(['replay', file]), 64, /has schema 2, this version reads up to 1/);
  });

  it('a bzImage that is none: 64', async () => {
    const file = join(directory, 'text');
    assertRefused(await runCli(['run', '--kernel', file], cache), 64, /text is not a bzImage/);
    assertRefused(await runCli(['kernel', 'build', '--bzimage', file], cache), 64, /text is not a bzImage/);
  });

  it('QEMU missing: 2, and what to install', async () => {
    const ended = await runCli(['run', '--kernel', join(directory, 'bzImage')], {
      ...cache,
      PATH: directory,
    });
    assertRefused(ended, 2, /qemu-system-x86_64 is not installed; install it with "apt-get install/);
  });

  it('a full output directory: 2, and the result is printed all the same', async () => {
    const ended = await runCli(['run', 'object', '--reporter', 'json=/dev/full']);
    assertRefused(ended, 2, /the json report \/dev\/full was not written: .*disk is full/);
    assert.include(ended.stdout, '9 passed');
  });

  it('an output directory that cannot be made: 2, and other reports are written', async () => {
    const other = join(directory, 'ktap.txt');
    const reporters = [
      '--reporter',
      `json=${join(directory, 'text', 'x.json')}`,
      '--reporter',
      `ktap=${other}`,
    ];
    assertRefused(await runCli(['run', 'object', ...reporters]), 2, /x\.json was not written/);
    assert.match(await readFile(other, 'utf8'), /^KTAP version 1\n/);
  });

  it('a device is written to, not replaced', async () => {
    const { code } = await runCli(['run', 'object', '--reporter', 'json=/dev/null']);
    assert.equal(code, 0);
    await access('/dev/null');
    assert.equal((await readFile('/dev/null')).length, 0);
  });

  it('Ctrl-C: 2, and the results so far are kept', async () => {
    const file = join(directory, 'interrupted.json');
    const running = startCli(['run', '--repeat', '2', '--reporter', `json=${file}`], TALKATIVE);
    assert.isTrue(await running.underWay);
    running.process.kill('SIGINT');
    const { code, stderr, stdout } = await running.ended;
    assert.equal(code, 2, stderr);
    assert.include(stdout, 'interrupted: the rest did not run');
    const report = JSON.parse(await readFile(file, 'utf8')) as {
      interrupted: boolean;
      summary: Record<string, number>;
      results: unknown[];
    };
    assert.isTrue(report.interrupted);
    assert.isAbove(report.results.length, 0);
    assert.equal(report.summary.passed, report.results.length);
  });

  it('a reader that goes away early is no trouble', async () => {
    const running = startCli(['list']);
    running.process.stdout?.destroy();
    const { code, stderr } = await running.ended;
    assert.deepEqual([code, stderr], [0, '']);
  });
});
