import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { assert } from 'chai';
import { parseDiff } from '../../cli/patch/diff_file.js';
import { agree } from '../../cli/patch/source.js';
import { blobOf } from '../../cli/source_tree.js';
import { requireMeasured, viewPatch } from '../../cli/patch/view.js';
import {
  type CoveredFile,
  type KernelCoverage,
  type ReachableLine,
  renderCoverageJson,
} from '../../reports/kernel_coverage.js';
import { renderPatchMarkdown, renderPatchView } from '../../reports/patch_view.js';
import { BadInputError, TestBedError } from '../../targets/target.js';
import { type Ended, assertRefused, runCli } from './cli.js';
import { makeDirectory, removeDirectory } from './temporary.js';

const FILE = 'drivers/iommu/iommufd/ioas.c';

/** As the diff below leaves it; the first line has the number 1. */
const SOURCE = [
  'static int iommufd_option_rlimit(struct iommu_option *cmd)',
  '{',
  '\tif (cmd->object_id)',
  '\t\treturn -EINVAL;',
  '\t/* new: only the owner */',
  '\tif (!capable(CAP_SYS_RESOURCE))',
  '\t\treturn -EPERM;',
  '\tcount(cmd);',
  '\treturn 0;',
  '}',
  '',
  'int iommufd_ioas_unmap(struct iommufd_ucmd *ucmd)',
  '{',
  '\trc = unmap(ucmd);',
  '\treturn rc;',
  '}',
  '',
].join('\n');

const BEFORE = SOURCE.split('\n');

/** Lines 5 to 7 are new, 8 is another, and two lines are gone before 14. */
const DIFF = [
  `diff --git a/${FILE} b/${FILE}`,
  `index 1111111..${blobOf(Buffer.from(SOURCE)).slice(0, 12)} 100644`,
  `--- a/${FILE}`,
  `+++ b/${FILE}`,
  '@@ -2,7 +2,10 @@ static int iommufd_option_rlimit(struct iommu_option *cmd)',
  ...BEFORE.slice(1, 4).map((line) => ` ${line}`),
  ...BEFORE.slice(4, 7).map((line) => `+${line}`),
  '-\tforget(cmd);',
  '+\tcount(cmd);',
  ...BEFORE.slice(8, 11).map((line) => ` ${line}`),
  '@@ -9,8 +12,6 @@ static int iommufd_option_rlimit(struct iommu_option *cmd)',
  ...BEFORE.slice(11, 13).map((line) => ` ${line}`),
  '-\tif (ucmd->cmd)',
  '-\t\treturn -EINVAL;',
  ...BEFORE.slice(13, 16).map((line) => ` ${line}`),
  ' ',
  '',
].join('\n');

const OTHER = 'diff --git a/mm/gup.c b/mm/gup.c\n--- a/mm/gup.c\n+++ b/mm/gup.c\n@@ -1 +1 @@\n-a\n+b\n';

function line(number: number, name: string, ...tests: readonly number[]): ReachableLine {
  const first = tests.length === 0 ? {} : ({ first: 'ioas/a, program 4', means: 'alone' } as const);
  return { line: number, function: name, tests, ...first };
}

const RLIMIT = 'iommufd_option_rlimit';
const UNMAP = 'iommufd_ioas_unmap';

const COVERED: CoveredFile = {
  file: FILE,
  lines: [line(3, RLIMIT, 0, 1), line(6, RLIMIT, 0, 1), line(8, RLIMIT), line(9, RLIMIT, 0), line(14, UNMAP)],
  within: [line(2, RLIMIT, 0, 1), line(3, RLIMIT, 0, 1), line(8, RLIMIT, 1), line(15, UNMAP)],
};

const COVERAGE: KernelCoverage = {
  ...{ tool: 'iommufd-cts', kernel: '7.3.4-sanitize', source: '/there/is/none', description: 'Linux 7.3.4' },
  ...{ tests: ['ioas/a', 'ioas/b'], programs: 9, cut: 0, theirs: [], files: [COVERED] },
};

describe('a diff', () => {
  it('is read with the numbers of its lines and the functions that they are in', () => {
    const [{ file, lines, removals } = assert.fail('no file')] = parseDiff('my.patch', DIFF);
    assert.equal(file, FILE);
    const added = lines.filter(({ isAdded }) => isAdded);
    assert.deepEqual(
      added.map(({ line: number, function: name }) => [number, name]),
      [5, 6, 7, 8].map((number) => [number, RLIMIT]),
    );
    assert.deepEqual(removals, [
      {
        lines: [
          { line: 11, text: '\tif (ucmd->cmd)' },
          { line: 12, text: '\t\treturn -EINVAL;' },
        ],
        at: 14,
        function: UNMAP,
      },
    ]);
  });

  const names: readonly (readonly [what: string, old: string, now: string, file: string])[] = [
    ['git’s prefixes', 'a/mm/gup.c', 'b/mm/gup.c', 'mm/gup.c'],
    ['no prefixes', 'mm/gup.c', 'mm/gup.c', 'mm/gup.c'],
    ['two trees side by side', 'linux.orig/mm/gup.c', 'linux/mm/gup.c', 'mm/gup.c'],
    ['a new file', '/dev/null', 'b/mm/gup.c', 'mm/gup.c'],
    ['a file that is gone', 'a/mm/gup.c', '/dev/null', 'mm/gup.c'],
  ];
  for (const [what, old, now, file] of names) {
    it(`names files: ${what}`, () => {
      const [found] = parseDiff('my.patch', `--- ${old}\n+++ ${now}\n@@ -1 +1 @@\n-a\n+b\n`);
      assert.equal(found?.file, file);
    });
  }

  it('may be a letter with a signature', () => {
    const letter = `From 1234 Mon Sep 17\nSubject: a change\n---\n mm/gup.c | 2 +-\n\n${OTHER}-- \n2.47.3\n\n`;
    assert.lengthOf(parseDiff('my.patch', letter), 1);
  });

  it('is about no function where one is declared', () => {
    const added = [
      '+int iopt_map(struct io_pagetable *iopt,',
      '+\t     int length);',
      '+static int two(',
      '+\tint a)',
      '+{',
    ];
    const [found] = parseDiff(
      'my.patch',
      ['--- a/x.h', '+++ b/x.h', '@@ -0,0 +1,5 @@', ...added, ''].join('\n'),
    );
    assert.deepEqual(
      found?.lines.map(({ function: name }) => name),
      [undefined, undefined, 'two', 'two', 'two'],
    );
  });

  const bad: readonly (readonly [what: string, text: string, says: RegExp])[] = [
    ['something else', 'hello\n', /^my\.patch is no unified diff/],
    ['nothing', '', /^my\.patch is no unified diff/],
    ['cut', DIFF.slice(0, 350), /^my\.patch is no whole diff: /],
    ['without numbers', OTHER.replace('@@ -1 +1 @@', '@@ here @@'), /is no whole diff: /],
    ['a series, file by file', OTHER + OTHER, /changes mm\/gup\.c more than once/],
  ];
  for (const [what, text, says] of bad) {
    it(`that is none is refused in one sentence: ${what}`, () => {
      assert.throws(() => parseDiff('my.patch', text), BadInputError, says);
    });
  }

  it('that changes nothing that was measured says nothing', () => {
    const diff = parseDiff('my.patch', OTHER);
    const isMeasured = (file: string): boolean => file === FILE;
    assert.throws(
      () => {
        requireMeasured('my.patch', diff, '7.3.4-sanitize', isMeasured);
      },
      TestBedError,
      'my.patch changes nothing of 7.3.4-sanitize that was measured: it is about mm/gup.c',
    );
  });
});

describe('the lines of a diff', () => {
  const view = viewPatch('my.patch', parseDiff('my.patch', DIFF + OTHER), COVERAGE);

  it('were executed, not executed, or cannot be told of', () => {
    const [rlimit, unmap] = view.functions;
    assert.deepInclude(rlimit, { function: RLIMIT, enteredBy: 2, others: 1 });
    const all = { tests: ['ioas/a', 'ioas/b'], first: 'ioas/a, program 4', means: 'alone' } as const;
    assert.deepEqual(rlimit?.lines, [
      {
        ...{ change: 'added', line: 6, text: '\tif (!capable(CAP_SYS_RESOURCE))' },
        ...{ execution: 'executed', ...all },
      },
      {
        ...{ change: 'added', line: 7, text: '\t\treturn -EPERM;' },
        ...{ execution: 'no trace point', at: 6, ...all },
      },
      {
        ...{ change: 'added', line: 8, text: '\tcount(cmd);', execution: 'in part' },
        ...{ ...all, tests: ['ioas/b'] },
      },
    ]);
    assert.deepEqual(unmap, {
      ...{ file: FILE, function: UNMAP, enteredBy: 0, others: 0 },
      lines: [
        {
          ...{ change: 'removed', line: 11, last: 12, text: '\tif (ucmd->cmd)' },
          ...{ execution: 'not executed', at: 14, tests: [] },
        },
      ],
    });
    assert.deepEqual(view.unmeasured, ['mm/gup.c']);
  });

  it('are of the functions that were measured, also where the diff names none', () => {
    const bare = DIFF.replaceAll(/^(@@.*@@).*$/gm, '$1');
    const [{ function: name, lines } = assert.fail('no function')] = viewPatch(
      'my.patch',
      parseDiff('my.patch', bare),
      COVERAGE,
    ).functions;
    assert.equal(name, RLIMIT);
    assert.lengthOf(lines, 3);
  });

  it('are a table for each function', () => {
    const text = renderPatchView(view);
    assert.match(
      text,
      /ioas\.c: iommufd_option_rlimit\(\): 2 tests came into it; 1 changed line that is no code/,
    );
    assert.match(text, /^ 6 +executed +if \(!capable.* ioas\/a, program 4; ioas\/b/m);
    assert.match(text, /^ 7 +no trace point +return -EPERM; *$/m);
    assert.match(text, /^ −11-12 +not executed: line 14, which stands there now/m);
    assert.match(
      text,
      /of 4 changed lines 1 executed, 1 executed in part, 1 not executed, 1 without a trace point/,
    );
    assert.include(text, 'Not measured: mm/gup.c');
  });

  it('name the line before that tells, unless it is changed too', () => {
    const one = DIFF.replace(/^@@.*\n(?: .*\n){3}\+.*\n\+(.*)\n/m, '@@ -6 +6,2 @@\n $1\n').replace(
      /^-\tforget[^]*$/m,
      '',
    );
    const text = renderPatchView(viewPatch('my.patch', parseDiff('my.patch', one), COVERAGE));
    assert.match(
      text,
      /^ 7 +no trace point; line 6 before it was executed +return -EPERM; +ioas\/a, program 4; ioas\/b/m,
    );
  });

  it('are Markdown that names first what was not executed, and has an end', () => {
    const text = renderPatchMarkdown(view);
    assert.include(text, `Not executed:\n\n- \`${FILE}\` \`${UNMAP}()\`: never entered\n`);
    assert.isAtMost(renderPatchMarkdown(view, 300).length, 330);
  });
});

describe('patch', () => {
  let directory: string;
  let tree: string;

  before(async () => {
    directory = await makeDirectory();
    tree = join(directory, 'linux');
    await mkdir(dirname(join(tree, FILE)), { recursive: true });
    await writeFile(join(tree, FILE), SOURCE);
    await writeFile(join(directory, 'my.patch'), DIFF);
    await writeFile(join(directory, 'coverage.json'), renderCoverageJson(COVERAGE));
  });

  after(() => removeDirectory(directory));

  function patch(...more: string[]): Promise<Ended> {
    const from = ['--from', join(directory, 'coverage.json')];
    return runCli(['patch', join(directory, 'my.patch'), ...from, ...more]);
  }

  it('reads what coverage wrote, and ends with 1 if asked to where a line was not executed', async () => {
    const { code, stdout, stderr } = await patch('--source', tree, '--strict', '--json');
    assert.equal(code, 1, stderr);
    const data = JSON.parse(stdout) as { schema: number; lines: object; functions: object[] };
    assert.deepEqual(data.lines, { executed: 1, 'in part': 1, 'not executed': 1, 'no trace point': 1 });
    assert.lengthOf(data.functions, 2);
  });

  it('does not guess which kernel a diff is about', async () => {
    assertRefused(await patch(), 64, /cannot be told: .* is not here; name the tree with --source$/m);
  });

  const files = (blob?: string): CoveredFile[] => [{ ...COVERED, ...(blob === undefined ? {} : { blob }) }];
  const diff = parseDiff('my.patch', DIFF);

  async function refusal(blob: string | undefined, text: string, isNamed: boolean): Promise<string> {
    const found = parseDiff('my.patch', text);
    try {
      await agree('my.patch', found, { ...COVERAGE, files: files(blob) }, { tree, isNamed });
    } catch (error) {
      return (error as Error).message;
    }
    return '';
  }

  it('needs no source where git calls the file by the same name', async () => {
    const blob = blobOf(Buffer.from(SOURCE));
    const nowhere = { tree: undefined, isNamed: false };
    await agree('my.patch', diff, { ...COVERAGE, files: files(blob) }, nowhere);
  });

  it('says what does not agree', async () => {
    const other = DIFF.replace('+\tcount(cmd);', '+\tcount(ucmd);').replace(/^index .*\n/m, '');
    assert.match(
      await refusal(undefined, other, true),
      /^my\.patch does not leave .*ioas\.c as 7\.3\.4-sanitize was built from it: line 8 is "count\(ucmd\);" in the diff, and "count\(cmd\);"/,
    );
    assert.match(
      await refusal('0123', other, false),
      /ioas\.c is not what 7\.3\.4-sanitize was built from any more/,
    );
    assert.match(
      await refusal(undefined, other, false),
      /is not what 7\.3\.4-sanitize was built from any more/,
    );
  });
});
