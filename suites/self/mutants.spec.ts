import { assert } from 'chai';
import { samplePrograms } from '../../fuzz/generate/program.js';
import { Behaviour } from '../../models/behaviour.js';
import { RULE_SOURCES, rulesFor } from '../../models/rule_sources.js';
import { meetingOf } from '../../models/mutant_meeting.js';
import { type Mutant, mutantName } from '../../models/mutants.js';
import { assemble } from '../../models/program/assemble.js';
import { PROFILES, type Profile } from '../../models/profiles/index.js';
import { runOnModel } from '../../targets/sim.js';
import { EQUIVALENT_MUTANTS } from '../harness/equivalent_mutants.js';
import { MutantKiller, derivedMutants } from '../harness/mutation.js';
import { SCENARIOS } from '../index.js';

const PROGRAMS = 80;

describe('mutants', () => {
  const killer = new MutantKiller(SCENARIOS);

  const survivorsOf = new Map<Profile, readonly Mutant[]>();

  before(function () {
    this.timeout(600_000);
    for (const profile of PROFILES) {
      const mutants = derivedMutants(profile);
      survivorsOf.set(
        profile,
        mutants.filter((mutant) => killer.killerOf(mutant, profile) === undefined),
      );
    }
  });

  for (const profile of PROFILES) {
    describe(`of ${profile.id}`, () => {
      let survivors: readonly Mutant[];

      before(() => {
        survivors = survivorsOf.get(profile) ?? [];
      });

      it('are killed by a scenario, or explained as equivalent', () => {
        const unexplained = survivors.map(mutantName).filter((name) => !EQUIVALENT_MUTANTS.has(name));
        assert.deepEqual(unexplained, []);
      });

      it('explained as equivalent answer random programs like the original', () => {
        const original = new Behaviour(profile);
        const programs = samplePrograms(original, { seed: 11, count: PROGRAMS, stepsMax: 20 }).map(assemble);
        const runs = programs.map((program) => {
          const decided = new Set<string>();
          const outcome = runOnModel(program, original, (because) => decided.add(because));
          return { program, decided, outcome };
        });
        for (const mutant of survivors) {
          const behaviour = new Behaviour(profile, mutant);
          const isMetBy = meetingOf(mutant, profile);
          const met = runs.filter(({ decided }) => isMetBy(decided));
          const outcomes = met.map(({ program }) => runOnModel(program, behaviour));
          assert.deepEqual(
            outcomes,
            met.map(({ outcome }) => outcome),
            mutantName(mutant),
          );
        }
      });
    });
  }

  it('explained as equivalent all exist, and survive in some profile', () => {
    const names = new Set([...survivorsOf.values()].flat().map(mutantName));
    const stale = [...EQUIVALENT_MUTANTS.keys()].filter((name) => !names.has(name));
    assert.deepEqual(stale, []);
  });

  it('every rule is said to be tested by some scenario', () => {
    const covered = new Set(SCENARIOS.flatMap(({ covers }) => covers));
    const places = [
      ...new Set(
        PROFILES.flatMap((profile) =>
          RULE_SOURCES.flatMap((source) => rulesFor(source, profile).map(({ id }) => `${source.name}/${id}`)),
        ),
      ),
    ];
    const silent = places.filter((place) => !place.includes('/unspecified.') && !covered.has(place));
    assert.deepEqual(silent, []);
  });

  it('every rule that a scenario is said to test exists', () => {
    const places = new Set(
      RULE_SOURCES.flatMap(({ name, rules }) => [`${name}/OK`, ...rules.map(({ id }) => `${name}/${id}`)]),
    );
    const unknown = SCENARIOS.flatMap(({ covers }) => covers.filter((place) => !places.has(place)));
    assert.deepEqual(unknown, []);
  });

  it('are three for most rules: dropped, swapped with the next one, another errno', () => {
    const [profile] = PROFILES;
    assert.isDefined(profile);
    const ofDestroy = derivedMutants(profile)
      .filter(({ call }) => call === 'IOMMU_DESTROY')
      .map(mutantName);
    assert.include(ofDestroy, 'IOMMU_DESTROY/ENOENT.object:drop');
    assert.include(ofDestroy, 'IOMMU_DESTROY/ENOENT.object:errno:EINVAL');
    assert.include(ofDestroy, 'IOMMU_DESTROY/ENOENT.object:swap:EBUSY.users');
  });

  it('are of what calls do too: what they answer, that they do anything, and what they leave when they fail', () => {
    const [profile] = PROFILES;
    assert.isDefined(profile);
    const names = new Set(derivedMutants(profile).map(mutantName));
    for (const name of [
      'IOMMU_IOAS_UNMAP/OK:length_wrong',
      'IOMMU_IOAS_IOVA_RANGES/OK:allowed_iovas.last_wrong',
      'IOMMU_VIOMMU_ALLOC/OK:data_uptr.out_mmap_offset_wrong',
      'IOMMU_IOAS_UNMAP/OK:does_nothing',
      'IOMMU_IOAS_UNMAP/ENOENT.straddles:leaves_nothing',
      'VFIO_CHECK_EXTENSION/OK:value_wrong',
      'fault_read/OK:data_wrong',
      'close/OK:does_nothing',
    ])
      assert.isTrue(names.has(name), name);
    for (const name of ['IOMMU_IOAS_ALLOC/OK:does_nothing', 'IOMMU_TEST_OP_MD_CHECK_MAP/OK:does_nothing'])
      assert.isFalse(names.has(name), name);
  });
});
