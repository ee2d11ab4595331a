import { markdownTable } from 'markdown-table';
import { syzlang } from '../fuzz/syzkaller/syzlang.js';
import { hasCall, hasRule, rulesInOrder } from '../models/behaviour.js';
import { hex } from '../models/base/u64.js';
import { findingById } from '../models/findings.js';
import type { CallDescription, CallFinding, Rule } from '../models/ioctls/description.js';
import { ENVELOPE_RULES } from '../models/ioctls/envelope.js';
import { CALLS } from '../models/ioctls/index.js';
import { LANES, RACES } from '../models/lanes/races.js';
import { OPERATIONS } from '../models/operations/index.js';
import type { OperationDescription } from '../models/operations/operation.js';
import { RULE_SOURCES, type RuleSource } from '../models/rule_sources.js';
import { INVARIANTS } from '../models/invariants/index.js';
import { PROFILES } from '../models/profiles/index.js';
import { SCENARIOS } from '../suites/index.js';
import { biasesPage } from './biases_page.js';
import { changesPage } from './diff/changes_page.js';
import { defectsPage } from './designs/defects_page.js';
import { designInvariantsPage } from './designs/invariants_page.js';
import { fixedBugsPage } from './fixed_bugs_page.js';
import { findingsPage } from './findings_page.js';
import { parityPage } from './parity.js';

/** A page of the manual. */
interface Page {
  /** File name as docs/reference sees it. */
  readonly file: string;
  readonly text: string;
}

/**
 * What is derived: a page per call, what calls have in common, an index, and beside them the comparison with the kernel's own
 * tests, the index of findings and a description for syzkaller.
 * @param corpus the directory of stored programs, some of which are told
 */
export async function manualPages(corpus: string): Promise<Page[]> {
  return [
    { file: 'README.md', text: indexPage() },
    { file: 'invariants.md', text: invariantsPage() },
    ...RULE_SOURCES.map((source) => ({
      file: `${source.name}.md`,
      text: sourcePage(source),
    })),
    { file: '../kselftest-parity.md', text: parityPage() },
    { file: '../designs/defects.md', text: defectsPage() },
    { file: '../designs/invariants.md', text: designInvariantsPage() },
    { file: '../findings/README.md', text: findingsPage() },
    { file: '../biases.md', text: biasesPage() },
    { file: '../fixed-bugs.md', text: await fixedBugsPage(corpus) },
    { file: '../changes-6.12-7.3.md', text: changesPage() },
    { file: '../syzkaller/iommufd.txt', text: syzlang() },
  ];
}

/** Everything that is known of a call, of an operation on files, or of what all calls have in common. */
export function sourcePage({ name, call, operation }: RuleSource): string {
  if (call !== undefined) return callPage(call);
  if (name === LANES) return lanesPage();
  return operation === undefined ? envelopePage() : operationPage(operation);
}

function operationPage({ name, doc, source, rules, findings }: OperationDescription): string {
  return page(
    `# ${name}`,
    doc,
    `A system call on a file, in \`${source}\`.`,
    '## What it refuses',
    ruleTable(name, rules),
    ...leftoverNotes(rules),
    ...findingNotes(findings),
    ...scenarioList(`${name}/`),
  );
}

/** Everything that is known of a call. */
function callPage(call: CallDescription): string {
  const { name, doc, source, command, op } = call;
  const operation = op === undefined ? '' : ` with op ${String(op)}`;
  return page(
    `# ${name}`,
    doc,
    `ioctl ${hex(command)}${operation}: ${argumentOf(call)}. Implemented in \`${source}\`, in ${kernelsOf(call)}.`,
    ...(call.layout.members.length === 0 ? [] : [fieldTable(call)]),
    '## What it refuses',
    'In this order, after what every call refuses (`explain envelope`); the first that applies decides.',
    ruleTable(name, call.rules),
    ...leftoverNotes(call.rules),
    ...findingNotes(call.findings),
    ...profileDifferences(call),
    ...scenarioList(`${name}/`),
  );
}

/** What user space passes, in words. */
function argumentOf({ argument, layout, bytesMin }: CallDescription): string {
  if (argument === 'struct')
    return `${String(layout.bytes)} bytes, at least ${String(bytesMin)} are required`;
  return layout.members.length === 0 ? 'the argument is ignored' : 'the argument is a number, and no pointer';
}

/** What every ioctl on the file refuses before the call itself looks at its struct. */
function envelopePage(): string {
  return page(
    '# envelope',
    'What every ioctl on the file refuses before the call itself looks at its struct, in this order (`main.c:iommufd_fops_ioctl`).',
    ruleTable('envelope', ENVELOPE_RULES),
    ...scenarioList('envelope/'),
  );
}

function lanesPage(): string {
  const rows = RACES.map(({ id, calls, says, cite }) => [
    code(id),
    calls?.join(', ') ?? 'any',
    says,
    code(cite),
    String(coveringOf(`${LANES}/${id}`).length),
  ]);
  return page(
    '# lanes',
    'What calls that go on at the same time may answer on top of what any order of them allows, because they overlap. `OK` is success that is not as usual. [lanes](../lanes.md) says how they are judged.',
    markdownTable([['answer', 'calls', 'while', 'decided in', 'scenarios'], ...rows]),
    ...scenarioList(`${LANES}/`),
  );
}

function invariantsPage(): string {
  const rows = INVARIANTS.map(({ id, statement, notCovered, cite }) => [
    code(id),
    statement,
    notCovered,
    cite,
  ]);
  return page(
    '# Invariants',
    'Checked after every step, on the model and, where a probe can see it, on the kernel.',
    markdownTable([['invariant', 'statement', 'not covered', 'source'], ...rows]),
  );
}

/** The coverage matrix: every reason for an answer, the kernels that have it, and how many scenarios are about it. */
function indexPage(): string {
  const calls = CALLS.map((call) => [`[${call.name}](${call.name}.md)`, call.doc, kernelsOf(call)]);
  const operations = OPERATIONS.map(({ name, doc }) => [`[${name}](${name}.md)`, doc]);
  const rows = RULE_SOURCES.flatMap(({ name, rules, call }) =>
    rules.map((rule) => matrixRow(name, rule, call)),
  );
  return page(
    '# Reference',
    'Generated from the descriptions by `iommufd-cts explain --write docs/reference`. [envelope](envelope.md) has what every call refuses, [invariants](invariants.md) what holds after every step, [lanes](lanes.md) what calls may answer because they overlap.',
    markdownTable([['call', 'does', 'kernels'], ...calls]),
    'Other system calls on files:',
    markdownTable([['operation', 'does'], ...operations]),
    '## Coverage',
    'Every reason for an answer, the kernels that have it, and the scenarios about it. `unspecified` reasons are where the model says that it cannot tell.',
    markdownTable([['reason', ...PROFILES.map(({ id }) => id), 'scenarios'], ...rows]),
  );
}

function matrixRow(name: string, rule: Rule<never>, call?: CallDescription): string[] {
  const id = `${name}/${rule.id}`;
  const kernels = PROFILES.map((profile) => (hasRule(profile, rule, call) ? '✓' : ''));
  return [code(id), ...kernels, String(coveringOf(id).length)];
}

function fieldTable({ layout }: CallDescription): string {
  const rows = layout.members.map(({ name, offset, field }) => [
    String(offset),
    `${field.signed ? 's' : 'u'}${String(field.bytes * 8)}`,
    code(name),
    field.direction,
    field.doc,
  ]);
  return markdownTable([['offset', 'type', 'member', '', 'meaning'], ...rows], {
    align: ['r', 'l', 'l', 'l', 'l'],
  });
}

function ruleTable(name: string, rules: readonly Rule<never>[]): string {
  const rows = rules.map((rule) => [
    code(rule.id),
    rule.says,
    code(rule.cite),
    String(coveringOf(`${name}/${rule.id}`).length),
  ]);
  return markdownTable([['answer', 'when', 'decided in', 'scenarios'], ...rows]);
}

/** Rules that leave something behind, or that the kernel comments on; those that leave the same are told together. */
function leftoverNotes(rules: readonly Rule<never>[]): string[] {
  const idsByNote = new Map<string, string[]>();
  const add = (note: string, id: string) => idsByNote.set(note, [...(idsByNote.get(note) ?? []), code(id)]);
  for (const { id, leaves, splat, finding } of rules) {
    if (leaves !== undefined) add(`all the same, ${leaves.what} (${code(leaves.cite)})`, id);
    if (splat !== undefined) add(`the kernel prints "${splat.title}", finding ${splat.finding}`, id);
    if (finding !== undefined) add(`finding [${finding.id}](../findings/${finding.id}.md)`, id);
  }
  const notes = [...idsByNote].map(([note, ids]) => `- ${ids.join(', ')}: ${note}.`);
  return notes.length === 0 ? [] : [notes.join('\n')];
}

/** What the call does against its documentation. */
function findingNotes(findings: readonly Pick<CallFinding<never>, 'id' | 'says'>[] = []): string[] {
  if (findings.length === 0) return [];
  const notes = findings.map(({ id: name, says }) => {
    const { kernels } = findingById(name);
    return `- [${name}](../findings/${name}.md) (${kernels.join(', ')}): ${says}.`;
  });
  return ['## Findings', notes.join('\n')];
}

/** Where a kernel's rules are not those above, or not in that order. */
function profileDifferences(call: CallDescription): string[] {
  const differences = PROFILES.filter((profile) => hasCall(profile, call)).flatMap((profile) => {
    const kept = new Set(rulesInOrder(call, profile));
    return [
      ...profile.movedRules
        .filter((move) => move.call === call.name)
        .map(({ rule, before, cite }) => `- In ${profile.id}, ${rule} comes before ${before}: ${cite}.`),
      ...call.rules.filter((rule) => !kept.has(rule)).map(({ id }) => `- ${profile.id} does not have ${id}.`),
    ];
  });
  return differences.length === 0 ? [] : ['## Differences', differences.join('\n')];
}

function scenarioList(prefix: string): string[] {
  const covering = SCENARIOS.filter(({ covers }) => covers.some((rule) => rule.startsWith(prefix)));
  return ['## Scenarios', covering.map(({ id, doc }) => `- ${code(id)}: ${doc}`).join('\n')];
}

/** Ids of the scenarios about a rule. */
export function coveringOf(rule: string): string[] {
  return SCENARIOS.filter(({ covers }) => covers.includes(rule)).map(({ id }) => id);
}

/** The kernels that have a call, in words. */
function kernelsOf(call: CallDescription): string {
  return PROFILES.filter((profile) => hasCall(profile, call))
    .map(({ id }) => id)
    .join(', ');
}

const code = (text: string): string => `\`${text}\``;

function page(...parts: string[]): string {
  return `${parts.join('\n\n')}\n`;
}
