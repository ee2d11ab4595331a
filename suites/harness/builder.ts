import { PAGE_SIZE } from '../../models/base/u64.js';
import { HWPT_DATA_TYPES } from '../../models/ioctls/driver_data.js';
import { HWPT_INVALIDATE_SELFTEST } from '../../models/layout/driver_data.js';
import { IOAS_MAP_FLAGS } from '../../models/ioctls/shared_rules.js';
import { OPTIONS, OPTION_OPS } from '../../models/ioctls/native/option.js';
import { BUFFER, SCRATCH } from '../../models/program/arena.js';
import {
  PROGRAM_SCHEMA,
  type ArrayPlace,
  type IoctlStep,
  type MemfdStep,
  type MmapAccess,
  type MmapStep,
  type Operand,
  type ProcessStep,
  type Program,
  type ReadStep,
  type Reference,
  type Scalar,
  type Step,
  type VfioNode,
  type WriteStep,
} from '../../models/program/program.js';
import { type Choice, choiceOf } from './choice.js';
import { CountersExpectation, ExpectedStep, type Expectation } from './expected_step.js';

export type IoctlOptions = Pick<IoctlStep, 'tail' | 'at' | 'command' | 'file' | 'fd'>;

interface MapOptions {
  readonly va?: Scalar;
  readonly length?: Scalar;
  /** Fixed; without it the kernel chooses. */
  readonly iova?: Scalar;
  readonly access?: 'rw' | 'r' | 'w' | 'none';
  readonly args?: Readonly<Record<string, Operand>>;
}

/** `start` is an offset in the file. */
type MapFileOptions = Omit<MapOptions, 'va'> & { readonly start?: Scalar };

interface CopyOptions {
  readonly src: Scalar;
  readonly dst: Scalar;
  readonly from: Scalar;
  readonly length?: Scalar;
  /** Fixed; without it the kernel chooses. */
  readonly iova?: Scalar;
  readonly access?: 'rw' | 'r' | 'w' | 'none';
  readonly args?: Readonly<Record<string, Operand>>;
}

const ACCESS_FLAGS = {
  rw: IOAS_MAP_FLAGS.READABLE | IOAS_MAP_FLAGS.WRITEABLE,
  r: IOAS_MAP_FLAGS.READABLE,
  w: IOAS_MAP_FLAGS.WRITEABLE,
  none: 0,
} as const;

/** The file that each scenario has open from the start. */
const MAIN_FILE = 'f';

/** Ids that no scenario's file ever reaches. */
export const NO_SUCH_ID = 0x7000;

/** Driver data is written in words of 32 bits. */
const WORD_BYTES = 4;

/** Driver data of the mock for HWPT_ALLOC: the value of the IOTLB, and the format of the page table. */
export function hwptData(
  words: readonly number[],
  bytes = WORD_BYTES * words.length,
): Record<string, Operand> {
  return { data_type: HWPT_DATA_TYPES.SELFTEST, data_len: bytes, data_uptr: { words } };
}

/** Writes a program step by step, in the words of the uAPI. */
export class ScenarioBuilder {
  readonly #steps: Step[] = [];
  /** Where steps are written: the program, or the lane at hand. */
  #target: Step[] = this.#steps;
  readonly #choices: Choice[] = [];
  readonly #expected: (ExpectedStep | undefined)[] = [];
  #labels = 0;
  /** The process whose steps are written. */
  #performer: string | undefined;
  /** The allocation that fails in the steps that are written. */
  #failNth: number | undefined;
  /** Attachments of PASIDs that the scenario has not undone itself. */
  readonly #pasids = new Map<string, { readonly step: ExpectedStep; readonly detach: () => void }>();

  constructor() {
    this.open(MAIN_FILE);
  }

  get program(): Program {
    return { schema: PROGRAM_SCHEMA, steps: this.#steps };
  }

  get expectations(): readonly Expectation[] {
    return this.#expected.map((step) => step?.expectation ?? { errno: 'OK', outputs: {} });
  }

  /** Sets of steps with several ways to answer. */
  get choices(): readonly Choice[] {
    return this.#choices;
  }

  /** Steps that go on at the same time: each function writes a lane. */
  lanes(...writers: readonly (() => unknown)[]): void {
    this.#expected.push(undefined);
    const lanes = writers.map((write) => {
      this.#target = [];
      write();
      return this.#target;
    });
    this.#target = this.#steps;
    this.#put({ do: 'lanes', lanes });
  }

  /**
   * What may have happened, as the order that lanes came in, or what was made to fail: each says what steps answer then.
   */
  either(cases: Readonly<Record<string, () => unknown>>): void {
    this.#choices.push(choiceOf(this.#expected, cases));
  }

  open(label: string, access?: 'ro'): string {
    this.#add({ do: 'open', label, ...(access === undefined ? {} : { access }) });
    return label;
  }

  /** Opens a node of VFIO's sample device. */
  openVfio(label: string, node: VfioNode): ExpectedStep {
    return this.step({ do: 'open', label, node });
  }

  close(file = MAIN_FILE): ExpectedStep {
    return this.step({ do: 'close', file });
  }

  /** Makes a process. */
  fork(label: string): void {
    this.#add({ do: 'fork', label });
  }

  /** Lets a process carry out the steps that are written here. */
  by<T>(process: string, write: () => T): T {
    const before = this.#performer;
    this.#performer = process;
    try {
      return write();
    } finally {
      this.#performer = before;
    }
  }

  /** Makes the n-th allocation fail in the ioctl, read or write that is written here. */
  failing(nth: number, write: () => ExpectedStep): ExpectedStep {
    this.#failNth = nth;
    try {
      return write().mayRunOut();
    } finally {
      this.#failNth = undefined;
    }
  }

  /** Lets a process start a program. */
  exec(process: string): void {
    this.by(process, () => {
      this.#add({ do: 'exec' });
    });
  }

  /** Says whether a descriptor closes on exec(). */
  cloexec(file: string, isSet = true): ExpectedStep {
    return this.step({ do: 'cloexec', file, isSet });
  }

  /** Sends a descriptor to another process; without one, to the first. */
  pass(file: string, label: string, to?: string): ExpectedStep {
    return this.step({ do: 'pass', file, label, ...(to === undefined ? {} : { to }) });
  }

  /** Ends a process. */
  exit(process: string): void {
    this.by(process, () => {
      this.#add({ do: 'exit' });
    });
  }

  /** Another descriptor of a file; returns its label. */
  dup(label: string, file = MAIN_FILE): string {
    this.#add({ do: 'dup', file, label });
    return label;
  }

  /** A file of memory; returns its label. */
  memfd(label: string, pages: bigint, options: Partial<Pick<MemfdStep, 'fallocated'>> = {}): string {
    this.#add({ do: 'memfd', label, bytes: pages * PAGE_SIZE, ...options });
    return label;
  }

  /** Any step that is no ioctl. */
  step(step: Exclude<Step, IoctlStep>): ExpectedStep {
    const expected = new ExpectedStep(step.do);
    this.#put(step);
    this.#expected.push(expected);
    return expected;
  }

  read(file: string, bytes: number, options: Partial<ReadStep> = {}): ExpectedStep {
    return this.step({ do: 'read', file, bytes, ...options });
  }

  /** Writes words of 32 bits. */
  write(file: string, words: readonly number[], options: Partial<WriteStep> = {}): ExpectedStep {
    return this.step({ do: 'write', file, words, ...options });
  }

  poll(file: string): ExpectedStep {
    return this.step({ do: 'poll', file });
  }

  /** Maps a file in the scratch region. */
  mmapFile(
    file: string,
    offset: bigint,
    pages: bigint,
    options: Partial<Pick<MmapStep, 'start' | 'access' | 'isPrivate'>> = {},
  ): ExpectedStep {
    const place = { start: SCRATCH.start, access: 'rw', ...options } as const;
    return this.step({ do: 'mmap', bytes: pages * PAGE_SIZE, file, offset, ...place });
  }

  /** Maps a file with a length that need not be of whole pages. */
  mmapBytes(file: string, offset: bigint, bytes: bigint): ExpectedStep {
    return this.step({ do: 'mmap', start: SCRATCH.start, bytes, access: 'rw', file, offset });
  }

  mmap(start: bigint, pages: bigint, access: 'rw' | 'ro' | 'none'): void {
    this.#add({ do: 'mmap', start, bytes: pages * PAGE_SIZE, access });
  }

  /** Moves pages, and leaves some of them behind if there are fewer than before. */
  mremap(start: bigint, pages: bigint, newPages: bigint, to?: bigint): ExpectedStep {
    const size = { bytes: pages * PAGE_SIZE, newBytes: newPages * PAGE_SIZE };
    return this.step({ do: 'mremap', start, ...size, ...(to === undefined ? {} : { to }) });
  }

  mprotect(start: bigint, pages: bigint, access: MmapAccess): ExpectedStep {
    return this.step({ do: 'mprotect', start, bytes: pages * PAGE_SIZE, access });
  }

  munmap(start: bigint, pages: bigint): void {
    this.#add({ do: 'munmap', start, bytes: pages * PAGE_SIZE });
  }

  process(change: Omit<ProcessStep, 'do'>): void {
    this.#add({ do: 'process', ...change });
  }

  /** VmPin and VmLck must be so many pages. */
  counters(pinned: number, locked = 0): void {
    const step = new CountersExpectation({ pinned, locked });
    this.#put({ do: 'counters' });
    this.#expected.push(step);
  }

  /** Any call of the registry. */
  ioctl(
    call: string,
    args: Readonly<Record<string, Operand>>,
    options: Partial<IoctlOptions> = {},
  ): ExpectedStep {
    const label = `s${String(++this.#labels)}`;
    const step = new ExpectedStep(label);
    this.#put({ do: 'ioctl', file: MAIN_FILE, call, label, args, ...options });
    this.#expected.push(step);
    return step;
  }

  /** A new IOAS; returns its id. */
  ioas(file = MAIN_FILE): Reference {
    return this.ioctl('IOMMU_IOAS_ALLOC', {}, { file }).out('out_ioas_id');
  }

  destroy(id: Scalar, file = MAIN_FILE): ExpectedStep {
    return this.ioctl('IOMMU_DESTROY', { id }, { file });
  }

  /** Reads the usable ranges into an array with room for so many. */
  ranges(ioas: Scalar, room: number, place?: ArrayPlace): ExpectedStep {
    const array = place === undefined ? { room } : { room, in: place };
    return this.ioctl('IOMMU_IOAS_IOVA_RANGES', { ioas_id: ioas, num_iovas: room, allowed_iovas: array });
  }

  allow(ioas: Scalar, ranges: readonly (readonly [Scalar, Scalar])[], place?: ArrayPlace): ExpectedStep {
    const array = place === undefined ? { ranges } : { ranges, in: place };
    return this.ioctl('IOMMU_IOAS_ALLOW_IOVAS', {
      ioas_id: ioas,
      num_iovas: ranges.length,
      allowed_iovas: array,
    });
  }

  map(ioas: Scalar, options: MapOptions = {}): ExpectedStep {
    const { va = BUFFER.start, length = PAGE_SIZE, iova, access = 'rw', args } = options;
    const fixed = iova === undefined ? 0 : IOAS_MAP_FLAGS.FIXED_IOVA;
    return this.ioctl('IOMMU_IOAS_MAP', {
      flags: ACCESS_FLAGS[access] | fixed,
      ioas_id: ioas,
      user_va: va,
      length,
      ...(iova === undefined ? {} : { iova }),
      ...args,
    });
  }

  /** Maps a file, named by its label. */
  mapFile(ioas: Scalar, file: string, options: MapFileOptions = {}): ExpectedStep {
    const { start = 0n, length = PAGE_SIZE, iova, access = 'rw', args } = options;
    const fixed = iova === undefined ? 0 : IOAS_MAP_FLAGS.FIXED_IOVA;
    return this.ioctl('IOMMU_IOAS_MAP_FILE', {
      flags: ACCESS_FLAGS[access] | fixed,
      ioas_id: ioas,
      fd: { fd: file },
      start,
      length,
      ...(iova === undefined ? {} : { iova }),
      ...args,
    });
  }

  copy({ src, dst, from, length = PAGE_SIZE, iova, access = 'rw', args }: CopyOptions): ExpectedStep {
    const fixed = iova === undefined ? 0 : IOAS_MAP_FLAGS.FIXED_IOVA;
    return this.ioctl('IOMMU_IOAS_COPY', {
      flags: ACCESS_FLAGS[access] | fixed,
      dst_ioas_id: dst,
      src_ioas_id: src,
      length,
      src_iova: from,
      ...(iova === undefined ? {} : { dst_iova: iova }),
      ...args,
    });
  }

  unmap(ioas: Scalar, iova: Scalar, length: Scalar): ExpectedStep {
    return this.ioctl('IOMMU_IOAS_UNMAP', { ioas_id: ioas, iova, length });
  }

  getOption(name: keyof typeof OPTIONS, object: Scalar = 0): ExpectedStep {
    return this.ioctl('IOMMU_OPTION', { option_id: OPTIONS[name], op: OPTION_OPS.GET, object_id: object });
  }

  setOption(name: keyof typeof OPTIONS, value: bigint, object: Scalar = 0): ExpectedStep {
    const args = { option_id: OPTIONS[name], op: OPTION_OPS.SET, object_id: object, val64: value };
    return this.ioctl('IOMMU_OPTION', args);
  }

  /** A mock device on an IOAS or a page table. */
  mockDomain(target: Scalar): ExpectedStep {
    return this.ioctl('IOMMU_TEST_OP_MOCK_DOMAIN', { id: target });
  }

  /** A mock device with abilities of choice: 1 is NO_DIRTY, 4 PASID. */
  mockDevice(target: Scalar, flags: number): ExpectedStep {
    return this.ioctl('IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', { id: target, dev_flags: flags });
  }

  /** A page table: a paging one over an IOAS, a nested one over a paging one. */
  hwptAlloc(
    device: Scalar,
    target: Scalar,
    args: Readonly<Record<string, Operand>> = {},
    options: Partial<IoctlOptions> = {},
  ): ExpectedStep {
    return this.ioctl('IOMMU_HWPT_ALLOC', { dev_id: device, pt_id: target, ...args }, options);
  }

  /** A nested page table of the mock whose IOTLB is full of a value. */
  nestedHwpt(device: Scalar, parent: Scalar, iotlb: number): ExpectedStep {
    return this.hwptAlloc(device, parent, hwptData([iotlb]));
  }

  /** Requests of the mock: pairs of flags and entry. */
  invalidate(
    hwpt: Scalar,
    requests: readonly number[],
    args: Readonly<Record<string, Operand>> = {},
    options: Partial<IoctlOptions> = {},
  ): ExpectedStep {
    const requestBytes = HWPT_INVALIDATE_SELFTEST.bytes;
    return this.ioctl(
      'IOMMU_HWPT_INVALIDATE',
      {
        hwpt_id: hwpt,
        data_uptr: { words: requests },
        data_type: 0xdead_beef,
        entry_len: requestBytes,
        entry_num: (WORD_BYTES * requests.length) / requestBytes,
        ...args,
      },
      options,
    );
  }

  /** A vIOMMU of the mock on a page table. */
  viommu(
    device: Scalar,
    parent: Scalar,
    args: Readonly<Record<string, Operand>> = {},
    options: Partial<IoctlOptions> = {},
  ): ExpectedStep {
    return this.ioctl(
      'IOMMU_VIOMMU_ALLOC',
      { type: 0xdead_beef, dev_id: device, hwpt_id: parent, ...args },
      options,
    );
  }

  vdevice(viommu: Scalar, device: Scalar, virtId: bigint, options: Partial<IoctlOptions> = {}): ExpectedStep {
    return this.ioctl('IOMMU_VDEVICE_ALLOC', { viommu_id: viommu, dev_id: device, virt_id: virtId }, options);
  }

  checkCache(device: Scalar, entry: number, value: number): ExpectedStep {
    return this.ioctl('IOMMU_TEST_OP_DEV_CHECK_CACHE', { id: device, cache_id: entry, cache: value });
  }

  checkIotlb(hwpt: Scalar, entry: number, value: number): ExpectedStep {
    return this.ioctl('IOMMU_TEST_OP_MD_CHECK_IOTLB', { id: hwpt, iotlb_id: entry, iotlb: value });
  }

  /** Moves a mock device, named by its handle. */
  replace(handle: Scalar, target: Scalar, options: Partial<IoctlOptions> = {}): ExpectedStep {
    return this.ioctl('IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE', { id: handle, pt_id: target }, options);
  }

  /** Attaches a PASID of a mock device, named by its handle. */
  pasidAttach(
    handle: Scalar,
    pasid: number,
    target: Scalar,
    options: Partial<IoctlOptions> = {},
  ): ExpectedStep {
    const step = this.ioctl('IOMMU_TEST_OP_PASID_ATTACH', { id: handle, pasid, pt_id: target }, options);
    const key = pasidKey(handle, pasid);
    if (pasid !== 0 && !this.#pasids.has(key)) {
      this.#pasids.set(key, { step, detach: () => this.pasidDetach(handle, pasid) });
    }
    return step;
  }

  pasidReplace(
    handle: Scalar,
    pasid: number,
    target: Scalar,
    options: Partial<IoctlOptions> = {},
  ): ExpectedStep {
    return this.ioctl('IOMMU_TEST_OP_PASID_REPLACE', { id: handle, pasid, pt_id: target }, options);
  }

  pasidDetach(handle: Scalar, pasid: number): ExpectedStep {
    this.#pasids.delete(pasidKey(handle, pasid));
    return this.ioctl('IOMMU_TEST_OP_PASID_DETACH', { id: handle, pasid });
  }

  /** The PASID must be attached to the page table, or to nothing if it is 0. */
  pasidCheck(handle: Scalar, pasid: number, hwpt: Scalar): ExpectedStep {
    return this.ioctl('IOMMU_TEST_OP_PASID_CHECK_HWPT', { id: handle, pasid, hwpt_id: hwpt });
  }

  /** Detaches PASIDs that are attached still: a kernel whose device goes with them is not to be trusted any more. */
  finish(): void {
    for (const { step, detach } of [...this.#pasids.values()]) if (step.expectation.errno === 'OK') detach();
  }

  reserve(ioas: Scalar, start: bigint, length: bigint): ExpectedStep {
    return this.ioctl('IOMMU_TEST_OP_ADD_RESERVED', { id: ioas, start, length });
  }

  checkMap(hwpt: Scalar, iova: Scalar, va: bigint, length = PAGE_SIZE): ExpectedStep {
    return this.ioctl('IOMMU_TEST_OP_MD_CHECK_MAP', { id: hwpt, iova, length, uptr: va });
  }

  checkRefs(va: bigint, refs: number, length = PAGE_SIZE): ExpectedStep {
    return this.ioctl('IOMMU_TEST_OP_MD_CHECK_REFS', { length, uptr: va, refs });
  }

  #put(step: Step): void {
    this.#target.push({
      ...step,
      ...(this.#performer === undefined ? {} : { by: this.#performer }),
      ...(this.#failNth === undefined ? {} : { failNth: this.#failNth }),
    });
  }

  #add(step: Step): void {
    this.#put(step);
    this.#expected.push(undefined);
  }
}

function pasidKey(handle: Scalar, pasid: number): string {
  const name = typeof handle === 'object' ? handle.ref : String(handle);
  return `${name}/${String(pasid)}`;
}
