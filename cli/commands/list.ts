import type { Argv } from 'yargs';
import { needsOf } from '../../suites/harness/plan.js';
import { CONTROL, type Scenario } from '../../suites/harness/scenario.js';
import { SCENARIOS, SUITES } from '../../suites/index.js';
import type { Command, Finish } from '../command.js';
import { EXIT } from '../errors.js';
import type { FocusFiles } from '../patch/focus_files.js';
import { addTouchedOptions, selectTouched } from '../patch/touched_scenarios.js';
import { select } from '../query.js';

interface ListArgs extends FocusFiles {
  readonly query: string[];
  readonly json: boolean;
}

export function listCommand(finish: Finish): Command<ListArgs> {
  return {
    builder: (yargs) =>
      addTouchedOptions(yargs)
        .positional('query', { type: 'string', array: true, default: [], describe: 'as for run' })
        .option('json', { type: 'boolean', default: false, describe: 'print data' })
        .example('$0 list ioas', 'the scenarios about IO address spaces')
        .example('$0 list --json', 'everything, for a script')
        .example('$0 list --focus-diff my.patch', 'what a change of the kernel touches') as Argv<ListArgs>,
    handler: async (args) => {
      const chosen = await selectTouched(select(SCENARIOS, args.query), args, 'list');
      process.stdout.write(args.json ? renderData(chosen) : renderText(new Set(chosen)));
      finish(EXIT.pass);
    },
  };
}

function renderData(chosen: readonly Scenario[]): string {
  const scenarios = chosen.map((scenario) => {
    const { id, doc, covers, source, gaps, kselftest, seeds, cases } = scenario;
    const needs = needsOf(scenario, CONTROL);
    return {
      ...{ id, doc, covers, needs, caseNeeds: caseNeeds(scenario, needs), gaps, kselftest, seeds, cases },
      ...(source === undefined ? {} : { source }),
    };
  });
  return `${JSON.stringify(scenarios, null, 2)}\n`;
}

/** What cases need beyond their scenario. */
function caseNeeds(scenario: Scenario, needs: readonly string[]): Record<string, string[]> {
  const extras = scenario.cases.map((name): [string, string[]] => [
    name,
    needsOf(scenario, name).filter((need) => !needs.includes(need)),
  ]);
  return Object.fromEntries(extras.filter(([, extra]) => extra.length > 0));
}

function renderText(chosen: ReadonlySet<Scenario>): string {
  const parts = SUITES.flatMap(({ path, doc, scenarios }) => {
    const shown = scenarios.filter((scenario) => chosen.has(scenario));
    if (shown.length === 0) return [];
    const lines = shown.map(
      (scenario) => `  ${scenario.id}\n      ${scenario.doc} (${String(scenario.cases.length)} cases)\n`,
    );
    return [`${path}: ${doc}\n\n${lines.join('')}`];
  });
  return `${parts.join('\n')}\n${String(chosen.size)} scenarios\n`;
}
