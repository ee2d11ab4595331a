/** A fixture of the kernel's own selftests: each case runs once in each variant. */
interface Fixture {
  readonly name: string;
  /** Empty: each case runs once. */
  readonly variants: readonly string[];
  readonly cases: readonly string[];
  /** Cases that skip themselves in a variant, for which they have no content. */
  readonly skipped?: Readonly<Record<string, readonly string[]>>;
}

/** A program of the kernel's own selftests. */
interface Program {
  readonly name: string;
  readonly fixtures: readonly Fixture[];
}

const IOAS_CASES = [
  'ioas_auto_destroy',
  'ioas_destroy',
  'alloc_hwpt_nested',
  'hwpt_attach',
  'ioas_area_destroy',
  'ioas_area_auto_destroy',
  'get_hw_info',
  'area',
  'unmap_fully_contained_areas',
  'area_auto_iova',
  'reserved_overflow',
  'area_allowed',
  'copy_area',
  'iova_ranges',
  'access_domain_destory',
  'access_pin',
  'access_pin_unmap',
  'access_rw',
  'access_rw_unaligned',
  'fork_gone',
  'fork_present',
  'ioas_option_huge_pages',
  'ioas_iova_alloc',
  'ioas_align_change',
  'copy_sweep',
  'dmabuf_simple',
  'dmabuf_revoke',
];

/** What the kernel's own selftests run. Source: tools/testing/selftests/iommu of Linux 7.3.4, read on 2026-11-21. */
export const KSELFTESTS: readonly Program[] = [
  {
    name: 'iommufd',
    fixtures: [
      {
        name: 'iommufd',
        variants: [],
        cases: [
          'simple_close',
          'cmd_fail',
          'cmd_length',
          'cmd_ex_fail',
          'global_options',
          'simple_ioctls',
          'unmap_cmd',
          'map_cmd',
          'info_cmd',
          'set_iommu_cmd',
          'vfio_ioas',
        ],
      },
      {
        name: 'change_process',
        variants: ['account_none', 'account_user', 'account_mm'],
        cases: ['basic'],
      },
      {
        name: 'iommufd_ioas',
        variants: ['no_domain', 'mock_domain', 'two_mock_domain', 'mock_domain_limit'],
        cases: IOAS_CASES,
      },
      {
        name: 'iommufd_mock_domain',
        variants: [
          'one_domain',
          'two_domains',
          'one_domain_hugepage',
          'two_domains_hugepage',
          'one_domain_file',
          'one_domain_file_hugepage',
        ],
        cases: ['basic', 'ro_unshare', 'all_aligns', 'all_aligns_copy', 'user_copy', 'replace', 'alloc_hwpt'],
      },
      {
        name: 'iommufd_dirty_tracking',
        variants: [
          'domain_dirty8k',
          'domain_dirty16k',
          'domain_dirty64k',
          'domain_dirty128k',
          'domain_dirty320k',
          'domain_dirty64M',
          'domain_dirty64M_huge',
          'domain_dirty128M',
          'domain_dirty128M_huge',
        ],
        cases: [
          'enforce_dirty',
          'set_dirty_tracking',
          'pasid_set_dirty_tracking',
          'device_dirty_capability',
          'get_dirty_bitmap',
          'get_dirty_bitmap_no_clear',
        ],
      },
      {
        name: 'vfio_compat_mock_domain',
        variants: ['Ver1v2', 'Ver1v0'],
        cases: ['simple_close', 'option_huge_pages', 'get_info', 'map', 'huge_map'],
      },
      {
        name: 'iommufd_viommu',
        variants: ['no_viommu', 'mock_viommu'],
        cases: [
          'viommu_auto_destroy',
          'viommu_negative_tests',
          'viommu_alloc_nested_iopf',
          'viommu_alloc_with_data',
          'vdevice_alloc',
          'vdevice_cache',
          'hw_queue',
          'vdevice_tombstone',
        ],
        skipped: {
          no_viommu: [
            'viommu_alloc_nested_iopf',
            'viommu_alloc_with_data',
            'vdevice_cache',
            'hw_queue',
            'vdevice_tombstone',
          ],
        },
      },
      { name: 'iommufd_device_pasid', variants: ['no_pasid', 'has_pasid'], cases: ['pasid_attach'] },
    ],
  },
  {
    name: 'iommufd_fail_nth',
    fixtures: [
      {
        name: 'basic_fail_nth',
        variants: [],
        cases: [
          'basic',
          'map_domain',
          'map_file_domain',
          'map_two_domains',
          'access_rw',
          'access_pin',
          'access_pin_domain',
          'device',
        ],
      },
    ],
  },
];

/** A case in one variant, as the harness of the selftests runs it. */
export interface KselftestCase {
  readonly fixture: string;
  /** Undefined where the fixture has none. */
  readonly variant: string | undefined;
  readonly name: string;
  /** Whether it skips itself. */
  readonly isSkipped: boolean;
}

/** Every case of a fixture in every variant. */
export function casesOf({ name: fixture, variants, cases, skipped = {} }: Fixture): KselftestCase[] {
  return cases.flatMap((name): KselftestCase[] =>
    variants.length === 0
      ? [{ fixture, variant: undefined, name, isSkipped: false }]
      : variants.map((variant) => ({
          fixture,
          variant,
          name,
          isSkipped: skipped[variant]?.includes(name) === true,
        })),
  );
}

/** The names that a scenario may give a case: `fixture.case` means every variant. */
export function namesOf({ fixture, variant, name }: KselftestCase): string[] {
  const short = `${fixture}.${name}`;
  return variant === undefined ? [short] : [short, `${fixture}.${variant}.${name}`];
}
