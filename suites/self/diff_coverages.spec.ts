import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assert } from 'chai';
import { compareCoverages } from '../../cli/diff/coverages.js';
import { renderComparison, renderComparisonMarkdown } from '../../reports/comparison.js';
import { renderJson } from '../../reports/json.js';
import type { StoredCoverage, StoredFile, StoredLine } from '../../reports/kernel_coverage.js';
import { assertRefused, runCli } from './cli.js';
import { line, report } from './report_example.js';
import { makeDirectory, removeDirectory } from './temporary.js';

/** A line of a function, reached by a program or not. */
function at(number: number, name: string, first?: string, means: StoredLine['means'] = 'alone'): StoredLine {
  const how = first === undefined ? { tests: 0 } : { tests: 1, first, means };
  return { line: number, function: name, ...how };
}

function file(name: string, blob: string, ...reachable: StoredLine[]): StoredFile {
  return { file: name, blob, reachable };
}

function coverage(kernel: string, ...files: StoredFile[]): StoredCoverage {
  return {
    ...{ tool: 'iommufd-cts test', kernel, source: 'a package', description: `Linux ${kernel} in QEMU` },
    ...{ programs: 40, tests: 3, cut: 0, theirs: [], files },
  };
}

const BEFORE = coverage(
  '7.3',
  file('x.c', 'aa', at(1, 'map', 'old, program 1'), at(2, 'map'), at(4, 'map'), at(6, 'map'), at(9, 'unmap')),
  file('y.c', 'bb', at(1, 'fill', 'old, program 2', 'lanes'), at(3, 'drop'), at(4, 'drop')),
  file('z.c', 'cc', at(1, 'gone', 'old, program 1')),
);

const NOW = coverage(
  '7.3',
  file(
    ...(['x.c', 'aa', at(1, 'map', 'old, program 1'), at(2, 'map', 'new, program 3')] as const),
    ...[at(4, 'map', 'new, program 3'), at(6, 'map', 'new, program 5', 'injection')],
    at(9, 'unmap', 'new, program 3'),
  ),
  file('y.c', 'bb', at(1, 'fill'), at(3, 'drop'), at(4, 'drop')),
  file('w.c', 'dd', at(1, 'come'), at(2, 'come', 'new, program 1')),
);

describe('diff of coverages', () => {
  it('says of each file what is reached, and of each function which lines were gained and lost, and by what', () => {
    const { sections, from, to } = compareCoverages(BEFORE, NOW);
    assert.equal(from, 'Linux 7.3 in QEMU, 7.3: 3 of 9 lines (33.3 %) reached by 40 programs of 3 tests');
    assert.equal(to, 'Linux 7.3 in QEMU, 7.3: 6 of 10 lines (60.0 %) reached by 40 programs of 3 tests');
    assert.deepEqual(sections, [
      {
        title: 'Lines that are reached',
        entries: [
          { about: 'x.c', says: '5 of 5 lines (100.0 %), before 1 of 5 lines (20.0 %); 4 gained, 0 lost' },
          { about: 'y.c', says: '0 of 3 lines (0.0 %), before 1 of 3 lines (33.3 %); 0 gained, 1 lost' },
          { about: 'all', says: '6 of 10 lines (60.0 %), before 3 of 9 lines (33.3 %)' },
        ],
      },
      {
        title: 'Lines gained',
        entries: [
          {
            about: 'x.c: map()',
            says: 'lines 2-4, first by new, program 3; line 6, first by new, program 5, where an allocation failed',
          },
          { about: 'x.c: unmap()', says: 'entered now: line 9, first by new, program 3' },
        ],
      },
      {
        title: 'Lines lost',
        entries: [
          {
            about: 'y.c: fill()',
            says: 'not entered any more: before, line 1, first by old, program 2, by calls at the same time',
          },
        ],
      },
      {
        title: 'Files measured only now',
        entries: [{ about: 'w.c', says: '1 of 2 lines (50.0 %) reached' }],
      },
      {
        title: 'Files measured only before',
        entries: [{ about: 'z.c', says: '1 of 1 lines (100.0 %) reached' }],
      },
    ]);
  });

  it('compares by function where the source is another, and says so', () => {
    const before = coverage(
      '6.12',
      file(
        'x.c',
        'aa',
        at(1, 'map', 'p, program 1'),
        at(2, 'map'),
        at(9, 'unmap', 'p, program 1'),
        at(12, 'f'),
      ),
    );
    const now = coverage(
      '7.3',
      file(
        ...([
          'x.c',
          'ee',
          at(11, 'map', 'q, program 1'),
          at(12, 'map', 'q, program 1'),
          at(14, 'map'),
        ] as const),
        ...[at(21, 'unmap'), at(30, 'g', 'q, program 2'), at(31, 'g')],
      ),
    );
    assert.deepEqual(compareCoverages(before, now).sections.slice(0, 1), [
      {
        title: 'Files whose source differs, compared by function',
        entries: [{ about: 'x.c', says: 'lines have other numbers, or say something else' }],
      },
    ]);
    assert.deepEqual(compareCoverages(before, now).sections.slice(2), [
      {
        title: 'Functions of which more is reached',
        entries: [{ about: 'x.c: map()', says: '2 of 3 lines, before 1 of 2' }],
      },
      {
        title: 'Functions of which less is reached',
        entries: [{ about: 'x.c: unmap()', says: '0 of 1 lines, before 1 of 1; it is not entered now' }],
      },
      {
        title: 'Lines that can be reached only now',
        entries: [{ about: 'x.c: g()', says: 'lines 30-31; 1 of 2 reached' }],
      },
      {
        title: 'Lines that could be reached only before',
        entries: [{ about: 'x.c: f()', says: 'line 12; 0 of 1 reached' }],
      },
    ]);
  });

  it('tells lines apart that only one of two builds of the same source has', () => {
    const one = coverage('7.3-a', file('x.c', 'aa', at(1, 'map', 'p, program 1'), at(2, 'map')));
    const two = coverage(
      '7.3-b',
      file('x.c', 'aa', at(1, 'map', 'p, program 1'), at(3, 'map', 'p, program 1')),
    );
    const text = renderComparison(compareCoverages(one, two));
    assert.include(text, 'Lines that can be reached only now\n  x.c: map(): line 3; 1 of 1 reached\n');
    assert.include(text, 'Lines that could be reached only before\n  x.c: map(): line 2; 0 of 1 reached\n');
    assert.notInclude(text, 'Lines gained');
  });

  it('is nothing between a coverage and itself', () => {
    assert.include(renderComparison(compareCoverages(NOW, NOW)), 'no difference');
  });

  describe('on the command line', () => {
    let directory: string;
    let before: string;
    let now: string;

    async function stored(name: string, text: string): Promise<string> {
      const path = join(directory, name);
      await writeFile(path, text);
      return path;
    }

    beforeEach(async () => {
      directory = await makeDirectory();
      before = await stored('before.json', JSON.stringify({ schema: 1, ...BEFORE }));
      now = await stored('now.json', JSON.stringify({ schema: 1, ...NOW }));
    });

    afterEach(() => removeDirectory(directory));

    it('is text, Markdown or data', async () => {
      const { code, stdout } = await runCli(['diff', before, now]);
      assert.equal(code, 0);
      assert.include(stdout, '\n  x.c: unmap(): entered now: line 9, first by new, program 3\n');
      const data = await runCli(['diff', before, now, '--json']);
      assert.include(JSON.parse(data.stdout), { schema: 1, kind: 'coverages' });
      const markdown = renderComparisonMarkdown(compareCoverages(BEFORE, NOW));
      assert.match(markdown, /^\| `x\.c: unmap\(\)` +\| entered now: line 9, first by new, program 3 +\|$/m);
    });

    it('takes two of one kind', async () => {
      const run = await stored('run.json', renderJson(report([line('a/b:c')])));
      const says = /now\.json is coverage of a kernel and .*run\.json is not: give two of one kind/;
      assertRefused(await runCli(['diff', run, now]), 64, says);
      const wrong = await stored('wrong.json', '{"schema":1,"files":[]}');
      assertRefused(await runCli(['diff', now, wrong]), 64, /wrong\.json is no coverage of a kernel: /);
    });
  });
});
