import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandModule } from 'yargs';
import type { Context } from '../context.js';
import { EXPLAINABLE_IDS, explain } from '../explain.js';
import { EXIT, type ExitCode, UsageError } from '../errors.js';

/** Names that a wrong one is compared with. */
const SUGGESTIONS_MAX = 4;

interface ExplainArgs {
  readonly id: string;
}

export function explainCommand(
  { findings }: Context,
  finish: (code: ExitCode) => void,
): CommandModule<object, ExplainArgs> {
  return {
    command: 'explain <id>',
    describe: 'explain a call, a rule, an invariant, a scenario or a kernel finding in prose',
    builder: (yargs) =>
      yargs
        .positional('id', { type: 'string', demandOption: true, describe: 'as reports print it' })
        .example('$0 explain IOMMU_IOAS_MAP', 'what the call takes and in which order it refuses')
        .example('$0 explain IOMMU_IOAS_MAP/EEXIST.area', 'one rule')
        .example('$0 explain ioas/map:fixed,overlap', 'one scenario')
        .example('$0 explain pages_pinned_once', 'one invariant')
        .example('$0 explain unfill-reads-unmapped', 'one kernel finding'),
    handler: async ({ id }) => {
      const text = explain(id) ?? (await readFinding(findings, id));
      if (text === undefined) throw new UsageError(`nothing is called ${id}; ${hint(id)}`);
      process.stdout.write(text);
      finish(EXIT.pass);
    },
  };
}

/** The page about a kernel finding; undefined if there is none. */
async function readFinding(directory: string, id: string): Promise<string | undefined> {
  const pages = await readdir(directory);
  return pages.includes(`${id}.md`) ? readFile(join(directory, `${id}.md`), 'utf8') : undefined;
}

function hint(id: string): string {
  const similar = EXPLAINABLE_IDS.filter((known) => known.toLowerCase().includes(id.toLowerCase()));
  if (similar.length > 0) return `did you mean ${similar.slice(0, SUGGESTIONS_MAX).join(' or ')}?`;
  return 'calls and rules are named as in IOMMU_IOAS_MAP/EEXIST.area, "list" shows scenarios';
}
