import { type Comparison, type Entry, section } from '../../reports/comparison.js';
import type { CampaignMoment } from '../../reports/html/data.js';
import type { ReadCampaign } from '../report/campaign.js';

/** Campaigns of one kind: of one version of the fuzzer, of one set of options, on one kernel. */
export interface CampaignGroup {
  readonly name: string;
  readonly campaigns: readonly ReadCampaign[];
}

/** What is told of a campaign in one number. */
interface Figure {
  readonly about: string;
  value(this: void, campaign: ReadCampaign): number;
}

const PER_CENT = 100;

/**
 * Two campaigns, or two groups of them: how fast they were, what they came to in the same number of programs and in the same time, and
 * what only one of them has found or met. A campaign is a matter of chance; several seeds on each side say how much of one.
 */
export function compareCampaigns(from: CampaignGroup, to: CampaignGroup): Comparison {
  const [before, now] = [answersOf(from), answersOf(to)];
  const [old, own] = [titlesOf(from), titlesOf(to)];
  return {
    schema: 1,
    kind: 'campaigns',
    from: describe(from),
    to: describe(to),
    sections: [
      ...section('Figures', figuresOf([...from.campaigns, ...to.campaigns]).map(says(from, to))),
      ...section('Findings only now', onlyIn(own, old, to)),
      ...section('Findings only before', onlyIn(old, own, from)),
      ...section('Answers met only now', onlyIn(now, before, to)),
      ...section('Answers met only before', onlyIn(before, now, from)),
    ],
  };
}

function describe({ name, campaigns }: CampaignGroup): string {
  const targets = [...new Set(campaigns.map(({ campaign }) => campaign.target))].join(', ');
  const seeds = campaigns.map(({ campaign }) => String(campaign.seed)).join(', ');
  const [one, more] = ['1 campaign', `${String(campaigns.length)} campaigns`];
  return `${name}: ${campaigns.length === 1 ? one : more} on ${targets}, ${campaigns.length === 1 ? 'seed' : 'seeds'} ${seeds}`;
}

/** @param all of both sides: what is held against each other ends where the shortest of them does */
function figuresOf(all: readonly ReadCampaign[]): Figure[] {
  const programs = Math.min(...all.map((one) => endOf(one).programs));
  const seconds = Math.min(...all.map((one) => endOf(one).seconds));
  return [
    { about: 'programs', value: (one) => endOf(one).programs },
    { about: 'seconds', value: (one) => endOf(one).seconds },
    { about: 'programs/s', value: (one) => rate(endOf(one).programs, one) },
    { about: 'calls/s', value: (one) => rate(one.campaign.calls, one) },
    {
      about: `coverage after ${whole(programs)} programs`,
      value: ({ growth }) => growth.findLast((moment) => moment.programs <= programs)?.coverage ?? 0,
    },
    {
      about: `coverage after ${whole(seconds)} s`,
      value: (one) => last(one, (moment) => moment.seconds <= seconds).coverage,
    },
    { about: 'coverage', value: (one) => endOf(one).coverage },
    { about: 'corpus', value: (one) => endOf(one).corpus },
    { about: 'findings', value: ({ campaign }) => campaign.findings.length },
  ];
}

/** A figure of both sides: medians, and with several campaigns how far they lie apart. */
function says(from: CampaignGroup, to: CampaignGroup): (figure: Figure) => Entry {
  return ({ about, value }) => {
    const [before, now] = [from, to].map(({ campaigns }) => campaigns.map(value)) as [number[], number[]];
    const [was, is] = [spread(before), spread(now)];
    const isSame = new Set([...before, ...now]).size === 1;
    return { about, says: isSame ? is : `${is}, before ${was}${pairs(before, now)}` };
  };
}

function spread(values: readonly number[]): string {
  const sorted = [...values].sort((one, two) => one - two);
  const median = (at(sorted, (sorted.length - 1) >> 1) + at(sorted, sorted.length >> 1)) / 2;
  if (sorted.length === 1) return whole(median);
  return `${whole(median)} (${whole(at(sorted, 0))} to ${whole(at(sorted, sorted.length - 1))})`;
}

/**
 * How often a campaign of now has more than one of before: the effect size of Vargha and Delaney, 50 % if nothing has changed. Of one
 * campaign on each side it says nothing.
 */
function pairs(before: readonly number[], now: readonly number[]): string {
  if (before.length * now.length === 1) return '';
  const wins = now.flatMap((is) =>
    before.map((was) => {
      if (is === was) return 0.5;
      return is > was ? 1 : 0;
    }),
  );
  const share = wins.reduce<number>((sum, win) => sum + win, 0) / wins.length;
  return `; more in ${whole(share * PER_CENT)} % of pairs`;
}

function at(values: readonly number[], index: number): number {
  return values[index] ?? 0;
}

const NOTHING: CampaignMoment = { seconds: 0, programs: 0, coverage: 0, corpus: 0, findings: 0 };

function endOf(one: ReadCampaign): CampaignMoment {
  return last(one, () => true);
}

/** The last moment of those that are meant. */
function last({ campaign }: ReadCampaign, isMeant: (moment: CampaignMoment) => boolean): CampaignMoment {
  return campaign.moments.findLast(isMeant) ?? NOTHING;
}

function rate(count: number, one: ReadCampaign): number {
  const { seconds } = endOf(one);
  return seconds === 0 ? 0 : count / seconds;
}

function whole(value: number): string {
  return String(Math.round(value));
}

/** How many of a group's campaigns have each thing. */
type Counts = ReadonlyMap<string, number>;

/** What was answered by which rule; not what followed on what, nor the states between. */
function answersOf({ campaigns }: CampaignGroup): Counts {
  return countEach(campaigns.map(({ rules }) => [...rules].filter((name) => ANSWER.test(name))));
}

const ANSWER = /^\S+\/\S+$/;

function titlesOf({ campaigns }: CampaignGroup): Counts {
  return countEach(campaigns.map(({ campaign }) => campaign.findings.map(({ title }) => title)));
}

function countEach(lists: readonly (readonly string[])[]): Counts {
  const counts = new Map<string, number>();
  for (const name of lists.flat()) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

function onlyIn(own: Counts, other: Counts, { campaigns }: CampaignGroup): Entry[] {
  return [...own]
    .filter(([name]) => !other.has(name))
    .sort(([one], [two]) => (one < two ? -1 : 1))
    .map(([name, count]) => ({
      about: name,
      says: `in ${String(count)} of ${String(campaigns.length)}`,
    }));
}
