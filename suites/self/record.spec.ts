import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { assert } from 'chai';
import { checkTrace } from '../../check/checker.js';
import { DEFAULT_PROFILE } from '../../models/profiles/index.js';
import { findTool } from '../../targets/tools.js';
import { DEVICE, KINDS, REASON, ROLE } from '../../targets/trace/format.js';
import { type Trace, type TraceRecord, readTrace } from '../../targets/trace/reader.js';
import { type Ended, runCliProcess, startCli } from './cli.js';
import { makeDirectory, removeDirectory } from './temporary.js';

const run = promisify(execFile);
const SOURCES = resolve(import.meta.dirname, '../../../suites/self/record');

/** What the fake device answers, and where the members lie. Source: calls.h, written from iommufd.h by hand. */
const IOAS_ALLOC = 0x3b81n;
const ANSWER_ID = 7;
const ANSWER_LAST = 0xffffffn;

function ofKind(records: readonly TraceRecord[], kind: TraceRecord['kind']): TraceRecord[] {
  return records.filter((record) => record.kind === kind);
}

/** IOAS_ALLOCs of the program, which all succeed. */
function allocs({ records }: Trace): TraceRecord[] {
  const calls = ofKind(records, 'ioctl').filter(({ members }) => members.command === IOAS_ALLOC);
  for (const { result, parts } of calls) {
    assert.equal(result, 0n);
    assert.deepEqual(
      parts.map(({ role, bytes }) => [role, bytes.length]),
      [
        [ROLE.BEFORE, 12],
        [ROLE.AFTER, 12],
      ],
    );
    assert.equal(view(parts[1]?.bytes).getUint32(8, true), ANSWER_ID);
  }
  return calls;
}

function view(bytes: Uint8Array = new Uint8Array()): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function text({ parts }: TraceRecord, role: number): string {
  return new TextDecoder().decode(parts.find((part) => part.role === role)?.bytes);
}

describe('record', () => {
  let directory: string;
  let hasCompiler: boolean;

  before(async function () {
    directory = await makeDirectory();
    hasCompiler = (await findTool('cc', process.env.PATH ?? '')) !== undefined;
    if (!hasCompiler) return;
    const flags = ['-D_GNU_SOURCE', '-O2', '-Wall', '-Wextra', '-Werror'];
    const compile = (out: string, source: string, ...more: string[]) =>
      run('cc', [...flags, ...more, '-o', join(directory, out), join(SOURCES, source)]);
    await compile('fake.so', 'fake_iommu.c', '-shared', '-fPIC', '-ldl');
    await compile('program', 'program.c', '-pthread');
  });

  after(() => removeDirectory(directory));

  beforeEach(function () {
    if (!hasCompiler) {
      process.stdout.write('    skipped: there is no cc\n');
      this.skip();
    }
  });

  function arguments_(args: readonly string[], trace: string): string[] {
    return ['record', '-o', join(directory, trace), '--', join(directory, 'program'), ...args];
  }

  function environment(): Readonly<Record<string, string>> {
    return { LD_PRELOAD: join(directory, 'fake.so'), IOMMUFD_CTS_CACHE: join(directory, 'cache') };
  }

  async function recorded(...args: string[]): Promise<Ended & { readonly trace: Trace }> {
    const file = `${args.join('-')}.trace`;
    const ended = await runCliProcess(arguments_(args, file), environment());
    return { ...ended, trace: readTrace(await readFile(join(directory, file)), file) };
  }

  it('the program behaves without a recorder as its tests expect', async () => {
    for (const what of ['calls', 'holes', 'forks', 'passes', 'closes', 'without_stdio', 'limits']) {
      await run(join(directory, 'program'), [what], { env: { LD_PRELOAD: join(directory, 'fake.so') } });
    }
  });

  it('writes calls with what went in and what came out', async () => {
    const { code, stderr, trace } = await recorded('calls');
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^iommufd-cts: \d+ records of 1 process in .*calls\.trace\n$/);
    assert.deepEqual(trace.troubles, []);
    const [alloc, ranges, map, unknown] = ofKind(trace.records, 'ioctl');
    assert.lengthOf(allocs(trace), 1);
    assert.deepInclude(alloc?.members, { device: BigInt(DEVICE.IOMMUFD) });
    // The struct and the array, before and after; two elements were offered and one was filled.
    const lengths = ranges?.parts.map(({ role, bytes }) => [role, bytes.length]);
    assert.deepEqual(lengths, [
      [ROLE.BEFORE, 32],
      [ROLE.BEFORE, 32],
      [ROLE.AFTER, 32],
      [ROLE.AFTER, 32],
    ]);
    assert.equal(view(ranges?.parts[3]?.bytes).getBigUint64(8, true), ANSWER_LAST);
    assert.match(text(map as TraceRecord, ROLE.MAPS), /^[0-9a-f]+-[0-9a-f]+ rw-s [^\n]*\n$/);
    assert.equal(unknown?.result, -25n);
    const [write, read, poll] = ['write', 'read', 'poll'].map(
      (kind) => ofKind(trace.records, kind as TraceRecord['kind'])[0] as TraceRecord,
    );
    assert.equal(text(write as TraceRecord, ROLE.BEFORE), 'abc');
    assert.equal(text(read as TraceRecord, ROLE.AFTER), 'abc');
    assert.equal(poll?.members.count, 1n);
    const kinds = trace.records.map(({ kind }) => kind);
    for (const kind of ['process', 'open', 'mmap', 'mprotect', 'mremap', 'madvise', 'munmap', 'dup', 'exit'])
      assert.include(kinds, kind);
    assert.lengthOf(ofKind(trace.records, 'close'), 2);
  });

  for (const how of ['', 'confined']) {
    const what = how === '' ? '' : ', also in a sandbox that has only pipes for that';
    it(`reads what a wrong pointer leads to as far as it can be read${what}`, async () => {
      const { code, stderr, trace } = await recorded('holes', how);
      assert.equal(code, 0, stderr);
      const calls = ofKind(trace.records, 'ioctl');
      assert.deepEqual(
        calls.map(({ result }) => result),
        [-14n, -14n, -14n, -14n, -14n],
      );
      assert.deepEqual(
        calls.map(({ parts }) => parts.map(({ bytes, wanted }) => [bytes.length, Number(wanted)])),
        [[], [], [], [[8, 12]], []],
      );
    });
  }

  it('follows fork, vfork and clone', async () => {
    const { code, stderr, trace } = await recorded('forks');
    assert.equal(code, 0, stderr);
    const processes = ofKind(trace.records, 'process');
    assert.deepEqual(
      processes.map(({ members }) => members.reason),
      [REASON.FIRST_EVENT, REASON.FORK, REASON.FORK, REASON.FORK].map(BigInt),
    );
    const [parent, ...children] = processes.map(({ process: id }) => BigInt(id));
    assert.deepEqual(new Set(ofKind(trace.records, 'fork').map(({ result }) => result)), new Set(children));
    assert.deepEqual(
      ofKind(trace.records, 'wait').map(({ result }) => result),
      children,
    );
    for (const child of processes.slice(1)) assert.equal(child.members.parent, parent);
    assert.lengthOf(allocs(trace), 5);
    assert.deepEqual(
      ofKind(trace.records, 'exit').map(({ members }) => members.status),
      [5n, 5n, 6n, 0n],
    );
  });

  it('tells which calls of threads overlapped', async () => {
    const { code, stderr, trace } = await recorded('threads');
    assert.equal(code, 0, stderr);
    const calls = allocs(trace);
    assert.lengthOf(calls, 800);
    assert.lengthOf([...new Set(calls.map(({ thread }) => thread))], 4);
    assert.lengthOf([...new Set(calls.flatMap(({ start, end }) => [start, end]))], 1600);
    for (const { start, end } of calls) assert.isTrue(start < end);
    assert.deepEqual(trace.troubles, []);
  });

  for (const what of ['', 'fails', 'bare', 'listed', 'searched', 'listed_bare']) {
    it(`goes on after exec${what === '' ? '' : `, ${what}`}`, async () => {
      const { code, stderr, trace } = await recorded('executes', what);
      assert.equal(code, 0, stderr);
      assert.lengthOf(allocs(trace), 2);
      assert.deepEqual(
        ofKind(trace.records, 'process').map(({ members }) => members.reason),
        [REASON.FIRST_EVENT, REASON.PROGRAM_START].map(BigInt),
      );
      assert.lengthOf(ofKind(trace.records, 'found'), 1);
      const results = ofKind(trace.records, 'exec').map(({ result }) => result);
      assert.deepEqual(results, what === 'fails' ? [0n, -2n, 0n] : [0n]);
    });
  }

  it('notices a descriptor that another process has passed', async () => {
    const { code, stderr, trace } = await recorded('passes');
    assert.equal(code, 0, stderr);
    assert.lengthOf(ofKind(trace.records, 'found'), 1);
    assert.lengthOf(allocs(trace), 1);
  });

  it('survives programs that close everything, and does not move their descriptors', async () => {
    const { code, stderr, trace } = await recorded('closes');
    assert.equal(code, 0, stderr);
    // One is made on a closed descriptor, which is not recorded.
    assert.lengthOf(allocs(trace), 3);
    assert.deepEqual(trace.troubles, []);
  });

  it('works without standard streams', async () => {
    const { code, trace } = await recorded('without_stdio');
    assert.equal(code, 0);
    assert.lengthOf(allocs(trace), 2);
  });

  it('keeps what killed processes did', async () => {
    const { code, trace } = await recorded('killed');
    assert.equal(code, 137);
    const [parent, child] = ofKind(trace.records, 'process').map(({ process: id }) => id);
    const calls = allocs(trace);
    assert.lengthOf(
      calls.filter(({ process: id }) => id === parent),
      10,
    );
    assert.isAtLeast(calls.filter(({ process: id }) => id === child).length, 20);
    assert.deepEqual(
      ofKind(trace.records, 'wait').map(({ members }) => members.status),
      [9n],
    );
  });

  it('says that killed processes have ended before it goes on, although nobody waits for them', async () => {
    const { code, stderr, trace } = await recorded('killed_unseen');
    assert.equal(code, 0, stderr);
    const [first, second] = ofKind(trace.records, 'process').map(({ process: id }) => id);
    const ended = ofKind(trace.records, 'wait');
    assert.deepEqual(
      ended.map(({ process: id, members }) => [id, members.status]),
      [
        [second, 9n],
        [second, 9n],
      ],
    );
    // One of the group has done nothing of interest.
    assert.include(
      ended.map(({ result }) => Number(result)),
      first,
    );
    const [after] = ofKind(trace.records, 'open').filter(({ process: id }) => id === second);
    assert.isTrue(ended.every(({ end }) => after !== undefined && end < after.start));
  });

  it('notes the limits and the credentials that calls are made with', async () => {
    const { code, stderr, trace } = await recorded('limits');
    assert.equal(code, 0, stderr);
    assert.equal(allocs(trace)[0]?.members.memlock, 65536n);
    assert.deepInclude(ofKind(trace.records, 'setrlimit')[0]?.members, { soft: 65536n, hard: 65536n });
  });

  it('writes what can be checked', async () => {
    const { trace } = await recorded('limits');
    const { calls } = checkTrace(trace, DEFAULT_PROFILE);
    // The fake device gives an id that a kernel may give and does not.
    assert.deepEqual(
      calls.map(({ name, verdict }) => [name, verdict.kind]),
      [
        ['open', 'exact'],
        ['IOMMU_IOAS_ALLOC', 'legal'],
      ],
    );
  });

  it('introduces processes of any size', async () => {
    const { code, stderr, trace } = await recorded('crowded');
    assert.equal(code, 0, stderr);
    const [introduction] = ofKind(trace.records, 'process') as [TraceRecord];
    assert.isAbove(text(introduction, ROLE.MAPS).split('\n').length, 2000);
    assert.isAbove(text(introduction, ROLE.FILES).split('\n').length, 300);
    for (const line of text(introduction, ROLE.MAPS).trimEnd().split('\n'))
      assert.match(line, /^[0-9a-f]+-[0-9a-f]+ [r-][w-][x-][sp] /);
  });

  it('passes signals on and ends as the program does', async () => {
    const { process: recorder, ended } = startCli(arguments_(['waits'], 'waits.trace'), environment());
    await new Promise((resolve_) => recorder.stdout?.once('data', resolve_));
    recorder.kill('SIGTERM');
    const { code, stderr } = await ended;
    assert.equal(code, 42, stderr);
    assert.match(stderr, /^iommufd-cts: \d+ records of 1 process in /);
  });

  it('says why nothing was recorded', async () => {
    const { code, stderr } = await runCliProcess(
      ['record', '-o', join(directory, 'none'), '--', 'true'],
      environment(),
    );
    assert.equal(code, 0);
    assert.match(stderr, /none is empty: the program opened neither/);
  });

  it('says what it takes where there is no compiler', async () => {
    const { code, stderr } = await runCliProcess(['record', '-o', join(directory, 'none'), '--', 'true'], {
      PATH: ['/nonexistent', '/nowhere'].join(delimiter),
      IOMMUFD_CTS_CACHE: join(directory, 'empty'),
    });
    assert.equal(code, 2);
    assert.match(
      stderr,
      /^iommufd-cts: cc is not installed; install it with "apt-get install gcc libc6-dev"\n$/,
    );
  });
});

describe('docs/trace.md', () => {
  it('has every kind of record with its members', async () => {
    const page = await readFile(resolve(import.meta.dirname, '../../../docs/trace.md'), 'utf8');
    for (const [name, { code, members }] of Object.entries(KINDS)) {
      const row = page.split('\n').find((line) => line.startsWith(`| \`${name}\``));
      const [, , codeCell = '', memberCell = ''] = (row ?? '').split('|').map((cell) => cell.trim());
      assert.equal(codeCell, String(code), name);
      assert.equal(memberCell, members.map((member) => `\`${member}\``).join(', '), name);
    }
  });
});
