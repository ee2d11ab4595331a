import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assert } from 'chai';
import { readProgramFile, writeProgramFile } from '../../fuzz/corpus/program_file.js';
import { SCRATCH } from '../../models/program/arena.js';
import { PROGRAM_SCHEMA, type Program, ProgramError } from '../../models/program/program.js';
import { makeDirectory, removeDirectory } from './temporary.js';

const PROGRAM: Program = {
  schema: PROGRAM_SCHEMA,
  about: 'one of each kind of operand',
  steps: [
    { do: 'open', label: 'f' },
    { do: 'ioctl', file: 'f', label: 'a', call: 'IOMMU_IOAS_ALLOC', args: {} },
    {
      do: 'ioctl',
      file: 'f',
      call: 'IOMMU_IOAS_ALLOW_IOVAS',
      args: {
        ioas_id: { ref: 'a.out_ioas_id' },
        allowed_iovas: { ranges: [[0n, 0xffff_ffff_ffff_ffffn]] },
      },
    },
    {
      do: 'lanes',
      lanes: [
        [{ do: 'ioctl', file: 'f', call: 'IOMMU_DESTROY', args: { id: { ref: 'a.out_ioas_id' } } }],
        [{ do: 'munmap', start: SCRATCH.start, bytes: 0x1000n }],
      ],
    },
    { do: 'mmap', start: SCRATCH.start, bytes: 0x1000n, access: 'ro' },
    { do: 'close', file: 'f' },
    { do: 'counters' },
  ],
};

/** What is wrong with a file, and a word of the sentence that says so. */
const WRONG: readonly (readonly [what: string, text: string, says: RegExp])[] = [
  ['text that is no JSON', '{"schema": 1,', /is not JSON/],
  ['an empty file', '', /is not JSON/],
  ['bytes of something else', '\u007fELF\u0002\u0001', /is not JSON/],
  ['a list', '[]', /is no program/],
  ['a future schema', '{"schema": 99, "steps": []}', /has schema 99.*newer/],
  ['no steps', '{"schema": 1}', /steps/],
  ['a step of an unknown kind', '{"schema": 1, "steps": [{"do": "fork"}]}', /step 1/],
  [
    'one lane',
    '{"schema": 1, "steps": [{"do": "lanes", "lanes": [[{"do": "close", "file": "f"}]]}]}',
    /lanes/,
  ],
  [
    'a fork in a lane',
    '{"schema": 1, "steps": [{"do": "lanes", "lanes": [[{"do": "fork", "label": "p"}], []]}]}',
    /lanes/,
  ],
  ['a member too many', '{"schema": 1, "steps": [], "colour": 1}', /colour/],
  [
    'an unknown call',
    '{"schema": 1, "steps": [{"do":"open","label":"f"},{"do":"ioctl","file":"f","call":"IOMMU_NOPE","args":{}}]}',
    /IOMMU_NOPE/,
  ],
  [
    'an unknown member of a call',
    '{"schema": 1, "steps": [{"do":"open","label":"f"},{"do":"ioctl","file":"f","call":"IOMMU_DESTROY","args":{"idd":1}}]}',
    /idd/,
  ],
  [
    'a reference to nothing',
    '{"schema": 1, "steps": [{"do":"open","label":"f"},{"do":"ioctl","file":"f","call":"IOMMU_DESTROY","args":{"id":{"ref":"x.out_ioas_id"}}}]}',
    /x/,
  ],
  [
    'an array before the page with the edge of memory',
    '{"schema": 1, "steps": [{"do":"open","label":"f"},{"do":"ioctl","file":"f","call":"IOMMU_GET_HW_INFO","args":{"data_uptr":{"room":8192,"in":{"edge":4097}}}}]}',
    /4097/,
  ],
  [
    'a struct before the page with the edge of memory',
    '{"schema": 1, "steps": [{"do":"open","label":"f"},{"do":"ioctl","file":"f","call":"IOMMU_IOAS_ALLOC","args":{},"tail":{"bytes":8000,"value":0},"at":{"edge":4097}}]}',
    /4097/,
  ],
  [
    'an array longer than the sealed region',
    '{"schema": 1, "steps": [{"do":"open","label":"f"},{"do":"ioctl","file":"f","call":"IOMMU_GET_HW_INFO","args":{"data_uptr":{"room":8193,"in":"sealed"}}}]}',
    /sealed/,
  ],
  [
    'a struct longer than the sealed region',
    '{"schema": 1, "steps": [{"do":"open","label":"f"},{"do":"ioctl","file":"f","call":"IOMMU_IOAS_ALLOC","args":{},"tail":{"bytes":8190,"value":0},"at":"sealed"}]}',
    /sealed/,
  ],
  [
    'a file that was never opened',
    '{"schema": 1, "steps": [{"do":"ioctl","file":"f","call":"IOMMU_IOAS_ALLOC","args":{}}]}',
    /f/,
  ],
];

describe('program files', () => {
  let directory: string;

  beforeEach(async () => {
    directory = await makeDirectory();
  });

  afterEach(() => removeDirectory(directory));

  it('keep a program', async () => {
    const file = join(directory, 'program.json');
    await writeProgramFile(file, PROGRAM);
    assert.deepEqual(await readProgramFile(file), PROGRAM);
  });

  it('have sorted keys and end with a line', async () => {
    const file = join(directory, 'program.json');
    await writeProgramFile(file, PROGRAM);
    const text = await readFile(file, 'utf8');
    assert.isTrue(text.endsWith('}\n'));
    assert.deepEqual(Object.keys(JSON.parse(text) as object), ['about', 'schema', 'steps']);
  });

  it('that are missing are said to be', async () => {
    await expectRefusal(join(directory, 'nothing.json'), /nothing\.json cannot be read/);
  });

  for (const [what, text, says] of WRONG) {
    it(`with ${what} are refused in one sentence that names the file`, async () => {
      const file = join(directory, 'wrong.json');
      await writeFile(file, text);
      const message = await expectRefusal(file, says);
      assert.include(message, 'wrong.json');
      assert.notInclude(message, '\n');
    });
  }
});

async function expectRefusal(file: string, says: RegExp): Promise<string> {
  try {
    await readProgramFile(file);
  } catch (error) {
    assert.instanceOf(error, ProgramError);
    assert.match((error as Error).message, says);
    return (error as Error).message;
  }
  return assert.fail('the file was read');
}
