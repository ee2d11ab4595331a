import { NO_SUCH_ID } from '../harness/builder.js';
import { scenario, suite } from '../harness/scenario.js';
import { deviceAndViommu } from './set_up.js';

export const viommuVdevice = suite(
  'viommu/vdevice',
  'IOMMU_VDEVICE_ALLOC: arguments, names, and the ids that stay taken when a device goes before its vDEVICE.',
  [
    scenario('arguments,refused', {
      doc: 'A missing vIOMMU or device is ENOENT; a device that has a vDEVICE, or a name that is taken, EEXIST.',
      covers: [
        'IOMMU_VDEVICE_ALLOC/ENOENT.viommu',
        'IOMMU_VDEVICE_ALLOC/ENOENT.device',
        'IOMMU_VDEVICE_ALLOC/EEXIST.device',
        'IOMMU_VDEVICE_ALLOC/EEXIST.virt_id',
        'IOMMU_VDEVICE_ALLOC/EFAULT.respond',
      ],
      source: 'device.md 2.7',
      gaps: [3, 45],
      kselftest: ['iommufd_viommu.no_viommu.vdevice_alloc'],
      needs: ['viommu'],
      setup: deviceAndViommu,
      cases: {
        viommu_zero: (t, { device }) => t.vdevice(0, device, 1n).fails('ENOENT'),
        viommu_is_parent: (t, { parent, device }) => t.vdevice(parent, device, 1n).fails('ENOENT'),
        device_zero: (t, { viommu }) => t.vdevice(viommu, 0, 1n).fails('ENOENT'),
        device_is_handle: (t, { viommu, handle }) => t.vdevice(viommu, handle, 1n).fails('ENOENT'),
        device_has_one: (t, { viommu, device }) => {
          t.vdevice(viommu, device, 1n);
          t.vdevice(viommu, device, 2n).fails('EEXIST');
        },
        device_has_one_elsewhere: (t, { viommu, device, parent }) => {
          t.vdevice(viommu, device, 1n);
          const other = t.viommu(device, parent).out('out_viommu_id');
          t.vdevice(other, device, 2n).fails('EEXIST');
        },
        name_is_taken: (t, { viommu, device, ioas }) => {
          t.vdevice(viommu, device, 1n);
          const second = t.mockDomain(ioas).out('out_idev_id');
          t.vdevice(viommu, second, 1n).fails('EEXIST');
          t.vdevice(viommu, second, 1n << 32n);
        },
        name_is_taken_elsewhere: (t, { viommu, device, ioas, parent }) => {
          t.vdevice(viommu, device, 1n);
          const other = t.viommu(device, parent).out('out_viommu_id');
          t.vdevice(other, t.mockDomain(ioas).out('out_idev_id'), 1n);
        },
        response_unwritable: (t, { viommu, device }) => {
          t.vdevice(viommu, device, 1n, { at: 'sealed' }).fails('EFAULT');
          t.destroy(viommu);
        },
        name_before_response: (t, { viommu, device, ioas }) => {
          t.vdevice(viommu, device, 1n);
          t.vdevice(viommu, t.mockDomain(ioas).out('out_idev_id'), 1n, { at: 'sealed' }).fails('EEXIST');
        },
        both_missing: (t) => t.vdevice(NO_SUCH_ID, NO_SUCH_ID, 1n).fails('ENOENT'),
      },
      control: (t, { viommu, device }) => t.vdevice(viommu, device, 0n),
    }),
    scenario('life,destroyed_first', {
      doc: 'A vDEVICE holds its vIOMMU, is never busy, and leaves id and name free.',
      covers: ['IOMMU_VDEVICE_ALLOC/OK', 'IOMMU_DESTROY/EBUSY.users'],
      gaps: [45],
      needs: ['viommu'],
      setup: deviceAndViommu,
      cases: {
        viommu_is_busy: (t, { viommu, device }) => {
          const vdevice = t.vdevice(viommu, device, 1n).out('out_vdevice_id');
          t.destroy(viommu).fails('EBUSY');
          t.destroy(vdevice);
          t.destroy(viommu);
        },
        again: (t, { viommu, device }) => {
          const vdevice = t.vdevice(viommu, device, 1n).out('out_vdevice_id');
          t.destroy(vdevice);
          t.vdevice(viommu, device, 1n);
        },
      },
      control: (t, { viommu, device }) => t.vdevice(viommu, device, 1n),
    }),
    scenario('life,tombstone', {
      doc: 'A device that goes takes its vDEVICE along, whose id stays taken until the file is closed; its name is free.',
      covers: ['IOMMU_VDEVICE_ALLOC/OK', 'IOMMU_DESTROY/ENOENT.object'],
      source: 'device.md 2.7',
      gaps: [6],
      kselftest: ['iommufd_viommu.mock_viommu.vdevice_tombstone'],
      without: { shifted_ids: 'the ids are what is tested' },
      needs: ['viommu'],
      setup: (t) => {
        const all = deviceAndViommu(t);
        t.vdevice(all.viommu, all.device, 1n).ok({ out_vdevice_id: 7 });
        t.destroy(all.handle);
        return all;
      },
      cases: {
        not_there: (t) => t.destroy(7).fails('ENOENT'),
        not_taken_again: (t) => {
          t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 2 });
          t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 3 });
          t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 4 });
          t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 8 });
        },
        name_is_free: (t, { ioas, viommu }) => {
          const device = t.mockDomain(ioas).out('out_idev_id');
          t.vdevice(viommu, device, 1n).ok({ out_vdevice_id: 8 });
        },
        viommu_is_free: (t, { viommu, parent, ioas }) => {
          t.destroy(viommu);
          t.destroy(parent);
          t.destroy(ioas);
        },
        table_is_never_empty_again: (t, { viommu, parent, ioas }) => {
          for (const id of [viommu, parent, ioas]) t.destroy(id);
          t.setOption('RLIMIT_MODE', 1n).fails('EBUSY');
        },
      },
      control: (t, { ioas }) => t.mockDomain(ioas),
    }),
  ],
);
