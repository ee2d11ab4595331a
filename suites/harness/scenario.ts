import { assert } from '../../models/base/assert.js';
import type { TargetCapability } from '../../targets/target.js';
import type { ScenarioBuilder } from './builder.js';

/** Ways in which a scenario is run again, with a result that follows from the first. */
export type Variant = 'zero_tail' | 'garbage_tail' | 'shifted_ids' | 'probed';

/** Writes the steps that one case adds to what the set-up made. */
export type CaseBody<S> = (t: ScenarioBuilder, setup: S) => unknown;

/** A case that needs more than the rest of its scenario does; it alone is skipped where a target lacks that. */
interface NeedingCase<S> {
  readonly needs: readonly TargetCapability[];
  readonly body: CaseBody<S>;
}

/** What a file of scenarios states about one of them; `S` is what its set-up hands to the cases. */
export interface ScenarioSpec<S> {
  /** The plan: what is tested and why the expected answer is right. */
  readonly doc: string;
  /** The rules that it is about, as `call/rule`. */
  readonly covers: readonly string[];
  /** Where the expectation comes from, if not from the cited rules alone. */
  readonly source?: string;
  /** Numbers of what the kernel's own selftests leave out, as docs/kselftest-parity.md counts it, that this scenario tests. */
  readonly gaps?: readonly number[];
  /** Cases of the kernel's own selftests whose content it has: `fixture.case` in all variants, or `fixture.variant.case`. */
  readonly kselftest?: readonly string[];
  /** Rows of the patch discussions that it shows on kernels, as docs/designs/defects.md names them. */
  readonly seeds?: readonly `S${number}-${number}`[];
  /** Beyond what the calls themselves need. */
  readonly needs?: readonly TargetCapability[];
  /** Variants that make no sense for it, with the reason. */
  readonly without?: Partial<Readonly<Record<Variant, string>>>;
  /** What the model cannot tell, in its words: after that the expectations alone decide. */
  readonly untold?: string;
  setup(t: ScenarioBuilder): S;
  /** Puts back what would outlive the program; comes last, whatever a case has closed. */
  readonly putBack?: (t: ScenarioBuilder) => void;
  /** Each breaks one thing. */
  readonly cases: Readonly<Record<string, CaseBody<S> | NeedingCase<S>>>;
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
  readonly gaps: readonly number[];
  readonly kselftest: readonly string[];
  readonly seeds: readonly string[];
  readonly without: Partial<Readonly<Record<Variant, string>>>;
  readonly untold: string | undefined;
  /** Case names in order, the control last. */
  readonly cases: readonly string[];
  /** What a case needs beyond what its calls do. */
  needsOf(name: string): readonly TargetCapability[];
  /** Writes the program of a case. */
  build(name: string, t: ScenarioBuilder): void;
}

/** The name of the case with nothing broken. */
export const CONTROL = 'control';
const NAME = /^[a-z0-9_]+$/;

/** One scenario of a file; its name is `group,name`, or a single word. */
export function scenario<S>(name: string, spec: ScenarioSpec<S>): Omit<Scenario, 'id'> & { name: string } {
  assert(
    name.split(',').every((part) => NAME.test(part)),
    `${name} is a list of lower-case words`,
  );
  assert(!(CONTROL in spec.cases), 'no case is called control');
  const caseOf = (caseName: string): NeedingCase<S> => {
    const stated = caseName === CONTROL ? spec.control : spec.cases[caseName];
    assert(stated !== undefined, `${name} has the case ${caseName}`);
    return typeof stated === 'function' ? { needs: [], body: stated } : stated;
  };
  return {
    name,
    doc: spec.doc,
    covers: spec.covers,
    source: spec.source,
    gaps: spec.gaps ?? [],
    kselftest: spec.kselftest ?? [],
    seeds: spec.seeds ?? [],
    without: spec.without ?? {},
    untold: spec.untold,
    cases: [...Object.keys(spec.cases), CONTROL],
    needsOf: (caseName) => [...(spec.needs ?? []), ...caseOf(caseName).needs],
    build: (caseName, t) => {
      caseOf(caseName).body(t, spec.setup(t));
      t.finish();
      spec.putBack?.(t);
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
