import type { Injection } from '../../models/outcome.js';
import type { AssembledProgram } from '../../models/program/assemble.js';
import { byteArray, quoted } from './c_text.js';
import type { Expectations } from './expectations.js';
import type { Answer } from './walk.js';
import { structIn } from './steps.js';

/** Bits of what was made to fail, as the runtime has them. */
const INJECTED: Readonly<Record<Injection, number>> = { slab: 1, pages: 2, iommufd: 4, other: 8 };

/** Where the model cannot tell. */
const ANY = 'ANY';

/** What each step may answer, and the ways of each part. */
export interface AnswerTables {
  readonly lines: readonly string[];
  /** Whether a step has a table of answers. */
  hasAnswers(at: number): boolean;
  /** The number of ways of the part that begins with a step; 0 for others. */
  waysAt(at: number): number;
}

/** The tables of what a program may answer, in C. */
export function answerTables(program: AssembledProgram, { parts }: Expectations): AnswerTables {
  const answers = new Map<number, readonly Answer[]>();
  const ways = new Map<number, number>();
  const wayTables = parts.flatMap(({ first, ways: all }) => {
    const length = all[0]?.answers.length ?? 0;
    const distinct = Array.from({ length }, (_, at) => distinctAnswers(all.map((way) => way.answers[at])));
    for (const [at, { answers: own }] of distinct.entries()) answers.set(first + at, own);
    ways.set(first, all.length);
    const rows = all.map(({ from, to }, row) =>
      [from, to ?? ANY, ...distinct.map(({ places }) => places[row] ?? ANY)].join(', '),
    );
    return [`static const uint16_t ${waysName(first)}[] = {`, ...rows.map((row) => `\t${row},`), '};', ''];
  });
  const answerLines = program.steps.flatMap((_, at) => stepTable(program, at, answers.get(at) ?? []));
  return {
    lines: [...answerLines, ...wayTables],
    hasAnswers: (at) => (answers.get(at)?.length ?? 0) > 0,
    waysAt: (at) => ways.get(at) ?? 0,
  };
}

/** The name of the table of ways of the part that begins with a step. */
export function waysName(first: number): string {
  return `ways_${String(first + 1)}`;
}

interface Distinct {
  readonly answers: readonly Answer[];
  /** For each way, which of them it has. */
  readonly places: readonly (number | undefined)[];
}

function distinctAnswers(all: readonly (Answer | undefined)[]): Distinct {
  const texts = all.map((answer) => (answer === undefined ? undefined : textOf(answer)));
  const known = [...new Set(texts.filter((text) => text !== undefined))];
  const answers = known.flatMap((text) => all[texts.indexOf(text)] ?? []);
  return { answers, places: texts.map((text) => (text === undefined ? undefined : known.indexOf(text))) };
}

function textOf(answer: Answer): string {
  return JSON.stringify(answer, (_key, value: unknown) =>
    value instanceof Uint8Array ? value.join() : value,
  );
}

function stepTable(program: AssembledProgram, at: number, answers: readonly Answer[]): string[] {
  if (answers.length === 0) return [];
  const arrays = answers.flatMap(({ buffers }, index) =>
    buffers.flatMap((bytes, buffer) =>
      typeof bytes === 'string' || bytes.length === 0
        ? []
        : byteArray(arrayName(at, index, buffer), bytes, structIn(program, at, buffer)).map(outdented),
    ),
  );
  const rows = answers.map((answer, index) => `\t{ ${answerFields(answer, at, index).join(', ')} },`);
  return [...arrays, `static const struct answer answers_${String(at + 1)}[] = {`, ...rows, '};', ''];
}

function outdented(line: string): string {
  return line.replace(/^\t/, '');
}

function arrayName(at: number, answer: number, buffer: number): string {
  return `after_${String(at + 1)}_${String(answer)}_${String(buffer)}`;
}

function answerFields(answer: Answer, at: number, index: number): string[] {
  const { because, errno, value, counters, injections = [], buffers } = answer;
  const fields = [
    quoted(because),
    String(errno),
    String(value),
    String(counters?.pinned ?? -1),
    String(counters?.locked ?? -1),
    String(injections.reduce((bits, injection) => bits | INJECTED[injection], 0)),
  ];
  const expected = buffers.map((bytes, buffer) => {
    if (bytes === 'anything') return '{ ANYTHING, NULL }';
    return bytes === 'before' || bytes.length === 0
      ? '{ BEFORE, NULL }'
      : `{ BYTES, ${arrayName(at, index, buffer)} }`;
  });
  return [...fields, `{ ${expected.length === 0 ? '{ BEFORE, NULL }' : expected.join(', ')} }`];
}
