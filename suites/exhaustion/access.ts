import { dmabuf, revoke } from '../dmabuf/set_up.js';
import { SLOW, makeAccess, moveAccess, pin, read, unpin, write } from '../access/set_up.js';
import type { ScenarioBuilder } from '../harness/builder.js';
import { APERTURE_START as A, P } from '../harness/constants.js';
import { scenario, suite } from '../harness/scenario.js';
import { SWEPT, sweep } from './sweep.js';

const LENGTH = 4n * P;

function accessOf(flags: number, devices = 0) {
  return (t: ScenarioBuilder) => {
    const ioas = t.ioas();
    t.map(ioas, { iova: A, length: LENGTH });
    for (let count = 0; count < devices; count++) t.mockDomain(ioas);
    return { ioas, access: makeAccess(t, 'a', ioas, { flags }) };
  };
}

function pinning(devices: number) {
  return sweep({
    setup: accessOf(1, devices),
    call: (t, { access }) => pin(t, access, A, LENGTH),
    undo: (t, { access }, step) => {
      unpin(t, access, step.out('out_access_pages_id')).orFails('ENOENT');
    },
    // A sanitized kernel that has run everything else before makes more than twelve allocations.
    rounds: 20,
  });
}

const WORDS = Array.from({ length: 16 }, (_, at) => at);

function accessWithWords(t: ScenarioBuilder, devices: number) {
  const all = accessOf(0, devices)(t);
  write(t, all.access, A + P - 32n, WORDS);
  return all;
}

/** What is written is there already: how much of it a call writes that fails is not certain. */
function writing(flags: number, devices: number) {
  return sweep({
    setup: (t) => accessWithWords(t, devices),
    call: (t, { access }) => write(t, access, A + P - 32n, WORDS, { flags: 1 | flags }),
    rounds: 12,
  });
}

function reading(flags: number, devices: number) {
  return sweep({
    setup: (t) => accessWithWords(t, devices),
    call: (t, { access }) => read(t, access, A + P - 32n, 64, { flags }),
    rounds: 12,
  });
}

export const exhaustionAccess = suite('exhaustion/access', 'Accesses and dma-bufs that run out of memory.', [
  scenario('calls', {
    doc: 'Each call fails with ENOMEM and changes nothing, or succeeds.',
    covers: ['IOMMU_TEST_OP_CREATE_ACCESS/OK', 'IOMMU_TEST_OP_ACCESS_PAGES/OK'],
    ...SWEPT,
    setup: () => undefined,
    cases: {
      create: sweep({
        setup: (t) => t.ioas(),
        call: (t, ioas, round) =>
          t.ioctl('IOMMU_TEST_OP_CREATE_ACCESS', { id: ioas, flags: 1 }, { fd: `a${String(round)}` }),
        undo: (t, _, _step, round) => {
          t.close(`a${String(round)}`).orFails('EBADF');
        },
        rounds: 16,
      }),
      pin: pinning(0),
      pin_one_table: pinning(1),
      unpin: sweep({
        setup: accessOf(1),
        before: (t, { access }) => {
          pin(t, access, A, LENGTH);
        },
        call: (t, { access }, round) => unpin(t, access, round - 2),
        undo: (t, { access }, _, round) => {
          unpin(t, access, round - 2).orFails('ENOENT');
        },
        rounds: 4,
        isQuiet: true,
      }),
      move: sweep({
        setup: (t) => {
          const all = accessOf(1)(t);
          const other = t.ioas();
          t.map(other, { iova: A, length: LENGTH });
          return { ...all, other };
        },
        before: (t, { access, ioas }) => {
          moveAccess(t, access, ioas);
          pin(t, access, A, LENGTH);
        },
        call: (t, { access, other }) => moveAccess(t, access, other),
        rounds: 5,
      }),
      write: writing(0, 0),
      write_slow: writing(SLOW, 0),
      write_one_table: writing(0, 1),
      read: reading(0, 0),
      read_slow: reading(SLOW, 0),
      read_one_table: reading(0, 1),
    },
    control: (t) => accessOf(1)(t),
  }),
  scenario('dmabufs', {
    doc: 'Each call fails with ENOMEM and changes nothing, or succeeds.',
    covers: ['IOMMU_TEST_OP_DMABUF_GET/OK', 'IOMMU_IOAS_MAP_FILE/OK', 'IOMMU_TEST_OP_DMABUF_REVOKE/OK'],
    ...SWEPT,
    seeds: ['S4-24'],
    needs: [...SWEPT.needs, 'dmabuf'],
    setup: () => undefined,
    cases: {
      get: sweep({
        setup: () => undefined,
        call: (t, _, round) => dmabuf(t, `d${String(round)}`, Number(LENGTH)),
        undo: (t, _, _step, round) => {
          t.close(`d${String(round)}`).orFails('EBADF');
        },
        rounds: 24,
      }),
      map: sweep({
        setup: (t) => {
          dmabuf(t, 'd', Number(LENGTH));
          const ioas = t.ioas();
          t.mockDomain(ioas);
          return ioas;
        },
        call: (t, ioas) => t.mapFile(ioas, 'd', { iova: A, length: LENGTH }),
        undo: (t, ioas) => {
          t.unmap(ioas, A, LENGTH).orFails('ENOENT');
        },
        rounds: 26,
      }),
      revoke: sweep({
        setup: (t) => {
          dmabuf(t, 'd', Number(LENGTH));
          const ioas = t.ioas();
          t.mockDomain(ioas);
          t.mapFile(ioas, 'd', { iova: A, length: LENGTH });
        },
        call: (t) => revoke(t, 'd', 1),
        undo: (t) => {
          revoke(t, 'd', 0);
        },
        rounds: 4,
        isQuiet: true,
      }),
      offer: sweep({
        setup: (t) => {
          dmabuf(t, 'd', Number(LENGTH));
          const ioas = t.ioas();
          t.mockDomain(ioas);
          t.mapFile(ioas, 'd', { iova: A, length: LENGTH });
          revoke(t, 'd', 1);
        },
        call: (t) => revoke(t, 'd', 0),
        undo: (t) => {
          revoke(t, 'd', 1);
        },
        rounds: 4,
        isQuiet: true,
      }),
    },
    control: (t) => dmabuf(t, 'd', Number(LENGTH)),
  }),
]);
