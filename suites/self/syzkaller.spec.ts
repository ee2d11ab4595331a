import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assert } from 'chai';
import { readNumber } from '../../models/base/bytes.js';
import { Behaviour } from '../../models/behaviour.js';
import { assemble } from '../../models/program/assemble.js';
import { type Program, PROGRAM_SCHEMA, type Step } from '../../models/program/program.js';
import type { RawStep } from '../../models/program/raw.js';
import { PROFILES } from '../../models/profiles/index.js';
import { exportProgram } from '../../fuzz/syzkaller/export.js';
import { importProgram } from '../../fuzz/syzkaller/import.js';
import { layoutCalls } from '../../fuzz/syzkaller/memory.js';
import { samplePrograms } from '../../fuzz/generate/program.js';
import { planCase } from '../harness/plan.js';
import { SCENARIOS } from '../index.js';
import { runCli } from './cli.js';

/** The lines of a text behind the layout of memory. */
function linesOf(steps: readonly Step[]): string[] {
  const { text } = exportProgram({ schema: PROGRAM_SCHEMA, steps });
  return text.trim().split('\n').slice(layoutCalls().length);
}

/** The system calls of a program, without memory that nothing in the visible part of a struct leads to. */
function reachable(program: Program): RawStep[] {
  return assemble(program).steps.map((step) => {
    if (step.do !== 'ioctl') return step;
    const [struct] = step.buffers;
    const isThere = struct?.address === step.arg;
    const words = isThere ? wordsOf(struct.bytes) : [];
    const buffers = step.buffers.filter(({ address }) => address === step.arg || words.includes(address));
    const patches = step.patches.filter(({ buffer }) => buffer < buffers.length);
    return { ...step, buffers, patches };
  });
}

function wordsOf(bytes: Uint8Array): bigint[] {
  return Array.from({ length: bytes.length >> 3 }, (_, word) => readNumber(bytes, word * 8, 8));
}

/** Whether a program was said in full; then its text leads to the same system calls. */
function survives(program: Program, name: string): boolean {
  const { text, shortcomings } = exportProgram(program);
  if (shortcomings.some(({ isLeftOut }) => isLeftOut)) return false;
  const imported = importProgram(text, { isStrict: true });
  assert.deepEqual(imported.notes, [], name);
  assert.deepEqual(reachable(imported.program), reachable(program), name);
  return true;
}

function imported(text: string): readonly Step[] {
  return importProgram(text, { isStrict: true }).program.steps;
}

const OPEN = "r0 = openat$iommufd(0xffffffffffffff9c, &AUTO='/dev/iommu\\x00', 0x2, 0x0)\n";

describe('texts of syzkaller', () => {
  it('say what programs do', () => {
    const steps: Step[] = [
      { do: 'open', label: 'fd' },
      { do: 'ioctl', file: 'fd', call: 'IOMMU_IOAS_ALLOC', label: 'ioas', args: {} },
      {
        do: 'ioctl',
        file: 'fd',
        call: 'IOMMU_IOAS_MAP',
        args: {
          flags: 7,
          ioas_id: { ref: 'ioas.out_ioas_id' },
          user_va: 0x100_0040_0000n,
          length: 0x2000n,
          iova: 0x1000n,
        },
        failNth: 3,
      },
      {
        do: 'ioctl',
        file: 'fd',
        call: 'IOMMU_IOAS_ALLOW_IOVAS',
        args: {
          ioas_id: { ref: 'ioas.out_ioas_id' },
          num_iovas: 1,
          allowed_iovas: { ranges: [[0n, 0xfffn]] },
        },
      },
      { do: 'ioctl', file: 'fd', call: 'IOMMU_DESTROY', args: { id: { ref: 'ioas.out_ioas_id', plus: 1n } } },
      { do: 'ioctl', file: 'fd', call: 'IOMMU_DESTROY', args: {}, at: 'null' },
      { do: 'munmap', start: 0x100_0080_0000n, bytes: 0x1000n },
      { do: 'close', file: 'fd' },
    ];
    assert.deepEqual(linesOf(steps), [
      "r0 = openat$iommufd(0xffffffffffffff9c, &(0x7f0000fff000)='/dev/iommu\\x00', 0x2, 0x0)",
      'ioctl$IOMMU_IOAS_ALLOC(r0, 0x3b81, &(0x7f0000000040)={0xc, 0x0, <r1=>0x0})',
      'ioctl$IOMMU_IOAS_MAP$PAGES(r0, 0x3b85, &(0x7f0000000040)={0x28, 0x7, r1, 0x0, &(0x7f0000400000/0x1000)=nil, 0x2000, 0x1000}) (fail_nth: 3)',
      'ioctl$IOMMU_IOAS_ALLOW_IOVAS(r0, 0x3b82, &(0x7f0000000040)={0x18, r1, 0x1, 0x0, &(0x7f0000008000)=[{0x0, 0xfff}]})',
      'ioctl$IOMMU_DESTROY$ioas(r0, 0x3b80, &(0x7f0000000040)={0x8, r1+0x1})',
      'ioctl$IOMMU_DESTROY$ioas(r0, 0x3b80, 0x0)',
      'munmap(&(0x7f0000800000/0x1000)=nil, 0x1000)',
      'close(r0)',
    ]);
  });

  it('have bytes where a struct has no form of its own', () => {
    const steps: Step[] = [
      { do: 'open', label: 'fd' },
      { do: 'ioctl', file: 'fd', call: 'IOMMU_IOAS_ALLOC', args: {}, tail: { bytes: 2, value: 9 } },
    ];
    assert.equal(
      linesOf(steps)[1],
      'ioctl$IOMMUFD_RAW(r0, 0x3b81, &(0x7f0000000040)=[@data="0e0000000000000000000000' + '0909"])',
    );
  });

  it('name what they cannot say', () => {
    const { text, shortcomings } = exportProgram({
      schema: PROGRAM_SCHEMA,
      steps: [
        { do: 'open', label: 'fd' },
        { do: 'fork', label: 'child' },
        { do: 'close', file: 'fd', by: 'child' },
        { do: 'process', drop: ['CAP_IPC_LOCK'] },
      ],
    });
    assert.deepEqual(
      shortcomings.map(({ step, isLeftOut }) => [step, isLeftOut]),
      [
        [2, true],
        [3, true],
        [4, true],
      ],
    );
    assert.include(text, '# step 2: left out: a program has one process\n');
  });

  it('of all scenarios that can be said lead back to the same system calls', () => {
    const all = SCENARIOS.flatMap((scenario) => scenario.cases.map((name) => planCase(scenario, name)));
    const said = all.filter(({ program, scenario, caseName }) =>
      survives(program, `${scenario.id}:${caseName}`),
    );
    process.stdout.write(
      `      ${String(said.length)} of ${String(all.length)} programs of scenarios can be said\n`,
    );
    assert.isAbove(said.length, all.length * 0.8);
  });

  it('of random programs lead back to the same system calls', () => {
    const [profile] = PROFILES;
    assert.isDefined(profile);
    const sample = samplePrograms(new Behaviour(profile), { seed: 1, count: 300, stepsMax: 30 });
    const said = sample.filter((program, index) => survives(program, `random ${String(index)}`));
    process.stdout.write(
      `      ${String(said.length)} of ${String(sample.length)} random programs can be said\n`,
    );
    assert.isNotEmpty(said);
  });
});

describe('the import of texts of syzkaller', () => {
  it('knows variables, memory anywhere, and annotations', () => {
    const steps = imported(
      `# a comment\n${OPEN}
ioctl$IOMMU_IOAS_ALLOC(r0, 0x3b81, &AUTO={0xc, 0x0, <r1=>0x0})  # behind a call
ioctl$IOMMU_IOAS_MAP$PAGES(r0, 0x3b85, &AUTO={0x28, 7, r1, 0x0, &(0x7f0000ffc000/0x1000)=nil, 0x1000, 0x4000}) (fail_nth: 2)
ioctl$IOMMU_TEST_OP_CREATE_ACCESS(r0, 0x3ba0, &AUTO={0x48, 0x5, r1, 0x0, <r2=>0x0, 0x1})
ioctl$IOMMU_TEST_OP_ACCESS_RW(r0, 0x3ba0, &AUTO={0x48, 0x8, r2, 0x0, 0x4000, 0x4, &AUTO='abcd', 0x1})
close(r2)
ioctl$IOMMU_VFIO_CHECK_EXTENSION(r0, 0x3b65, 0x9)
`,
    );
    assert.deepEqual(steps, [
      { do: 'open', label: 'r0' },
      { do: 'ioctl', file: 'r0', call: 'IOMMU_IOAS_ALLOC', label: 'r1', args: {} },
      {
        do: 'ioctl',
        file: 'r0',
        call: 'IOMMU_IOAS_MAP',
        args: {
          flags: 7,
          ioas_id: { ref: 'r1.out_ioas_id' },
          user_va: 0x100_004f_c000n,
          length: 0x1000n,
          iova: 0x4000n,
        },
        failNth: 2,
      },
      {
        do: 'ioctl',
        file: 'r0',
        call: 'IOMMU_TEST_OP_CREATE_ACCESS',
        args: { id: { ref: 'r1.out_ioas_id' }, flags: 1 },
        fd: 'r2',
      },
      {
        do: 'ioctl',
        file: 'r0',
        call: 'IOMMU_TEST_OP_ACCESS_RW',
        args: { id: { fd: 'r2' }, iova: 0x4000n, length: 4n, uptr: { words: [0x64636261] }, flags: 1 },
      },
      { do: 'close', file: 'r2' },
      { do: 'ioctl', file: 'r0', call: 'VFIO_CHECK_EXTENSION', args: { extension: 9n } },
    ]);
  });

  it('knows older and shorter structs, AUTO, unions and bytes of any form', () => {
    const steps = imported(
      `${OPEN}ioctl$IOMMU_GET_HW_INFO(r0, 0x3b8a, &AUTO={AUTO, 0x0, 0x5, 0x8, &AUTO=""/8, 0x0, 0x0, 0x0})
ioctl$IOMMU_HWPT_ALLOC$TEST(r0, 0x3b89, &AUTO={0x28, 0x0, 0x1, 0x2, 0x0, 0x0, AUTO, 0x4, &AUTO={0x7}})
ioctl$IOMMUFD_RAW(r0, 0x3b80, &AUTO=[@data="08000000", @id32=0x9])
ioctl$IOMMU_IOAS_COPY$syz(r0, 0x3b83, &AUTO={0x28, 0x10006, 0x1, 0x2, 0x1000, 0x0, 0x3, 0x20})
`,
    );
    assert.deepEqual(
      steps.slice(1).map((step) => (step.do === 'ioctl' ? [step.call, step.args] : [])),
      [
        ['IOMMU_GET_HW_INFO', { dev_id: 5, data_len: 8, data_uptr: { room: 8 } }],
        [
          'IOMMU_HWPT_ALLOC',
          { size: 40, dev_id: 1, pt_id: 2, data_type: 0xdead, data_len: 4, data_uptr: { words: [7] } },
        ],
        ['IOMMU_DESTROY', { id: 9 }],
        [
          'IOMMU_IOAS_COPY',
          { flags: 0x10006, dst_ioas_id: 1, src_ioas_id: 2, length: 0x1000n, src_iova: 0x20_0000_0003n },
        ],
      ],
    );
  });

  it('leaves out what it does not know, and says where', () => {
    const text = `${OPEN}r1 = socket(0x2, 0x1, 0x0)\nclose(r1)\nclose(r0)\n`;
    const { program, notes } = importProgram(text);
    assert.deepEqual(
      program.steps.map((step) => step.do),
      ['open', 'close'],
    );
    assert.deepEqual(
      notes.map(({ at, says }) => `${String(at?.line)}:${String(at?.column)} ${says}`),
      [
        '2:1 socket is left out: iommufd-cts has nothing like it',
        '3:7 close is left out: its file is none that the program opens',
      ],
    );
    assert.throws(() => importProgram(text, { isStrict: true }), /^line 2, column 1: socket: /);
  });

  const BROKEN: Readonly<Record<string, RegExp>> = {
    'close(r0': /^line 1, column 9: , or \) is missing$/,
    'close(0x1zz)': /^line 1, column 7: 0x1zz is no number$/,
    'close(0x10000000000000000)': /more than 64 bits/,
    "close('abc)": /the text does not end/,
    'close("abc")': /the data is not hexadecimal/,
    'close("$eJwBAAD//wAAAAE=")': /compressed data is not supported/,
    'close(r0) close(r1)': /^line 1, column 11: something follows the call$/,
    'close(&(0x7f0000000000)=)': /a value is missing/,
    [`${OPEN}ioctl$IOMMU_DESTROY$ioas(r0, 0x3b80, &AUTO={0x8, {0x1}})`]: /^line 2, column 50: /,
  };
  for (const [text, complaint] of Object.entries(BROKEN)) {
    it(`refuses ${text.trim().split('\n').at(-1) ?? ''} in one sentence`, () => {
      assert.throws(() => importProgram(text), complaint);
    });
  }
});

describe('export and import on the command line', () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'iommufd-cts-syz-'));
  });
  after(async () => {
    await rm(directory, { recursive: true });
  });

  it('write files that the other reads', async () => {
    const text = join(directory, 'small.syz');
    await writeFile(
      text,
      `${OPEN}ioctl$IOMMU_IOAS_ALLOC(r0, 0x3b81, &AUTO={0xc, 0x0, <r1=>0x0})\nclose(r0)\n`,
    );
    assert.equal((await runCli(['import', text, '-o', directory])).code, 0);
    const program = join(directory, 'small.json');
    const { code, stdout } = await runCli(['export', '--format', 'syz', program]);
    assert.equal(code, 0);
    assert.include(stdout, 'ioctl$IOMMU_IOAS_ALLOC(r0, 0x3b81, &(0x7f0000000040)={0xc, 0x0, 0x0})');
    assert.equal((await runCli(['export', '--format', 'syz', program, '-o', directory])).code, 0);
    assert.equal(await readFile(text, 'utf8'), stdout);
  });

  it('refuse a text that makes no sense', async () => {
    const text = join(directory, 'broken.syz');
    await writeFile(text, 'close(');
    const { code, stderr } = await runCli(['import', text, '-o', directory]);
    assert.equal(code, 64);
    assert.match(stderr, /broken[.]syz: line 1, column 7: /);
  });
});
