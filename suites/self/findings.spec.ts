import { readFile, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { assert } from 'chai';
import { readProgramFile } from '../../fuzz/corpus/program_file.js';
import { CALLS } from '../../models/ioctls/index.js';
import { OPERATIONS } from '../../models/operations/index.js';
import { PROFILES } from '../../models/profiles/index.js';

const ROOT = resolve(import.meta.dirname, '../../..');

/** Ids of the kernel findings that the model knows of. */
const KNOWN = [
  ...CALLS.flatMap(({ rules }) => rules.flatMap(({ splat }) => splat?.finding ?? [])),
  ...CALLS.flatMap(({ findings }) => findings.map(({ page }) => page)),
  ...OPERATIONS.flatMap(({ findings = [] }) => findings.map(({ page }) => page)),
  ...PROFILES.flatMap(({ possibleSplats }) => possibleSplats.map(({ finding }) => finding)),
];

describe('kernel findings', () => {
  for (const id of new Set(KNOWN)) {
    it(`${id} has a page and a program`, async () => {
      const page = await readFile(join(ROOT, 'docs/findings', `${id}.md`), 'utf8');
      assert.isTrue(page.startsWith(`# ${id}\n`));
      assert.include(page, `corpus/findings/${id}.json`);
      const { about, steps } = await readProgramFile(join(ROOT, 'corpus/findings', `${id}.json`));
      assert.isString(about);
      assert.isNotEmpty(steps);
    });
  }

  it('no page is about one that the model does not know', async () => {
    const pages = (await readdir(join(ROOT, 'docs/findings'))).map((name) => name.replace(/\.md$/, ''));
    assert.sameMembers(pages, [...new Set(KNOWN)]);
  });
});
