import { BUFFER, SCRATCH } from '../../models/program/arena.js';
import { deviceWithQueue, fault, record } from '../event/set_up.js';
import { APERTURE_START as A, P } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';
import { deviceAndParent } from '../hwpt/set_up.js';
import { rounds, together } from './set_up.js';

const DESTROY = 'IOMMU_DESTROY';

/** Bytes of a fault record. */
const FAULT_BYTES = 40;

export const lanesObjects = suite(
  'lanes/objects',
  'Calls at the same time that make, use and destroy objects, and that close what others use.',
  [
    scenario('ids,allocated', {
      doc: 'Two calls that make an object get different ids, and the lowest there are.',
      covers: ['IOMMU_IOAS_ALLOC/OK'],
      source: 'core.md 2.1',
      gaps: [58],
      setup: () => undefined,
      cases: {
        two: (t) => {
          rounds(() => {
            const [one, two] = together(
              t,
              () => t.ioctl('IOMMU_IOAS_ALLOC', {}),
              () => t.ioctl('IOMMU_IOAS_ALLOC', {}),
            );
            t.destroy(one.out('out_ioas_id'));
            t.destroy(two.out('out_ioas_id'));
            t.either({
              first_lower: () => [one.ok({ out_ioas_id: 1 }), two.ok({ out_ioas_id: 2 })],
              second_lower: () => [one.ok({ out_ioas_id: 2 }), two.ok({ out_ioas_id: 1 })],
            });
          });
        },
      },
      control: (t) => t.ioas(),
    }),
    scenario('ids,guessed', {
      doc: 'An id that somebody guesses finds the object once its call is done, and nothing before.',
      covers: [`${DESTROY}/ENOENT.object`, `${DESTROY}/OK`],
      source: 'core.md 2.1; seeds.md S1-16',
      gaps: [58],
      seeds: ['S1-16'],
      setup: () => undefined,
      cases: {
        destroyed: (t) => {
          rounds(() => {
            const [made, guessed] = together(
              t,
              () => t.ioctl('IOMMU_IOAS_ALLOC', {}).ok({ out_ioas_id: 1 }),
              () => t.destroy(1),
            );
            const left = t.destroy(made.out('out_ioas_id'));
            t.either({
              made_first: () => left.fails('ENOENT'),
              guessed_first: () => guessed.fails('ENOENT'),
            });
          });
        },
      },
      control: (t) => t.ioas(),
    }),
    scenario('ids,passing', {
      doc: 'A device that moves to an IOAS gets an automatic page table before it gives up the one that it has, so a third id can be the lowest.',
      covers: ['IOMMU_IOAS_ALLOC/OK', 'IOMMU_TEST_OP_MOCK_DOMAIN_REPLACE/OK', 'lanes/OK.passing_ids'],
      source: 'core.md 2.1, device.md 1',
      gaps: [58],
      setup: (t) => {
        const [home, other] = [t.ioas(), t.ioas()];
        return { home, other, handle: t.mockDomain(home).out('out_stdev_id') };
      },
      cases: {
        replaced_meanwhile: (t, { home, other, handle }) => {
          rounds(() => {
            const [replaced, made] = together(
              t,
              () => t.replace(handle, other),
              () => t.ioctl('IOMMU_IOAS_ALLOC', {}),
            );
            t.destroy(made.out('out_ioas_id'));
            t.replace(handle, home).ok({ pt_id: 5 });
            t.either({
              replaced_first: () => [replaced.ok({ pt_id: 6 }), made.ok({ out_ioas_id: 5 })],
              made_first: () => [replaced.ok({ pt_id: 7 }), made.ok({ out_ioas_id: 6 })],
              in_between: () => [replaced.ok({ pt_id: 6 }), made.ok({ out_ioas_id: 7 })],
            });
          });
        },
      },
      control: (t, { other, handle }) => t.replace(handle, other),
    }),
    scenario('destroy,twice', {
      doc: 'Of two calls that destroy an object one finds it, the other does not.',
      covers: [`${DESTROY}/ENOENT.object`, `${DESTROY}/OK`],
      source: 'core.md 2.4',
      gaps: [58],
      setup: () => undefined,
      cases: {
        ioas: (t) => {
          rounds(() => {
            const ioas = t.ioas();
            const [one, two] = together(
              t,
              () => t.destroy(ioas),
              () => t.destroy(ioas),
            );
            t.either({
              first: () => two.fails('ENOENT'),
              second: () => one.fails('ENOENT'),
            });
          });
        },
        page_table: (t) => {
          const ioas = t.ioas();
          const device = t.mockDomain(ioas).out('out_idev_id');
          rounds(() => {
            const hwpt = t.hwptAlloc(device, ioas).out('out_hwpt_id');
            const [one, two] = together(
              t,
              () => t.destroy(hwpt),
              () => t.destroy(hwpt),
            );
            t.either({
              first: () => two.fails('ENOENT'),
              second: () => one.fails('ENOENT'),
            });
          });
        },
      },
      control: (t) => t.destroy(t.ioas()),
    }),
    scenario('destroy,in_steps', {
      doc: 'A mock device loses its handle first and its device last; in between the device is there, and busy.',
      covers: [`${DESTROY}/EBUSY.users`, `${DESTROY}/ENOENT.object`, `${DESTROY}/OK`],
      source: 'core.md 2.4, device.md 1',
      gaps: [58],
      setup: (t) => t.ioas(),
      cases: {
        device: (t, ioas) => {
          rounds(() => {
            const mock = t.mockDomain(ioas);
            const [handle, device] = [mock.out('out_stdev_id'), mock.out('out_idev_id')];
            const [one, [two, owned]] = together(
              t,
              () => t.destroy(handle),
              () => [t.destroy(handle), t.destroy(device)] as const,
            );
            t.ioctl('IOMMU_TEST_OP_MD_CHECK_MAP', { id: mock.out('out_hwpt_id') }).fails('ENOENT');
            t.either({
              first: () => [two.fails('ENOENT'), owned.fails('ENOENT')],
              second: () => [one.fails('ENOENT'), owned.fails('ENOENT')],
              half_gone: () => [two.fails('ENOENT'), owned.fails('EBUSY')],
            });
          });
        },
      },
      control: (t, ioas) => t.destroy(t.mockDomain(ioas).out('out_stdev_id')),
    }),
    scenario('destroy,looked_at', {
      doc: 'An automatic page table goes with its device, unless somebody looks at it just then: it stays then, until it is destroyed.',
      covers: [`${DESTROY}/ENOENT.object`, `${DESTROY}/OK`, 'lanes/OK.page_table_stays'],
      source: 'device.md 1',
      gaps: [58],
      setup: (t) => t.ioas(),
      cases: {
        device: (t, ioas) => {
          t.map(ioas, { iova: A });
          rounds(() => {
            const mock = t.mockDomain(ioas);
            const hwpt = mock.out('out_hwpt_id');
            t.lanes(
              () => t.destroy(mock.out('out_stdev_id')),
              () => [0, 1, 2, 3].map(() => t.checkMap(hwpt, A, BUFFER.start).orFails('ENOENT')),
            );
            const left = t.destroy(hwpt);
            t.either({
              gone: () => left.fails('ENOENT'),
              stays: () => left.ok(),
            });
          });
        },
      },
      control: (t, ioas) => t.destroy(t.mockDomain(ioas).out('out_stdev_id')),
    }),
    scenario('destroy,in_use', {
      doc: 'An object that another call uses is busy for as long; after it, what the call has made of it counts.',
      covers: [`${DESTROY}/EBUSY.users`, `${DESTROY}/OK`, 'lanes/EBUSY.in_flight'],
      source: 'core.md 2.4',
      gaps: [58],
      seeds: ['S1-15'],
      setup: (t) => t.ioas(),
      cases: {
        mapped_meanwhile: (t) => {
          rounds(() => {
            const ioas = t.ioas();
            const [mapped, destroyed] = together(
              t,
              () => t.map(ioas, { iova: A, length: 16n * P }),
              () => t.destroy(ioas),
            );
            const left = t.destroy(ioas);
            t.either({
              map_first: () => left.fails('ENOENT'),
              destroy_first: () => [mapped.fails('ENOENT'), left.fails('ENOENT')],
              in_use: () => destroyed.fails('EBUSY'),
            });
          });
        },
        page_table_made_meanwhile: (t, home) => {
          const device = t.mockDomain(home).out('out_idev_id');
          rounds(() => {
            const ioas = t.ioas();
            const [made, destroyed] = together(
              t,
              () => t.hwptAlloc(device, ioas),
              () => t.destroy(ioas),
            );
            const hwpt = made.out('out_hwpt_id');
            const [leftHwpt, left] = [t.destroy(hwpt), t.destroy(ioas)];
            t.either({
              made_first: () => destroyed.fails('EBUSY'),
              destroyed_first: () => [made.fails('EINVAL'), leftHwpt.fails('ENOENT'), left.fails('ENOENT')],
            });
          });
        },
        attached_meanwhile: (t, home) => {
          const mock = t.mockDomain(home);
          const handle = mock.out('out_stdev_id');
          rounds(() => {
            const hwpt = t.hwptAlloc(mock.out('out_idev_id'), home).out('out_hwpt_id');
            const [replaced, destroyed] = together(
              t,
              () => t.replace(handle, hwpt),
              () => t.destroy(hwpt),
            );
            t.replace(handle, home);
            const left = t.destroy(hwpt);
            t.either({
              attached_first: () => destroyed.fails('EBUSY'),
              destroyed_first: () => [replaced.fails('ENOENT'), left.fails('ENOENT')],
            });
          });
        },
      },
      control: (t, ioas) => t.destroy(ioas),
    }),
    scenario('mmap,and_destroy', {
      doc: 'A region is mapped and keeps its vIOMMU, or the vIOMMU goes and takes the region with it.',
      covers: ['mmap/ENXIO.region', `${DESTROY}/EBUSY.users`],
      source: 'device.md 4.2',
      gaps: [58],
      seeds: ['S0-24', 'S0-25'],
      needs: ['viommu'],
      setup: (t) => deviceAndParent(t),
      cases: {
        region: (t, { device, parent }) => {
          rounds(() => {
            const data = { data_len: 24, data_uptr: { words: [0x1234, 0, 0, 0, 0, 0] } };
            const viommu = t.viommu(device, parent, data).out('out_viommu_id');
            const [mapped, destroyed] = together(
              t,
              () => t.mmapFile('f', P, 2n),
              () => t.destroy(viommu),
            );
            t.munmap(SCRATCH.start, 2n);
            const left = t.destroy(viommu);
            t.either({
              mapped_first: () => destroyed.fails('EBUSY'),
              destroyed_first: () => [mapped.fails('ENXIO'), left.fails('ENOENT')],
            });
          });
        },
      },
      control: (t, { device, parent }) => t.viommu(device, parent),
    }),
    scenario('close,and_use', {
      doc: 'A call on a descriptor that is closed comes through or finds no file; another descriptor of the file does not care.',
      covers: ['envelope/EBADF.file', 'IOMMU_IOAS_ALLOC/OK'],
      gaps: [58],
      setup: () => undefined,
      cases: {
        same_descriptor: (t) => {
          rounds((round) => {
            const file = t.open(`g${String(round)}`);
            const [, made] = together(
              t,
              () => t.close(file),
              () => t.ioctl('IOMMU_IOAS_ALLOC', {}, { file }),
            );
            t.either({
              used_first: () => made.ok({ out_ioas_id: 1 }),
              closed_first: () => made.fails('EBADF'),
            });
          });
        },
        another_descriptor: (t) => {
          rounds((round) => {
            const file = t.open(`g${String(round)}`);
            const other = t.dup(`h${String(round)}`, file);
            together(
              t,
              () => t.close(file),
              () => t.ioctl('IOMMU_IOAS_ALLOC', {}, { file: other }).ok({ out_ioas_id: 1 }),
            );
            t.ioctl('IOMMU_IOAS_ALLOC', {}, { file: other }).ok({ out_ioas_id: 2 });
            t.close(other);
          });
        },
      },
      control: (t) => t.ioas(),
    }),
    scenario('faults,answered_twice', {
      doc: 'A fault takes one answer, whoever gives it; it is read once, too.',
      covers: ['fault_write/EINVAL.cookie', 'fault_write/OK'],
      source: 'device.md 5',
      gaps: [58],
      setup: (t) => deviceWithQueue(t),
      cases: {
        answered: (t, { device }) => {
          rounds(() => {
            fault(t, device);
            t.read('q', FAULT_BYTES).reads(...record(1));
            const [one, two] = together(
              t,
              () => t.write('q', [1, 0]),
              () => t.write('q', [1, 0]),
            );
            t.either({
              first: () => [one.returns(8), two.fails('EINVAL')],
              second: () => [one.fails('EINVAL'), two.returns(8)],
            });
          });
        },
        read: (t, { device }) => {
          rounds(() => {
            fault(t, device);
            const [one, two] = together(
              t,
              () => t.read('q', FAULT_BYTES),
              () => t.read('q', FAULT_BYTES),
            );
            t.write('q', [1, 0]).returns(8);
            t.either({
              first: () => [one.reads(...record(1)), two.returns(0)],
              second: () => [one.returns(0), two.reads(...record(1))],
            });
          });
        },
      },
      control: (t, { device }) => fault(t, device),
    }),
  ],
);
