import { SCRATCH } from '../../models/program/arena.js';
import type { Reference } from '../../models/program/program.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import { APERTURE_START as A, P } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';
import { RW, SLOW, bytesOf, makeAccess, pin, read, write } from './set_up.js';

/** Where the process has its second mapping of a file. */
const SECOND = SCRATCH.start + 16n * P;

interface FileAndAccess {
  readonly ioas: Reference;
  readonly access: string;
}

/** A file of two pages that the process sees, mapped by its addresses. */
function seenFile(t: ScenarioBuilder): FileAndAccess {
  const ioas = t.ioas();
  t.memfd('m', 2n);
  t.mmapFile('m', 0n, 2n);
  t.map(ioas, { iova: A, va: SCRATCH.start, length: 2n * P });
  return { ioas, access: makeAccess(t, 'a', ioas) };
}

/** Lets the process see the file, and maps what it sees. */
function showFile(t: ScenarioBuilder, ioas: Reference, options: { readonly isPrivate?: boolean } = {}): void {
  t.mmapFile('m', 0n, 2n, options);
  t.map(ioas, { iova: A + 0x10000n, va: SCRATCH.start, length: 2n * P });
}

function truncate(t: ScenarioBuilder, bytes: bigint): void {
  t.step({ do: 'truncate', file: 'm', bytes });
}

export const accessRwFiles = suite(
  'access/rw_files',
  'ACCESS_RW of the pages of files of memory: what is cut off is zero when it comes back, private mappings get pages of their own, and pages that fallocate() made are cleared by the first look at them.',
  [
    scenario('truncated', {
      doc: 'Bytes behind the end of a file are cleared when it is cut within a page, for everybody who has the page; a page that is cut off stays as it is for those who have pinned it.',
      covers: [`${RW}/OK`, 'truncate/OK'],
      source: 'mm/shmem.c:shmem_undo_range',
      gaps: [51, 55],
      setup: (t) => {
        const all = seenFile(t);
        write(t, all.access, A + 0x17fcn, [1, 2]);
        return all;
      },
      cases: {
        within_a_page: (t, { access }) => {
          truncate(t, 0x1800n);
          read(t, access, A + 0x17fcn, 8).ok({ uptr: bytesOf(1, 0) });
        },
        grown_again: (t, { access }) => {
          truncate(t, 0x17fen);
          truncate(t, 2n * P);
          read(t, access, A + 0x17fcn, 8).ok({ uptr: bytesOf(1, 0) });
        },
        within_the_word: (t, { access }) => {
          write(t, access, A + 0x17fcn, [0x44332211]);
          truncate(t, 0x17fen);
          read(t, access, A + 0x17fcn, 8).ok({ uptr: bytesOf(0x2211, 0) });
        },
        up_to_the_page: (t, { access }) => {
          write(t, access, A + 0xffcn, [3]);
          truncate(t, P);
          truncate(t, 2n * P);
          read(t, access, A + 0xffcn, 8).ok({ uptr: bytesOf(3, 0) });
          read(t, access, A + 0x17fcn, 8).ok({ uptr: bytesOf(0, 0) });
        },
        same_size: (t, { access }) => {
          truncate(t, 2n * P);
          read(t, access, A + 0x17fcn, 8).ok({ uptr: bytesOf(1, 2) });
        },
        behind_the_end: (t, { access }) => {
          truncate(t, 0x1800n);
          write(t, access, A + 0x17fcn, [3, 4]);
          read(t, access, A + 0x17fcn, 8).ok({ uptr: bytesOf(3, 4) });
          truncate(t, 0x1800n);
          read(t, access, A + 0x17fcn, 8).ok({ uptr: bytesOf(3, 0) });
        },
        behind_the_end_and_grown: (t, { access }) => {
          truncate(t, 0x1800n);
          write(t, access, A + 0x17fcn, [3, 4]);
          truncate(t, 2n * P);
          read(t, access, A + 0x17fcn, 8).ok({ uptr: bytesOf(3, 0) });
        },
        pinned: (t, { access }) => {
          pin(t, access, A, 2n * P);
          truncate(t, 0x1800n);
          const bytes = new Uint8Array(0x808);
          bytes[0x800] = 1;
          read(t, access, A + 0xffcn, 0x808, { flags: SLOW }).ok({ uptr: bytes });
        },
        pinned_and_cut_off: (t, { access }) => {
          write(t, access, A + 0xffcn, [5, 6]);
          pin(t, access, A, 2n * P);
          truncate(t, 0x800n);
          read(t, access, A + 0xffcn, 8, { flags: SLOW }).ok({ uptr: bytesOf(0, 6) });
          read(t, access, A + 0xffcn, 8).fails('EFAULT');
        },
      },
      control: (t, { access }) => read(t, access, A + 0x17fcn, 8).ok({ uptr: bytesOf(1, 2) }),
    }),
    scenario('private', {
      doc: 'A private mapping shows the file until its page is written or pinned for long, and from then on what the page held.',
      covers: [`${RW}/OK`],
      source: 'mm/memory.c:do_wp_page; mm/internal.h:gup_must_unshare',
      gaps: [51, 55],
      setup: (t) => {
        const all = seenFile(t);
        t.mmapFile('m', 0n, 2n, { start: SECOND, isPrivate: true });
        t.map(all.ioas, { iova: A + 0x10000n, va: SECOND, length: 2n * P });
        write(t, all.access, A + 0xffcn, [1, 2]);
        return all;
      },
      cases: {
        written_to: (t, { access }) => {
          write(t, access, A + 0x10ff8n, [3]);
          read(t, access, A + 0x10ff8n, 12).ok({ uptr: bytesOf(3, 1, 2) });
          read(t, access, A + 0xff8n, 12).ok({ uptr: bytesOf(0, 1, 2) });
        },
        written_to_slowly: (t, { access }) => {
          write(t, access, A + 0x10ffcn, [3, 4], { flags: 1 | SLOW });
          read(t, access, A + 0x10ffcn, 8).ok({ uptr: bytesOf(3, 4) });
          read(t, access, A + 0xffcn, 8).ok({ uptr: bytesOf(1, 2) });
        },
        file_written_to_later: (t, { access }) => {
          write(t, access, A + 0x10ff8n, [3]);
          write(t, access, A + 0xffcn, [5, 6]);
          read(t, access, A + 0x10ff8n, 12).ok({ uptr: bytesOf(3, 1, 6) });
        },
        pinned_to_be_read: (t, { access }) => {
          pin(t, access, A + 0x10000n);
          write(t, access, A + 0xffcn, [5, 6]);
          read(t, access, A + 0x10ffcn, 8).ok({ uptr: bytesOf(1, 6) });
        },
        pinned_and_compared: (t, { access }) => {
          pin(t, access, A + 0x10000n, P, { uptr: SECOND }).ok({ out_access_pages_id: 0 });
          pin(t, access, A + 0x11000n, P, { uptr: SCRATCH.start + P }).fails('EBADE');
          pin(t, access, A, P, { uptr: SCRATCH.start });
        },
        pinned_in_vain: (t, { access }) => {
          pin(t, access, A + 0x10000n, P, { uptr: SCRATCH.start }).fails('EBADE');
          write(t, access, A + 0xffcn, [5, 6]);
          read(t, access, A + 0x10ffcn, 8).ok({ uptr: bytesOf(1, 6) });
        },
        read_slowly: (t, { access }) => {
          read(t, access, A + 0x10ffcn, 8, { flags: SLOW }).ok({ uptr: bytesOf(1, 2) });
          write(t, access, A + 0xffcn, [5, 6]);
          read(t, access, A + 0x10ffcn, 8).ok({ uptr: bytesOf(1, 2) });
        },
        one_page_read_slowly: (t, { access }) => {
          read(t, access, A + 0x10ffcn, 4, { flags: SLOW }).ok({ uptr: bytesOf(1) });
          write(t, access, A + 0xffcn, [5, 6]);
          read(t, access, A + 0x10ffcn, 8).ok({ uptr: bytesOf(5, 6) });
        },
        of_a_child: (t, { ioas, access }) => {
          write(t, access, A + 0x10ffcn, [3]);
          t.fork('c');
          t.by('c', () => t.map(ioas, { iova: A + 0x20000n, va: SECOND, length: 2n * P }));
          write(t, access, A + 0x10ffcn, [4]);
          read(t, access, A + 0x20ffcn, 4).ok({ uptr: bytesOf(3) });
          read(t, access, A + 0x21000n, 4).ok({ uptr: bytesOf(2) });
        },
      },
      control: (t, { access }) => {
        read(t, access, A + 0x10ffcn, 8).ok({ uptr: bytesOf(1, 2) });
        write(t, access, A + 0xffcn, [5, 6]);
        read(t, access, A + 0x10ffcn, 8).ok({ uptr: bytesOf(5, 6) });
      },
    }),
    scenario('fallocated', {
      doc: 'What is written to pages that fallocate() made is lost when somebody looks at them as at a file; from then on they keep it.',
      covers: [`${RW}/OK`],
      source: 'mm/gup.c:memfd_pin_folios; mm/shmem.c:shmem_get_folio_gfp',
      gaps: [51, 55],
      needs: ['map_file'],
      setup: (t) => {
        const ioas = t.ioas();
        t.memfd('m', 2n, { fallocated: true });
        t.mapFile(ioas, 'm', { iova: A, length: 2n * P });
        const access = makeAccess(t, 'a', ioas);
        write(t, access, A + 0xffcn, [1, 2]);
        return { ioas, access };
      },
      cases: {
        read_by_address: (t, { ioas, access }) => {
          showFile(t, ioas);
          read(t, access, A + 0x10ffcn, 8).ok({ uptr: bytesOf(0, 0) });
          read(t, access, A + 0xffcn, 8).ok({ uptr: bytesOf(0, 0) });
        },
        read_by_private_mapping: (t, { ioas, access }) => {
          showFile(t, ioas, { isPrivate: true });
          read(t, access, A + 0x10ffcn, 8).ok({ uptr: bytesOf(0, 0) });
          read(t, access, A + 0xffcn, 8).ok({ uptr: bytesOf(0, 0) });
        },
        written_by_address: (t, { ioas, access }) => {
          showFile(t, ioas);
          write(t, access, A + 0x11000n, [3]);
          read(t, access, A + 0x1000n, 8).ok({ uptr: bytesOf(3, 0) });
          read(t, access, A + 0x10ffcn, 4).ok({ uptr: bytesOf(0) });
        },
        pinned_by_address: (t, { ioas, access }) => {
          showFile(t, ioas);
          pin(t, access, A + 0x10000n, 2n * P);
          read(t, access, A + 0xffcn, 8).ok({ uptr: bytesOf(0, 0) });
        },
        pinned_all_the_while: (t, { ioas, access }) => {
          t.mockDomain(ioas);
          write(t, access, A + 0x800n, [3]);
          showFile(t, ioas);
          read(t, access, A + 0x800n, 4).ok({ uptr: bytesOf(0) });
          t.checkRefs(SCRATCH.start, 2, 2n * P);
        },
        file_grows_within_a_page: (t, { access }) => {
          truncate(t, 0x1800n);
          truncate(t, 2n * P);
          read(t, access, A + 0x1000n, 4).ok({ uptr: bytesOf(0) });
          read(t, access, A + 0xffcn, 4).ok({ uptr: bytesOf(1) });
        },
        looked_at_before: (t, { ioas, access }) => {
          showFile(t, ioas);
          read(t, access, A + 0x10ffcn, 8).ok({ uptr: bytesOf(0, 0) });
          write(t, access, A + 0xffcn, [3, 4]);
          read(t, access, A + 0x10ffcn, 8).ok({ uptr: bytesOf(3, 4) });
        },
        written_as_whole: (t, { access }) => {
          truncate(t, 0n);
          truncate(t, 2n * P);
          read(t, access, A + 0xffcn, 8).ok({ uptr: bytesOf(0, 0) });
        },
      },
      control: (t, { access }) => {
        read(t, access, A + 0xffcn, 8).ok({ uptr: bytesOf(1, 2) });
        read(t, access, A + 0xffcn, 8, { flags: SLOW }).ok({ uptr: bytesOf(1, 2) });
      },
    }),
  ],
);
