import { assemble } from '../../models/program/assemble.js';
import { ERRNO } from '../../models/base/errno.js';
import { PAGE_SIZE } from '../../models/base/u64.js';
import { DEFAULT_PROFILE, type Profile, profileOfRelease } from '../../models/profiles/index.js';
import { PROGRAM_SCHEMA } from '../../models/program/program.js';
import type { Session, TargetCapability } from '../../targets/target.js';

/** What scenarios run in: a target, what it can do, and the profile that predicts it. */
export interface Environment {
  readonly description: string;
  readonly capabilities: ReadonlySet<TargetCapability>;
  readonly profile: Profile;
  /** What a reader must know to trust the result. */
  readonly notes: readonly string[];
}

/** Looks at a started target. */
export async function environmentOf(session: Session, asked?: Profile): Promise<Environment> {
  const { info } = session;
  const capabilities = new Set(info.capabilities);
  if (capabilities.has('iommufd')) {
    for (const capability of await askWhatIsThere(session)) capabilities.add(capability);
  }
  const known = profileOfRelease(info.release);
  const base = asked ?? known ?? DEFAULT_PROFILE;
  const isGuess = asked === undefined && known === undefined;
  const guess = `no profile was made for Linux ${info.release}; it is held against that of ${base.id}`;
  return {
    description: info.description,
    capabilities,
    profile: fitProfile(base, capabilities),
    notes: isGuess ? [guess] : [],
  };
}

/** The profile of a version with the configuration of a target. */
function fitProfile(profile: Profile, capabilities: ReadonlySet<TargetCapability>): Profile {
  return {
    ...profile,
    hasTestCommands: capabilities.has('iommufd_test'),
    hasHugePages: capabilities.has('hugetlb'),
    hasVfioDevice: capabilities.has('vfio_device'),
    hasNoiommu: capabilities.has('noiommu'),
    automaticAlignmentMax: capabilities.has('thp') ? profile.automaticAlignmentMax : PAGE_SIZE,
  };
}

/**
 * What a call answers if everything in its struct is 0 tells what the kernel was configured with: without CONFIG_IOMMUFD_TEST,
 * IOMMU_TEST_CMD is ENOTTY, as is a command that is not there yet; an operation of it that is not there yet is EOPNOTSUPP; without CONFIG_IOMMUFD_NOIOMMU, NOIOMMU_GET_PA is EOPNOTSUPP.
 */
const QUESTIONS = [
  { capability: 'iommufd_test', call: 'IOMMU_TEST_CMD', answer: ERRNO.EOPNOTSUPP },
  { capability: 'viommu', call: 'IOMMU_VIOMMU_ALLOC', answer: ERRNO.EOPNOTSUPP },
  { capability: 'pasid', call: 'IOMMU_TEST_OP_PASID_DETACH', answer: ERRNO.ENOENT },
  { capability: 'map_file', call: 'IOMMU_IOAS_MAP_FILE', answer: ERRNO.EINVAL },
  { capability: 'dmabuf', call: 'IOMMU_TEST_OP_DMABUF_GET', answer: ERRNO.EINVAL },
  { capability: 'noiommu', call: 'IOMMU_IOAS_NOIOMMU_GET_PA', answer: ERRNO.EINVAL },
] as const;

async function askWhatIsThere(session: Session): Promise<TargetCapability[]> {
  const program = assemble({
    schema: PROGRAM_SCHEMA,
    steps: [
      { do: 'open', label: 'f' },
      ...QUESTIONS.map(({ call }) => ({ do: 'ioctl', file: 'f', call, args: {} }) as const),
    ],
  });
  const [outcome] = await session.run([program]);
  return QUESTIONS.flatMap(({ capability, answer }, at) => {
    const seen = outcome?.steps[at + 1];
    return seen?.status === 'returned' && seen.errno === answer ? [capability] : [];
  });
}
