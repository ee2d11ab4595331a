import { NO_SUCH_ID } from '../harness/builder.js';
import { scenario, suite } from '../harness/scenario.js';

const EMPTY_TABLE = { shifted_ids: 'the option is set only while the file has no objects' } as const;

export const optionRlimitMode = suite(
  'option/rlimit_mode',
  'IOMMU_OPTION_RLIMIT_MODE: who may set it, when, and to what. What it does to charges is in ioas/map_pinning.',
  [
    scenario('value,round_trip', {
      doc: 'A new file has 0. 0 and 1 can be set and read back; other values are EINVAL.',
      covers: ['IOMMU_OPTION/OK', 'IOMMU_OPTION/EINVAL.value'],
      kselftest: ['iommufd.global_options'],
      without: EMPTY_TABLE,
      seeds: ['S2-45'],
      setup: (t) => t.getOption('RLIMIT_MODE').ok({ val64: 0n }),
      cases: {
        one_and_back: (t) => {
          t.setOption('RLIMIT_MODE', 1n).ok({ val64: 1n });
          t.getOption('RLIMIT_MODE').ok({ val64: 1n });
          t.setOption('RLIMIT_MODE', 0n).ok({ val64: 0n });
          t.getOption('RLIMIT_MODE').ok({ val64: 0n });
        },
        two: (t) => {
          t.setOption('RLIMIT_MODE', 2n).fails('EINVAL');
          t.getOption('RLIMIT_MODE').ok({ val64: 0n });
        },
        beyond_32_bits: (t) => t.setOption('RLIMIT_MODE', 1n << 32n).fails('EINVAL'),
        per_file: (t) => {
          t.setOption('RLIMIT_MODE', 1n);
          t.open('g');
          t.ioctl('IOMMU_OPTION', { option_id: 0, op: 1 }, { file: 'g' }).ok({ val64: 0n });
        },
      },
      control: (t) => t.setOption('RLIMIT_MODE', 1n).ok({ val64: 1n }),
    }),
    scenario('object,refused', {
      doc: 'RLIMIT_MODE belongs to the file: an object id is EOPNOTSUPP.',
      covers: ['IOMMU_OPTION/EOPNOTSUPP.rlimit_object'],
      gaps: [7],
      without: EMPTY_TABLE,
      seeds: ['S2-45'],
      setup: () => undefined,
      cases: {
        get: (t) => t.getOption('RLIMIT_MODE', NO_SUCH_ID).fails('EOPNOTSUPP'),
        set: (t) => t.setOption('RLIMIT_MODE', 1n, NO_SUCH_ID).fails('EOPNOTSUPP'),
        existing_ioas: (t) => t.getOption('RLIMIT_MODE', t.ioas()).fails('EOPNOTSUPP'),
      },
      control: (t) => t.setOption('RLIMIT_MODE', 1n),
    }),
    scenario('privilege,needed_to_set', {
      doc: 'Setting needs CAP_SYS_RESOURCE, reading does not.',
      covers: ['IOMMU_OPTION/EPERM.resource'],
      gaps: [7],
      without: EMPTY_TABLE,
      seeds: ['S2-45'],
      setup: () => undefined,
      cases: {
        set: (t) => {
          t.process({ drop: ['CAP_SYS_RESOURCE'] });
          t.setOption('RLIMIT_MODE', 1n).fails('EPERM');
          t.getOption('RLIMIT_MODE').ok({ val64: 0n });
        },
        set_same_value: (t) => {
          t.process({ drop: ['CAP_SYS_RESOURCE'] });
          t.setOption('RLIMIT_MODE', 0n).fails('EPERM');
        },
        other_capability: (t) => {
          t.process({ drop: ['CAP_IPC_LOCK', 'CAP_SYS_RAWIO'] });
          t.setOption('RLIMIT_MODE', 1n).ok();
        },
      },
      control: (t) => t.setOption('RLIMIT_MODE', 1n),
    }),
    scenario('objects,in_the_way', {
      doc: 'Setting is EBUSY while the file has an object, and possible again when the last one has gone.',
      covers: ['IOMMU_OPTION/EBUSY.objects'],
      gaps: [7],
      without: EMPTY_TABLE,
      seeds: ['S2-45'],
      setup: (t) => t.ioas(),
      cases: {
        ioas: (t) => t.setOption('RLIMIT_MODE', 1n).fails('EBUSY'),
        same_value: (t) => t.setOption('RLIMIT_MODE', 0n).fails('EBUSY'),
        destroyed: (t, ioas) => {
          t.destroy(ioas);
          t.setOption('RLIMIT_MODE', 1n).ok();
        },
        objects_of_another_file: (t) => {
          t.open('g');
          t.ioctl('IOMMU_OPTION', { option_id: 0, op: 0, val64: 1n }, { file: 'g' }).ok();
        },
      },
      control: (t) => t.getOption('RLIMIT_MODE').ok({ val64: 0n }),
    }),
    scenario('order,checks', {
      doc: 'Checks come in the order: reserved, option, object, operation, capability, objects, value.',
      covers: [
        'IOMMU_OPTION/EOPNOTSUPP.reserved',
        'IOMMU_OPTION/EOPNOTSUPP.option',
        'IOMMU_OPTION/EOPNOTSUPP.op',
        'IOMMU_OPTION/EPERM.resource',
      ],
      source: 'core.md 3.8 and 10',
      gaps: [5, 7],
      without: EMPTY_TABLE,
      seeds: ['S2-45'],
      setup: (t) => t.ioas(),
      cases: {
        object_before_capability: (t, ioas) => {
          t.process({ drop: ['CAP_SYS_RESOURCE'] });
          t.setOption('RLIMIT_MODE', 1n, ioas).fails('EOPNOTSUPP');
        },
        operation_without_privilege: (t) => {
          t.process({ drop: ['CAP_SYS_RESOURCE'] });
          t.ioctl('IOMMU_OPTION', { option_id: 0, op: 2 }).fails('EOPNOTSUPP');
        },
        capability_before_objects: (t) => {
          t.process({ drop: ['CAP_SYS_RESOURCE'] });
          t.setOption('RLIMIT_MODE', 1n).fails('EPERM');
        },
        objects_before_value: (t) => t.setOption('RLIMIT_MODE', 2n).fails('EBUSY'),
      },
      control: (t) => t.getOption('RLIMIT_MODE'),
    }),
    scenario('arguments,unknown', {
      doc: 'A reserved member, an unknown option and an unknown operation are EOPNOTSUPP.',
      covers: [
        'IOMMU_OPTION/EOPNOTSUPP.reserved',
        'IOMMU_OPTION/EOPNOTSUPP.option',
        'IOMMU_OPTION/EOPNOTSUPP.op',
      ],
      seeds: ['S2-45', 'S2-46'],
      setup: (t) => t.ioas(),
      cases: {
        reserved: (t) => t.ioctl('IOMMU_OPTION', { option_id: 0, op: 1, __reserved: 1 }).fails('EOPNOTSUPP'),
        reserved_huge_pages: (t, ioas) =>
          t
            .ioctl('IOMMU_OPTION', { option_id: 1, op: 1, object_id: ioas, __reserved: 1 })
            .fails('EOPNOTSUPP'),
        option: (t) => t.ioctl('IOMMU_OPTION', { option_id: 2, op: 1 }).fails('EOPNOTSUPP'),
        option_with_object: (t, ioas) =>
          t.ioctl('IOMMU_OPTION', { option_id: 0xffff_ffff, op: 1, object_id: ioas }).fails('EOPNOTSUPP'),
        operation: (t) => t.ioctl('IOMMU_OPTION', { option_id: 0, op: 2 }).fails('EOPNOTSUPP'),
        operation_huge_pages: (t, ioas) =>
          t.ioctl('IOMMU_OPTION', { option_id: 1, op: 2, object_id: ioas }).fails('EOPNOTSUPP'),
        operation_max: (t, ioas) =>
          t.ioctl('IOMMU_OPTION', { option_id: 1, op: 0xffff, object_id: ioas }).fails('EOPNOTSUPP'),
      },
      control: (t) => t.ioctl('IOMMU_OPTION', { option_id: 0, op: 1 }),
    }),
  ],
);
