import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assert } from 'chai';
import { focusOfCampaign } from '../../cli/fuzz/focus.js';
import { focusOf } from '../../cli/patch/focus.js';
import { parseDiff } from '../../cli/patch/diff_file.js';
import { touchedBy } from '../../cli/patch/touched_scenarios.js';
import { callsThatCite } from '../../fuzz/generate/cited_calls.js';
import type { KernelCoverage, ReachableLine } from '../../reports/kernel_coverage.js';
import { SCENARIOS } from '../index.js';
import { assertRefused, runCli } from './cli.js';
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

/** As "diff -p" says where a hunk is that a label of its function stands before. */
function hideBehindLabel(diff: string, name: string): string {
  return diff.replace(new RegExp(`(@@) static [^@]*${name}\\(.*`), '$1 again:');
}

const BEHIND_LABEL =
  /line \d+ is not known, because the hunk is headed "again:"; "git diff" in a tree of the kernel names it/;

const FIXED = ['IOMMU_IOAS_COPY', 'IOMMU_IOAS_MAP', 'IOMMU_IOAS_MAP_FILE', 'VFIO_IOMMU_MAP_DMA'];

/** Numbers of the scenarios that are about a call. */
function numbersOf(...calls: readonly string[]): number[] {
  const isAbout = (rule: string): boolean => calls.some((call) => rule.startsWith(`${call}/`));
  return SCENARIOS.flatMap(({ covers }, at) => (covers.some(isAbout) ? at : []));
}

function idsOf(numbers: readonly number[]): (string | undefined)[] {
  return numbers.map((at) => SCENARIOS[at]?.id);
}

/** A line that scenarios reached. */
function line(number: number, name: string, ...reached: readonly number[]): ReachableLine {
  return { line: number, function: name, tests: reached };
}

function measured(...lines: readonly ReachableLine[]): KernelCoverage {
  const tests = SCENARIOS.map(({ id }) => id);
  return {
    ...{ tool: '', kernel: '', source: '', description: '', programs: 1, cut: 0, theirs: [], tests },
    files: [{ file: FILE, lines, within: [] }],
  };
}

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
    const coverage = measured(
      line(1, 'iopt_of_one', ...numbersOf('IOMMU_IOAS_ALLOW_IOVAS')),
      line(100, 'iopt_of_all', ...SCENARIOS.keys()),
      line(200, 'iopt_of_none'),
    );

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

describe('scenarios that come to what a diff changes', () => {
  function touched(functions: readonly string[], coverage?: KernelCoverage): ReturnType<typeof touchedBy> {
    return touchedBy(parseDiff('my.patch', diffOf(...functions)), coverage, SCENARIOS);
  }

  it('are those about the calls of which something is decided there', () => {
    const { scenarios, told } = touched(['iopt_check_iova', 'iopt_unheard_of']);
    const ids = scenarios.map(({ id }) => id);
    assert.deepEqual(ids, idsOf(numbersOf(...FIXED)));
    assert.include(ids, 'ioas/map:range,all_ones');
    assert.notInclude(ids, 'event/fault_file:read,counts');
    assert.match(told[0] ?? '', /iopt_check_iova\(\) decides of IOMMU_IOAS_COPY, .*: \d+ scenarios$/);
    assert.match(told[1] ?? '', /cited by no call, and nothing that was measured is given .*: no scenarios$/);
  });

  it('are those that reached it, where that was measured', () => {
    const reached = numbersOf('IOMMU_IOAS_ALLOW_IOVAS');
    const coverage = measured(line(1, 'iopt_check_iova', ...reached), line(9, 'iopt_of_none'));
    const { scenarios, told } = touched(['iopt_check_iova', 'iopt_of_none', 'iopt_unheard_of'], coverage);
    assert.deepEqual(
      scenarios.map(({ id }) => id),
      idsOf(reached),
    );
    assert.match(told[0] ?? '', /iopt_check_iova\(\) was reached by \d+ scenarios$/);
    assert.match(told[1] ?? '', /iopt_of_none\(\) was reached by 0 scenarios$/);
    assert.match(told[2] ?? '', /is cited by no call, and was not measured: no scenarios$/);
  });

  it('are listed by the command line, which says why', async () => {
    const directory = await makeDirectory();
    try {
      const file = join(directory, 'my.patch');
      await writeFile(file, diffOf('iopt_check_iova'));
      const { code, stdout, stderr } = await runCli(['list', 'ioas/alloc', 'ioas/map', '--focus-diff', file]);
      assert.equal(code, 0, stderr);
      assert.match(stdout, /^ {2}ioas\/map:range,all_ones$/m);
      assert.notMatch(stdout, /^ {2}ioas\/alloc:/m);
      assert.match(stderr, /^list: .*iopt_check_iova\(\) decides of IOMMU_IOAS_COPY/);
      assert.match(stderr, /^list: \d+ of \d+ scenarios, by citations alone/m);
      assertRefused(
        await runCli(['gate', 'event', '--target', 'sim', '--focus-diff', file]),
        64,
        /no scenario of those selected is known to come to what .*my\.patch changes: leave out --focus-diff, or give/,
      );
      assertRefused(await runCli(['run', '--coverage', file]), 64, /--coverage is for --focus-diff/);
    } finally {
      await removeDirectory(directory);
    }
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

  it('says where a label hides which function the diff changes', async () => {
    const told: string[] = [];
    const focusDiff = join(directory, 'labelled.patch');
    await writeFile(
      focusDiff,
      hideBehindLabel(diffOf('iopt_check_iova', 'iopt_unmap_iova_range'), 'iopt_unmap_iova_range'),
    );
    await focusOfCampaign({ focus: [], focusDiff, coverage: undefined }, (why) => told.push(why));
    assert.match(told.join('\n'), /iopt_check_iova\(\) decides of/);
    assert.match(told.join('\n'), BEHIND_LABEL);
    assert.notMatch(told.join('\n'), /line 1 is not known/);
  });

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
    [
      'a function that a label hides',
      hideBehindLabel(diffOf('iopt_check_iova'), 'iopt_check_iova'),
      BEHIND_LABEL,
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
