import { View, parse } from 'vega';
import { type TopLevelSpec, compile } from 'vega-lite';
import type { Campaign, CampaignMoment } from './data.js';

/** What a chart shows over the seconds of a campaign. */
export interface Chart {
  readonly title: string;
  /** An SVG drawing. */
  readonly svg: string;
}

/** Something to draw. */
interface Series {
  readonly title: string;
  readonly unit: string;
  /** Whether a value is what was reached by its moment, or how it went since the one before. */
  readonly isReached: boolean;
  of(this: void, moment: CampaignMoment, before: CampaignMoment): number;
}

const SERIES: readonly Series[] = [
  { title: 'Coverage', unit: 'features', isReached: true, of: ({ coverage }) => coverage },
  { title: 'Corpus', unit: 'programs', isReached: true, of: ({ corpus }) => corpus },
  { title: 'Rate', unit: 'programs/s', isReached: false, of: rateOf },
  { title: 'Findings', unit: 'titles', isReached: true, of: ({ findings }) => findings },
];

function rateOf(moment: CampaignMoment, before: CampaignMoment): number {
  const seconds = moment.seconds - before.seconds;
  return seconds <= 0 ? 0 : (moment.programs - before.programs) / seconds;
}

/** Points in a chart: more could not be told apart. */
const POINTS_MAX = 400;

/** Where every campaign begins. */
const START: CampaignMoment = { seconds: 0, programs: 0, coverage: 0, corpus: 0, findings: 0 };

/** How a campaign went: coverage, corpus, rate and findings over time. */
export function chartsOf({ moments }: Campaign): Promise<Chart[]> {
  const stride = Math.max(1, Math.ceil(moments.length / POINTS_MAX));
  const shown = moments.filter((_, at) => at % stride === 0 || at === moments.length - 1);
  return Promise.all(
    SERIES.map(async (series) => {
      const values = shown.map((moment, at) => {
        return { seconds: moment.seconds, value: series.of(moment, shown[at - 1] ?? START) };
      });
      const first = { seconds: 0, value: series.isReached ? 0 : (values[0]?.value ?? 0) };
      return { title: series.title, svg: await draw(series, [first, ...values]) };
    }),
  );
}

/** As the text around it, light or dark. */
const INK = 'currentColor';

async function draw(
  { title, unit, isReached }: Series,
  values: { readonly seconds: number; readonly value: number }[],
): Promise<string> {
  const spec: TopLevelSpec = {
    width: 460,
    height: 160,
    background: 'transparent',
    config: {
      axis: {
        labelColor: INK,
        titleColor: INK,
        domainColor: INK,
        tickColor: INK,
        gridColor: INK,
        gridOpacity: 0.15,
      },
      view: { stroke: null },
    },
    data: { values },
    mark: {
      type: 'line',
      interpolate: isReached ? 'step-after' : 'step-before',
      aria: false,
      color: INK,
      strokeWidth: 2,
    },
    encoding: {
      x: { field: 'seconds', type: 'quantitative', title: 'seconds', scale: { zero: true } },
      y: { field: 'value', type: 'quantitative', title: `${title.toLowerCase()} (${unit})` },
    },
  };
  const view = new View(parse(compile(spec).spec), { renderer: 'none' });
  return view.toSVG();
}
