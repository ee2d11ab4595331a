import type { Behaviour } from '../../models/behaviour.js';
import { narrate } from '../../models/narrate.js';
import { programText } from '../../models/program/json.js';
import { type Program, hasLanes } from '../../models/program/program.js';

/** A program for readers: its steps with what the model says of each, and the program itself. */
export function exportMarkdown(program: Program, behaviour: Behaviour): string {
  const rows = [...narrate(program, behaviour)].map(
    ({ text, answer }, at) => `| ${String(at + 1)} | ${cell(text)} | ${cell(answer)} |`,
  );
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
