import { PAGE_SIZE } from '../../models/base/u64.js';
import { HWPT_DATA_TYPES } from '../../models/ioctls/driver_data.js';
import { HWPT_INVALIDATE_SELFTEST } from '../../models/layout/driver_data.js';
import { IOAS_MAP_FLAGS } from '../../models/ioctls/shared_rules.js';
import { OPTIONS, OPTION_OPS } from '../../models/ioctls/native/option.js';
import { BUFFER } from '../../models/program/arena.js';
import type { ArrayPlace, Operand, Reference, Scalar } from '../../models/program/program.js';
import type { ExpectedStep } from './expected_step.js';
import { type IoctlOptions, MAIN_FILE, StepWriter } from './step_writer.js';

export interface MapOptions {
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
export class ScenarioBuilder extends StepWriter {
  /** Attachments of PASIDs that the scenario has not undone itself. */
  readonly #pasids = new Map<string, { readonly step: ExpectedStep; readonly detach: () => void }>();

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
}

function pasidKey(handle: Scalar, pasid: number): string {
  const name = typeof handle === 'object' ? handle.ref : String(handle);
  return `${name}/${String(pasid)}`;
}
