import { View, parse } from 'vega';
import { type TopLevelSpec, compile } from 'vega-lite';
import type { Campaign, CampaignMoment } from './data.js';

/** What a chart shows over the seconds of a campaign. */
export interface Chart {
  readonly title: string;
  /** An SVG drawing. */
  readonly svg: string;
}

const SERIES: readonly (readonly [title: string, unit: string, of: (moment: CampaignMoment) => number])[] = [
  ['Coverage', 'features', ({ coverage }) => coverage],
  ['Corpus', 'programs', ({ corpus }) => corpus],
  ['Programs', 'programs', ({ programs }) => programs],
  ['Findings', 'titles', ({ findings }) => findings],
];

/** Points in a chart: more could not be told apart. */
const POINTS_MAX = 400;

/** How a campaign went: coverage, corpus, programs and findings over time. */
export function chartsOf({ moments }: Campaign): Promise<Chart[]> {
  const stride = Math.max(1, Math.ceil(moments.length / POINTS_MAX));
  const shown = moments.filter((_, at) => at % stride === 0 || at === moments.length - 1);
  return Promise.all(
    SERIES.map(async ([title, unit, of]) => {
      const values = shown.map((moment) => ({ seconds: moment.seconds, value: of(moment) }));
      return { title, svg: await draw(title, unit, values) };
    }),
  );
}

async function draw(
  title: string,
  unit: string,
  values: { readonly seconds: number; readonly value: number }[],
): Promise<string> {
  const spec: TopLevelSpec = {
    width: 460,
    height: 160,
    background: 'white',
    data: { values },
    mark: { type: 'line', interpolate: 'step-after', aria: false },
    encoding: {
      x: { field: 'seconds', type: 'quantitative', title: 'seconds', scale: { zero: true } },
      y: { field: 'value', type: 'quantitative', title: `${title.toLowerCase()} (${unit})` },
    },
  };
  const view = new View(parse(compile(spec).spec), { renderer: 'none' });
  return view.toSVG();
}
