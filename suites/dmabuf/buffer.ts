import type { ScenarioBuilder } from '../harness/builder.js';
import { scenario, suite } from '../harness/scenario.js';
import { dmabuf, revoke } from './set_up.js';

const O_WRONLY = 1;
const NOT_OPENED = 3;

function opened(t: ScenarioBuilder, flags: number): void {
  dmabuf(t, 'd', 0x1000, { open_flags: flags });
}

export const dmabufBuffer = suite(
  'dmabuf/buffer',
  'Dma-bufs of the mock themselves: DMABUF_GET, arguments of DMABUF_REVOKE, and what their descriptors can do. Dma-bufs of other exporters are left out.',
  [
    scenario('get,sizes', {
      doc: 'The length is rounded up to pages; nothing, and more than 512 pages, is EINVAL.',
      covers: [
        'IOMMU_TEST_OP_DMABUF_GET/OK',
        'IOMMU_TEST_OP_DMABUF_GET/EINVAL.length_zero',
        'IOMMU_TEST_OP_DMABUF_GET/EINVAL.length_limit',
      ],
      source: 'mock.md 3, op 22',
      gaps: [55],
      seeds: ['S4-21'],
      needs: ['dmabuf'],
      setup: (t) => t.ioas(),
      cases: {
        nothing: (t) => dmabuf(t, 'd', 0).fails('EINVAL'),
        too_much: (t) => dmabuf(t, 'd', 0x20_0001).fails('EINVAL'),
        all_bits: (t) => dmabuf(t, 'd', 0xffff_ffff).fails('EINVAL'),
        one_byte: (t, ioas) => {
          dmabuf(t, 'd', 1);
          t.mapFile(ioas, 'd', { length: 0x1000n });
          t.mapFile(ioas, 'd', { length: 0x1001n }).fails('EINVAL');
        },
        largest: (t, ioas) => {
          dmabuf(t, 'd', 0x1f_f001);
          t.mapFile(ioas, 'd', { length: 0x20_0000n });
          t.mapFile(ioas, 'd', { start: 0x20_0000n, length: 1n }).fails('EINVAL');
        },
        id_is_ignored: (t) => dmabuf(t, 'd', 0x1000, { id: 0x7000 }),
      },
      control: (t) => dmabuf(t, 'd', 0x1000),
    }),
    scenario('revoke,refused', {
      doc: 'Only dma-bufs can be revoked.',
      covers: ['IOMMU_TEST_OP_DMABUF_REVOKE/EBADF.fd', 'IOMMU_TEST_OP_DMABUF_REVOKE/EINVAL.kind'],
      source: 'mock.md 3, op 23',
      gaps: [55],
      seeds: ['S4-21'],
      needs: ['dmabuf'],
      setup: (t) => {
        dmabuf(t, 'd', 0x1000);
      },
      cases: {
        closed: (t) => {
          t.close('d');
          revoke(t, 'd', 1).fails('EBADF');
        },
        no_descriptor: (t) =>
          t.ioctl('IOMMU_TEST_OP_DMABUF_REVOKE', { dmabuf_fd: -1, revoked: 1 }).fails('EBADF'),
        iommufd: (t) => revoke(t, 'f', 1).fails('EINVAL'),
        file_of_memory: (t) => revoke(t, t.memfd('m', 1n), 0).fails('EINVAL'),
      },
      control: (t) => revoke(t, 'd', 1),
    }),
    scenario('descriptor,operations', {
      doc: 'The mock’s dma-bufs can be polled, and neither be read, written nor mapped; the mode that was asked for is kept.',
      covers: [
        'dmabuf_poll/OK',
        'read/ESPIPE.offset',
        'write/ESPIPE.offset',
        'read/EBADF.access',
        'write/EBADF.access',
        'read/EINVAL.no_method',
        'write/EINVAL.no_method',
        'mmap/EACCES.dmabuf_access',
        'mmap/EPERM.dmabuf_exec',
        'mmap/EINVAL.dmabuf',
        'truncate/EINVAL.kind',
      ],
      source: 'drivers/dma-buf/dma-buf.c:dma_buf_fops',
      needs: ['dmabuf'],
      setup: () => undefined,
      cases: {
        read_and_write: (t) => {
          opened(t, 2);
          t.read('d', 8).fails('EINVAL');
          t.read('d', 8, { offset: 0n }).fails('ESPIPE');
          t.write('d', [1]).fails('EINVAL');
          t.write('d', [1], { offset: 8n }).fails('ESPIPE');
          t.mmapFile('d', 0n, 1n).fails('EINVAL');
          t.mmapFile('d', 0n, 1n, { isPrivate: true }).fails('EINVAL');
          t.mmapFile('d', 0n, 1n, { access: 'rwx' }).fails('EPERM');
          t.step({ do: 'truncate', file: 'd', bytes: 0n }).fails('EINVAL');
          t.poll('d').returns(5);
        },
        read_only: (t) => {
          opened(t, 0);
          t.read('d', 8).fails('EINVAL');
          t.write('d', [1]).fails('EBADF');
          t.mmapFile('d', 0n, 1n).fails('EACCES');
          t.mmapFile('d', 0n, 1n, { access: 'rwx' }).fails('EACCES');
          t.mmapFile('d', 0n, 1n, { access: 'ro' }).fails('EINVAL');
          t.mmapFile('d', 0n, 1n, { isPrivate: true }).fails('EINVAL');
        },
        write_only: (t) => {
          opened(t, O_WRONLY);
          t.read('d', 8).fails('EBADF');
          t.write('d', [1]).fails('EINVAL');
          t.mmapFile('d', 0n, 1n).fails('EACCES');
          t.mmapFile('d', 0n, 1n, { access: 'ro' }).fails('EACCES');
        },
        neither: (t) => {
          opened(t, NOT_OPENED);
          t.read('d', 8).fails('EBADF');
          t.read('d', 8, { offset: 0n }).fails('ESPIPE');
          t.write('d', [1]).fails('EBADF');
          t.write('d', [1], { offset: 0n }).fails('ESPIPE');
          t.mmapFile('d', 0n, 1n, { isPrivate: true }).fails('EACCES');
          t.poll('d').returns(5);
        },
        polled_again: (t) => {
          opened(t, 2);
          t.poll('d').returns(5);
          t.poll('d').returns(5);
        },
        mode_does_not_matter_to_maps: (t) => {
          opened(t, O_WRONLY);
          const ioas = t.ioas();
          t.mapFile(ioas, 'd');
          t.mapFile(ioas, 'd', { access: 'r' });
        },
        no_ioctls: (t) => {
          opened(t, 2);
          t.ioctl('IOMMU_IOAS_ALLOC', {}, { file: 'd' }).fails('ENOTTY');
        },
      },
      control: (t) => {
        dmabuf(t, 'd', 0x1000);
        t.close('d');
      },
    }),
  ],
);
