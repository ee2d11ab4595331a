import { BUFFER } from '../../models/program/arena.js';
import { NO_SUCH_ID } from '../harness/builder.js';
import { APERTURE_START as A, P } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';
import { makeAccess, moveAccess, pin, unpin } from './set_up.js';

const REPLACE = 'IOMMU_TEST_OP_ACCESS_REPLACE_IOAS';

export const accessReplace = suite(
  'access/replace',
  'ACCESS_REPLACE_IOAS: an access moves to another IOAS of its own iommufd and leaves behind what it has pinned.',
  [
    scenario('refused', {
      doc: 'The descriptor, the IOAS and its areas decide in this order; a refused access keeps its IOAS and its pins.',
      covers: [`${REPLACE}/EBADFD.access`, `${REPLACE}/ENOENT.ioas`, `${REPLACE}/EADDRINUSE.alignment`],
      source: 'device.md 1.11',
      gaps: [52],
      setup: (t) => {
        const ioas = t.ioas();
        const other = t.ioas();
        t.map(ioas, { iova: A });
        t.map(other, { iova: 0x800n, length: 0x800n, va: BUFFER.start + 0x800n });
        const access = makeAccess(t, 'a', ioas);
        pin(t, access, A);
        return { ioas, other, access };
      },
      cases: {
        no_descriptor: (t, { other }) =>
          t.ioctl(REPLACE, { id: 0x3fff_ffff, ioas_id: other }).fails('EBADFD'),
        iommufd: (t, { other }) => moveAccess(t, 'f', other).fails('EBADFD'),
        descriptor_before_ioas: (t) => moveAccess(t, 'f', NO_SUCH_ID).fails('EBADFD'),
        no_ioas: (t, { access }) => {
          moveAccess(t, access, NO_SUCH_ID).fails('ENOENT');
          t.counters(1);
        },
        areas_within_pages: (t, { ioas, other, access }) => {
          moveAccess(t, access, other).fails('EADDRINUSE');
          t.counters(1);
          t.ranges(other, 1).ok({ out_iova_alignment: 1n });
          t.ranges(ioas, 1).ok({ out_iova_alignment: 0x1000n });
          t.destroy(other);
        },
        refused_and_closed: (t, { ioas, other, access }) => {
          moveAccess(t, access, other).fails('EADDRINUSE');
          t.close(access);
          t.counters(0);
          t.ranges(ioas, 1).ok({ out_iova_alignment: 1n });
          t.destroy(ioas);
          t.destroy(other);
        },
        refused_and_moved: (t, { ioas, other, access }) => {
          moveAccess(t, access, other).fails('EADDRINUSE');
          t.unmap(other, 0x800n, 0x800n);
          moveAccess(t, access, other);
          t.ranges(ioas, 1).ok({ out_iova_alignment: 1n });
          t.destroy(other).fails('EBUSY');
        },
        ioas_of_the_calling_file: (t, { access }) => {
          t.open('g');
          t.ioas('g');
          t.ioas('g');
          t.ioas('g');
          const foreign = t.ioas('g');
          t.ioctl(REPLACE, { id: { fd: access }, ioas_id: foreign }, { file: 'g' }).fails('ENOENT');
        },
      },
      control: (t, { other, access }) => {
        t.unmap(other, 0x800n, 0x800n);
        moveAccess(t, access, other);
      },
    }),
    scenario('moves', {
      doc: 'The pins stay behind, the old IOAS is free, the new one is held and aligned; the same IOAS changes nothing.',
      covers: [`${REPLACE}/OK`],
      source: 'device.md 1.11',
      gaps: [52],
      setup: (t) => {
        const ioas = t.ioas();
        const other = t.ioas();
        t.map(ioas, { iova: A, length: 2n * P });
        const access = makeAccess(t, 'a', ioas);
        pin(t, access, A, 2n * P);
        return { ioas, other, access };
      },
      cases: {
        pins_stay_behind: (t, { other, access }) => {
          moveAccess(t, access, other);
          t.counters(0);
          unpin(t, access, 0).fails('ENOENT');
          pin(t, access, A).fails('ENOENT');
        },
        users_move: (t, { ioas, other, access }) => {
          t.destroy(ioas).fails('EBUSY');
          moveAccess(t, access, other);
          t.destroy(ioas);
          t.destroy(other).fails('EBUSY');
          t.close(access);
          t.destroy(other);
        },
        alignment_moves: (t, { ioas, other, access }) => {
          moveAccess(t, access, other);
          t.ranges(ioas, 1).ok({ out_iova_alignment: 1n });
          t.ranges(other, 1).ok({ out_iova_alignment: 0x1000n });
        },
        same_ioas: (t, { ioas, access }) => {
          moveAccess(t, access, ioas);
          t.counters(2);
          unpin(t, access, 0);
          t.counters(0);
        },
        numbers_go_on: (t, { ioas, other, access }) => {
          moveAccess(t, access, other);
          t.copy({ src: ioas, dst: other, from: A, iova: A, length: 2n * P });
          pin(t, access, A).ok({ out_access_pages_id: 1 });
        },
        copy_into_a_domain: (t, { ioas, other, access }) => {
          const device = t.mockDomain(other);
          t.copy({ src: ioas, dst: other, from: A, iova: A, length: 2n * P });
          t.checkMap(device.out('out_hwpt_id'), A, BUFFER.start, 2n * P);
          t.counters(2);
          const third = t.ioas();
          moveAccess(t, access, third);
          t.counters(2);
          t.unmap(other, A, 2n * P);
          t.counters(0);
          t.destroy(ioas);
        },
        through_another_iommufd: (t, { other, access }) => {
          t.open('g');
          t.ioctl(REPLACE, { id: { fd: access }, ioas_id: other }, { file: 'g' });
          t.counters(0);
          t.destroy(other).fails('EBUSY');
        },
        that_does_not_pin: (t, { ioas, other }) => {
          const idle = makeAccess(t, 'b', ioas, { flags: 0 });
          t.map(other, { iova: 1n, length: 1n, va: BUFFER.start + 1n });
          moveAccess(t, idle, other);
          t.ranges(other, 1).ok({ out_iova_alignment: 1n });
        },
      },
      control: (t, { other, access }) => moveAccess(t, access, other),
    }),
  ],
);
