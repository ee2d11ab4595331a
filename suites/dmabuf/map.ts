import { BUFFER } from '../../models/program/arena.js';
import { APERTURE_START as A, P, U64_MAX } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';
import { dmabuf } from './set_up.js';

const BYTES = 4n * P;

export const dmabufMap = suite(
  'dmabuf/map',
  'IOMMU_IOAS_MAP_FILE of dma-bufs of the mock: ranges, copies, charges, life. That a page table shows the right memory cannot be asked: no process sees it. Accesses are left out.',
  [
    scenario('range,within_the_buffer', {
      doc: 'The range must lie within the buffer, with or without a domain.',
      covers: ['IOMMU_IOAS_MAP_FILE/EINVAL.dmabuf_end', 'IOMMU_IOAS_MAP_FILE/EINVAL.length_zero'],
      source: 'core.md 3.5.1',
      gaps: [55],
      kselftest: ['iommufd_ioas.no_domain.dmabuf_simple'],
      seeds: ['S4-02', 'S4-03', 'S4-04'],
      needs: ['dmabuf'],
      setup: (t) => {
        dmabuf(t, 'd', Number(BYTES));
        return t.ioas();
      },
      cases: {
        empty: (t, ioas) => t.mapFile(ioas, 'd', { length: 0n }).fails('EINVAL'),
        from_the_end: (t, ioas) => t.mapFile(ioas, 'd', { start: BYTES, length: BYTES }).fails('EINVAL'),
        one_byte_more: (t, ioas) => t.mapFile(ioas, 'd', { length: BYTES + 1n }).fails('EINVAL'),
        beyond: (t, ioas) => t.mapFile(ioas, 'd', { start: 3n * P, length: P + 1n }).fails('EINVAL'),
        wraps: (t, ioas) => t.mapFile(ioas, 'd', { start: U64_MAX, length: 2n }).fails('EOVERFLOW'),
        up_to_the_last: (t, ioas) =>
          t.mapFile(ioas, 'd', { start: 1n, length: U64_MAX - 1n }).fails('EINVAL'),
        end_before_length: (t, ioas) => {
          t.mockDomain(ioas);
          t.mapFile(ioas, 'd', { length: BYTES + 1n }).fails('EINVAL');
          t.mapFile(ioas, 'd', { iova: 0n, start: BYTES, length: P }).fails('EINVAL');
        },
        slices_of_the_discussion: (t, ioas) => {
          t.mockDomain(ioas);
          t.mapFile(ioas, 'd', { iova: A, length: BYTES });
          t.mapFile(ioas, 'd', { iova: A + 8n * P, start: P, length: 2n * P });
          t.mapFile(ioas, 'd', { iova: A + 16n * P, start: 0x800n, length: 0x800n });
          t.mapFile(ioas, 'd', { iova: A + 32n * P, start: 0x200n, length: 0x200n }).fails('EINVAL');
        },
        access_and_descriptor: (t, ioas) => {
          t.mapFile(ioas, 'd', { access: 'none', length: 0n }).fails('EINVAL');
          t.close('d');
          t.mapFile(ioas, 'd', { start: BYTES }).fails('EBADF');
        },
        last_byte: (t, ioas) => t.mapFile(ioas, 'd', { start: BYTES - 1n, length: 1n }),
        half_pages: (t, ioas) => {
          t.mockDomain(ioas);
          t.mapFile(ioas, 'd', { iova: A, start: 0x800n, length: 3n * P });
          t.unmap(ioas, A, 3n * P).ok({ length: 3n * P });
          t.mapFile(ioas, 'd', { iova: A, start: 0x400n, length: P }).fails('EINVAL');
        },
        many_mappings: (t, ioas) => {
          t.mockDomain(ioas);
          for (let at = 0n; at < 4n; at++) t.mapFile(ioas, 'd', { iova: A + at * P, start: at * P });
          t.unmap(ioas, A, BYTES).ok({ length: BYTES });
        },
        with_domain: (t, ioas) => {
          const hwpt = t.mockDomain(ioas).out('out_hwpt_id');
          t.mapFile(ioas, 'd', { iova: A, length: BYTES });
          t.checkMap(hwpt, A, BUFFER.start).fails('EINVAL');
        },
        before_a_domain: (t, ioas) => {
          t.mapFile(ioas, 'd', { iova: A, length: BYTES });
          t.mockDomain(ioas);
          t.mockDomain(ioas);
          t.unmap(ioas, A, BYTES).ok({ length: BYTES });
        },
        outside_the_aperture: (t, ioas) => {
          t.mapFile(ioas, 'd', { iova: 0n });
          t.mockDomain(ioas).fails('EADDRINUSE');
        },
      },
      control: (t, ioas) => t.mapFile(ioas, 'd', { length: BYTES }),
    }),
    scenario('placement', {
      doc: 'Automatic IOVAs keep the alignment of the offset; a fixed one that is occupied is refused, and the import is undone.',
      covers: ['IOMMU_IOAS_MAP_FILE/OK', 'IOMMU_IOAS_MAP_FILE/EEXIST.area'],
      source: 'core.md 3.5.1 f',
      gaps: [55],
      seeds: ['S4-19'],
      needs: ['dmabuf', 'thp'],
      setup: (t) => {
        dmabuf(t, 'd', Number(BYTES));
        return t.ioas();
      },
      cases: {
        automatic: (t, ioas) => {
          t.mapFile(ioas, 'd', { length: BYTES }).ok({ iova: 0x4000n });
          t.mapFile(ioas, 'd', { start: P, length: 2n * P }).ok({ iova: 0x1000n });
          t.mapFile(ioas, 'd', { start: 2n * P, length: 2n * P }).ok({ iova: 0x8000n });
          t.mapFile(ioas, 'd', { start: 0x123n, length: 1n }).ok({ iova: 0x3123n });
        },
        occupied: (t, ioas) => {
          t.mapFile(ioas, 'd', { iova: 0n });
          t.mapFile(ioas, 'd', { iova: 0n }).fails('EEXIST');
          t.map(ioas, { iova: 0n }).fails('EEXIST');
        },
      },
      control: (t, ioas) => t.mapFile(ioas, 'd').ok({ iova: 0x1000n }),
    }),
    scenario('copies', {
      doc: 'Copies show the same import; they may write only if the mapping may.',
      covers: ['IOMMU_IOAS_COPY/OK', 'IOMMU_IOAS_COPY/EPERM.not_writeable'],
      source: 'mock.md 13',
      gaps: [12, 55],
      seeds: ['S4-16'],
      needs: ['dmabuf'],
      setup: (t) => {
        dmabuf(t, 'd', Number(BYTES));
        const src = t.ioas();
        const dst = t.ioas();
        t.mockDomain(dst);
        t.mapFile(src, 'd', { iova: 0n, length: BYTES });
        return { src, dst };
      },
      cases: {
        part: (t, { src, dst }) => {
          t.copy({ src, dst, from: P, length: 2n * P, iova: A });
          t.unmap(dst, A, 2n * P).ok({ length: 2n * P });
        },
        automatic: (t, { src }) => {
          const other = t.ioas();
          t.copy({ src, dst: other, from: 2n * P, length: P }).ok({ dst_iova: 0x1000n });
          t.copy({ src, dst: other, from: 2n * P, length: 2n * P }).ok({ dst_iova: 0x2000n });
        },
        source_is_gone: (t, { src, dst }) => {
          t.copy({ src, dst, from: 0n, length: BYTES, iova: A });
          t.destroy(src);
          t.close('d');
          t.mockDomain(dst);
          t.unmap(dst, A, BYTES).ok({ length: BYTES });
        },
        read_only: (t, { src, dst }) => {
          t.mapFile(src, 'd', { iova: 16n * P, access: 'r' });
          t.copy({ src, dst, from: 16n * P, iova: A }).fails('EPERM');
          t.copy({ src, dst, from: 16n * P, iova: A, access: 'r' });
        },
        several_kinds: (t, { src, dst }) => {
          t.map(src, { iova: BYTES });
          t.mapFile(src, t.memfd('m', 1n), { iova: BYTES + P });
          t.copy({ src, dst, from: 3n * P, length: 3n * P, iova: A });
          t.counters(2);
          t.unmap(dst, A, P).ok({ length: P });
          t.counters(2);
          t.unmap(dst, A + P, 2n * P);
          t.counters(0);
        },
      },
      control: (t, { src, dst }) => t.copy({ src, dst, from: 0n, length: BYTES, iova: A }),
    }),
    scenario('life', {
      doc: 'Nothing is charged or pinned, and the buffer lives as long as a mapping or a descriptor.',
      covers: ['IOMMU_IOAS_MAP_FILE/OK', 'close/OK'],
      source: 'device.md 5.1',
      gaps: [55],
      seeds: ['S4-17', 'S4-18', 'S4-20'],
      needs: ['dmabuf'],
      setup: (t) => {
        dmabuf(t, 'd', Number(BYTES));
        const ioas = t.ioas();
        t.mockDomain(ioas);
        return ioas;
      },
      cases: {
        no_charge: (t, ioas) => {
          t.process({ drop: ['CAP_IPC_LOCK'], memlock: 0n });
          t.mapFile(ioas, 'd', { iova: A, length: BYTES });
          t.counters(0);
          t.map(ioas).fails('ENOMEM');
        },
        closed_while_mapped: (t, ioas) => {
          t.mapFile(ioas, 'd', { iova: A, length: BYTES });
          t.close('d');
          t.mockDomain(ioas);
          t.unmap(ioas, A, BYTES).ok({ length: BYTES });
        },
        iommufd_is_closed: (t, ioas) => {
          t.mapFile(ioas, 'd', { iova: A, length: BYTES });
          t.close();
          t.open('g');
          const other = t.ioas('g');
          t.ioctl(
            'IOMMU_IOAS_MAP_FILE',
            { flags: 6, ioas_id: other, fd: { fd: 'd' }, length: BYTES },
            { file: 'g' },
          );
        },
        revoked_after_the_iommufd: (t, ioas) => {
          t.mapFile(ioas, 'd', { iova: A, length: BYTES });
          t.close();
          t.open('g');
          const args = { dmabuf_fd: { fd: 'd' }, revoked: 1 };
          t.ioctl('IOMMU_TEST_OP_DMABUF_REVOKE', args, { file: 'g' });
          t.ioctl('IOMMU_TEST_OP_DMABUF_REVOKE', { ...args, revoked: 0 }, { file: 'g' });
        },
        large_pages_off: (t) => {
          const other = t.ioas();
          t.setOption('HUGE_PAGES', 0n, other);
          t.mockDomain(other);
          t.mapFile(other, 'd', { iova: A, length: BYTES });
          t.mapFile(other, 'd', { iova: A + 8n * P, start: 0x800n, length: P }).fails('EINVAL');
          t.unmap(other, A, BYTES).ok({ length: BYTES });
        },
      },
      control: (t, ioas) => t.mapFile(ioas, 'd', { iova: A, length: BYTES }),
    }),
  ],
);
