import { markdownTable } from 'markdown-table';
import type { Hunted } from '../fuzz/campaign/hunt.js';
import { whyMissed } from '../suites/harness/missed_mutants.js';

/** What a hunt for mutants has found, and how it was made. */
export interface MutantsMeasured {
  readonly profile: string;
  readonly seed: number;
  readonly programs: number;
  readonly seconds: number;
  readonly hunted: readonly Hunted[];
}

/** docs/mutants.md: which planted differences a campaign finds. */
export function mutantsPage({ profile, seed, programs, hunted }: MutantsMeasured): string {
  const found = hunted.flatMap(({ found: at }) => at ?? []).sort((one, two) => one - two);
  const missed = hunted.filter((one) => one.found === undefined);
  const parts = [
    '# Mutants that campaigns find',
    `Written by \`iommufd-cts mutants --write docs/mutants.md\`: ${number(hunted.length)} mutants of the model of ${profile} that scenarios kill (each rule dropped, swapped with the next one, answering another errno, leaving nothing behind where it leaves something; each thing that a call answers wrong, and its success doing nothing; and the bugs of [fixed-bugs.md](fixed-bugs.md)), seed ${String(seed)}, ${number(programs)} programs. ${number(found.length)} were found, ${percent(found.length / hunted.length)}.`,
    '## How it is measured',
    'A campaign that looks for a mutant (`fuzz --mutant NAME`) draws its programs by the model without the mutant, and its corpus grows by what answers show. Until the first program in which the mutant answers otherwise, the answers are those of the model: so the programs of all campaigns of a seed are the same up to there. `mutants` makes these programs once, and runs each of them with those mutants only whose rule, or success, decided in it (a bug: whose call was made); an answer that differs is judged as in the campaign.',
    partedText(hunted),
    '## Programs until they are found',
    markdownTable([
      ['of the mutants that are found', 'within'],
      ...QUANTILES.map((share) => [percent(share), `${number(quantile(found, share))} programs`]),
    ]),
    '## By what is wrong',
    markdownTable([
      ['difference', 'mutants', 'found', 'median'],
      ...KINDS.map(([kind, what]) =>
        rowOf(
          what,
          hunted.filter(({ mutant }) => mutant.kind === kind),
        ),
      ),
    ]),
    '## Missed',
    'How often the rule, or success, decided (a bug: its call was made) says whether it is the state that is not reached, or the difference that does not show there.',
    markdownTable([
      ['mutant', 'programs that met it', 'why it is missed'],
      ...missed.map(({ name, met }) => [`\`${name}\``, number(met), whyMissed(name) ?? 'not looked into']),
    ]),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

const QUANTILES = [0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1];

const KINDS = [
  ['drop', 'a rule is missing'],
  ['errno', 'another errno'],
  ['swap', 'two rules in the other order'],
  ['clean', 'a failing call leaves nothing'],
  ['answer', 'a thing that success answers'],
  ['idle', 'success does nothing'],
  ['effect', 'a bug in what calls do'],
] as const;

function rowOf(what: string, hunted: readonly Hunted[]): string[] {
  const found = hunted.flatMap(({ found: at }) => at ?? []).sort((one, two) => one - two);
  return [what, number(hunted.length), number(found.length), number(quantile(found, 0.5))];
}

/** What keeps the numbers from being exactly those of campaigns. */
function partedText(hunted: readonly Hunted[]): string {
  const parted = hunted.filter((one) => one.parted !== undefined);
  if (parted.length === 0) return '';
  const names = parted.map(({ name }) => `\`${name}\``).join(', ');
  return `Of ${names}, an answer before that differed and was allowed all the same: from there on, a campaign of its own may have other programs.`;
}

/** The least number that so many are not above. */
function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}

function number(value: number): string {
  return value.toLocaleString('en');
}

function percent(share: number): string {
  return `${String(Math.round(share * 1000) / 10)} %`;
}
