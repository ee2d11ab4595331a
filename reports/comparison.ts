import { markdownTable } from 'markdown-table';
import { escapeMarkdown } from './markdown.js';

/** How two things differ: two runs, two kernels, two coverages of kernels, two designs, or campaigns. */
export interface Comparison {
  readonly schema: 1;
  readonly kind: 'runs' | 'kernels' | 'coverages' | 'designs' | 'campaigns';
  /** What is compared, in words. */
  readonly from: string;
  readonly to: string;
  readonly sections: readonly Section[];
}

/** Differences of one kind. */
interface Section {
  readonly title: string;
  readonly entries: readonly Entry[];
}

export interface Entry {
  /** The call, rule, scenario, code or figure that differs. */
  readonly about: string;
  /** How, in words. */
  readonly says: string;
}

/** A section, if there is anything in it. */
export function section(title: string, entries: readonly Entry[]): Section[] {
  return entries.length === 0 ? [] : [{ title, entries }];
}

export function renderComparison({ from, to, sections }: Comparison): string {
  const blocks = sections.map(({ title, entries }) =>
    [title, ...entries.map(({ about, says }) => `  ${about}: ${says}`)].join('\n'),
  );
  return `${[`from ${from}\nto   ${to}`, ...(blocks.length === 0 ? ['no difference'] : blocks)].join('\n\n')}\n`;
}

/** @param heading the first line */
export function renderComparisonMarkdown({ from, to, sections }: Comparison, heading?: string): string {
  const blocks = sections.flatMap(({ title, entries }) => [`## ${title}`, entriesOf(entries)]);
  return `${[
    `# ${heading ?? `${from} → ${to}`}`,
    `From ${escapeMarkdown(from)} to ${escapeMarkdown(to)}.`,
    ...(blocks.length === 0 ? ['No difference.'] : blocks),
  ].join('\n\n')}\n`;
}

function entriesOf(entries: readonly Entry[]): string {
  const rows = entries.map(({ about, says }) => [`\`${about}\``, escapeMarkdown(says)]);
  return markdownTable([['about', 'difference'], ...rows]);
}
