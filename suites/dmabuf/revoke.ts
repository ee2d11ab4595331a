import type { Reference } from '../../models/program/program.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import { APERTURE_START as A, P } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';
import { dmabuf, revoke } from './set_up.js';

const BYTES = 4n * P;

interface SetUp {
  readonly ioas: Reference;
  readonly device: Reference;
}

/** A buffer that a domain shows. */
function mapped(t: ScenarioBuilder): SetUp {
  dmabuf(t, 'd', Number(BYTES));
  const ioas = t.ioas();
  const device = t.mockDomain(ioas).out('out_idev_id');
  t.mapFile(ioas, 'd', { iova: A, length: BYTES });
  return { ioas, device };
}

export const dmabufRevoke = suite(
  'dmabuf/revoke',
  'DMABUF_REVOKE and what becomes of mappings. That a page table has lost them shows in what it does not refuse: kernels with checks would warn of a second unmap.',
  [
    scenario('mapping,is_dead', {
      doc: 'A revoked mapping is in no page table, old or new, and otherwise a mapping like any.',
      covers: ['IOMMU_TEST_OP_DMABUF_REVOKE/OK', 'IOMMU_IOAS_UNMAP/OK', 'IOMMU_IOAS_MAP_FILE/EEXIST.area'],
      source: 'device.md 5.3',
      gaps: [55],
      kselftest: ['iommufd_ioas.no_domain.dmabuf_revoke'],
      seeds: ['S4-06', 'S4-07', 'S4-08', 'S4-09', 'S4-11'],
      needs: ['dmabuf'],
      setup: (t) => {
        const all = mapped(t);
        revoke(t, 'd', 1);
        return all;
      },
      cases: {
        unmap: (t, { ioas }) => {
          t.unmap(ioas, A, BYTES).ok({ length: BYTES });
          t.unmap(ioas, A, BYTES).fails('ENOENT');
        },
        unmap_everything: (t, { ioas }) => t.unmap(ioas, 0n, 0xffff_ffff_ffff_ffffn).ok({ length: BYTES }),
        still_in_the_way: (t, { ioas }) => {
          t.map(ioas, { iova: A }).fails('EEXIST');
          t.mapFile(ioas, t.memfd('m', 1n), { iova: A + 3n * P }).fails('EEXIST');
        },
        new_table: (t, { ioas, device }) => {
          const hwpt = t.hwptAlloc(device, ioas).out('out_hwpt_id');
          t.unmap(ioas, A, BYTES).ok({ length: BYTES });
          t.destroy(hwpt);
        },
        new_table_goes: (t, { ioas, device }) => {
          t.destroy(t.hwptAlloc(device, ioas).out('out_hwpt_id'));
          t.unmap(ioas, A, BYTES).ok({ length: BYTES });
        },
        new_device: (t, { ioas }) => {
          t.mockDomain(ioas);
          t.mockDomain(ioas);
        },
        copy: (t, { ioas }) => {
          const other = t.ioas();
          t.mockDomain(other);
          t.copy({ src: ioas, dst: other, from: A, length: BYTES, iova: A });
          t.mockDomain(other);
          t.unmap(other, A, BYTES).ok({ length: BYTES });
        },
        revoked_twice: (t, { ioas }) => {
          revoke(t, 'd', 1);
          t.unmap(ioas, A, BYTES).ok({ length: BYTES });
        },
        offered_again: (t, { ioas }) => {
          revoke(t, 'd', 0);
          t.map(ioas, { iova: A }).fails('EEXIST');
          t.mapFile(ioas, 'd', { iova: A + 16n * P, length: BYTES });
          t.unmap(ioas, A, BYTES).ok({ length: BYTES });
          t.mapFile(ioas, 'd', { iova: A, length: BYTES });
        },
        closed: (t, { ioas }) => {
          t.close('d');
          t.mockDomain(ioas);
          t.unmap(ioas, A, BYTES).ok({ length: BYTES });
        },
        everything_is_closed: (t) => {
          t.close('d');
          t.close();
        },
        physical_address: {
          needs: ['noiommu'],
          body: (t, { ioas }) =>
            t.ioctl('IOMMU_IOAS_NOIOMMU_GET_PA', { ioas_id: ioas, iova: A, length: 1n }).fails('EINVAL'),
        },
      },
      control: (t, { ioas }) => t.unmap(ioas, A, BYTES).ok({ length: BYTES }),
    }),
    scenario('mapping,physical_address', {
      doc: 'The physical address of a revoked buffer is refused otherwise than that behind an IOMMU.',
      covers: ['IOMMU_IOAS_NOIOMMU_GET_PA/EINVAL.dmabuf_revoked'],
      source: 'core.md 5.6',
      gaps: [19, 55],
      needs: ['dmabuf', 'noiommu'],
      setup: mapped,
      cases: {
        live: (t, { ioas }) =>
          t.ioctl('IOMMU_IOAS_NOIOMMU_GET_PA', { ioas_id: ioas, iova: A, length: 1n }).fails('EOPNOTSUPP'),
        revoked: (t, { ioas }) => {
          revoke(t, 'd', 1);
          t.ioctl('IOMMU_IOAS_NOIOMMU_GET_PA', { ioas_id: ioas, iova: A, length: 1n }).fails('EINVAL');
        },
        offered_again: (t, { ioas }) => {
          revoke(t, 'd', 0);
          t.ioctl('IOMMU_IOAS_NOIOMMU_GET_PA', { ioas_id: ioas, iova: A, length: 1n }).fails('EINVAL');
        },
      },
      control: (t, { ioas }) => t.unmap(ioas, A, BYTES).ok({ length: BYTES }),
    }),
    scenario('import,refused', {
      doc: 'While a buffer is revoked it cannot be mapped; offered again, it can.',
      covers: ['IOMMU_IOAS_MAP_FILE/ENODEV.dmabuf_revoked'],
      source: 'core.md 3.5.1 e',
      gaps: [55],
      kselftest: ['iommufd_ioas.no_domain.dmabuf_revoke'],
      seeds: ['S4-05', 'S4-08'],
      needs: ['dmabuf'],
      setup: (t) => {
        dmabuf(t, 'd', Number(BYTES));
        const ioas = t.ioas();
        revoke(t, 'd', 2);
        return ioas;
      },
      cases: {
        without_domain: (t, ioas) => t.mapFile(ioas, 'd', { iova: A, length: BYTES }).fails('ENODEV'),
        with_domain: (t, ioas) => {
          t.mockDomain(ioas);
          t.mapFile(ioas, 'd', { iova: A, length: BYTES }).fails('ENODEV');
          t.map(ioas, { iova: A });
        },
        end_first: (t, ioas) => t.mapFile(ioas, 'd', { length: BYTES + 1n }).fails('EINVAL'),
        before_placement: (t, ioas) => {
          t.mockDomain(ioas);
          t.mapFile(ioas, 'd', { iova: A, length: 0x400n }).fails('ENODEV');
          t.mapFile(ioas, 'd', { iova: 0n }).fails('ENODEV');
        },
        by_another_descriptor: (t, ioas) => t.mapFile(ioas, t.dup('e', 'd'), {}).fails('ENODEV'),
        offered_again: (t, ioas) => {
          revoke(t, 'd', 0);
          t.mapFile(ioas, 'd', { iova: A, length: BYTES });
          t.mockDomain(ioas);
        },
      },
      control: (t, ioas) => {
        revoke(t, 'd', 0);
        t.mapFile(ioas, 'd', { iova: A });
      },
    }),
    scenario('every_import', {
      doc: 'A revocation reaches every mapping of the buffer, and no other; offering a live buffer kills its mappings too.',
      covers: ['IOMMU_TEST_OP_DMABUF_REVOKE/OK'],
      source: 'mock.md 13',
      gaps: [55],
      seeds: ['S4-09', 'S4-10', 'S4-11', 'S4-22'],
      needs: ['dmabuf'],
      setup: mapped,
      cases: {
        offered_while_live: (t, { ioas }) => {
          revoke(t, 'd', 0);
          t.mapFile(ioas, 'd', { iova: A + 16n * P, length: BYTES });
          t.mockDomain(ioas);
          t.unmap(ioas, A, BYTES).ok({ length: BYTES });
          t.unmap(ioas, A + 16n * P, BYTES).ok({ length: BYTES });
        },
        two_areas: (t, { ioas }) => {
          t.mapFile(ioas, 'd', { iova: A + 16n * P, start: P, length: 2n * P });
          revoke(t, 'd', 1);
          t.unmap(ioas, A + 16n * P, 2n * P).ok({ length: 2n * P });
          t.unmap(ioas, A, BYTES).ok({ length: BYTES });
        },
        copies: (t, { ioas }) => {
          const other = t.ioas();
          t.mockDomain(other);
          t.copy({ src: ioas, dst: other, from: A + P, length: 2n * P, iova: A });
          revoke(t, 'd', 1);
          t.destroy(t.ioas());
          t.unmap(other, A, 2n * P).ok({ length: 2n * P });
          t.unmap(ioas, A, BYTES).ok({ length: BYTES });
        },
        two_tables: (t, { ioas, device }) => {
          const hwpt = t.hwptAlloc(device, ioas).out('out_hwpt_id');
          revoke(t, 'd', 1);
          t.destroy(hwpt);
          t.unmap(ioas, A, BYTES).ok({ length: BYTES });
        },
        two_files: (t, { ioas }) => {
          const file = t.open('g');
          const other = t.ioas(file);
          t.ioctl('IOMMU_TEST_OP_MOCK_DOMAIN', { id: other }, { file });
          t.ioctl(
            'IOMMU_IOAS_MAP_FILE',
            { flags: 7, ioas_id: other, fd: { fd: 'd' }, length: BYTES, iova: A },
            { file },
          );
          t.ioctl('IOMMU_TEST_OP_DMABUF_REVOKE', { dmabuf_fd: { fd: 'd' }, revoked: 1 }, { file });
          t.unmap(ioas, A, BYTES).ok({ length: BYTES });
          t.close(file);
        },
        another_buffer: (t, { ioas }) => {
          dmabuf(t, 'e', 0x1000);
          t.mapFile(ioas, 'e', { iova: A + 16n * P });
          revoke(t, 'e', 1);
          t.mapFile(ioas, 'd', { iova: A + 32n * P });
          revoke(t, 'd', 1);
          t.mapFile(ioas, 'd', { iova: A + 48n * P }).fails('ENODEV');
          revoke(t, 'e', 0);
          t.mapFile(ioas, 'e', { iova: A + 48n * P });
        },
        device_goes: (t, { ioas }) => {
          const handle = t.mockDomain(ioas).out('out_stdev_id');
          revoke(t, 'd', 1);
          t.destroy(handle);
          t.unmap(ioas, A, BYTES).ok({ length: BYTES });
        },
        devices_come_and_go: (t, { ioas }) => {
          const handle = t.mockDomain(ioas).out('out_stdev_id');
          revoke(t, 'd', 1);
          t.destroy(handle);
          t.destroy(t.mockDomain(ioas).out('out_stdev_id'));
          t.mockDomain(ioas);
          t.mockDomain(ioas);
          t.unmap(ioas, A, BYTES).ok({ length: BYTES });
        },
        without_domain: (t) => {
          const other = t.ioas();
          t.mapFile(other, 'd', { iova: A });
          revoke(t, 'd', 1);
          t.mockDomain(other);
          t.unmap(other, A, P).ok({ length: P });
        },
      },
      control: (t, { ioas }) => {
        revoke(t, 'd', 1);
        t.unmap(ioas, A, BYTES).ok({ length: BYTES });
      },
    }),
  ],
);
