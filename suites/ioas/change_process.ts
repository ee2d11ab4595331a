import type { Operand } from '../../models/program/program.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import { APERTURE_START as A, P, U64_MAX } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';

const getPa = (t: ScenarioBuilder, args: Readonly<Record<string, Operand>>) =>
  t.ioctl('IOMMU_IOAS_NOIOMMU_GET_PA', args);

export const ioasChangeProcess = suite(
  'ioas/change_process',
  'IOMMU_IOAS_CHANGE_PROCESS without mappings of files, and IOMMU_IOAS_NOIOMMU_GET_PA without devices that have no IOMMU.',
  [
    scenario('change_process,user_memory', {
      doc: 'A mapping by address in any IOAS of the file is EINVAL; 6.12 does not have the call.',
      covers: ['IOMMU_IOAS_CHANGE_PROCESS/EOPNOTSUPP.reserved', 'IOMMU_IOAS_CHANGE_PROCESS/EINVAL.not_file'],
      source: 'core.md 3.10',
      gaps: [5],
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
    scenario('noiommu_get_pa,of_an_iommu', {
      doc: 'Privilege, flags, length, address, IOAS and area are checked in this order; what lies behind a page table of an IOMMU, or of none, is EOPNOTSUPP. 6.12 does not have the call.',
      covers: [
        'IOMMU_IOAS_NOIOMMU_GET_PA/EPERM.rawio',
        'IOMMU_IOAS_NOIOMMU_GET_PA/EOPNOTSUPP.flags',
        'IOMMU_IOAS_NOIOMMU_GET_PA/EINVAL.length_zero',
        'IOMMU_IOAS_NOIOMMU_GET_PA/EOVERFLOW.iova_max',
        'IOMMU_IOAS_NOIOMMU_GET_PA/ENOENT.ioas',
        'IOMMU_IOAS_NOIOMMU_GET_PA/ENOENT.area',
        'IOMMU_IOAS_NOIOMMU_GET_PA/EOPNOTSUPP.not_noiommu',
      ],
      source: 'core.md 3.11',
      gaps: [19],
      needs: ['noiommu'],
      setup: (t) => {
        const ioas = t.ioas();
        t.map(ioas, { iova: A });
        return ioas;
      },
      cases: {
        without_domain: (t, ioas) => getPa(t, { ioas_id: ioas, iova: A, length: 1n }).fails('EOPNOTSUPP'),
        with_mock_domain: (t, ioas) => {
          t.mockDomain(ioas);
          getPa(t, { ioas_id: ioas, iova: A + 0xfffn, length: P }).fails('EOPNOTSUPP');
        },
        not_mapped: (t, ioas) => getPa(t, { ioas_id: ioas, iova: A + P, length: 1n }).fails('ENOENT'),
        no_ioas: (t) => getPa(t, { iova: A, length: 1n }).fails('ENOENT'),
        last_byte: (t) => getPa(t, { iova: U64_MAX, length: 1n }).fails('EOVERFLOW'),
        last_but_one: (t, ioas) =>
          getPa(t, { ioas_id: ioas, iova: U64_MAX - 1n, length: 1n }).fails('ENOENT'),
        empty: (t) => getPa(t, { iova: U64_MAX }).fails('EINVAL'),
        flags: (t) => getPa(t, { flags: 1 }).fails('EOPNOTSUPP'),
        reserved: (t, ioas) =>
          getPa(t, { ioas_id: ioas, iova: A + P, length: 1n, __reserved: 1 }).fails('EOPNOTSUPP'),
        flags_before_length: (t) => getPa(t, { flags: 0x8000_0000 }).fails('EOPNOTSUPP'),
        without_privilege: (t) => {
          t.process({ drop: ['CAP_SYS_RAWIO'] });
          getPa(t, { flags: 1 }).fails('EPERM');
        },
      },
      control: (t, ioas) => t.unmap(ioas, A, P),
    }),
  ],
);
