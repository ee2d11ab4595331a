import { assert } from 'chai';
import fc from 'fast-check';
import { present } from '../../models/base/assert.js';
import { errnoName } from '../../models/base/errno.js';
import { Behaviour } from '../../models/behaviour.js';
import type { DesignStep } from '../../models/designs/framework/program.js';
import { DesignRun } from '../../models/designs/framework/run.js';
import { ioptPagesMerged } from '../../models/designs/iopt_pages/merged.js';
import type { Machine } from '../../models/designs/iopt_pages/state.js';
import { ModelRun } from '../../models/model_run.js';
import { DEFAULT_PROFILE } from '../../models/profiles/index.js';
import { BUFFER } from '../../models/program/arena.js';
import { assemble } from '../../models/program/assemble.js';
import type { Reference } from '../../models/program/program.js';
import { makeAccess, pin, unpin } from '../access/set_up.js';
import { ScenarioBuilder } from '../harness/builder.js';
import { APERTURE_START as A, P } from '../harness/constants.js';
import type { ExpectedStep } from '../harness/expected_step.js';

const PROGRAMS = 300;
const SEED = 20_220_318;
const PAGES = 16;

/** The frame number of the design's first page that lies beside its neighbours, and of the first that does not; see memory.ts. */
const CONTIGUOUS = 100;
const SCATTERED = 10;

/** What both have come to after a step. */
interface Standing {
  readonly errno: string;
  /** Of the contiguous pages, then of the scattered ones. */
  readonly pins: readonly number[];
  readonly pinnedVm: number;
}

type Numbers = readonly [number, number, number, number];

/** One history, as a run of the design and as a program of the reference model. */
class History {
  readonly #design = new DesignRun(ioptPagesMerged);
  readonly #builder = new ScenarioBuilder();
  readonly #ioases: readonly Reference[];
  readonly #devices: (ExpectedStep | undefined)[] = [undefined, undefined];
  readonly #items: {
    readonly space: number;
    readonly iova: bigint;
    readonly length: bigint;
    readonly step: ExpectedStep;
  }[] = [];
  readonly standings: Standing[] = [];
  readonly #setUpSteps: number;
  #steps = 0;

  constructor() {
    const t = this.#builder;
    this.#ioases = [t.ioas(), t.ioas()];
    for (const [at, ioas] of this.#ioases.entries()) {
      makeAccess(t, `a${String(at)}`, ioas);
      this.#perform({ call: 'iommufd_access_create', args: { ioas: spaceName(at) }, as: `a${String(at)}` });
    }
    this.#setUpSteps = t.program.steps.length;
  }

  /** A step that four numbers decide. */
  add([kind, space, at, size]: Numbers): void {
    const t = this.#builder;
    const ioas = present(this.#ioases[space % 2], 'an IOAS');
    const iova = A + BigInt(at % 4) * 4n * P;
    const length = BigInt(1 + (size % 8)) * P;
    const range = { ioas: spaceName(space % 2), iova, length };
    switch (kind % 7) {
      case 0: {
        const isScattered = at % 2 === 1;
        t.map(ioas, { iova, length, va: BUFFER.start + (isScattered ? BigInt(PAGES) * P : 0n) });
        const va = isScattered ? 'scattered' : 'contiguous';
        this.#note({ call: 'IOMMU_IOAS_MAP', args: { ...range, va, caller: 'root' } });
        return;
      }
      case 1: {
        const from = A + BigInt(size % 8) * 2n * P;
        t.copy({ src: ioas, dst: present(this.#ioases[1 - (space % 2)], 'an IOAS'), from, iova, length });
        const args = { ...range, dst_ioas: spaceName(1 - (space % 2)), src_iova: from };
        this.#note({ call: 'IOMMU_IOAS_COPY', args });
        return;
      }
      case 2:
        t.unmap(ioas, iova, length);
        this.#note({ call: 'IOMMU_IOAS_UNMAP', args: range });
        return;
      case 3:
      case 4:
        this.#attachOrDetach(at % 2, space % 2, ioas);
        return;
      case 5: {
        const step = pin(t, `a${String(space % 2)}`, iova + BigInt(size % 3) * P, length);
        this.#items.push({ space: space % 2, iova: iova + BigInt(size % 3) * P, length, step });
        const access = { ref: `a${String(space % 2)}.out_access_id` };
        const args = { access, iova: iova + BigInt(size % 3) * P, length, write: 'read' };
        this.#note({ call: 'iommufd_access_pin_pages', args });
        if (this.standings.at(-1)?.errno !== 'OK') this.#items.pop();
        return;
      }
      default:
        this.#unpin(at);
    }
  }

  /** What the reference model comes to, step by step. */
  replay(): Standing[] {
    const run = new ModelRun(new Behaviour(DEFAULT_PROFILE), 'exact', []);
    const raw = assemble(this.#builder.program).steps;
    return raw.flatMap((step, index) => {
      const { returned } = present(run.execute(step), 'an answer');
      if (index < this.#setUpSteps) return [];
      const { memory, pinnedVm } = run.world.process;
      const pins = Array.from({ length: 2 * PAGES }, (_, page) =>
        memory.pinsOf(present(memory.frameToPin(BUFFER.start + BigInt(page) * P, true), 'a page')),
      );
      return [{ errno: errnoName(returned.errno), pins, pinnedVm }];
    });
  }

  #attachOrDetach(device: number, space: number, ioas: Reference): void {
    const attached = this.#devices[device];
    const args = { device: `dev${String(device)}` };
    if (attached === undefined) {
      this.#devices[device] = this.#builder.mockDomain(ioas);
      this.#note({ call: 'iommufd_device_attach', args: { ...args, ioas: spaceName(space) } });
    } else {
      this.#devices[device] = undefined;
      this.#builder.destroy(attached.out('out_stdev_id'));
      this.#note({ call: 'iommufd_device_detach', args });
    }
  }

  /** Gives back what was pinned before, if UNMAP has not taken it. */
  #unpin(at: number): void {
    const [item] = this.#items.splice(at % Math.max(1, this.#items.length), 1);
    if (item === undefined) return;
    const { space, iova, length, step } = item;
    unpin(this.#builder, `a${String(space)}`, step.out('out_access_pages_id'));
    const access = { ref: `a${String(space)}.out_access_id` };
    this.#note({ call: 'iommufd_access_unpin_pages', args: { access, iova, length } });
  }

  #note(step: DesignStep): void {
    const outcome = this.#perform(step);
    const { memory, pinnedVm } = this.#design.state as Machine;
    const pinsOf = (first: number, stride: number): number[] =>
      Array.from({ length: PAGES }, (_, page) => memory.frames.get(first + page * stride)?.pins ?? 0);
    this.standings.push({
      errno: outcome.is === 'errno' ? outcome.errno : 'OK',
      pins: [...pinsOf(CONTIGUOUS, 1), ...pinsOf(SCATTERED, 2)],
      pinnedVm,
    });
  }

  #perform(step: DesignStep): ReturnType<DesignRun['perform']> {
    const outcome = this.#design.perform(step, this.#steps);
    this.#steps += 1;
    return outcome;
  }
}

function spaceName(space: number): string {
  return space === 0 ? 'first' : 'second';
}

describe('tiers of iopt_pages beside the reference model', () => {
  it('both answer the same and pin the same pages, whatever is mapped, attached, accessed and unmapped', () => {
    const number = fc.nat(0xffff);
    const steps = fc.array(fc.tuple(number, number, number, number), { minLength: 1, maxLength: 24 });
    let pinned = 0;
    fc.assert(
      fc.property(steps, (numbers) => {
        const history = new History();
        for (const each of numbers) history.add(each);
        const expected = history.replay();
        pinned += expected.filter(({ pins }) => pins.some((count) => count > 0)).length;
        assert.deepEqual(history.standings, expected);
      }),
      { seed: SEED, numRuns: PROGRAMS },
    );
    assert.isAbove(pinned, PROGRAMS, 'steps after which something is pinned');
  });
});
