import { BUFFER } from '../../models/program/arena.js';
import { APERTURE_START as A, P, U64_MAX } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';
import { deviceWithPasids } from '../pasid/set_up.js';
import { deviceAndParent } from '../hwpt/set_up.js';
import { SWEPT, destroyIt, sweep } from './sweep.js';

/** Linux 6.12 does not tell who adds a device that it got no IOMMU for lack of memory; binding it is EINVAL then. */
const NO_IOMMU = { besides: { '6.12': 'EINVAL' } } as const;

export const exhaustionMock = suite(
  'exhaustion/mock',
  'Test operations of devices and of PASIDs that run out of memory.',
  [
    scenario('devices', {
      doc: 'Making a device fails with ENOMEM and changes nothing, or succeeds; a device that has got no IOMMU for lack of memory is refused by 6.12, and taken for one that needs none by 7.3.',
      covers: ['IOMMU_TEST_OP_MOCK_DOMAIN/OK'],
      ...SWEPT,
      without: { ...SWEPT.without, probed: 'the device may have no IOMMU, of which nothing is known' },
      setup: () => undefined,
      cases: {
        domain: sweep({
          setup: (t) => t.ioas(),
          call: (t, ioas) => t.mockDomain(ioas),
          answers: NO_IOMMU,
          undo: destroyIt('out_stdev_id'),
          rounds: 180,
        }),
        domain_filled: sweep({
          setup: (t) => {
            const ioas = t.ioas();
            t.map(ioas, { iova: A, length: 4n * P });
            t.map(ioas, { iova: A + 0x40_0000n, length: 4n * P });
            return ioas;
          },
          call: (t, ioas) => t.mockDomain(ioas),
          answers: NO_IOMMU,
          undo: destroyIt('out_stdev_id'),
          rounds: 220,
        }),
        domain_second: sweep({
          setup: (t) => {
            const ioas = t.ioas();
            t.map(ioas, { iova: A, length: 4n * P });
            t.mockDomain(ioas);
            return ioas;
          },
          call: (t, ioas) => t.mockDomain(ioas),
          answers: NO_IOMMU,
          undo: destroyIt('out_stdev_id'),
          rounds: 170,
        }),
        domain_on_hwpt: sweep({
          setup: (t) => deviceAndParent(t),
          call: (t, { parent }) => t.mockDomain(parent),
          answers: NO_IOMMU,
          undo: destroyIt('out_stdev_id'),
          rounds: 170,
        }),
        domain_flags: {
          needs: ['pasid'],
          body: sweep({
            setup: (t) => t.ioas(),
            call: (t, ioas) => t.mockDevice(ioas, 4),
            undo: destroyIt('out_stdev_id'),
            rounds: 180,
          }),
        },
      },
      control: (t) => t.mockDomain(t.ioas()),
    }),
    scenario('calls', {
      doc: 'Each call fails with ENOMEM and changes nothing, or succeeds.',
      covers: [
        'IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE/OK',
        'IOMMU_TEST_OP_ADD_RESERVED/OK',
        'IOMMU_GET_HW_INFO/OK',
      ],
      ...SWEPT,
      setup: () => undefined,
      cases: {
        destroy: sweep({
          setup: (t) => {
            const ioas = t.ioas();
            t.map(ioas, { iova: A, length: 4n * P });
            return ioas;
          },
          before: (t, ioas) => {
            t.mockDomain(ioas);
          },
          call: (t) => t.destroy(2),
          undo: (t) => {
            t.destroy(2).orFails('ENOENT');
          },
          rounds: 24,
          isQuiet: true,
        }),
        replace_by_hwpt: sweep({
          setup: (t) => deviceAndParent(t),
          call: (t, { handle, parent }) => t.replace(handle, parent),
          undo: (t, { handle, ioas }) => {
            t.replace(handle, ioas);
          },
          rounds: 7,
        }),
        replace_by_ioas: sweep({
          setup: (t) => {
            const all = deviceAndParent(t);
            const other = t.ioas();
            t.map(other, { iova: A, length: 4n * P });
            return { ...all, other };
          },
          call: (t, { handle, other }) => t.replace(handle, other),
          undo: (t, { handle, ioas }) => {
            t.replace(handle, ioas);
          },
          rounds: 32,
        }),
        replace_by_nested: sweep({
          setup: (t) => {
            const all = deviceAndParent(t);
            return { ...all, nested: t.nestedHwpt(all.device, all.parent, 7).out('out_hwpt_id') };
          },
          call: (t, { handle, nested }) => t.replace(handle, nested),
          undo: (t, { handle, ioas }) => {
            t.replace(handle, ioas);
          },
          rounds: 7,
        }),
        pasid_attach: {
          needs: ['pasid'],
          body: sweep({
            setup: (t) => deviceWithPasids(t),
            call: (t, { handle, second }) => t.pasidAttach(handle, 200, second),
            undo: (t, { handle }) => {
              t.pasidDetach(handle, 200);
            },
            rounds: 40,
          }),
        },
        pasid_replace: {
          needs: ['pasid'],
          body: sweep({
            setup: (t) => {
              const all = deviceWithPasids(t);
              t.pasidAttach(all.handle, 200, all.first);
              return all;
            },
            call: (t, { handle, second }) => t.pasidReplace(handle, 200, second),
            undo: (t, { handle, first }) => {
              t.pasidReplace(handle, 200, first);
            },
            rounds: 7,
          }),
        },
        pasid_detach: {
          needs: ['pasid'],
          body: sweep({
            setup: (t) => deviceWithPasids(t),
            before: (t, { handle, first }) => {
              t.pasidAttach(handle, 200, first).orFails('EBUSY');
            },
            call: (t, { handle }) => t.pasidDetach(handle, 200),
            rounds: 5,
            isQuiet: true,
          }),
        },
        pasid_check: {
          needs: ['pasid'],
          body: sweep({
            setup: (t) => deviceWithPasids(t),
            call: (t, { handle }) => t.pasidCheck(handle, 200, 0),
            rounds: 5,
            isQuiet: true,
          }),
        },
        reserve: sweep({
          setup: (t) => t.ioas(),
          call: (t, ioas, round) => t.reserve(ioas, BigInt(round) * 0x10000n, P),
          rounds: 6,
        }),
        check_map: sweep({
          setup: (t) => {
            const ioas = t.ioas();
            t.map(ioas, { iova: A });
            return t.mockDomain(ioas).out('out_hwpt_id');
          },
          call: (t, hwpt) => t.checkMap(hwpt, A, BUFFER.start),
          rounds: 5,
          isQuiet: true,
        }),
        check_refs: sweep({
          setup: () => undefined,
          call: (t) => t.checkRefs(BUFFER.start, 0),
          rounds: 4,
          isQuiet: true,
        }),
        memory_limit: sweep({
          setup: () => undefined,
          call: (t) => t.ioctl('IOMMU_TEST_OP_SET_TEMP_MEMORY_LIMIT', { limit: 65536 }),
          rounds: 4,
          isQuiet: true,
        }),
        hw_info: sweep({
          setup: (t) => t.mockDomain(t.ioas()).out('out_idev_id'),
          call: (t, device) =>
            t.ioctl('IOMMU_GET_HW_INFO', { dev_id: device, data_len: 8, data_uptr: { room: 8 } }),
          rounds: 6,
        }),
      },
      control: (t) => t.reserve(t.ioas(), U64_MAX, 1n),
    }),
  ],
);
