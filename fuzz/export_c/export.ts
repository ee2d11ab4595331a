import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ERRNO } from '../../models/base/errno.js';
import type { Behaviour } from '../../models/behaviour.js';
import type { CallDescription } from '../../models/ioctls/description.js';
import { TEST_COMMAND } from '../../models/ioctls/test/test_command.js';
import { ARENA, GUARDED_REGIONS, GUARD_BYTE, HUGE_PAGES_MAX } from '../../models/program/arena.js';
import { type AssembledProgram, assemble } from '../../models/program/assemble.js';
import { GUARD_BYTES } from '../../models/program/buffers.js';
import { MEMLOCK_DEFAULT_BYTES } from '../../models/program/credentials.js';
import { describePlacedStep } from '../../models/program/describe.js';
import { type Program, ProgramError, placedSteps } from '../../models/program/program.js';
import {
  FD_HANDLE_BASE,
  LANES_MAX,
  PROCESSES_MAX,
  type RawStep,
  SLOTS_MAX,
} from '../../models/program/raw.js';
import { VFIO_CREATE_DIRECTORY, VFIO_DEVICE_NAME } from '../../models/program/vfio_nodes.js';
import { type AnswerTables, answerTables, waysName } from './answers.js';
import { quoted, word } from './c_text.js';
import { type Expectations, expectationsOf } from './expectations.js';
import { PROTECTION, functionOf, receiverOf, stepFunctions } from './steps.js';

/** The parts of every file that are the same: what includes and regions need, and what carries steps out and checks them. */
export interface Runtime {
  readonly includes: string;
  readonly parts: string;
  /** `main`, which comes last. */
  readonly main: string;
}

/** @param directory of the C sources, whose names begin with their order */
export async function loadRuntime(directory: string): Promise<Runtime> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.c')).sort();
  const texts = await Promise.all(names.map((name) => readFile(join(directory, name), 'utf8')));
  return { includes: texts[0] ?? '', parts: texts.slice(1, -1).join('\n'), main: texts.at(-1) ?? '' };
}

/**
 * A program as one C file that needs nothing but the C library: it carries the steps out, says PASS or FAIL with the first answer
 * that is not allowed, and exits with 0, 1, or 2 if it cannot run.
 * @throws ProgramError naming the step that it cannot say
 */
export function exportC(program: Program, behaviour: Behaviour, runtime: Runtime): string {
  const assembled = assemble(program);
  if (assembled.steps.length === 0) throw new ProgramError('a program without steps shows nothing');
  const expectations = expectationsOf(assembled, behaviour);
  const texts = placedSteps(program).map(describePlacedStep);
  const tables = answerTables(assembled, expectations);
  return [
    title(program, behaviour, texts),
    runtime.includes,
    ...settings(assembled, expectations, behaviour),
    runtime.parts,
    ...memberTables(assembled, expectations.hasFreeChoices),
    ...tables.lines,
    ...texts.flatMap((text, at) => stepFunctions(assembled, at, text)),
    ...stepTable(assembled, tables, texts),
    runtime.main,
  ].join('\n');
}

function title({ about }: Program, { profile }: Behaviour, texts: readonly string[]): string {
  const steps = texts.map((text, at) => ` *   ${String(at + 1).padStart(2)}  ${text}`);
  return [
    '/*',
    ...(about === undefined ? [] : [` * ${about.replaceAll('*/', '* /')}`, ' *']),
    ...steps,
    ' *',
    ` * Says PASS if the kernel answers as iommufd-cts's model of Linux ${profile.id} does, else FAIL with the first difference.`,
    ' *   cc -Wall -o reproducer reproducer.c && ./reproducer    as root; exits with 0, 1, or 2 if it cannot run',
    ' */',
  ].join('\n');
}

function settings(program: AssembledProgram, expectations: Expectations, { profile }: Behaviour): string[] {
  const { steps, calls } = program;
  const define = (name: string, value: string | number): string => `#define ${name} ${String(value)}`;
  const [may, must] = [needles(expectations.splats), needles(expectations.certainSplats)];
  return [
    define('STEPS', steps.length),
    define('SLOTS_MAX', SLOTS_MAX),
    define('PROCESSES_MAX', PROCESSES_MAX),
    define('LANES_MAX', LANES_MAX),
    define('STATES_MAX', expectations.statesMax),
    define('FD_HANDLE_BASE', word(FD_HANDLE_BASE)),
    define('MEMLOCK_BYTES', word(MEMLOCK_DEFAULT_BYTES)),
    define('GUARD_BYTE', word(GUARD_BYTE)),
    define('GUARD_BYTES', word(GUARD_BYTES)),
    define('TEST_COMMAND', word(TEST_COMMAND)),
    define('NEEDS_MOCK', Number(calls.some((call) => call?.command === TEST_COMMAND))),
    define('NEEDS_INJECTION', Number(steps.some(({ failNth }) => failNth !== undefined))),
    define('HUGE_PAGES', steps.some(usesHugePages) ? HUGE_PAGES_MAX : 0),
    define('CERTAIN_MESSAGES', must.length),
    define('VFIO_CREATE_DIRECTORY', quoted(VFIO_CREATE_DIRECTORY)),
    define('VFIO_DEVICE_NAME', quoted(VFIO_DEVICE_NAME)),
    define('PROFILE', quoted(profile.id)),
    '',
    ...regionTable(),
    '',
    '/* Names of error numbers. */',
    'static const struct {',
    '\tint number;',
    '\tconst char *name;',
    '} error_names[] = {',
    '\t{ 0, "OK" },',
    ...Object.entries(ERRNO).map(([name, number]) => `\t{ ${String(number)}, ${quoted(name)} },`),
    '\t{ 0, NULL },',
    '};',
    '',
    '/* What kernel messages that may come have in them, and those that must. */',
    `static const char *const allowed_messages[] = { ${[...may, ...must].map((text) => `${quoted(text)}, `).join('')}NULL };`,
    `static const char *const certain_messages[] = { ${must.map((text) => `${quoted(text)}, `).join('')}NULL };`,
    '',
  ];
}

/** The place that a message blames, which is in its text. */
function needles(titles: ReadonlySet<string>): string[] {
  return [...titles].map((text) =>
    text.slice(text.lastIndexOf(' in ') < 0 ? 0 : text.lastIndexOf(' in ') + 4),
  );
}

function usesHugePages(step: RawStep): boolean {
  return (step.do === 'mmap' || step.do === 'memfd') && step.isHuge;
}

function regionTable(): string[] {
  const rows = ARENA.map(({ name, start, bytes, access, sharing, aliasOf }) => {
    const isGuarded = GUARDED_REGIONS.some((guarded) => guarded.name === name || guarded.name === aliasOf);
    const alias = ARENA.findIndex((region) => region.name === aliasOf);
    const flags = `${String(sharing === 'private')}, ${String(isGuarded)}, ${String(alias)}`;
    return `\t{ ${word(start)}, ${word(bytes)}, ${PROTECTION[access]}, ${flags} }, /* ${name} */`;
  });
  return [
    '/* The memory that steps name by address. */',
    'struct region {',
    '\tuint64_t start, bytes;',
    '\tint protection;',
    '\t/* Guarded regions are full of GUARD_BYTE where no buffer lies. */',
    '\tbool is_private, is_guarded;',
    '\t/* The region whose pages this one shows, writable. */',
    '\tint alias_of;',
    '};',
    `#define REGIONS ${String(ARENA.length)}`,
    'static const struct region regions[REGIONS] = {',
    ...rows,
    '};',
  ];
}

function callsOf({ calls }: AssembledProgram): CallDescription[] {
  return [...new Set(calls.filter((call) => call !== undefined))];
}

function memberTables(program: AssembledProgram, hasFreeChoices: boolean): string[] {
  const withStruct = callsOf(program).filter(({ argument }) => argument === 'struct');
  return withStruct.flatMap((call) => [
    `static const struct member ${membersOf(call)}[] = {`,
    ...call.layout.members.map(({ name, offset, field }) => {
      const isFree = hasFreeChoices && (field.role.is === 'id' || field.role.is === 'iova');
      return `\t{ ${quoted(name)}, ${String(offset)}, ${String(field.bytes)}, ${String(isFree)} },`;
    }),
    '\t{ NULL, 0, 0, false },',
    '};',
    '',
  ]);
}

function membersOf({ name }: CallDescription): string {
  return `members_of_${name}`;
}

function stepTable(program: AssembledProgram, tables: AnswerTables, texts: readonly string[]): string[] {
  const rows = program.steps.map((step, at) => {
    const call = program.calls[at];
    const fields = [
      `.text = ${quoted(texts[at] ?? '')}`,
      ...kindFields(step, at),
      ...(tables.hasAnswers(at) ? [`.answers = answers_${String(at + 1)}`] : []),
      ...(tables.waysAt(at) > 0
        ? [`.ways = ${waysName(at)}, .ways_count = ${String(tables.waysAt(at))}`]
        : []),
      ...(call?.argument === 'struct' ? [`.members = ${membersOf(call)}`] : []),
    ];
    return `\t{ ${fields.join(', ')} },`;
  });
  return ['static const struct step steps[STEPS] = {', ...rows, '};', ''];
}

function kindFields(step: RawStep, at: number): string[] {
  const by = step.by === undefined ? [] : [`.process = ${String(step.by)}`];
  switch (step.do) {
    case 'fork':
      return ['.kind = FORK', `.process = ${String(step.process)}`];
    case 'exit':
      return ['.kind = EXIT', ...by];
    case 'lanes':
      return ['.kind = LANES', `.lane_steps = { ${step.counts.join(', ')} }`];
    case 'pass':
      return [
        ...by,
        `.run = ${functionOf(step, at) ?? 'NULL'}`,
        `.receiver = ${String(step.to)}`,
        `.receive = ${receiverOf(at)}`,
      ];
    default:
      return [...by, `.run = ${functionOf(step, at) ?? 'NULL'}`];
  }
}
