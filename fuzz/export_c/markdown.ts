import { errnoName } from '../../models/base/errno.js';
import type { Behaviour } from '../../models/behaviour.js';
import { ModelRun } from '../../models/model_run.js';
import { assemble } from '../../models/program/assemble.js';
import { describePlacedStep } from '../../models/program/describe.js';
import { programText } from '../../models/program/json.js';
import { type Program, hasLanes, placedSteps } from '../../models/program/program.js';

/** A program for readers: its steps with what the model says of each, and the program itself. */
export function exportMarkdown(program: Program, behaviour: Behaviour): string {
  const { steps } = assemble(program);
  const run = new ModelRun(behaviour, 'exact', []);
  let isLost = false;
  const rows = placedSteps(program).map((placed, at) => {
    const step = steps[at];
    const executed = step === undefined || isLost ? undefined : run.execute(step);
    isLost ||= executed === undefined;
    const answer =
      executed === undefined
        ? 'the model cannot tell'
        : `${errnoName(executed.returned.errno)} (${executed.because})`;
    return `| ${String(at + 1)} | ${cell(describePlacedStep(placed))} | ${cell(answer)} |`;
  });
  return [
    `# ${program.about ?? 'A program'}`,
    '',
    `What Linux ${behaviour.profile.id} answers by the model${hasLanes(program) ? '; lanes in one order of several' : ''}:`,
    '',
    '| step | call | answer |',
    '| ---: | --- | --- |',
    ...rows,
    '',
    '`iommufd-cts replay FILE --kernel ID` runs it:',
    '',
    '```json',
    programText(program).trimEnd(),
    '```',
    '',
  ].join('\n');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
