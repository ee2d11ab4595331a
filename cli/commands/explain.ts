import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { FINDING_IDS } from '../../models/findings.js';
import type { Command, Finish } from '../command.js';
import type { Context } from '../context.js';
import { EXPLAINABLE_IDS, explain } from '../explain.js';
import { manualPages } from '../manual.js';
import { EXIT, UsageError } from '../errors.js';

/** Names that a wrong one is compared with. */
const SUGGESTIONS_MAX = 4;

interface ExplainArgs {
  readonly id: string | undefined;
  readonly write: string | undefined;
}

export function explainCommand(finish: Finish, { findings, corpus }: Context): Command<ExplainArgs> {
  return {
    builder: (yargs) =>
      yargs
        .positional('id', { type: 'string', describe: 'as reports print it' })
        .option('write', { type: 'string', describe: 'write the whole manual into this directory' })
        .example('$0 explain IOMMU_IOAS_MAP', 'what the call takes and in which order it refuses')
        .example('$0 explain IOMMU_IOAS_MAP/EEXIST.area', 'one rule')
        .example('$0 explain ioas/map:fixed,overlap', 'one scenario')
        .example('$0 explain pages_pinned_once', 'one invariant')
        .example('$0 explain unfill-reads-unmapped', 'one kernel finding')
        .example('$0 explain --write docs/reference', 'the manual, a page per call'),
    handler: async ({ id, write }) => {
      if (write !== undefined) await writeManual(write, corpus);
      if (id === undefined) {
        if (write === undefined) throw new UsageError('say what to explain; IOMMU_IOAS_MAP, for example');
        finish(EXIT.pass);
        return;
      }
      const text = explain(id) ?? (await readFinding(findings, id));
      if (text === undefined) throw new UsageError(`nothing is called ${id}; ${hint(id)}`);
      process.stdout.write(text);
      finish(EXIT.pass);
    },
  };
}

async function writeManual(directory: string, corpus: string): Promise<void> {
  for (const { file, text } of await manualPages(corpus)) {
    const path = join(directory, file);
    await mkdir(dirname(path), { recursive: true });
    await writeFileAtomic(path, text);
  }
}

/** The page about a kernel finding; undefined if there is none. */
async function readFinding(directory: string, id: string): Promise<string | undefined> {
  return isFinding(id) ? readFile(join(directory, `${id}.md`), 'utf8') : undefined;
}

function isFinding(id: string): boolean {
  return FINDING_IDS.some((known) => known === id);
}

function hint(id: string): string {
  const similar = [...FINDING_IDS, ...EXPLAINABLE_IDS].filter((known) =>
    known.toLowerCase().includes(id.toLowerCase()),
  );
  if (similar.length > 0) return `did you mean ${similar.slice(0, SUGGESTIONS_MAX).join(' or ')}?`;
  return 'calls and rules are named as in IOMMU_IOAS_MAP/EEXIST.area, "list" shows scenarios';
}
