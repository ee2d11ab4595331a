import { choice, flags, handle, u32, u64 } from '../framework/argument.js';
import { isAligned, PAGE_SIZE, U64_MAX } from '../../base/u64.js';
import { take } from '../framework/call.js';
import { DEVICE_IS_CLOSED, onMachine } from './device_calls.js';
import { MEMORY_LOCK, invalidate } from './revoke.js';
import {
  BAR0,
  FIRST_BUFFER,
  type Machine,
  type PhysicalRange,
  isDecoding,
  openBuffer,
  putBuffer,
} from './state.js';

const FEATURE = 'vfio/pci/vfio_pci_dmabuf.c:vfio_pci_core_feature_dma_buf';

/** A buffer by its descriptor. */
export const BUFFER = handle('a dma-buf', ['buffer'], { usual: FIRST_BUFFER, values: [6, 99] });

/** The range that follows the first one where two are asked for. */
const SECOND: PhysicalRange = { start: 0x3000n, length: 0x1000n };

interface ExportArguments {
  readonly nr_ranges: number;
  readonly offset: bigint;
  readonly length: bigint;
}

export const exportBuffer = onMachine({
  name: 'VFIO_DEVICE_FEATURE_DMA_BUF',
  doc: 'Exports ranges of a BAR. The first is as the arguments say, a second is the last page of the BAR.',
  source: FEATURE,
  makes: [{ kind: 'buffer' }],
  args: {
    region_index: u32('the region', {
      usual: 0,
      values: [1, 6, 7],
      names: { BAR0: 0, unclaimed_BAR: 1, ROM: 6, config: 7 },
      isUnknown: (region) => region > 5,
    }),
    nr_ranges: choice('how many ranges', { one: 1, two: 2, none: 0 }, 'one'),
    flags: flags('must be 0', {}),
    offset: u64('where the range begins in the BAR', {
      usual: 0n,
      values: [0x1000n, 0x200n, 0x4000n, U64_MAX - PAGE_SIZE + 1n],
    }),
    length: u64('bytes of the range', {
      usual: 0x2000n,
      values: [0x1000n, 0n, 0x200n, 0x5000n, U64_MAX - PAGE_SIZE + 1n],
    }),
    place: choice('where the struct lies', { fine: 0, unreadable: 1 }, 'fine'),
  },
  rules: [
    { id: 'EBADF.device', cite: 'ioctl(2)', ...DEVICE_IS_CLOSED },
    {
      id: 'EFAULT.struct',
      says: 'the struct cannot be read',
      cite: FEATURE,
      when: ({ args }) => args.place === 1,
    },
    {
      id: 'EINVAL.header',
      says: 'there are no ranges, or flags are set',
      cite: FEATURE,
      when: ({ args }) => args.nr_ranges === 0 || args.flags !== 0,
    },
    {
      id: 'ENODEV.region',
      says: 'the region is no BAR, or one that cannot be mapped',
      cite: FEATURE,
      when: ({ args }) => args.region_index !== 0,
    },
    {
      id: 'EINVAL.range',
      says: 'a range is empty or not of whole pages, or their sum is beyond 2^63',
      cite: 'vfio_pci_dmabuf.c:validate_dmabuf_input',
      when: ({ args }) => rangesOf(args).some(isMalformed) || sumOf(args) >= 1n << 63n,
    },
    {
      id: 'EOVERFLOW.address',
      says: 'the address of a range is beyond 2^64',
      cite: 'vfio_pci_dmabuf.c:vfio_pci_core_fill_phys_vec',
      when: ({ args }) => rangesOf(args).some(({ start, length }) => BAR0.start + start + length > U64_MAX),
    },
    {
      id: 'EINVAL.bar',
      says: 'a range goes beyond the BAR',
      cite: 'vfio_pci_dmabuf.c:vfio_pci_core_fill_phys_vec',
      when: ({ args }) => rangesOf(args).some(({ start, length }) => start + length > BAR0.length),
    },
    take(MEMORY_LOCK),
  ],
  effect: ({ state, args }) => {
    state.device.registrations += 1;
    return openBuffer(state, {
      exporter: 'vfio',
      ranges: rangesOf(args),
      isRevoked: !isDecoding(state.device),
    });
  },
});

function rangesOf({ nr_ranges: count, offset, length }: ExportArguments): PhysicalRange[] {
  const first: PhysicalRange = { start: offset, length };
  return count === 1 ? [first] : [first, SECOND];
}

function sumOf(args: ExportArguments): bigint {
  return rangesOf(args).reduce((sum, { length }) => sum + length, 0n);
}

function isMalformed({ start, length }: PhysicalRange): boolean {
  return length === 0n || !isAligned(start, PAGE_SIZE) || !isAligned(length, PAGE_SIZE);
}

export const exportForeign = onMachine({
  name: 'export_foreign',
  doc: 'Another driver exports a page.',
  source: 'drivers/dma-buf/dma-buf.c:dma_buf_export',
  makes: [{ kind: 'buffer' }],
  args: {},
  rules: [],
  effect: ({ state }) =>
    openBuffer(state, {
      exporter: 'foreign',
      ranges: [{ start: 0n, length: PAGE_SIZE }],
      isRevoked: false,
    }),
});

export const closeBuffer = onMachine({
  name: 'close',
  doc: 'Closes the descriptor of a buffer.',
  source: 'close(2)',
  args: { fd: BUFFER },
  rules: [
    {
      id: 'EBADF.fd',
      says: 'the descriptor is not open',
      cite: 'close(2)',
      when: ({ state, args }) => !state.descriptors.has(args.fd),
    },
  ],
  effect: ({ state, args }) => {
    const buffer = state.descriptors.get(args.fd);
    state.descriptors.delete(args.fd);
    if (buffer !== undefined) putBuffer(state, buffer);
  },
});

/** The number of pages that the test exporter makes at most. */
const TEST_PAGES_MAX = 512n;

const TEST_GET = 'iommufd/selftest.c:iommufd_test_dmabuf_get';

/**
 * The exporter for tests.
 * @param tells whether the call returns the descriptor that it has made
 */
export function testGetCall(tells: boolean): ReturnType<typeof onMachine> {
  return onMachine({
    name: 'IOMMU_TEST_OP_DMABUF_GET',
    doc: 'Exports memory of the test as if it were MMIO.',
    source: TEST_GET,
    makes: tells ? [{ kind: 'buffer' }] : [],
    args: {
      length: u32('bytes', { usual: 0x2000, values: [0, 1, 0x20_0000, 0x20_1000] }),
      fail: choice('whether the allocation of the file fails', { none: 0, file: 1 }, 'none'),
    },
    rules: [
      {
        id: 'EINVAL.length',
        says: 'the length is 0, or more than 512 pages',
        cite: TEST_GET,
        when: ({ args }) => args.length === 0 || BigInt(args.length) > TEST_PAGES_MAX * PAGE_SIZE,
      },
      {
        id: 'ENOMEM.file',
        says: 'there is no memory for the file',
        cite: TEST_GET,
        when: (c) => {
          if (c.args.fail === 0) return false;
          if (c.has('D4.9')) leakOne(c.state);
          return true;
        },
      },
    ],
    effect: ({ state, args }) => {
      state.testAllocations += 1;
      const bytes = (BigInt(args.length) + PAGE_SIZE - 1n) & -PAGE_SIZE;
      const ranges = [{ start: 0n, length: bytes }];
      const fd = openBuffer(state, { exporter: 'test', ranges, isRevoked: false });
      return tells ? fd : 0;
    },
  });
}

function leakOne(machine: Machine): void {
  machine.testAllocations += 1;
}

export const testRevoke = onMachine({
  name: 'IOMMU_TEST_OP_DMABUF_REVOKE',
  doc: 'Revokes a buffer of the test, or offers it again; both invalidate what is mapped.',
  source: 'iommufd/selftest.c:iommufd_test_dmabuf_revoke',
  args: { fd: BUFFER, revoked: choice('which', { offered: 0, revoked: 1 }, 'revoked') },
  rules: [
    {
      id: 'EBADF.fd',
      says: 'the descriptor is not open',
      cite: 'iommufd/selftest.c:iommufd_test_dmabuf_revoke',
      when: ({ state, args }) => !state.descriptors.has(args.fd),
    },
    {
      id: 'EINVAL.exporter',
      says: 'the buffer is not of the test',
      cite: 'iommufd/selftest.c:iommufd_test_dmabuf_revoke',
      when: ({ state, args }) => state.descriptors.get(args.fd)?.exporter !== 'test',
    },
  ],
  effect: (c) => {
    const buffer = c.state.descriptors.get(c.args.fd);
    if (buffer === undefined) return;
    buffer.isRevoked = c.args.revoked === 1;
    invalidate(c, buffer);
  },
});
