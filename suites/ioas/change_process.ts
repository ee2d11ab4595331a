import { scenario, suite } from '../harness/scenario.js';

export const ioasChangeProcess = suite(
  'ioas/change_process',
  'IOMMU_IOAS_CHANGE_PROCESS without mappings of files, and IOMMU_IOAS_NOIOMMU_GET_PA of a kernel without CONFIG_IOMMUFD_NOIOMMU.',
  [
    scenario('change_process,user_memory', {
      doc: 'A mapping by address in any IOAS of the file is EINVAL; 6.12 does not have the call.',
      covers: [
        'IOMMU_IOAS_CHANGE_PROCESS/EOPNOTSUPP.reserved',
        'IOMMU_IOAS_CHANGE_PROCESS/EINVAL.user_memory',
      ],
      source: 'core.md 3.10',
      setup: (t) => ({ ioas: t.ioas(), other: t.ioas() }),
      cases: {
        reserved: (t) =>
          t
            .ioctl('IOMMU_IOAS_CHANGE_PROCESS', { __reserved: 1 })
            .fails({ '7.3': 'EOPNOTSUPP', '6.12': 'ENOTTY' }),
        mapped: (t, { ioas }) => {
          t.map(ioas, { iova: 0n });
          t.ioctl('IOMMU_IOAS_CHANGE_PROCESS', {}).fails({ '7.3': 'EINVAL', '6.12': 'ENOTTY' });
        },
        mapped_in_the_second: (t, { other }) => {
          t.map(other, { iova: 0n });
          t.ioctl('IOMMU_IOAS_CHANGE_PROCESS', {}).fails({ '7.3': 'EINVAL', '6.12': 'ENOTTY' });
        },
        reserved_before_mapped: (t, { ioas }) => {
          t.map(ioas, { iova: 0n });
          t.ioctl('IOMMU_IOAS_CHANGE_PROCESS', { __reserved: 1 }).fails({
            '7.3': 'EOPNOTSUPP',
            '6.12': 'ENOTTY',
          });
        },
        mapped_in_another_file: (t) => {
          const file = t.open('g');
          const ioas = t.ioas(file);
          t.ioctl('IOMMU_IOAS_MAP', { flags: 6, ioas_id: ioas, length: 0x1000n }, { file });
          t.ioctl('IOMMU_IOAS_CHANGE_PROCESS', {}).fails({ '7.3': 'OK', '6.12': 'ENOTTY' });
        },
        unmapped_again: (t, { ioas }) => {
          t.map(ioas, { iova: 0n });
          t.unmap(ioas, 0n, 0x1000n);
          t.ioctl('IOMMU_IOAS_CHANGE_PROCESS', {}).fails({ '7.3': 'OK', '6.12': 'ENOTTY' });
        },
      },
      control: (t) => t.ioctl('IOMMU_IOAS_CHANGE_PROCESS', {}).fails({ '7.3': 'OK', '6.12': 'ENOTTY' }),
    }),
    scenario('noiommu_get_pa,not_configured', {
      doc: 'Without CONFIG_IOMMUFD_NOIOMMU the call is EOPNOTSUPP, whatever it is asked; 6.12 does not have it.',
      covers: ['IOMMU_IOAS_NOIOMMU_GET_PA/EOPNOTSUPP.not_configured'],
      source: 'core.md 3.11',
      setup: (t) => t.ioas(),
      cases: {
        good: (t, ioas) => {
          t.map(ioas, { iova: 0n });
          t.ioctl('IOMMU_IOAS_NOIOMMU_GET_PA', { ioas_id: ioas, length: 0x1000n }).fails({
            '7.3': 'EOPNOTSUPP',
            '6.12': 'ENOTTY',
          });
        },
        nothing: (t) =>
          t.ioctl('IOMMU_IOAS_NOIOMMU_GET_PA', {}).fails({ '7.3': 'EOPNOTSUPP', '6.12': 'ENOTTY' }),
        without_privilege: (t) => {
          t.process({ drop: ['CAP_SYS_RAWIO'] });
          t.ioctl('IOMMU_IOAS_NOIOMMU_GET_PA', {}).fails({ '7.3': 'EOPNOTSUPP', '6.12': 'ENOTTY' });
        },
      },
      control: (t, ioas) => t.map(ioas, { iova: 0n }),
    }),
  ],
);
