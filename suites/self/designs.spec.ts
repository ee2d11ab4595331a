import { assert } from 'chai';
import { present } from '../../models/base/assert.js';
import { applies, judgeAll, standingsOf } from '../../cli/designs/comparison.js';
import { DESIGNS, designByName } from '../../models/designs/index.js';
import { INVARIANTS_OF_DESIGNS, INVARIANT_IDS_OF_DESIGNS } from '../../models/designs/invariants/index.js';
import { rulesOf } from '../../models/designs/framework/call.js';
import { errnoOf } from '../../models/mutants.js';
import { PLAYS, ROW_FILES } from '../designs/index.js';
import { SCENARIOS } from '../index.js';

describe('designs of the patch discussions', () => {
  const reports = judgeAll();

  for (const report of reports) {
    const { row, design } = report.placed;
    it(`${row.id} on ${design}: ${row.title}`, () => {
      assert.deepEqual(report.problems, []);
    });
  }

  for (const design of DESIGNS) {
    const own = reports.filter((report) => report.design === design);
    const shown = new Set(own.flatMap(({ result }) => result.breaches.flatMap(({ defects }) => defects)));

    it(`each defect of ${design.name} is shown by a row, or has a reason why not`, () => {
      const missing = design.defects.filter(({ id, unseen }) => !shown.has(id) && unseen === undefined);
      assert.deepEqual(
        missing.map(({ id }) => id),
        [],
      );
    });

    it(`no defect of ${design.name} that is shown says that none can be`, () => {
      const wrong = design.defects.filter(({ id, unseen }) => shown.has(id) && unseen !== undefined);
      assert.deepEqual(wrong, []);
    });

    it(`the defects of ${design.name} break invariants that apply to it`, () => {
      for (const { id, breaks } of design.defects) {
        for (const broken of breaks) {
          const invariant = INVARIANTS_OF_DESIGNS.find((known) => known.id === broken);
          assert.isTrue(invariant !== undefined && applies(invariant, design), `${id} breaks ${broken}`);
        }
      }
    });

    it(`every rule of ${design.name} has an errno, once in its call`, () => {
      for (const call of design.calls) {
        const ids = rulesOf(call).map(({ id }) => id);
        assert.equal(new Set(ids).size, ids.length, call.name);
        for (const id of ids) assert.isDefined(errnoOf(id), `${call.name}/${id}`);
      }
    });
  }

  it('nothing is broken on what became of a proposal', () => {
    const twins = DESIGNS.filter(({ kind }) => kind === 'merged' || kind === 'reviewed');
    const broken = standingsOf(twins, reports).filter(({ verdict }) => verdict === 'breaks');
    assert.deepEqual(broken, []);
  });

  it('each row has an id of its own, of its discussion, and a program or a reason', () => {
    const ids = ROW_FILES.flatMap(({ rows }) => rows.map(({ id }) => id));
    assert.equal(new Set(ids).size, ids.length);
    for (const { seed, rows } of ROW_FILES) {
      for (const { id } of rows) assert.match(id, new RegExp(`^S${String(seed)}-\\d\\d$`));
    }
  });

  it('rows name designs and defects that exist', () => {
    for (const { design, breaks, row } of PLAYS) {
      const ids = present(designByName(design), design).defects.map(({ id }) => id);
      for (const id of breaks) assert.include(ids, id, `${row.id} on ${design}`);
    }
  });

  it('each row runs on kernels, or says why not', () => {
    const shown = new Set(SCENARIOS.flatMap(({ seeds }) => seeds));
    const rows = ROW_FILES.flatMap((file) => file.rows);
    const wrong = rows.filter(({ id, noKernel }) => shown.has(id) === (noKernel !== undefined));
    assert.deepEqual(
      wrong.map(({ id }) => id),
      [],
    );
  });

  it('scenarios name rows that exist', () => {
    const ids = ROW_FILES.flatMap(({ rows }) => rows.map(({ id }) => id));
    const numbers = new Set(ROW_FILES.map(({ seed }) => `S${String(seed)}`));
    for (const { id, seeds } of SCENARIOS) {
      const known = seeds.filter((seed) => numbers.has(seed.slice(0, 2)));
      for (const seed of known) assert.include(ids, seed, id);
    }
  });

  it('the names of invariants are those of the registry', () => {
    assert.sameOrderedMembers(
      INVARIANTS_OF_DESIGNS.map(({ id }) => id),
      [...INVARIANT_IDS_OF_DESIGNS],
    );
  });
});
