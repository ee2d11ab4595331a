import { dmabuf, revoke } from '../dmabuf/set_up.js';
import { P } from '../harness/constants.js';
import { suite } from '../harness/scenario.js';
import { inEachSetUp } from './set_ups.js';

const BYTES = 4n * P;

export const ioasUsedBuffers = suite(
  'ioas/used_buffers',
  'dma-bufs in an IOAS with no, one and two devices, and with little temporary memory.',
  [
    ...inEachSetUp('buffer', {
      doc: 'A buffer is mapped as far as it goes; while it is revoked nothing more is mapped of it, and page tables may be made.',
      covers: [
        'IOMMU_IOAS_MAP_FILE/OK',
        'IOMMU_IOAS_MAP_FILE/EINVAL.dmabuf_end',
        'IOMMU_IOAS_MAP_FILE/ENODEV.dmabuf_revoked',
      ],
      source: 'core.md 3.5.1, kselftest.md 3',
      kselftest: ['dmabuf_simple', 'dmabuf_revoke'],
      needs: ['dmabuf'],
      cases: {
        ranges: (t, { ioas }) => {
          dmabuf(t, 'd', Number(BYTES));
          t.mapFile(ioas, 'd', { length: 0n }).fails('EINVAL');
          t.mapFile(ioas, 'd', { start: BYTES, length: BYTES }).fails('EINVAL');
          t.mapFile(ioas, 'd', { length: BYTES + 1n }).fails('EINVAL');
          const iova = t.mapFile(ioas, 'd', { length: BYTES }).out('iova');
          t.close('d');
          t.unmap(ioas, iova, BYTES).ok({ length: BYTES });
        },
        revoked: (t, { ioas, base, devices }) => {
          dmabuf(t, 'd', Number(BYTES));
          t.mapFile(ioas, 'd', { iova: base + 16n * P, length: BYTES });
          revoke(t, 'd', 1);
          for (const device of devices) t.hwptAlloc(device.out('out_idev_id'), ioas);
          t.mapFile(ioas, 'd', { length: BYTES }).fails('ENODEV');
          revoke(t, 'd', 0);
          const second = t.mapFile(ioas, 'd', { length: BYTES }).out('iova');
          t.unmap(ioas, base + 16n * P, BYTES).ok({ length: BYTES });
          t.mapFile(ioas, 'd', { iova: base + 16n * P, length: BYTES });
          t.close('d');
          t.unmap(ioas, second, BYTES).ok({ length: BYTES });
        },
      },
      control: (t, { ioas }) => {
        dmabuf(t, 'd', Number(BYTES));
        t.mapFile(ioas, 'd', { length: BYTES });
      },
    }),
  ],
);
