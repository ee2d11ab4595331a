import type { Picks } from '../../fuzz/generate/picks.js';
import { programFromJson, programText, type Json } from '../../models/program/json.js';
import { SCRATCH, BUFFER } from '../../models/program/arena.js';
import { PROGRAM_SCHEMA, type Program, type Step, placedSteps } from '../../models/program/program.js';
import { makeAccess, pin, RW } from '../access/set_up.js';
import { faultQueue } from '../event/set_up.js';
import { ScenarioBuilder, hwptData } from '../harness/builder.js';
import { APERTURE_START as A, P } from '../harness/constants.js';
import { deviceAndParent } from '../hwpt/set_up.js';
import { deviceAndViommu, queue } from '../viommu/set_up.js';

/** A failure with the shortest program that is known to show it. */
export interface Planted {
  /** The mutant of the model that fails; or what must come in order, each the rule that decides a step, and who carries it out. */
  readonly by: string | readonly string[];
  readonly program: Program;
}

type Write = (t: ScenarioBuilder) => unknown;

function planted(by: Planted['by'], write: Write): Planted {
  const t = new ScenarioBuilder();
  write(t);
  return { by, program: t.program };
}

/** Every program begins with the opening of a file. Written by hand: none of them is known to be possible with fewer steps. */
export const PLANTED: readonly Planted[] = [
  planted('IOMMU_DESTROY/EBUSY.users:drop', (t) => {
    const ioas = t.ioas();
    t.mockDomain(ioas);
    t.destroy(ioas);
  }),
  planted('IOMMU_IOAS_MAP/EEXIST.area:drop', (t) => {
    const ioas = t.ioas();
    t.map(ioas, { iova: A });
    t.map(ioas, { iova: A });
  }),
  planted('IOMMU_IOAS_UNMAP/ENOENT.straddles:errno:EINVAL', (t) => {
    const ioas = t.ioas();
    t.map(ioas, { iova: A, length: 2n * P });
    t.unmap(ioas, A, P);
  }),
  planted('IOMMU_IOAS_COPY/ENOENT.src_range:errno:EINVAL', (t) => {
    const ioas = t.ioas();
    t.copy({ src: ioas, dst: ioas, from: A });
  }),
  planted('IOMMU_IOAS_COPY/EPERM.not_writeable:drop', (t) => {
    const ioas = t.ioas();
    t.map(ioas, { iova: A, access: 'r' });
    t.copy({ src: ioas, dst: ioas, from: A, iova: A + P });
  }),
  planted('IOMMU_IOAS_ALLOW_IOVAS/EADDRINUSE.reserved:drop', (t) => {
    const ioas = t.ioas();
    t.reserve(ioas, A, P);
    t.allow(ioas, [[A, A + P - 1n]]);
  }),
  planted('IOMMU_TEST_OP_ADD_RESERVED/EADDRINUSE.range:drop', (t) => {
    const ioas = t.ioas();
    t.map(ioas, { iova: A });
    t.reserve(ioas, A, P);
  }),
  planted('IOMMU_IOAS_MAP_FILE/EINVAL.file_pages:errno:EFAULT', (t) => {
    const ioas = t.ioas();
    t.mockDomain(ioas);
    t.memfd('m', 1n);
    t.mapFile(ioas, 'm', { iova: A, length: 2n * P });
  }),
  planted('IOMMU_IOAS_CHANGE_PROCESS/EINVAL.not_file:drop', (t) => {
    t.map(t.ioas());
    t.ioctl('IOMMU_IOAS_CHANGE_PROCESS', {});
  }),
  planted('IOMMU_HWPT_ALLOC/EINVAL.parent:drop', (t) => {
    const mock = t.mockDomain(t.ioas());
    t.hwptAlloc(mock.out('out_idev_id'), mock.out('out_hwpt_id'), hwptData([0]));
  }),
  planted('IOMMU_VIOMMU_ALLOC/EINVAL.parent:drop', (t) => {
    const mock = t.mockDomain(t.ioas());
    t.viommu(mock.out('out_idev_id'), mock.out('out_hwpt_id'));
  }),
  planted('IOMMU_VDEVICE_ALLOC/EEXIST.device:drop', (t) => {
    const { viommu, device } = deviceAndViommu(t);
    t.vdevice(viommu, device, 1n);
    t.vdevice(viommu, device, 2n);
  }),
  planted('IOMMU_VDEVICE_ALLOC/EEXIST.virt_id:drop', (t) => {
    const { viommu, device, ioas } = deviceAndViommu(t);
    t.vdevice(viommu, device, 1n);
    t.vdevice(viommu, t.mockDomain(ioas).out('out_idev_id'), 1n);
  }),
  planted('IOMMU_VEVENTQ_ALLOC/EEXIST.type:drop', (t) => {
    const { viommu } = deviceAndViommu(t);
    const events = { viommu_id: viommu, type: 42, veventq_depth: 1 };
    t.ioctl('IOMMU_VEVENTQ_ALLOC', events, { fd: 'one' });
    t.ioctl('IOMMU_VEVENTQ_ALLOC', events, { fd: 'two' });
  }),
  planted('IOMMU_HW_QUEUE_ALLOC/ENOENT.hole:errno:EINVAL', (t) => {
    queue(t, deviceAndViommu(t).viommu, 0, A);
  }),
  planted('IOMMU_HW_QUEUE_ALLOC/EEXIST.index:errno:EINVAL', (t) => {
    const { viommu, ioas } = deviceAndViommu(t);
    t.map(ioas, { iova: A });
    queue(t, viommu, 0, A);
    queue(t, viommu, 0, A);
  }),
  planted('IOMMU_HWPT_INVALIDATE/EOPNOTSUPP.request_flags:drop', (t) => {
    const { device, parent } = deviceAndParent(t);
    t.invalidate(t.nestedHwpt(device, parent, 7).out('out_hwpt_id'), [2, 0]);
  }),
  planted('IOMMU_TEST_OP_ACCESS_PAGES/EPERM.protection:drop', (t) => {
    const ioas = t.ioas();
    t.map(ioas, { iova: A, access: 'r' });
    pin(t, makeAccess(t, 'x', ioas), A, P, { flags: 1, uptr: BUFFER.start });
  }),
  planted('IOMMU_TEST_OP_ACCESS_RW/ENOENT.hole:errno:EINVAL', (t) => {
    const access = makeAccess(t, 'x', t.ioas());
    t.ioctl(RW, { id: { fd: access }, iova: A, length: 4n, uptr: { room: 4 } });
  }),
  planted('VFIO_IOMMU_MAP_DMA/EEXIST.area:drop', (t) => {
    t.ioctl('IOMMU_VFIO_IOAS', { op: 1, ioas_id: t.ioas() });
    for (const vaddr of [BUFFER.start, BUFFER.start + P])
      t.ioctl('VFIO_IOMMU_MAP_DMA', { flags: 3, vaddr, iova: A, size: P });
  }),
  planted(['IOMMU_IOAS_ALLOC/OK', 'p IOMMU_IOAS_MAP/OK', 'counters/OK', 'p counters/OK'], (t) => {
    const ioas = t.ioas();
    t.fork('p');
    t.by('p', () => t.map(ioas));
    t.counters(0);
    t.by('p', () => {
      t.counters(0);
    });
  }),
  planted(['lane IOMMU_IOAS_MAP/OK', 'lane IOMMU_IOAS_UNMAP/OK'], (t) => {
    const ioas = t.ioas();
    t.lanes(
      () => t.map(ioas, { iova: A }),
      () => t.unmap(ioas, A, P),
    );
  }),
  planted(['memfd/OK', 'IOMMU_IOAS_MAP_FILE/OK', 'truncate/OK', 'IOMMU_IOAS_UNMAP/OK'], (t) => {
    const ioas = t.ioas();
    t.memfd('m', 2n);
    t.mapFile(ioas, 'm', { iova: A });
    t.step({ do: 'truncate', file: 'm', bytes: 0n });
    t.unmap(ioas, A, P);
  }),
  planted(['IOMMU_TEST_OP_MOCK_DOMAIN/OK', 'IOMMU_DESTROY/OK', 'IOMMU_TEST_OP_MOCK_DOMAIN/OK'], (t) => {
    const ioas = t.ioas();
    t.destroy(t.mockDomain(ioas).out('out_stdev_id'));
    t.mockDomain(ioas);
  }),
  planted(['process/OK', 'IOMMU_TEST_OP_MOCK_DOMAIN/OK', 'IOMMU_IOAS_MAP/ENOMEM.memlock'], (t) => {
    const ioas = t.ioas();
    t.process({ drop: ['CAP_IPC_LOCK'], memlock: 0n });
    t.mockDomain(ioas);
    t.map(ioas, { iova: A });
  }),
  planted(['IOMMU_FAULT_QUEUE_ALLOC/OK', 'dup/OK', 'close/OK', 'fault_poll/OK'], (t) => {
    faultQueue(t, 'q');
    t.dup('d', 'q');
    t.close('q');
    t.step({ do: 'poll', file: 'd' });
  }),
  planted(
    ['IOMMU_IOAS_MAP/OK', 'munmap/OK', 'mmap/OK', 'IOMMU_TEST_OP_MOCK_DOMAIN/OK', 'munmap/OK', 'counters/OK'],
    (t) => {
      const ioas = t.ioas();
      t.map(ioas, { iova: A, va: SCRATCH.start });
      t.munmap(SCRATCH.start, 1n);
      t.mmap(SCRATCH.start, 1n, 'rw');
      t.mockDomain(ioas);
      t.munmap(SCRATCH.start, 1n);
      t.counters(0);
    },
  ),
  planted(
    ['IOMMU_HWPT_ALLOC/OK', 'IOMMU_HWPT_ALLOC/OK', 'IOMMU_DESTROY/EBUSY.users', 'IOMMU_DESTROY/OK'],
    (t) => {
      const { device, parent } = deviceAndParent(t);
      const nested = t.nestedHwpt(device, parent, 1).out('out_hwpt_id');
      t.destroy(parent);
      t.destroy(nested);
    },
  ),
  planted(
    [
      'IOMMU_IOAS_ALLOC/OK',
      'IOMMU_IOAS_MAP/failing.memory',
      'IOMMU_IOAS_MAP/OK',
      'IOMMU_IOAS_COPY/failing.memory',
    ],
    (t) => {
      const ioas = t.ioas();
      t.failing(1, () => t.map(ioas, { iova: A }));
      t.map(ioas, { iova: A });
      t.failing(1, () => t.copy({ src: ioas, dst: ioas, from: A, iova: A + P }));
    },
  ),
  planted(['open/OK', 'open/OK', 'IOMMU_IOAS_ALLOC/OK', 'close/OK', 'IOMMU_DESTROY/ENOENT.object'], (t) => {
    t.open('g');
    t.ioas('g');
    t.close();
    t.destroy(0, 'g');
  }),
];

/** A program with the steps of another between its own, on the same file or on one of theirs. */
export function hide({ steps }: Program, noise: Program, sharesFile: boolean, picks: Picks): Program {
  const others = renamed(noise, (label) => (sharesFile && label === 'f' ? 'f' : `n_${label}`)).steps;
  const waiting = sharesFile ? others.filter(({ do: kind }, at) => at > 0 && kind !== 'close') : [...others];
  const [first, ...own] = steps;
  const hidden: Step[] = first === undefined ? [] : [first];
  while (own.length + waiting.length > 0) {
    const next = (picks.below(own.length + waiting.length) < own.length ? own : waiting).shift();
    if (next !== undefined) hidden.push(next);
  }
  return { schema: PROGRAM_SCHEMA, steps: hidden };
}

/** So many steps of a program, and a few more where the last ones are lanes. */
export function firstSteps(program: Program, count: number): Program | undefined {
  for (let length = 1; length <= program.steps.length; length++) {
    const start = { ...program, steps: program.steps.slice(0, length) };
    if (placedSteps(start).length >= count) return start;
  }
  return undefined;
}

/** Members that hold the names of files, processes and results. */
const NAMES = new Set(['label', 'file', 'fd', 'by', 'to', 'ref']);

function renamed(program: Program, rename: (label: string) => string): Program {
  const visit = (json: Json, key = ''): Json => {
    if (typeof json === 'string') {
      if (!NAMES.has(key) || json.startsWith('0x')) return json;
      const [label = '', member] = json.split('.');
      return member === undefined ? rename(label) : `${rename(label)}.${member}`;
    }
    if (Array.isArray(json)) return json.map((one: Json) => visit(one));
    if (typeof json !== 'object' || json === null) return json;
    return Object.fromEntries(Object.entries(json).map(([name, member]) => [name, visit(member, name)]));
  };
  return programFromJson(visit(JSON.parse(programText(program)) as Json));
}
