import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assert } from 'chai';
import { checkTrace } from '../../check/checker.js';
import { countVerdicts, reasonsOf, renderChecked } from '../../check/report.js';
import type { CallVerdict, JudgedCall } from '../../check/verdict.js';
import { samplePrograms } from '../../fuzz/generate/program.js';
import { Behaviour } from '../../models/behaviour.js';
import { ERRNO } from '../../models/base/errno.js';
import type { CallDescription } from '../../models/ioctls/description.js';
import { BUFFER } from '../../models/program/arena.js';
import { DEFAULT_PROFILE, PROFILES } from '../../models/profiles/index.js';
import { assemble } from '../../models/program/assemble.js';
import { PROGRAM_SCHEMA, type Step } from '../../models/program/program.js';
import type { RawStep } from '../../models/program/raw.js';
import { runOnModel } from '../../targets/sim.js';
import { DEVICE, ROLE, TRACE_HEADER, traceHeader } from '../../targets/trace/format.js';
import type { Trace, TracePart, TraceRecord } from '../../targets/trace/reader.js';
import { encodeRecord } from '../../targets/trace/writer.js';
import { runCli } from './cli.js';
import { traceOf } from './traced_program.js';

const PROGRAMS = 300;

/** The trace of a program on the model, as a kernel of a release. */
function traced(steps: readonly Step[], behaviour = new Behaviour(DEFAULT_PROFILE)): Trace {
  const assembled = assemble({ schema: PROGRAM_SCHEMA, steps });
  return traceOf(assembled, runOnModel(assembled, behaviour), '7.3.4');
}

const OPEN: Step = { do: 'open', label: 'f' };

function ioctl(call: string, args: object, label?: string): Step {
  return { do: 'ioctl', file: 'f', call, args, ...(label === undefined ? {} : { label }) } as Step;
}

const IOAS = ioctl('IOMMU_IOAS_ALLOC', {}, 'ioas');
const ANOTHER = ioctl('IOMMU_IOAS_ALLOC', {});
const ID = { ref: 'ioas.out_ioas_id' };
const DEVICE_ON_IOAS = ioctl('IOMMU_TEST_OP_MOCK_DOMAIN', { id: ID }, 'device');
const MAP = mapping(7);
const DESTROY = ioctl('IOMMU_DESTROY', { id: ID });

function mapping(flags: number): Step {
  const place = { iova: 0x100_0000n, user_va: BUFFER.start, length: 4096n };
  return ioctl('IOMMU_IOAS_MAP', { ioas_id: ID, flags, ...place });
}

/** The trace with another record in the place of one. */
function changed(trace: Trace, nth: number, change: (record: TraceRecord) => TraceRecord): Trace {
  const ioctls = trace.records.filter(({ kind }) => kind === 'ioctl');
  const target = ioctls[nth];
  return { ...trace, records: trace.records.map((record) => (record === target ? change(record) : record)) };
}

function answering(errno: number): (record: TraceRecord) => TraceRecord {
  return (record) => ({
    ...record,
    result: BigInt(-errno),
    parts: record.parts.filter(({ role }) => errno === 0 || role !== ROLE.AFTER),
  });
}

/** Whether a call makes a descriptor whose number no trace tells. */
function hidesFd(call: CallDescription | undefined): boolean {
  return call?.newFd !== undefined && 'hidden' in call.newFd;
}

/** Whether an answer is what it should be; what an access reads is not in the trace, and free. */
function isRight({ name, verdict }: JudgedCall): boolean {
  return verdict.kind === 'exact' || (verdict.kind === 'legal' && name === 'IOMMU_TEST_OP_ACCESS_RW');
}

function kinds(calls: readonly JudgedCall[]): CallVerdict['kind'][] {
  return calls.map(({ verdict }) => verdict.kind);
}

/** A u32 of a struct after the call. */
function withAnswer(record: TraceRecord, offset: number, value: number): TraceRecord {
  const parts = record.parts.map((part): TracePart => {
    if (part.role !== ROLE.AFTER) return part;
    const bytes = Buffer.from(part.bytes);
    bytes.writeUInt32LE(value, offset);
    return { ...part, bytes };
  });
  return { ...record, parts };
}

const UNTRACED: ReadonlySet<RawStep['do']> = new Set<RawStep['do']>(['exec', 'cloexec', 'pass']);

describe('check', function () {
  for (const profile of PROFILES) {
    it(`finds nothing wrong with what the model itself answers, ${profile.id}`, () => {
      const behaviour = new Behaviour(profile);
      const programs = samplePrograms(behaviour, { seed: 7, count: PROGRAMS, stepsMax: 40 });
      for (const [index, program] of programs.entries()) {
        const assembled = assemble(program);
        if (assembled.calls.some((call) => hidesFd(call))) continue;
        // The writer of these traces does not tell that pages are huge.
        if (assembled.steps.some((step) => 'isHuge' in step && step.isHuge)) continue;
        // Nor of programs that processes start, and of descriptors that they send one another.
        if (assembled.steps.some((step) => UNTRACED.has(step.do))) continue;
        // What files of VFIO answer is not judged.
        if (assembled.steps.some((step) => step.do === 'open' && step.node !== undefined)) continue;
        const trace = traceOf(assembled, runOnModel(assembled, behaviour), `${profile.id}.1`);
        const { calls, profile: held } = checkTrace(trace);
        assert.equal(held.id, profile.id);
        const other = calls.find((call) => !isRight(call));
        assert.isUndefined(other, `program ${String(index)}`);
      }
    });
  }

  it('notices a kernel that differs in one rule, and judges on', () => {
    const mutant = { kind: 'errno', call: 'IOMMU_DESTROY', rule: 'ENOENT.object', errno: 'EINVAL' } as const;
    const behaviour = new Behaviour(DEFAULT_PROFILE, mutant);
    const { calls } = checkTrace(traced([OPEN, IOAS, DESTROY, DESTROY, ANOTHER], behaviour));
    assert.deepEqual(kinds(calls), ['exact', 'exact', 'exact', 'mismatch', 'exact']);
  });

  it('says what it would have allowed and why, and how it goes on', () => {
    const trace = changed(traced([OPEN, IOAS, DEVICE_ON_IOAS, DESTROY, MAP]), 2, answering(ERRNO.EINVAL));
    const checked = checkTrace(trace);
    assert.deepEqual(kinds(checked.calls), ['exact', 'exact', 'exact', 'mismatch', 'exact']);
    const report = renderChecked(checked, ['it is cut'], 10);
    for (const part of [
      'expectations of 7.3',
      'the trace is not whole: it is cut',
      /NOT ALLOWED: call \d+, IOMMU_DESTROY of process 100, thread 100\n {2}seen {5}EINVAL\n {2}allowed {2}EBUSY \(IOMMU_DESTROY\/EBUSY\.[a-z]+\): .+\n {2}onward {3}the kernel's answer is taken over: the call has changed nothing\n/,
      '5 calls: 4 exact, 0 legal, 1 mismatch, 0 unspecified',
    ]) {
      if (typeof part === 'string') assert.include(report, part);
      else assert.match(report, part);
    }
  });

  it('takes over a success that should have been none', () => {
    const trace = traced([OPEN, IOAS, mapping(15), mapping(7)]);
    const mapped = changed(changed(trace, 1, answering(0)), 2, answering(ERRNO.EEXIST));
    const { calls } = checkTrace(mapped);
    assert.deepEqual(kinds(calls), ['exact', 'exact', 'mismatch', 'exact']);
    const onward = "the kernel's answer is taken over: the call has had its effect";
    assert.include(calls[2]?.verdict, { seen: 'OK', onward });
  });

  it('does not guess what a success has changed that makes no sense', () => {
    const trace = changed(traced([OPEN, IOAS, DEVICE_ON_IOAS, DESTROY, DESTROY]), 2, answering(0));
    assert.deepEqual(kinds(checkTrace(trace).calls), ['exact', 'exact', 'exact', 'mismatch', 'unspecified']);
  });

  it('calls a choice that the uAPI leaves to the kernel legal, and follows it', () => {
    const trace = traced([OPEN, IOAS, ioctl('IOMMU_DESTROY', { id: 9 })]);
    const other = changed(trace, 0, (record) => withAnswer(record, 8, 9));
    const there = changed(other, 1, answering(0));
    assert.deepEqual(kinds(checkTrace(there).calls), ['exact', 'legal', 'exact']);
    const illegal = changed(traced([OPEN, IOAS, ANOTHER]), 1, (record) => withAnswer(record, 8, 1));
    assert.deepEqual(kinds(checkTrace(illegal).calls), ['exact', 'exact', 'mismatch']);
  });

  it('accepts either answer where it cannot see whether memory can be pinned', () => {
    const trace = traced([OPEN, IOAS, DEVICE_ON_IOAS, MAP, DESTROY]);
    const hide = (records: readonly TraceRecord[]) =>
      records.map((record) => ({
        ...record,
        parts: record.parts.map((part) =>
          part.role === ROLE.MAPS
            ? {
                ...part,
                bytes: Buffer.from(Buffer.from(part.bytes).toString().replaceAll('/dev/zero', '/dev/vga')),
              }
            : part,
        ),
      }));
    const pinned = { ...trace, records: hide(trace.records) };
    assert.deepEqual(kinds(checkTrace(pinned).calls), ['exact', 'exact', 'exact', 'legal', 'exact']);
    const refused = changed(pinned, 2, answering(ERRNO.EFAULT));
    assert.deepEqual(kinds(checkTrace(refused).calls), ['exact', 'exact', 'exact', 'legal', 'exact']);
    const wrong = changed(trace, 2, answering(ERRNO.EFAULT));
    assert.equal(checkTrace(wrong).calls[3]?.verdict.kind, 'mismatch');
  });

  it('tries the other order of calls that overlapped', () => {
    const { records, troubles } = traced([OPEN, IOAS, DESTROY]);
    const [alloc, destroy] = records.filter(({ kind }) => kind === 'ioctl') as [TraceRecord, TraceRecord];
    // Another thread destroys what is made meanwhile: its call has begun before.
    const early = { ...destroy, thread: 7, start: alloc.start - 1n, end: alloc.end + 1n };
    const others = records.filter((record) => record !== destroy && record !== alloc);
    const { calls } = checkTrace({ records: [...others, early, alloc], troubles });
    assert.deepEqual(kinds(calls), ['exact', 'exact', 'exact']);
    const apart = checkTrace({ records: [...others, { ...early, end: alloc.start - 1n }, alloc], troubles });
    assert.include(kinds(apart.calls), 'mismatch');
  });

  it('follows descriptors of a process into its child, until the last one is closed', () => {
    const { records, troubles } = traced([OPEN, IOAS, DESTROY, ANOTHER]);
    const ioctls = records.filter(({ kind }) => kind === 'ioctl') as [TraceRecord, TraceRecord, TraceRecord];
    const introduction = records[0] as TraceRecord;
    const child: TraceRecord = {
      ...introduction,
      process: 200,
      members: { ...introduction.members, reason: 2n, parent: 100n },
      parts: introduction.parts.map((part) =>
        part.role === ROLE.FILES
          ? { ...part, bytes: Buffer.from('3 00:06 12 0 1021994 -1 2 /dev/iommu\n') }
          : part,
      ),
    };
    const close: TraceRecord = {
      ...ioctls[0],
      kind: 'close',
      members: { fd: 3n, device: BigInt(DEVICE.IOMMUFD) },
      parts: [],
    };
    const [one, two, three] = ioctls;
    const told = [
      ...records.slice(0, 2),
      one,
      child,
      close,
      { ...two, process: 200 },
      { ...three, process: 200 },
    ];
    const { calls } = checkTrace({ records: told, troubles });
    assert.deepEqual(kinds(calls), ['exact', 'exact', 'exact', 'exact', 'exact']);
  });

  it('names what it cannot know instead of guessing', () => {
    const { records, troubles } = traced([OPEN, IOAS]);
    const [introduction, open, alloc] = records as [TraceRecord, TraceRecord, TraceRecord];
    const found = { ...open, kind: 'found', members: { fd: 3n, device: 1n } } as const;
    const reasons = (told: readonly TraceRecord[]) =>
      reasonsOf(checkTrace({ records: told, troubles }).calls);
    assert.deepEqual(reasons([introduction, found, alloc]), [
      ['the descriptor came from elsewhere: inherited or passed by another process', 1],
    ]);
    assert.deepEqual(reasons([introduction, alloc]), [['the model does not know the file', 1]]);
    assert.deepEqual(reasons([alloc]), [['the trace does not tell of the beginning of its process', 1]]);
    const narrow = { ...introduction, members: { ...introduction.members, pointer_bytes: 4n } };
    assert.deepEqual(reasons([narrow, open, alloc]), [
      ['the program has 32 bits, which the model does not describe', 2],
    ]);
    const vfio = { ...open, members: { ...open.members, device: BigInt(DEVICE.VFIO) } };
    assert.deepEqual(reasons([introduction, vfio, { ...alloc, members: { ...alloc.members, device: 3n } }]), [
      ['files of VFIO are not described', 1],
    ]);
  });

  it('survives any record that damage leaves behind', () => {
    const { records, troubles } = traced([OPEN, IOAS, DEVICE_ON_IOAS, MAP, DESTROY]);
    for (const missing of records) {
      const rest = records.filter((record) => record !== missing);
      assert.isObject(countVerdicts(checkTrace({ records: rest, troubles }).calls));
    }
    for (const record of records) {
      const bare = records.map((other) => (other === record ? { ...record, parts: [] } : other));
      assert.isObject(countVerdicts(checkTrace({ records: bare, troubles }).calls));
    }
  });

  describe('as a command', () => {
    let directory: string;

    before(async () => {
      directory = await mkdtemp(join(tmpdir(), 'iommufd-cts-test-'));
    });

    after(() => rm(directory, { recursive: true }));

    async function check(trace: Trace, cut = 0, ...args: string[]): ReturnType<typeof runCli> {
      const header = traceHeader();
      const last = trace.records.at(-1)?.end ?? 0n;
      new DataView(header.buffer).setBigUint64(TRACE_HEADER.SEQUENCE, last, true);
      const file = Buffer.concat([header, ...trace.records.map(encodeRecord)]);
      const path = join(directory, 'a.trace');
      await writeFile(path, file.subarray(0, file.length - cut));
      return runCli(['check', path, ...args]);
    }

    it('ends with 0 if everything is as the model allows', async () => {
      const { code, stdout, stderr } = await check(traced([OPEN, IOAS, DESTROY]));
      assert.equal(code, 0, stderr);
      assert.match(stdout, /^3 calls: 3 exact, 0 legal, 0 mismatch, 0 unspecified$/m);
    });

    it('ends with 1 if something is not, and has it for scripts', async () => {
      const trace = changed(traced([OPEN, IOAS, DESTROY]), 1, answering(ERRNO.EBUSY));
      const { code, stdout } = await check(trace, 0, '--json');
      assert.equal(code, 1);
      const { counts, mismatches } = JSON.parse(stdout) as {
        counts: object;
        mismatches: { name: string; seen: string; allowed: object[] }[];
      };
      assert.deepEqual(counts, { exact: 2, legal: 0, mismatch: 1, unspecified: 0 });
      assert.deepInclude(mismatches[0], { name: 'IOMMU_DESTROY', seen: 'EBUSY' });
      assert.deepEqual(mismatches[0]?.allowed, [{ answer: 'OK', because: 'IOMMU_DESTROY/OK' }]);
    });

    it('ends with 2 if the trace is cut, and judges what is there', async () => {
      const { code, stdout } = await check(traced([OPEN, IOAS, DESTROY]), 10);
      assert.equal(code, 2);
      assert.match(stdout, /the trace is not whole: the last \d+ bytes are a record that was not finished/);
      assert.match(stdout, /^2 calls: 2 exact/m);
    });

    it('ends with 64 for what is no trace', async () => {
      const path = join(directory, 'text');
      await writeFile(path, 'this is no trace\n');
      const { code, stderr } = await runCli(['check', path]);
      assert.equal(code, 64);
      assert.equal(stderr, `iommufd-cts: ${path} is no trace of iommufd-cts\n`);
    });
  });
});
