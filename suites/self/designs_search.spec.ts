import { assert } from 'chai';
import { judgeAll } from '../../cli/designs/comparison.js';
import { renderSearch, reportSearch } from '../../cli/designs/search_report.js';
import { reduceDesignProgram } from '../../fuzz/designs/reduce.js';
import { searchDesign } from '../../fuzz/designs/search.js';
import { dmabufMerged } from '../../models/designs/dmabuf/merged.js';
import { ioasidMerged } from '../../models/designs/ioasid/merged.js';
import { ioasidRfc } from '../../models/designs/ioasid/proposal.js';

const PROGRAMS = 2000;
const SEED = 2;

describe('random programs on designs', () => {
  const reports = judgeAll([ioasidRfc]);
  const search = searchDesign(ioasidRfc, SEED, PROGRAMS);
  const report = reportSearch(ioasidRfc, search, reports);

  it('find at least 80 % of what one lane can show, none of it in more steps than a row takes', () => {
    assert.isAtLeast((report.single.length - report.missed.length) / report.single.length, 0.8);
    assert.deepEqual(report.longer, []);
    assert.deepEqual(report.problems, []);
  });

  it('are held against the rows, defect by defect', () => {
    const text = renderSearch(report);
    assert.match(text, /D1\.2 +program \d+; shortest known: S1-02 with 3 steps; this one: 3 steps: /);
    assert.match(text, /D1\.5 .*takes two lanes/);
    const found = report.single.length - report.missed.length;
    assert.include(text, `found ${String(found)} of ${String(report.single.length)} that one lane can show`);
  });

  it('are not enough if they find less', () => {
    const few = { ...search, found: search.found.slice(0, 3) };
    const { problems, missed } = reportSearch(ioasidRfc, few, reports);
    assert.deepEqual(problems, ['fewer than 80 % of what one lane can show are found']);
    assert.include(renderSearch(reportSearch(ioasidRfc, few, reports)), `missed: ${missed[0]?.id ?? ''}`);
  });

  it('are not short enough if a row is shorter', () => {
    const found = search.found.map((one) =>
      one.defect === 'D1.2' ? { ...one, reduced: { steps: [...one.reduced.steps, { call: 'pipe' }] } } : one,
    );
    const { problems } = reportSearch(ioasidRfc, { ...search, found }, reports);
    assert.deepEqual(problems, ['D1.2 takes more steps than a row knows']);
  });

  it('show nothing on what became of a proposal', () => {
    for (const design of [ioasidMerged, dmabufMerged]) {
      const { found, unexplained } = searchDesign(design, SEED, PROGRAMS / 4);
      assert.deepEqual([found, unexplained], [[], []], design.name);
    }
  });

  it('are reduced also where a step goes only if another changes', () => {
    const steps = [{ call: 'close' }, { call: 'pipe' }, { call: 'VFIO_DEVICE_BIND_IOMMUFD' }];
    const reduced = reduceDesignProgram(ioasidRfc, { steps }, 'D1.17');
    assert.deepEqual(
      reduced.steps.map(({ call }) => call),
      ['pipe', 'VFIO_DEVICE_BIND_IOMMUFD'],
    );
  });
});
