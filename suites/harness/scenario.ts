import { assert } from '../../models/base/assert.js';
import type { TargetCapability } from '../../targets/target.js';
import type { ScenarioBuilder } from './builder.js';

/** Ways in which a scenario is run again, with a result that follows from the first. */
export type Variant = 'zero_tail' | 'garbage_tail' | 'shifted_ids' | 'probed';

/** Writes the steps that one case adds to what the set-up made. */
export type CaseBody<S> = (t: ScenarioBuilder, setup: S) => unknown;

/** What a file of scenarios states about one of them; `S` is what its set-up hands to the cases. */
interface ScenarioSpec<S> {
  /** The plan: what is tested and why the expected answer is right. */
  readonly doc: string;
  /** The rules that it is about, as `call/rule`. */
  readonly covers: readonly string[];
  /** Where the expectation comes from, if not from the cited rules alone. */
  readonly source?: string;
  /** Beyond what the calls themselves need. */
  readonly needs?: readonly TargetCapability[];
  /** Variants that make no sense for it, with the reason. */
  readonly without?: Partial<Readonly<Record<Variant, string>>>;
  setup(t: ScenarioBuilder): S;
  /** Each breaks one thing. */
  readonly cases: Readonly<Record<string, CaseBody<S>>>;
  /** The same with nothing broken; must succeed. */
  readonly control: CaseBody<S>;
}

/** A test: a plan, programs for its cases, and a control that shows that the set-up works. */
export interface Scenario {
  /** `area/file:group,name` */
  readonly id: string;
  readonly doc: string;
  readonly covers: readonly string[];
  readonly source: string | undefined;
  readonly needs: readonly TargetCapability[];
  readonly without: Partial<Readonly<Record<Variant, string>>>;
  /** Case names in order, the control last. */
  readonly cases: readonly string[];
  /** Writes the program of a case. */
  build(name: string, t: ScenarioBuilder): void;
}

const CONTROL = 'control';
const NAME = /^[a-z0-9_]+$/;

/** One scenario of a file; its name is `group,name`, or a single word. */
export function scenario<S>(name: string, spec: ScenarioSpec<S>): Omit<Scenario, 'id'> & { name: string } {
  assert(
    name.split(',').every((part) => NAME.test(part)),
    `${name} is a list of lower-case words`,
  );
  assert(!(CONTROL in spec.cases), 'no case is called control');
  return {
    name,
    doc: spec.doc,
    covers: spec.covers,
    source: spec.source,
    needs: spec.needs ?? [],
    without: spec.without ?? {},
    cases: [...Object.keys(spec.cases), CONTROL],
    build: (caseName, t) => {
      const body = caseName === CONTROL ? spec.control : spec.cases[caseName];
      assert(body !== undefined, `${name} has the case ${caseName}`);
      body(t, spec.setup(t));
    },
  };
}

/** A file of scenarios. */
export interface Suite {
  /** `area/file`, as its path below `suites/`. */
  readonly path: string;
  /** What the file is about, and what it leaves out. */
  readonly doc: string;
  readonly scenarios: readonly Scenario[];
}

export function suite(
  path: string,
  doc: string,
  scenarios: readonly (Omit<Scenario, 'id'> & { name: string })[],
): Suite {
  return {
    path,
    doc,
    scenarios: scenarios.map(({ name, ...rest }) => ({ id: `${path}:${name}`, ...rest })),
  };
}
