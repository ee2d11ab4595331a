import { SCRATCH } from '../../models/program/arena.js';
import { APERTURE_START as A, P } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';
import { dmabuf, revoke } from '../dmabuf/set_up.js';
import { TYPE1, compatIoas, setIommu, unmapAllDma, unmapDma } from './set_up.js';

export const vfioFiles = suite(
  'vfio/files',
  'VFIO_IOMMU_UNMAP_DMA of areas that IOAS_MAP_FILE made in the compatible IOAS.',
  [
    scenario('file,cut', {
      doc: 'Without large pages an area of a file is cut like any; the pieces show and pin what they did.',
      covers: ['VFIO_IOMMU_UNMAP_DMA/OK'],
      source: 'core.md 4.9',
      gaps: [17, 57],
      needs: ['map_file'],
      setup: (t) => {
        const ioas = compatIoas(t);
        setIommu(t, TYPE1);
        const hwpt = t.mockDomain(ioas).out('out_hwpt_id');
        const file = t.memfd('m', 8n);
        t.mmapFile(file, 0n, 8n);
        t.mapFile(ioas, file, { iova: A, start: 2n * P, length: 6n * P });
        return { ioas, hwpt, file };
      },
      cases: {
        middle: (t, { hwpt }) => {
          unmapDma(t, A + P, 2n * P).ok({ size: 2n * P });
          t.counters(4);
          t.checkMap(hwpt, A, SCRATCH.start + 2n * P);
          t.checkMap(hwpt, A + P, SCRATCH.start + 3n * P).fails('EINVAL');
          t.checkMap(hwpt, A + 3n * P, SCRATCH.start + 5n * P, 3n * P);
          t.checkRefs(SCRATCH.start + 3n * P, 0, 2n * P);
        },
        closed_file: (t, { file }) => {
          t.close(file);
          unmapDma(t, A, P).ok({ size: P });
          unmapDma(t, A + P, 5n * P).ok({ size: 5n * P });
          t.counters(0);
        },
        process_changes: (t) => {
          unmapDma(t, A, P).ok({ size: P });
          t.ioctl('IOMMU_IOAS_CHANGE_PROCESS', {});
        },
      },
      control: (t) => {
        unmapAllDma(t).ok({ size: 6n * P });
        t.counters(0);
      },
    }),
    scenario('dma_buf,is_not_cut', {
      doc: 'An area of a dma-buf is never cut, revoked or not; whole ones go as usual.',
      covers: ['VFIO_IOMMU_UNMAP_DMA/EOPNOTSUPP.cut_dmabuf'],
      source: 'core.md 4.9, device.md 5.1',
      seeds: ['S4-14'],
      gaps: [55, 57],
      needs: ['dmabuf'],
      setup: (t) => {
        const ioas = compatIoas(t);
        setIommu(t, TYPE1);
        t.mockDomain(ioas);
        dmabuf(t, 'd', 0x4000);
        t.mapFile(ioas, 'd', { iova: A + P, length: 4n * P });
        t.map(ioas, { iova: A + 5n * P, length: 4n * P });
        return ioas;
      },
      cases: {
        last_page: (t) => {
          unmapDma(t, A + 4n * P, P).fails('EOPNOTSUPP');
          unmapDma(t, A + P, 4n * P).ok({ size: 4n * P });
        },
        first_two_pages: (t) => unmapDma(t, A + P, 2n * P).fails('EOPNOTSUPP'),
        inside_a_page: (t) => unmapDma(t, A + P, 0x400n).fails('EOPNOTSUPP'),
        revoked: (t) => {
          revoke(t, 'd', 1);
          unmapDma(t, A + P, 2n * P).fails('EOPNOTSUPP');
          unmapDma(t, A + P, 4n * P).ok({ size: 4n * P });
        },
        end_of_the_range_is_cut: (t, ioas) => {
          unmapDma(t, A + 2n * P, 4n * P).fails('EOPNOTSUPP');
          t.counters(4);
          t.unmap(ioas, A + 5n * P, P).ok({ length: P });
          t.unmap(ioas, A + 6n * P, 3n * P).ok({ length: 3n * P });
        },
        end_inside_a_page_decides: (t) => unmapDma(t, A + 2n * P, 3n * P + 0x400n).fails('EINVAL'),
        with_large_pages: (t, ioas) => {
          t.setOption('HUGE_PAGES', 1n, ioas);
          unmapDma(t, A + P, 2n * P).fails('ENOENT', { size: 0n });
        },
      },
      control: (t) => {
        unmapDma(t, A + P, 4n * P).ok({ size: 4n * P });
        unmapAllDma(t).ok({ size: 4n * P });
      },
    }),
  ],
);
