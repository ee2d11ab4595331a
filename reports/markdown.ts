import { markdownTable } from 'markdown-table';
import {
  type ResultLine,
  type RunReport,
  byArea,
  exitCodeOf,
  findingsOf,
  isGood,
  summarise,
  unexpectedPass,
} from './run_report.js';

/** A comment of a pull request holds 65,536 characters. */
export const COMMENT_CHARACTERS_MAX = 65_000;

/** What is longer is cut, and said to be: a gate may have more to say in the same comment. */
const CHARACTERS_MAX = 60_000;

/** Scenarios that are told in full; of the others there is the number. */
const TOLD_MAX = 20;

/** What is told of one of them at most, so that none takes the place of the others. */
const TOLD_CHARACTERS_MAX = 1500;
const REASON_CHARACTERS_MAX = 300;

const VERDICTS = { 0: '✅ as expected', 1: '❌ not as expected', 2: '❔ could not tell' } as const;

/** Markdown for a comment on a change: the verdict, a table of areas, and whatever was not as expected. */
export function renderMarkdown(report: RunReport): string {
  const { tool, description, profile, reading, results, notes } = report;
  const bad = results.filter((result) => !isGood(result));
  const expected = profile === '' ? '' : `, expectations of Linux ${profile}, ${reading} reading`;
  const text = [
    `### ${VERDICTS[exitCodeOf(report)]}`,
    `${escapeMarkdown(tool)} on ${escapeMarkdown(description)}${expected}: ${sentence(report)}`,
    ...(bad.length === 0 ? [] : [bad.slice(0, TOLD_MAX).map(renderBad).join('\n\n')]),
    ...(bad.length > TOLD_MAX ? [`… and ${String(bad.length - TOLD_MAX)} more like these`] : []),
    ...renderExpected(results),
    ...renderFlaky(results),
    `<details><summary>By area</summary>\n\n${renderTable(results)}\n\n</details>`,
    ...renderFindings(results),
    ...notes.map((note) => `_${escapeMarkdown(note)}_`),
  ].join('\n\n');
  return `${text.length <= CHARACTERS_MAX ? text : `${text.slice(0, CHARACTERS_MAX)}\n\n… cut here`}\n`;
}

function sentence(report: RunReport): string {
  const { passed, failed, skipped, unspecified, infra, unexpected } = summarise(report.results);
  const parts = [
    `**${String(unexpected)} unexpected**`,
    `${String(passed)} passed`,
    `${String(failed)} failed`,
    `${String(skipped)} skipped`,
    `${String(unspecified + infra)} unknown`,
  ];
  const { seen, all } = report.rules;
  const end = report.isInterrupted ? '; interrupted, the rest did not run' : '';
  return `${parts.join(', ')}; ${String(seen)} of ${String(all)} rules answered${end}`;
}

function renderBad(result: ResultLine): string {
  const { id, doc, status, reason = '', details } = result;
  const why = status === 'passed' ? unexpectedPass(result) : reason;
  const text = (details.length === 0 ? [why] : details).join('\n');
  const told = text.length <= TOLD_CHARACTERS_MAX ? text : `${text.slice(0, TOLD_CHARACTERS_MAX)} …`;
  return `**\`${id}\`** ${status}: ${escapeMarkdown(doc)}\n\n${fence(told)}`;
}

/** A block of text as it is, whatever it has in it. */
function fence(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const mark = '`'.repeat(longest + 1);
  return `${mark}text\n${text}\n${mark}`;
}

function renderExpected(results: readonly ResultLine[]): string[] {
  return renderList('Failed as expected', results, ({ status, expected }) =>
    status === 'failed' ? expected?.reason : undefined,
  );
}

function renderFlaky(results: readonly ResultLine[]): string[] {
  return renderList('Flaky', results, ({ flaky }) => flaky);
}

/** Results of which there is something to say, as a list with a heading; nothing without any. */
function renderList(
  heading: string,
  results: readonly ResultLine[],
  say: (result: ResultLine) => string | undefined,
): string[] {
  const lines = results.flatMap((result) => {
    const said = say(result);
    return said === undefined
      ? []
      : [`- \`${result.id}\`: ${escapeMarkdown(said.slice(0, REASON_CHARACTERS_MAX))}`];
  });
  const rest = lines.length > TOLD_MAX ? [`- … and ${String(lines.length - TOLD_MAX)} more`] : [];
  const told = [...lines.slice(0, TOLD_MAX), ...rest];
  return lines.length === 0 ? [] : [`${heading}:\n\n${told.join('\n')}`];
}

function renderTable(results: readonly ResultLine[]): string {
  const rows = [...byArea(results), ['all', results] as const].map(([area, lines]) => {
    const { total, passed, failed, skipped, unspecified, infra } = summarise(lines);
    return [area, ...[total, passed, failed, skipped, unspecified + infra].map(String)];
  });
  const head = ['area', 'scenarios', 'passed', 'failed', 'skipped', 'unknown'];
  return markdownTable([head, ...rows], { align: ['l', 'r', 'r', 'r', 'r', 'r'] });
}

function renderFindings(results: readonly ResultLine[]): string[] {
  const names = [...findingsOf(results)].map(([id, count]) => `\`${id}\` (${String(count)})`);
  return names.length === 0
    ? []
    : [`Known findings of this kernel, in so many scenarios: ${names.join(', ')}`];
}

/** Text that Markdown and HTML are to leave alone. */
export function escapeMarkdown(text: string): string {
  return text.replace(/[\\`*_{}[\]<>|#&~]/g, (mark) =>
    mark === '<' ? '&lt;' : mark === '&' ? '&amp;' : `\\${mark}`,
  );
}
