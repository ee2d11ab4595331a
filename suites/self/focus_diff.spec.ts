import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assert } from 'chai';
import { focusOfCampaign } from '../../cli/fuzz/focus.js';
import { focusOf } from '../../cli/patch/focus.js';
import { parseDiff } from '../../cli/patch/diff_file.js';
import { callsThatCite } from '../../fuzz/generate/cited_calls.js';
import type { KernelCoverage, ReachableLine } from '../../reports/kernel_coverage.js';
import { SCENARIOS } from '../index.js';
import { makeDirectory, removeDirectory } from './temporary.js';

const FILE = 'drivers/iommu/iommufd/io_pagetable.c';

/** A line is added to each of some functions. */
function diffOf(...functions: readonly string[]): string {
  const hunks = functions.flatMap((name, at) => [
    `@@ -${String(100 * at + 1)} +${String(100 * at + 1)},2 @@ static int ${name}(struct iopt_area *area)`,
    ' \tint rc;',
    '+\tint other;',
  ]);
  return [`--- a/${FILE}`, `+++ b/${FILE}`, ...hunks, ''].join('\n');
}

function focus(functions: readonly string[], coverage?: KernelCoverage): ReturnType<typeof focusOf> {
  return focusOf(parseDiff('my.patch', diffOf(...functions)), coverage);
}

const FIXED = ['IOMMU_IOAS_COPY', 'IOMMU_IOAS_MAP', 'IOMMU_IOAS_MAP_FILE', 'VFIO_IOMMU_MAP_DMA'];

describe('calls that come to a function of the kernel', () => {
  it('are those of which something is decided there', () => {
    assert.sameMembers(callsThatCite({ file: FILE, function: 'iopt_check_iova' }), FIXED);
    assert.isEmpty(callsThatCite({ file: 'mm/gup.c', function: 'iopt_check_iova' }));
    assert.isEmpty(callsThatCite({ file: FILE, function: 'iopt_check' }));
  });

  it('are what a diff of it is about, and it is said why', () => {
    const { calls, functions, told } = focus(['iopt_check_iova', 'iopt_unheard_of']);
    assert.deepEqual(calls, FIXED);
    assert.deepEqual(
      functions.map((each) => each.function),
      ['iopt_check_iova', 'iopt_unheard_of'],
    );
    assert.match(told[0] ?? '', /io_pagetable\.c: iopt_check_iova\(\) decides of IOMMU_IOAS_COPY, /);
    assert.match(
      told[1] ?? '',
      /iopt_unheard_of\(\) is cited by no call, and nothing that was measured is given/,
    );
  });

  it('are not all calls', () => {
    const everywhere = diffOf('iommufd_ucmd_respond').replaceAll('io_pagetable.c', 'iommufd_private.h');
    const { calls, told } = focusOf(parseDiff('my.patch', everywhere), undefined);
    assert.isEmpty(calls);
    assert.match(told[0] ?? '', /iommufd_ucmd_respond\(\) decides of \d+ calls, too many to be about/);
  });

  describe('that none cites, by what was measured', () => {
    const tests = SCENARIOS.map(({ id }) => id);
    const numbersOf = (call: string): number[] =>
      SCENARIOS.flatMap(({ covers }, at) => (covers.some((rule) => rule.startsWith(`${call}/`)) ? at : []));
    const line = (number: number, name: string, ...reached: readonly number[]): ReachableLine => ({
      ...{ line: number, function: name, tests: reached },
    });
    const lines = [
      line(1, 'iopt_of_one', ...numbersOf('IOMMU_IOAS_ALLOW_IOVAS')),
      line(100, 'iopt_of_all', ...tests.keys()),
      line(200, 'iopt_of_none'),
    ];
    const coverage: KernelCoverage = {
      ...{ tool: '', kernel: '', source: '', description: '', programs: 1, cut: 0, theirs: [], tests },
      files: [{ file: FILE, lines, within: [] }],
    };

    it('are those whose scenarios reach it more often than others', () => {
      const { calls, told } = focus(['iopt_of_one'], coverage);
      assert.include(calls, 'IOMMU_IOAS_ALLOW_IOVAS');
      assert.isAtMost(calls.length, 5);
      assert.match(told[0] ?? '', /is reached by most scenarios of IOMMU_IOAS_ALLOW_IOVAS/);
    });

    it('are none where all do, or nothing does', () => {
      assert.isEmpty(focus(['iopt_of_all', 'iopt_of_none'], coverage).calls);
    });
  });
});

describe('fuzz --focus-diff', () => {
  let directory: string;

  before(async () => {
    directory = await makeDirectory();
  });

  after(() => removeDirectory(directory));

  async function asked(text: string, named?: string[]): Promise<Awaited<ReturnType<typeof focusOfCampaign>>> {
    const focusDiff = join(directory, 'my.patch');
    await writeFile(focusDiff, text);
    return focusOfCampaign({ focus: named, focusDiff, coverage: undefined }, () => undefined);
  }

  it('is what a campaign keeps, beside the calls that are named', async () => {
    assert.deepEqual(await asked(diffOf('iopt_check_iova'), ['IOMMU_DESTROY']), {
      focus: ['IOMMU_DESTROY', ...FIXED],
      functions: [`${FILE}:iopt_check_iova`],
    });
  });

  const refused: readonly (readonly [what: string, text: string, says: RegExp])[] = [
    [
      'nothing that is known',
      diffOf('iopt_unheard_of'),
      /no call is known to come to what .* changes: name some/,
    ],
    [
      'no function',
      diffOf('').replaceAll('static int (struct iopt_area *area)', ''),
      /nothing inside a function/,
    ],
  ];
  for (const [what, text, says] of refused) {
    it(`is refused where the diff changes ${what}`, async () => {
      const error: unknown = await asked(text).catch((thrown: unknown) => thrown);
      assert.instanceOf(error, Error);
      assert.match(error.message, says);
    });
  }
});
