import { assert } from 'chai';
import { Behaviour } from '../../models/behaviour.js';
import { ERRNO, type Errno } from '../../models/base/errno.js';
import { writeNumber } from '../../models/base/bytes.js';
import { present } from '../../models/base/assert.js';
import { LANES, RACES } from '../../models/lanes/races.js';
import { callByName } from '../../models/ioctls/index.js';
import { type Mutant, mutantName, mutantsOfPermissions } from '../../models/mutants.js';
import type { ProgramOutcome, Returned } from '../../models/outcome.js';
import { PROFILES, type Profile } from '../../models/profiles/index.js';
import { type AssembledProgram, assemble } from '../../models/program/assemble.js';
import { judgeByModel } from '../../models/program_verdict.js';
import { runOnModel } from '../../targets/sim.js';
import { ScenarioBuilder } from '../harness/builder.js';
import { OVERLAPS, type OverlapCase } from '../lanes/overlaps.js';

type Members = Readonly<Record<string, number | bigint>>;

/** What a program with lanes is, and what was seen of it. */
interface Seen {
  readonly program: AssembledProgram;
  readonly outcome: ProgramOutcome;
}

function seenIn({ what, write }: OverlapCase, profile: Profile): Seen {
  const t = new ScenarioBuilder();
  const answers = write(t);
  const program = assemble(t.program);
  const { steps, ...rest } = runOnModel(program, new Behaviour(profile));
  assert.isTrue(
    steps.every(({ status }) => status === 'returned'),
    what,
  );
  const seen = [...steps];
  for (const [step, answer] of answers) {
    const at = present(program.labels.get(labelOf(step.out('x').ref)), 'a step of the program');
    seen[at] = answering(program, at, seen[at] as Returned, answer);
  }
  return { program, outcome: { ...rest, steps: seen } };
}

function labelOf(reference: string): string {
  return reference.slice(0, reference.indexOf('.'));
}

function answering(
  program: AssembledProgram,
  at: number,
  returned: Returned,
  answer: Errno | 'OK' | Members,
): Returned {
  if (answer === 'OK') return { ...returned, errno: 0, value: 0 };
  if (typeof answer === 'string') return { ...returned, errno: ERRNO[answer], value: -1, out: [] };
  const struct = Uint8Array.from(present(returned.out[0], 'a struct that was written'));
  for (const [name, value] of Object.entries(answer)) {
    const { offset, field } = present(program.calls[at]?.layout.memberOf(name), name);
    writeNumber(struct.subarray(offset), 0, field.bytes, BigInt(value));
  }
  return { ...returned, out: [struct, ...returned.out.slice(1)] };
}

function isAccepted({ program, outcome }: Seen, behaviour: Behaviour): boolean {
  const { problems, unspecified } = judgeByModel(program, outcome, behaviour, 'exact');
  return problems.length === 0 && unspecified.length === 0;
}

describe('rules of overlaps', () => {
  it('are of calls that there are, with a citation', () => {
    for (const { calls = [], cite } of RACES) {
      assert.match(cite, /^[a-z_]+\.[ch]:[a-z_]+(, [a-z_.:]+)*$/);
      for (const name of calls) assert.isDefined(callByName(name), name);
    }
  });

  for (const profile of PROFILES) {
    describe(`of ${profile.id}`, () => {
      const behaviour = new Behaviour(profile);
      const cases = OVERLAPS.map((overlap) => ({ ...overlap, seen: seenIn(overlap, profile) }));

      for (const { rule, what, isAllowed, seen } of cases) {
        it(`${rule}: ${what}, ${isAllowed ? 'allowed' : 'refused'}`, () => {
          assert.equal(isAccepted(seen, behaviour), isAllowed);
        });
      }

      it('are each the reason for an answer, and have mutants that are killed by answers about them', () => {
        const survivors = mutantsOfPermissions(LANES, RACES).filter((mutant: Mutant) => {
          const changed = new Behaviour(profile, mutant);
          return cases
            .filter(({ rule }) => rule === mutant.rule)
            .every(({ seen, isAllowed }) => isAccepted(seen, changed) === isAllowed);
        });
        assert.deepEqual(survivors.map(mutantName), []);
      });
    });
  }
});
