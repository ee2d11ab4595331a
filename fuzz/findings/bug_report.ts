import type { Behaviour } from '../../models/behaviour.js';
import { narrate } from '../../models/narrate.js';
import { type Program, hasLanes } from '../../models/program/program.js';
import { ruleSourceByName } from '../../models/rule_sources.js';
import type { Suspect } from './facts.js';
import type { Finding } from './finding.js';
import { FILES } from './finding_file.js';

/** Lines of a console that a mail has room for. */
const CONSOLE_LINES_MAX = 60;

const SUSPICIONS: Readonly<Record<Suspect, string>> = {
  kernel: 'The kernel is suspected: no answer of a correct program makes this right.',
  either: 'Kernel and model disagree; which of them is wrong, the cited code decides.',
  model: "The model contradicts itself: this is a bug of iommufd-cts, and none of the kernel's.",
};

/** A rule as a title has it: a call, and what it answers for which reason. */
const RULE = /\b([A-Za-z_]\w*)\/([\w.]+)/g;

/**
 * A finding as a mail to whom it concerns: what is wrong, by which rule of the uAPI, how often it was shown, each step with what it must
 * answer, what the kernel printed, and how to see it again. Nobody is sent anything.
 * @param program what is to be shown: the smallest known
 * @param behaviour of the model that it was judged by
 * @param console what the kernel printed, if that is known
 */
export function bugReport(finding: Finding, program: Program, behaviour: Behaviour, console: string): string {
  const { title, target, profile, seed, shown, tried, suspect, allowed, seen } = finding;
  const sections = [
    [`Subject: [BUG] ${suspect === 'model' ? 'iommufd-cts' : 'iommufd'}: ${title}`],
    [
      `target      ${target}`,
      `model       Linux ${profile}`,
      `reliability ${String(shown)} of ${String(tried)} runs of the program below; found with seed ${String(seed)}`,
    ],
    [
      `allowed     ${allowed}`,
      `seen        ${seen}`,
      ...rulesNamed(allowed).map((says) => `            ${says}`),
    ],
    [SUSPICIONS[suspect]],
    [
      `The program${hasLanes(program) ? ', with what the model says of one order of its lanes' : ', with what the model says'}:`,
      ...stepsOf(program, behaviour),
    ],
    consoleSection(console),
    [
      'To see it again, on a kernel with CONFIG_IOMMUFD_TEST, as root:',
      '  cc -Wall -static -pthread -o repro repro.c && ./repro',
      'or in a virtual machine, which builds the kernel if need be:',
      '  sh repro.sh',
    ],
  ];
  return `${sections
    .filter(({ length }) => length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

/** What the rules that a text names are about, and where the kernel decides them. */
function rulesNamed(text: string): string[] {
  return [...text.matchAll(RULE)].flatMap(([id, call = '', ruleId]) => {
    const rule = ruleSourceByName(call)?.rules.find((candidate) => candidate.id === ruleId);
    return rule === undefined ? [] : [`${id}: when ${rule.says} (${rule.cite})`];
  });
}

function stepsOf(program: Program, behaviour: Behaviour): string[] {
  return [...narrate(program, behaviour)].map(
    ({ text, answer }, at) => `${String(at + 1).padStart(4)}  ${text}: ${answer}`,
  );
}

/** What a kernel prints last says why it stopped; what it prints first, what began it. The beginning is what counts. */
function consoleSection(console: string): string[] {
  if (console.trim() === '') return [];
  const lines = console.trimEnd().split('\n');
  const left = lines.length - CONSOLE_LINES_MAX;
  return [
    'The kernel printed:',
    ...lines.slice(0, CONSOLE_LINES_MAX).map((line) => `  ${line}`),
    ...(left > 0 ? [`  (${String(left)} lines more in ${FILES.console})`] : []),
  ];
}
