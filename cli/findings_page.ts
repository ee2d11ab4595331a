import { markdownTable } from 'markdown-table';
import { FINDING_IDS, findingById } from '../models/findings.js';

/** A claim about a kernel, and what became of it. */
type Claim = readonly [claim: string, outcome: string];

/** What was said of the kernels, and what running them does not bear out. */
const REFUTED: readonly Claim[] = [
  [
    'A PASID can be attached to a device that has none, and nothing is programmed',
    'the mock without PASIDs has a limit of 0, not none: EINVAL (`pasid/attach`, 7.3.4)',
  ],
  [
    'MD_CHECK_MAP of an IOVA that is not mapped makes the mock of 6.12 warn',
    'EINVAL without a message (`mock/check_map`, 6.12.117); the message comes in [unfill-reads-unmapped](unfill-reads-unmapped.md) alone',
  ],
  [
    'A copy of misaligned slices leaves misaligned areas in a domain',
    'the driver refuses it, ENXIO (7.3.4) or EINVAL (6.12.117), and nothing stays (`ioas/copy:slices,misaligned`); without large pages it is [copy-maps-behind-slice](copy-maps-behind-slice.md)',
  ],
  [
    'A replacement that fails drops the reserved ranges of the device',
    'the ranges are as before (`IOVA_RANGES` around a REPLACE that is EINVAL, 7.3.4); the mock has no ranges of its own that could go, see below',
  ],
  [
    'A vDEVICE that went with its device keeps its id',
    'it does, and the header says so; that it also keeps RLIMIT_MODE from being set is told in [rlimit-mode-is-of-file](rlimit-mode-is-of-file.md)',
  ],
  [
    'HWPT_ALLOC takes driver data of type NONE',
    'a length is EINVAL; only the address is not looked at, see [reserved-not-checked](reserved-not-checked.md)',
  ],
];

/** What running kernels do and the model does not predict: programs that show it end there. */
const NOT_PREDICTED: readonly Claim[] = [
  [
    'A device whose IOMMU could not be set up for lack of memory is taken for one that has none (`device.c:iommufd_device_is_noiommu`, 7.3.4 with CONFIG_IOMMUFD_NOIOMMU); 6.12.117 answers EINVAL',
    'MOCK_DOMAIN with `failNth` from 30 to 40 is OK; then GET_HW_INFO of the device is EOPNOTSUPP, MAP is OK, and MD_CHECK_MAP finds nothing mapped (ENOENT): a page table that translates nothing',
  ],
];

/** What only other hardware, other configurations or callers inside the kernel can show, and why. */
const OUT_OF_REACH: readonly Claim[] = [
  [
    'A failed replacement inside an IOAS drops the reserved ranges of the device (`device.c:iommufd_device_do_replace`)',
    'mock devices have no reserved ranges; it takes a driver that reports some',
  ],
  [
    'VFIO’s ATTACH_IOMMUFD_PT detaches the device if its answer cannot be written, also after a replacement and of a PASID',
    'it takes a VFIO device',
  ],
  ['VFIO’s ATTACH_IOMMUFD_PT with PASID 0 attaches the device itself', 'it takes a VFIO device'],
  [
    'Detaching a device that is not attached while another of its group is drops references',
    'each mock device has a group of its own, and VFIO never does it',
  ],
  [
    'A device without an IOMMU joins the page table of one that has one',
    'it takes a VFIO device, and CONFIG_IOMMUFD_NOIOMMU',
  ],
  ['DIRTY_PAGES of VFIO’s own driver reports bits behind the last page', 'iommufd does not offer it'],
  [
    'The kernel’s own allocation of mmap regions checks neither overflow nor owner',
    'its callers are drivers',
  ],
];

/** Cases of the kernel's own selftests that do not test what they say, as read in their source. */
const WEAK_TESTS: readonly Claim[] = [
  [
    '`iommufd_mock_domain`, variants with two domains',
    'both devices share one automatic page table, so that two tables are never filled side by side',
  ],
  [
    '`all_aligns` and `all_aligns_copy` with huge pages',
    'the inner loop begins at its end: nothing is mapped',
  ],
  ['`one_domain_file_hugepage`', 'the memfd is made without huge pages'],
  ['`access_domain_destory`', 'destroying the device removes a page table in one variant of four only'],
  [
    '`fork_gone` with a device',
    'the second device joins the table of the first: nothing is copied between tables',
  ],
  [
    '`iommufd_device_pasid`, the step about dirty tracking',
    'EINVAL comes from the page table of the device itself; see [pasid-attach-unchecked](pasid-attach-unchecked.md)',
  ],
  [
    '`vdevice_cache` with requests of 13 bytes and of 1',
    'EINVAL comes from a vDEVICE that does not exist, not from the size',
  ],
  ['`change_process` of account_none', 'is the same as account_user'],
  ['`get_info` of VFIO', 'never asks with room for the capabilities: the loop over them does not run'],
  ['faults and events', 'fields of the records are not compared'],
  ['all of 6.12.117', 'do not compile against the headers of their own tree'],
];

/** docs/findings/README.md: an index of the findings, and what is none. */
export function findingsPage(): string {
  const rows = FINDING_IDS.map((id) => {
    const { title, kind, kernels, shows } = findingById(id);
    return [`[${id}](${id}.md)`, title, kernels.join(', '), kind, shows];
  });
  return [
    '# Kernel findings',
    'Where a kernel contradicts its documentation, its header, its own tests or common sense. Generated by `npm run reference` from `models/findings.ts` and `cli/findings_page.ts`; each finding has a page, and a program in `corpus/findings` that the project’s tests run on both kernels.',
    'A known finding is no failure: reports name it where it is seen, and count it. What is not known is one: any other kernel message, any other answer. `iommufd-cts explain NAME` prints a page.',
    'Kinds: `warning` user space can make the kernel warn; `memory` memory is read, written or mapped that is not meant to be; `counter` something is counted or reported wrongly; `leftover` a failing call leaves something behind; `unchecked` what is not allowed is not refused, or what is allowed is; `documentation` the header says something else; `selftest` the mock does not do what it says.',
    markdownTable([['finding', 'in one sentence', 'kernels', 'kind', 'how it shows'], ...rows]),
    '## Refuted',
    'What was claimed, from reading the source, and running kernels do not bear out.',
    claimTable('claim', 'what came of it', REFUTED),
    '## Seen, and not predicted',
    claimTable('what', 'how to see it', NOT_PREDICTED),
    '## Not reachable here',
    claimTable('claim', 'what it would take', OUT_OF_REACH),
    '## The kernel’s own selftests',
    'Cases that test less than they say; read in their source. [kselftest-parity.md](../kselftest-parity.md) has what the scenarios here do instead.',
    claimTable('case', 'what it does', WEAK_TESTS),
    '',
  ].join('\n\n');
}

function claimTable(claim: string, outcome: string, claims: readonly Claim[]): string {
  return markdownTable([[claim, outcome], ...claims.map((row) => [...row])]);
}
