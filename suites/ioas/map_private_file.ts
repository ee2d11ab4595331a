import { SCRATCH } from '../../models/program/arena.js';
import type { Reference, Scalar } from '../../models/program/program.js';
import { SLOW, makeAccess, read } from '../access/set_up.js';
import { APERTURE_START as A, P } from '../harness/constants.js';
import { WITHOUT_QUEUE } from '../event/set_up.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import { scenario, suite } from '../harness/scenario.js';
import { PASID } from '../pasid/set_up.js';

const PAGES = 4n;
/** Where the process sees the file. */
const SHARED = SCRATCH.start;
/** Where it sees the file by a private mapping. */
const PRIVATE = SCRATCH.start + 16n * P;

interface Seen {
  readonly ioas: Reference;
  readonly device: Reference;
  readonly hwpt: Reference;
  readonly file: string;
}

/** A domain, and a file that the process sees twice: as it is, and by a private mapping. */
function seenTwice(t: ScenarioBuilder): Seen {
  const ioas = t.ioas();
  const mock = t.mockDomain(ioas);
  const file = t.memfd('m', PAGES);
  t.mmapFile(file, 0n, PAGES, { start: SHARED });
  t.mmapFile(file, 0n, PAGES, { start: PRIVATE, isPrivate: true });
  return { ioas, device: mock.out('out_idev_id'), hwpt: mock.out('out_hwpt_id'), file };
}

interface Unfilled extends Seen {
  /** An IOAS with the first page of the private mapping, which nobody has pinned yet. */
  readonly other: Reference;
  /** The handle of the device. */
  readonly handle: Reference;
}

/** The same, with an IOAS that has no domain, and one whose domain has the file. */
function seenTwiceAndUnfilled(t: ScenarioBuilder, deviceFlags: number): Unfilled {
  const ioas = t.ioas();
  const mock = t.mockDevice(ioas, deviceFlags);
  const file = t.memfd('m', PAGES);
  t.mmapFile(file, 0n, PAGES, { start: SHARED });
  t.mmapFile(file, 0n, PAGES, { start: PRIVATE, isPrivate: true });
  const hwpt = t.mockDomain(ioas).out('out_hwpt_id');
  t.map(ioas, { va: SHARED, iova: A });
  const other = t.ioas();
  t.map(other, { va: PRIVATE, iova: A });
  t.checkMap(hwpt, A, PRIVATE);
  return { ioas, device: mock.out('out_idev_id'), handle: mock.out('out_stdev_id'), hwpt, file, other };
}

/** Says that the page which the failed call would have pinned is the process's own now. */
function expectCopied(t: ScenarioBuilder, { hwpt }: Unfilled): void {
  t.checkMap(hwpt, A, PRIVATE).fails('EINVAL');
  t.checkRefs(PRIVATE, 0);
  t.counters(1);
}

/** Says that it has not come to pinning it. */
function expectShared(t: ScenarioBuilder, { hwpt }: Unfilled): void {
  t.checkMap(hwpt, A, PRIVATE);
  t.counters(1);
}

/** Lets a call write to memory. */
function writeTo(t: ScenarioBuilder, device: Scalar, address: bigint) {
  return t.ioctl('IOMMU_GET_HW_INFO', { dev_id: device, data_len: 8, data_uptr: address });
}

export const ioasMapPrivateFile = suite(
  'ioas/map_private_file',
  'IOMMU_IOAS_MAP of private mappings of files: the process gets pages of its own before they are pinned.',
  [
    scenario('pages,own', {
      doc: 'Pages of a private mapping of a file are copied before they are pinned, even to be read, so that a write later on does not move them; the file keeps its own.',
      covers: ['IOMMU_IOAS_MAP/OK', 'mmap/OK'],
      source: 'kselftest.md 4 ro_unshare',
      kselftest: ['iommufd_mock_domain.ro_unshare'],
      setup: seenTwice,
      cases: {
        read: (t, { ioas, hwpt }) => {
          t.map(ioas, { va: PRIVATE, iova: A, length: 2n * P, access: 'r' });
          t.checkMap(hwpt, A, PRIVATE, 2n * P);
          t.checkMap(hwpt, A, SHARED).fails('EINVAL');
          t.checkRefs(PRIVATE, 1, 2n * P);
          t.checkRefs(SHARED, 0, PAGES * P);
          t.counters(2);
        },
        written_later: (t, { ioas, device, hwpt }) => {
          t.map(ioas, { va: PRIVATE, iova: A, length: 2n * P, access: 'r' });
          writeTo(t, device, PRIVATE);
          writeTo(t, device, PRIVATE + P);
          t.checkMap(hwpt, A, PRIVATE, 2n * P);
          t.checkRefs(PRIVATE, 1, 2n * P);
        },
        file_written_later: (t, { ioas, device, hwpt }) => {
          t.map(ioas, { va: PRIVATE, iova: A, access: 'r' });
          writeTo(t, device, SHARED);
          t.checkMap(hwpt, A, PRIVATE);
          t.checkMap(hwpt, A, SHARED).fails('EINVAL');
        },
        two_tables: (t, { ioas, device, hwpt }) => {
          const second = t.hwptAlloc(device, ioas).out('out_hwpt_id');
          t.map(ioas, { va: PRIVATE, iova: A, length: 2n * P, access: 'r' });
          writeTo(t, device, PRIVATE);
          t.checkMap(hwpt, A, PRIVATE, 2n * P);
          t.checkMap(second, A, PRIVATE, 2n * P);
          t.counters(2);
        },
        second_device: (t, { ioas, device, hwpt }) => {
          t.mockDomain(ioas);
          t.map(ioas, { va: PRIVATE, iova: A, length: 2n * P, access: 'r' });
          writeTo(t, device, PRIVATE);
          t.checkMap(hwpt, A, PRIVATE, 2n * P);
        },
        read_only_mapping: (t, { ioas, hwpt, file }) => {
          t.mmapFile(file, 0n, PAGES, { start: PRIVATE, isPrivate: true, access: 'ro' });
          t.map(ioas, { va: PRIVATE, iova: A, access: 'r' });
          t.checkMap(hwpt, A, PRIVATE);
          t.checkMap(hwpt, A, SHARED).fails('EINVAL');
          t.map(ioas, { va: PRIVATE, iova: A + P }).fails('EFAULT');
        },
        written: (t, { ioas, hwpt }) => {
          t.map(ioas, { va: PRIVATE + P, iova: A });
          t.checkMap(hwpt, A, PRIVATE + P);
          t.checkMap(hwpt, A, SHARED + P).fails('EINVAL');
        },
        not_pinned_yet: (t, { file }) => {
          const other = t.ioas();
          t.map(other, { va: PRIVATE, iova: A });
          const hwpt = t.mockDomain(other).out('out_hwpt_id');
          t.checkMap(hwpt, A, PRIVATE);
          t.mapFile(other, file, { iova: A + P }).fails({ '7.3': 'OK', '6.12': 'ENOTTY' });
          t.checkRefs(PRIVATE, 1);
        },
        two_areas_of_one_page: (t) => {
          const other = t.ioas();
          t.map(other, { va: PRIVATE, iova: A });
          t.map(other, { va: PRIVATE, iova: A + P });
          const hwpt = t.mockDomain(other).out('out_hwpt_id');
          t.checkMap(hwpt, A, PRIVATE);
          t.checkMap(hwpt, A + P, PRIVATE);
          t.checkRefs(PRIVATE, 2);
          t.counters(2);
        },
        stays_when_unpinned: (t, { ioas, hwpt }) => {
          t.map(ioas, { va: PRIVATE, iova: A });
          t.unmap(ioas, A, P);
          t.map(ioas, { va: SHARED, iova: A });
          t.checkMap(hwpt, A, PRIVATE).fails('EINVAL');
          t.checkMap(hwpt, A, SHARED);
          t.checkRefs(PRIVATE, 0);
        },
        neighbours_stay: (t, { ioas, hwpt }) => {
          t.map(ioas, { va: PRIVATE, iova: A });
          t.map(ioas, { va: SHARED + P, iova: A + P });
          t.checkMap(hwpt, A + P, PRIVATE + P);
        },
      },
      control: (t, { ioas, hwpt }) => {
        t.map(ioas, { va: SHARED, iova: A });
        t.checkMap(hwpt, A, SHARED);
        t.checkMap(hwpt, A, PRIVATE);
        t.checkRefs(PRIVATE, 1);
      },
    }),
    scenario('pages,copied_in_vain', {
      doc: 'A call that fails once it has filled a new page table lets go of the pages; those of private mappings stay copied.',
      covers: [
        'IOMMU_HWPT_ALLOC/EFAULT.respond',
        'IOMMU_HWPT_ALLOC/ENOENT.fault',
        'IOMMU_TEST_OP_MOCK_DOMAIN/EFAULT.respond',
      ],
      source: 'mm/internal.h:gup_must_unshare',
      setup: (t) => seenTwiceAndUnfilled(t, 0),
      cases: {
        page_table_sealed: (t, all) => {
          t.hwptAlloc(all.device, all.other, {}, { at: 'sealed' }).fails('EFAULT');
          expectCopied(t, all);
        },
        page_table_without_queue: (t, { hwpt, device, other }) => {
          t.hwptAlloc(device, other, WITHOUT_QUEUE).fails({ '7.3': 'ENOENT', '6.12': 'EOPNOTSUPP' });
          t.checkMap(hwpt, A, PRIVATE).fails({ '7.3': 'EINVAL', '6.12': 'OK' });
        },
        page_table_refused_before: (t, all) => {
          t.hwptAlloc(all.device, all.other, { flags: 0x80 }).fails('EOPNOTSUPP');
          expectShared(t, all);
        },
        device_sealed: (t, all) => {
          t.ioctl('IOMMU_TEST_OP_MOCK_DOMAIN', { id: all.other }, { at: 'sealed' }).fails('EFAULT');
          expectCopied(t, all);
        },
        device_with_flags_sealed: (t, all) => {
          const device = { id: all.other, dev_flags: 0 };
          t.ioctl('IOMMU_TEST_OP_MOCK_DOMAIN_FLAGS', device, { at: 'sealed' }).fails('EFAULT');
          expectCopied(t, all);
        },
        again_with_success: (t, all) => {
          t.hwptAlloc(all.device, all.other, {}, { at: 'sealed' }).fails('EFAULT');
          const second = t.hwptAlloc(all.device, all.other).out('out_hwpt_id');
          t.checkMap(second, A, PRIVATE);
          t.checkRefs(PRIVATE, 1);
        },
      },
      control: (t, all) => {
        expectShared(t, all);
      },
    }),
    scenario('pages,copied_for_no_replacement', {
      doc: 'A replacement to an IOAS fills a new page table before it finds that it cannot be; an attachment finds it before.',
      covers: [
        'IOMMU_TEST_OP_PASID_REPLACE/EINVAL.not_attached',
        'IOMMU_TEST_OP_PASID_REPLACE/EINVAL.without_alloc_pasid',
        'IOMMU_TEST_OP_PASID_REPLACE/EINVAL.pasids_attached',
        'IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE/EINVAL.not_attached',
        'IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE/EINVAL.pasids_attached',
        'IOMMU_TEST_OP_PASID_ATTACH/EFAULT.respond',
      ],
      source: 'device.c:iommufd_device_auto_get_domain',
      needs: ['pasid'],
      setup: (t) => {
        const all = seenTwiceAndUnfilled(t, 4);
        const hwptWithPasids = t.hwptAlloc(all.device, all.ioas, { flags: PASID }).out('out_hwpt_id');
        t.replace(all.handle, hwptWithPasids);
        return { ...all, hwptWithPasids };
      },
      cases: {
        pasid_not_attached: (t, all) => {
          t.pasidReplace(all.handle, 7, all.other).fails('EINVAL');
          expectCopied(t, all);
        },
        device_not_attached: (t, all) => {
          t.pasidDetach(all.handle, 0);
          t.pasidReplace(all.handle, 0, all.other).fails('EINVAL');
          expectCopied(t, all);
        },
        device_not_attached_named_otherwise: (t, all) => {
          t.pasidDetach(all.handle, 0);
          t.replace(all.handle, all.other).fails('EINVAL');
          expectCopied(t, all);
        },
        pasid_to_an_ioas: (t, all) => {
          t.pasidAttach(all.handle, 7, all.hwptWithPasids);
          t.pasidReplace(all.handle, 7, all.other).fails('EINVAL');
          expectCopied(t, all);
        },
        device_with_pasids: (t, all) => {
          t.pasidAttach(all.handle, 7, all.hwptWithPasids);
          t.replace(all.handle, all.other).fails('EINVAL');
          expectCopied(t, all);
        },
        device_with_pasids_as_pasid: (t, all) => {
          t.pasidAttach(all.handle, 7, all.hwptWithPasids);
          t.pasidReplace(all.handle, 0, all.other).fails('EINVAL');
          expectCopied(t, all);
        },
        attached_sealed: (t, all) => {
          t.pasidDetach(all.handle, 0);
          t.pasidAttach(all.handle, 0, all.other, { at: 'sealed' }).fails('EFAULT');
          expectCopied(t, all);
        },
        attachment_of_a_pasid: (t, all) => {
          t.pasidAttach(all.handle, 7, all.other).fails('EINVAL');
          expectShared(t, all);
        },
        attachment_with_pasids: (t, all) => {
          t.pasidAttach(all.handle, 7, all.hwptWithPasids);
          t.pasidDetach(all.handle, 0);
          t.pasidAttach(all.handle, 0, all.other).fails('EINVAL');
          expectShared(t, all);
        },
        no_such_target: (t, all) => {
          t.pasidReplace(all.handle, 7, 0).fails('ENOENT');
          expectShared(t, all);
        },
      },
      control: (t, all) => {
        expectShared(t, all);
      },
    }),
    scenario('pages,lost_or_moved', {
      doc: 'Written pages are the process’s own too; they move with the mapping, are lost with the end of the file, and a child gets copies.',
      covers: ['IOMMU_IOAS_MAP/OK', 'IOMMU_IOAS_MAP/EFAULT.user_memory', 'fork/OK'],
      setup: (t) => {
        const all = seenTwice(t);
        t.map(all.ioas, { va: SHARED, iova: A, length: PAGES * P });
        return all;
      },
      cases: {
        written_by_a_call: (t, { device, hwpt }) => {
          t.checkMap(hwpt, A, PRIVATE, 2n * P);
          writeTo(t, device, PRIVATE);
          t.checkMap(hwpt, A, PRIVATE).fails('EINVAL');
          t.checkMap(hwpt, A + P, PRIVATE + P);
        },
        moved: (t, { device, hwpt }) => {
          writeTo(t, device, PRIVATE);
          t.mremap(PRIVATE, PAGES, PAGES, PRIVATE + 16n * P);
          t.checkMap(hwpt, A, PRIVATE + 16n * P).fails('EINVAL');
          t.checkMap(hwpt, A + P, PRIVATE + 17n * P);
        },
        cut: (t, { ioas, device, hwpt }) => {
          t.map(ioas, { va: PRIVATE + 2n * P, iova: 2n * A });
          t.munmap(PRIVATE + P, 1n);
          t.checkMap(hwpt, 2n * A, PRIVATE + 2n * P);
          t.checkMap(hwpt, A + 3n * P, PRIVATE + 3n * P);
          writeTo(t, device, PRIVATE + 3n * P);
          t.checkMap(hwpt, A + 3n * P, PRIVATE + 3n * P).fails('EINVAL');
        },
        cut_short: (t, { ioas, hwpt, file }) => {
          t.map(ioas, { va: PRIVATE, iova: 2n * A, length: 2n * P });
          t.step({ do: 'truncate', file, bytes: P });
          t.checkMap(hwpt, 2n * A, PRIVATE);
          t.checkRefs(PRIVATE + P, 0).fails('EFAULT');
          t.step({ do: 'truncate', file, bytes: 2n * P });
          t.checkMap(hwpt, 2n * A + P, PRIVATE + P).fails('EINVAL');
          t.checkRefs(PRIVATE + P, 0);
        },
        beyond_the_end: (t, { ioas, hwpt, file }) => {
          t.step({ do: 'truncate', file, bytes: P });
          t.checkMap(hwpt, A, PRIVATE);
          t.map(ioas, { va: PRIVATE, iova: 2n * A, length: 2n * P }).fails('EFAULT');
          // The first page was copied before the second could not be pinned.
          t.checkMap(hwpt, A, PRIVATE).fails('EINVAL');
          t.counters(Number(PAGES));
        },
        beyond_the_end_for_a_device: (t, { hwpt, file }) => {
          const other = t.ioas();
          t.map(other, { va: PRIVATE, iova: A, length: 2n * P });
          t.step({ do: 'truncate', file, bytes: P });
          t.checkMap(hwpt, A, PRIVATE);
          t.mockDomain(other).fails('EFAULT');
          t.checkMap(hwpt, A, PRIVATE).fails('EINVAL');
        },
        beyond_the_end_for_a_slow_access: (t, { hwpt, file }) => {
          const other = t.ioas();
          t.map(other, { va: PRIVATE, iova: A, length: 2n * P });
          const access = makeAccess(t, 'a', other);
          t.step({ do: 'truncate', file, bytes: P });
          t.checkMap(hwpt, A, PRIVATE);
          read(t, access, A + P - 4n, 8, { flags: SLOW }).fails('EFAULT');
          t.checkMap(hwpt, A, PRIVATE).fails('EINVAL');
        },
        child: (t, { ioas, hwpt }) => {
          t.map(ioas, { va: PRIVATE, iova: 2n * A });
          t.fork('child');
          t.by('child', () => {
            t.checkMap(hwpt, 2n * A, PRIVATE).fails('EINVAL');
            t.checkRefs(PRIVATE, 0);
            t.checkMap(hwpt, A + P, PRIVATE + P);
          });
          t.checkMap(hwpt, 2n * A, PRIVATE);
        },
      },
      control: (t, { hwpt }) => t.checkMap(hwpt, A, PRIVATE, PAGES * P),
    }),
  ],
);
