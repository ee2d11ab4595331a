import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { assert } from 'chai';
import { Gathering } from '../../cli/kernel_coverage/gathering.js';
import {
  type KernelCoverage,
  renderCoverageJson,
  renderCoverageTable,
  renderLcov,
  renderUnreached,
} from '../../reports/kernel_coverage.js';
import { linesInBlocks, straightCode } from '../../targets/kcov/blocks.js';
import { type Place, packPlaces, parseSymbols, unpackPlaces } from '../../targets/kcov/places.js';
import { reachedIn } from '../../targets/kcov/preload.js';
import { codePlacesOf } from '../../targets/kcov/symbols.js';
import { watch } from '../../targets/kcov/watched_code.js';
import { TestBedError } from '../../targets/target.js';
import { makeDirectory, removeDirectory } from './temporary.js';

/** As addr2line prints it: a place of its own, one in a function of a header that is inlined, one without a line, one made up. */
const PRINTED = [
  '0xffffffff81000010',
  'kernel_init',
  '/src/linux/init/main.c:1500',
  '0xffffffff81d81550',
  'iommufd_get_object.part.0',
  '/src/linux/drivers/iommu/iommufd/./iommufd_private.h:31 (discriminator 3)',
  'iommufd_ioas_map',
  '/src/linux/drivers/iommu/iommufd/ioas.c:200',
  '0xffffffff81d81600',
  'ghost',
  '??:0',
  '0xffffffff81d81650',
  '_sub_I_65535_1',
  '/src/linux/drivers/iommu/iommufd/ioas.c:700',
  '0xffffffff81d81700',
  'iommufd_ioas_map',
  '/src/linux/drivers/iommu/iommufd/ioas.c:210',
];

const IOAS = 'drivers/iommu/iommufd/ioas.c';

describe('places that kcov tells of', () => {
  it('are read with their own lines, from the top of the tree', () => {
    const { base, places } = parseSymbols(PRINTED);
    assert.equal(base, 0xffff_ffff_8100_0000n);
    assert.deepEqual(places, [
      { offset: 0x15, file: 'init/main.c', line: 1500, function: 'kernel_init' },
      {
        offset: 0xd8_1555,
        file: 'drivers/iommu/iommufd/iommufd_private.h',
        line: 31,
        function: 'iommufd_get_object',
      },
      { offset: 0xd8_1705, file: IOAS, line: 210, function: 'iommufd_ioas_map' },
    ]);
  });

  it('are kept and found again as they were', () => {
    const found = parseSymbols(PRINTED);
    assert.deepEqual(unpackPlaces(packPlaces(found)), found);
  });

  it('that are wanted and lie side by side are one range', () => {
    const places = [1, 2, 3, 4, 5].map((at): Place => ({
      offset: at * 16,
      file: at === 3 ? 'mm/gup.c' : IOAS,
      line: at,
      function: 'f',
    }));
    const { ranges } = watch({ base: 0n, places }, 'places', ({ file }) => file === IOAS);
    assert.deepEqual(ranges, [
      { start: 16, end: 37 },
      { start: 64, end: 85 },
    ]);
    const noted = new Uint8Array(16);
    noted[6] = 1;
    assert.deepEqual(reachedIn(noted, { base: 0n, places }), [places[2]]);
  });

  describe('of a program', () => {
    let directory: string;

    before(async () => {
      directory = await makeDirectory();
    });

    after(() => removeDirectory(directory));

    async function compile(name: string, ...flags: string[]): Promise<string> {
      const program = join(directory, name);
      const source = join(directory, 'main.c');
      await writeFile(join(directory, 'inline.h'), INLINE);
      await writeFile(source, MAIN);
      await promisify(execFile)('gcc', ['-O1', ...flags, '-o', program, source]);
      return program;
    }

    const INLINE =
      'static inline int half(int value)\n{\n\tif (value % 2)\n\t\treturn -1;\n\treturn value / 2;\n}\n';
    const MAIN = [
      '#include "inline.h"',
      '__attribute__((no_sanitize_coverage)) void __sanitizer_cov_trace_pc(void) {}',
      'int main(int count, char **arguments)',
      '{',
      '\tif (count > 5)',
      '\t\treturn half(count);',
      '\treturn arguments[0][0] == 0;',
      '}',
      '',
    ].join('\n');

    const quiet = (): void => undefined;

    it('are found with the tools that kernels are looked at with, also where a function is inlined', async () => {
      const program = await compile('traced', '-g', '-fsanitize-coverage=trace-pc');
      const { places } = await codePlacesOf(program, directory, quiet);
      const named = places.map(({ file, function: name }) => `${file.split('/').at(-1) ?? ''} ${name}`);
      assert.includeMembers(named, ['main.c main', 'inline.h half']);
      assert.deepEqual((await codePlacesOf(program, directory, quiet)).places, places);
    });

    it('have lines that run whenever they are reached', async () => {
      const program = await compile('blocks', '-g', '-fsanitize-coverage=trace-pc');
      const code = await codePlacesOf(program, directory, quiet);
      const isOurs = (file: string): boolean => /(?:main\.c|inline\.h)$/.test(file);
      const within = await linesInBlocks(program, code, isOurs, directory);
      const linesOf = (name: string): number[] => [
        ...new Set(within.filter((line) => line.function === name).map(({ line }) => line)),
      ];
      // The call at line 6 is inlined; the last line gives the stack back.
      assert.includeMembers(linesOf('main'), [4, 5, 6, 7, 8]);
      assert.includeMembers(linesOf('half'), [3]);
      const offsets = new Set(code.places.map(({ offset }) => offset));
      assert.isTrue(within.every(({ offset }) => offsets.has(offset)));
    });

    it('that was not compiled for it are none: one sentence says so', async () => {
      const program = await compile('plain', '-g');
      const error: unknown = await codePlacesOf(program, directory, quiet).catch((thrown: unknown) => thrown);
      assert.instanceOf(error, TestBedError);
      assert.match((error as Error).message, /plain was not built for kcov: nothing in it calls/);
    });
  });
});

describe('code that runs whenever a place is reached', () => {
  const call = (address: string): string => `${address}:\tcall   9190 <__sanitizer_cov_trace_pc>`;

  it('leads to the place from the beginning of the function, and goes on up to the next one or a jump away', () => {
    const placeOf = straightCode([
      '0000000000000100 <iopt_check_iova>:',
      ...['100:\tpush   %rbp', call('110'), '115:\tjne    200 <iopt_check_iova+0x100>', '117:\tinc    %eax'],
      ...[
        call('120'),
        '125:\tjmp    110 <iopt_check_iova+0x10>',
        '127:\tmov    $0xffffffea,%eax',
        '12c:\tret',
      ],
      '0000000000000130 <iopt_map>:',
      ...['130:\tje     140 <iopt_map+0x10>', '132:\tpush   %rbp', call('140'), '145:\tret'],
      '0000000000000152 <iopt_unmap+0x2>:',
      ...['152:\tpush   %rbp', call('160')],
    ]);
    assert.deepEqual(
      [...placeOf].map(([address, place]) => `${address} ${place.toString(16)}`),
      ['100 110', '110 110', '115 110', '117 110', '120 120', '125 120', '140 140', '145 140', '160 160'],
    );
  });
});

describe('coverage of a kernel', () => {
  const places: Place[] = [10, 11, 12, 20].map((line, at) => ({
    offset: at,
    file: IOAS,
    line,
    function: line < 20 ? 'iommufd_ioas_map' : 'iommufd_ioas_unmap',
  }));

  function gathered(): KernelCoverage {
    const gathering = new Gathering(places);
    const told = (...numbers: number[]) => ({ numbers: Uint32Array.from(numbers), isCut: false });
    gathering.add('ioas/map:fixed', 'ioas/map:fixed, program 0', 'injection', told(0, 1));
    gathering.add('ioas/map:fixed', 'ioas/map:fixed, program 1', 'alone', told(0));
    gathering.add('ioas/copy', 'ioas/copy, program 0', 'lanes', told(0, 99));
    gathering.addTheirs([0, 2]);
    const { tests, programs, cut } = gathering;
    const facts = { tool: 'iommufd-cts', kernel: '7.3.4-sanitize', source: 'Debian', description: 'Linux' };
    return { ...facts, tests, programs, cut, theirs: ['iommufd: 3 passed'], files: gathering.files() };
  }

  it('says of each line who reached it first and by what means', () => {
    const { files, programs } = gathered();
    assert.equal(programs, 3);
    assert.deepEqual(files[0]?.lines, [
      {
        ...{ line: 10, function: 'iommufd_ioas_map', tests: [0, 1], first: 'ioas/map:fixed, program 0' },
        ...{ means: 'alone', theirs: true },
      },
      {
        ...{ line: 11, function: 'iommufd_ioas_map', tests: [0], first: 'ioas/map:fixed, program 0' },
        ...{ means: 'injection', theirs: false },
      },
      { line: 12, function: 'iommufd_ioas_map', tests: [], theirs: true },
      { line: 20, function: 'iommufd_ioas_unmap', tests: [], theirs: false },
    ]);
  });

  it('is a table of files, beside what the kernel’s own tests reach', () => {
    const [, , row = ''] = renderCoverageTable(gathered()).split('\n');
    const cells = row.split('|').map((cell) => cell.trim());
    assert.deepEqual(cells.slice(1, -1), [IOAS, '2 of 4', '50.0 %', '1 of 2', '2 of 4', '50.0 %', '1', '1']);
  });

  it('lists what was not reached', () => {
    assert.equal(
      renderUnreached(gathered()),
      `${IOAS}: iommufd_ioas_map: lines 12; their tests reach 12\n${IOAS}: iommufd_ioas_unmap: never entered\n`,
    );
  });

  it('is a tracefile of lcov with a record for each test', () => {
    const records = renderLcov(gathered()).split('end_of_record\n');
    assert.lengthOf(records, 4);
    assert.include(records[0], `TN:\nSF:${IOAS}\nFN:10,iommufd_ioas_map\nFN:20,iommufd_ioas_unmap\n`);
    assert.include(records[0], 'FNDA:2,iommufd_ioas_map\nFNDA:0,iommufd_ioas_unmap\nFNF:2\nFNH:1\nDA:10,0\n');
    assert.equal(records[1], `TN:ioas_map_fixed\nSF:${IOAS}\nDA:10,1\nDA:11,1\nLF:2\nLH:2\n`);
    assert.equal(records[2], `TN:ioas_copy\nSF:${IOAS}\nDA:10,1\nLF:1\nLH:1\n`);
  });

  it('is data', () => {
    const { schema, files } = JSON.parse(renderCoverageJson(gathered())) as {
      schema: number;
      files: { file: string; lines: object; reachable: { first?: string }[] }[];
    };
    assert.equal(schema, 1);
    assert.deepEqual(files[0]?.lines, { reached: 2, all: 4, percent: 50 });
    assert.equal(files[0]?.reachable[1]?.first, 'ioas/map:fixed, program 0');
  });
});
