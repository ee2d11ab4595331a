import { execFile } from 'node:child_process';
import { access, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { assert } from 'chai';
import { writeProgramFile } from '../../fuzz/corpus/program_file.js';
import { type Runtime, exportC, loadRuntime } from '../../fuzz/export_c/export.js';
import type { Finding } from '../../fuzz/findings/finding.js';
import { reproducersOf, tellOf } from '../../fuzz/findings/reproducers.js';
import { Behaviour } from '../../models/behaviour.js';
import { SCRATCH } from '../../models/program/arena.js';
import { PROGRAM_SCHEMA, type Program, type Step } from '../../models/program/program.js';
import { DEFAULT_PROFILE } from '../../models/profiles/index.js';
import { findTool } from '../../targets/tools.js';
import { runCli } from './cli.js';
import { PLANTED } from './planted.js';
import { makeDirectory, removeDirectory } from './temporary.js';

const RUNTIME = resolve(import.meta.dirname, '../../../fuzz/export_c/runtime');
const model = new Behaviour(DEFAULT_PROFILE);

const { start } = SCRATCH;
const P = 0x1000n;

/** A step of each kind. */
const STEPS: readonly Step[] = [
  { do: 'open', label: 'f' },
  { do: 'open', label: 'g', access: 'ro' },
  { do: 'ioctl', file: 'f', label: 'a', call: 'IOMMU_IOAS_ALLOC', args: {} },
  { do: 'memfd', label: 'm', bytes: 2n * P, fallocated: true },
  { do: 'truncate', file: 'm', bytes: P },
  { do: 'dup', file: 'f', label: 'd' },
  { do: 'cloexec', file: 'd', isSet: true },
  { do: 'mmap', start, bytes: P, access: 'rw', file: 'm', isPrivate: true },
  { do: 'mprotect', start, bytes: P, access: 'rwx' },
  { do: 'mremap', start, bytes: P, newBytes: P, to: start + 8n * P },
  { do: 'munmap', start: start + 8n * P, bytes: P },
  { do: 'ioctl', file: 'f', label: 'q', call: 'IOMMU_FAULT_QUEUE_ALLOC', args: {}, fd: 'q' },
  { do: 'read', file: 'q', bytes: 64 },
  { do: 'read', file: 'q', bytes: 8, offset: 8n, at: 'hole' },
  { do: 'write', file: 'q', words: [1, 0], failNth: 1 },
  { do: 'write', file: 'q', words: [], bytes: 4, offset: 0n, at: { edge: 0 } },
  { do: 'poll', file: 'q' },
  { do: 'ioctl', file: 'f', call: 'IOMMU_TEST_OP_DMABUF_GET', args: { length: P }, fd: 'b' },
  { do: 'ioctl', file: 'f', call: 'VFIO_CHECK_EXTENSION', args: { extension: 1n } },
  {
    do: 'ioctl',
    file: 'f',
    call: 'IOMMU_IOAS_MAP_FILE',
    args: { flags: 7, ioas_id: { ref: 'a.out_ioas_id' }, fd: { fd: 'm' }, iova: P, length: P },
    failNth: 2,
  },
  {
    do: 'ioctl',
    file: 'f',
    call: 'IOMMU_DESTROY',
    args: { id: 7 },
    tail: { bytes: 9, value: 1 },
    at: 'sealed',
  },
  { do: 'process', drop: ['CAP_IPC_LOCK'], memlock: P },
  { do: 'counters' },
  { do: 'fork', label: 'p' },
  { do: 'pass', file: 'f', to: 'p', label: 'e' },
  { do: 'pass', file: 'd', label: 'h', by: 'p' },
  { do: 'exec', by: 'p' },
  { do: 'ioctl', file: 'e', call: 'IOMMU_IOAS_ALLOC', args: {}, by: 'p' },
  { do: 'exit', by: 'p' },
  {
    do: 'lanes',
    lanes: [
      [{ do: 'ioctl', file: 'f', call: 'IOMMU_IOAS_ALLOC', args: {} }],
      [{ do: 'close', file: 'g' }],
      [{ do: 'ioctl', file: 'f', call: 'IOMMU_DESTROY', args: { id: { ref: 'a.out_ioas_id' } } }],
    ],
  },
  { do: 'close', file: 'f' },
];

const EVERY_KIND: Program = { schema: PROGRAM_SCHEMA, about: 'a step of each kind */', steps: STEPS };

describe('programs as C', () => {
  let directory: string;
  let runtime: Runtime;
  let hasCompiler: boolean;

  before(async () => {
    directory = await makeDirectory();
    runtime = await loadRuntime(RUNTIME);
    hasCompiler = (await findTool('cc', process.env.PATH ?? '')) !== undefined;
  });

  after(() => removeDirectory(directory));

  function needsCompiler(test: Mocha.Context): void {
    if (hasCompiler) return;
    process.stderr.write(`skipped, there is no cc: ${test.test?.title ?? ''}\n`);
    test.skip();
  }

  async function compile(name: string, program: Program): Promise<string> {
    const file = join(directory, name);
    await writeFile(`${file}.c`, exportC(program, model, runtime));
    const flags = ['-Wall', '-Wextra', '-Werror', '-O0', '-pthread'];
    await promisify(execFile)('cc', [...flags, '-o', file, `${file}.c`]);
    return file;
  }

  it('compile without a warning, whatever the steps', async function () {
    needsCompiler(this);
    await compile('every_kind', EVERY_KIND);
    for (const [index, { program }] of PLANTED.entries())
      if (index % 7 === 0) await compile(`planted_${String(index)}`, program);
  });

  it('say what is missing where they cannot run: 2', async function () {
    needsCompiler(this);
    const hasIommufd = await access('/dev/iommu').then(
      () => true,
      () => false,
    );
    if (hasIommufd) {
      process.stderr.write('skipped, there is a /dev/iommu\n');
      this.skip();
    }
    const file = await compile('alone', EVERY_KIND);
    const error = await promisify(execFile)(file).then(
      () => assert.fail('the program has run'),
      (reason: unknown) => reason as { readonly code: number; readonly stdout: string },
    );
    assert.equal(error.code, 2);
    assert.equal(error.stdout, 'CANNOT RUN: there is no /dev/iommu (CONFIG_IOMMUFD)\n');
  });

  it('name the members of structs, and what the kernel may answer', () => {
    const text = exportC(present(PLANTED[1]).program, model, runtime);
    assert.include(text, '0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, /* iova = 0x1000000 */');
    assert.match(text, /\{ "IOMMU_IOAS_MAP\/EEXIST\.area", 17, 0, /);
    assert.notMatch(text, /#include <linux\//);
  });

  it('are not written of programs that may go on in too many ways: one sentence that names the step', () => {
    const alloc: Step = { do: 'ioctl', file: 'f', call: 'IOMMU_IOAS_ALLOC', args: {} };
    const lane = [alloc, alloc, alloc, alloc];
    const open: Step = { do: 'open', label: 'f' };
    const program: Program = {
      schema: PROGRAM_SCHEMA,
      steps: [open, { do: 'lanes', lanes: [lane, lane, lane] }],
    };
    assert.throws(
      () => exportC(program, model, runtime),
      /^step 2: what it may answer, and what that leaves, is too much for a list$/,
    );
    const files = reproducersOf(program, model, runtime);
    assert.match(files['repro.c'] ?? '', /^\/\* step 2: .* \*\/\n$/);
    assert.match(files['repro.sh'] ?? '', /^#!\/bin\/sh\n# step 2: .*\nexit 2\n$/);
  });

  it('stand beside findings with a script and a text of syzkaller', () => {
    const files = reproducersOf(present(PLANTED[0]).program, model, runtime);
    assert.hasAllKeys(files, ['repro.c', 'repro.sh', 'repro.syz']);
    assert.include(files['repro.sh'] ?? '', 'kernel build --package linux-source-7.3');
    assert.include(files['repro.syz'] ?? '', 'ioctl$IOMMU_DESTROY');
  });

  it('stand beside findings with a mail that says what is wrong, by which rule, and how to see it again', () => {
    const { program } = present(PLANTED[0]);
    const allowed = 'EBUSY (IOMMU_DESTROY/EBUSY.users)';
    const finding: Finding = {
      ...{ title: `IOMMU_DESTROY: allowed is ${allowed}, seen EINVAL`, kind: 'model', suspect: 'either' },
      ...{ allowed, seen: 'EINVAL', profile: '7.3', target: '7.3.4-fast', seed: 7 },
      ...{ program, count: 1, shown: 4, tried: 5 },
    };
    const console = Array.from({ length: 100 }, (_, line) => `line ${String(line)}`).join('\n');
    const { 'report.txt': mail = '', ...others } = tellOf(finding, program, console, model, runtime);
    assert.deepEqual(others, reproducersOf(program, model, runtime));
    assert.match(mail, /^Subject: \[BUG\] iommufd: IOMMU_DESTROY: allowed is EBUSY .*, seen EINVAL\n/);
    assert.include(mail, 'reliability 4 of 5 runs of the program below; found with seed 7');
    assert.match(mail, /\n {12}IOMMU_DESTROY\/EBUSY\.users: when .+ \(.+\)\n/);
    assert.match(mail, /\n {3}1 {2}open .*: OK \(open\/OK\)\n/);
    assert.include(mail, '\n  line 59\n  (40 lines more in console.txt)\n');
    assert.notInclude(mail, 'line 60');
    const ours = { ...finding, suspect: 'model' } as const;
    const toUs = tellOf(ours, program, '', model, runtime)['report.txt'] ?? '';
    assert.match(toUs, /^Subject: \[BUG\] iommufd-cts: /);
    assert.notInclude(toUs, 'The kernel printed');
  });

  it('are written by export, as are scripts, pages and the programs as they are stored', async () => {
    const file = join(directory, 'stored.json');
    await writeProgramFile(file, EVERY_KIND);
    const output = join(directory, 'out');
    const forms = {
      c: ['.c', /^\/\*\n \* a step of each kind/],
      script: ['.sh', /^#!\/bin\/sh\n# a step of each kind/],
      md: ['.md', /^# a step of each kind/],
      json: ['.json', /^\{\n {2}"about"/],
    } as const;
    const write = async ([format, [suffix, says]]: [string, readonly [string, RegExp]]): Promise<void> => {
      const { code, stderr } = await runCli(['export', '--format', format, file, '-o', output]);
      assert.equal(code, 0, stderr);
      assert.match(await readFile(join(output, `stored${suffix}`), 'utf8'), says);
    };
    await Promise.all(Object.entries(forms).map(write));
  });
});

function present<T>(value: T | undefined): T {
  assert.isDefined(value);
  return value;
}
