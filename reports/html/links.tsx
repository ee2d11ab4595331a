import { type VNode, createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { functionsOf } from '../kernel_coverage.js';
import { placesIn } from './coverage_places.js';
import type { AnnotatedCoverage, ReportData } from './data.js';

/** What a report has a place for, so that a link to it leads somewhere. */
interface Places {
  readonly scenarios: ReadonlySet<string>;
  readonly rules: ReadonlySet<string>;
  readonly findings: ReadonlySet<string>;
  /** Places of files and functions, by what `nameOfCode` makes of them. */
  readonly code: ReadonlyMap<string, string>;
}

export const PlacesContext = createContext<Places>({
  scenarios: new Set(),
  rules: new Set(),
  findings: new Set(),
  code: new Map(),
});

export function placesOf({ runs, calls, known, coverages }: ReportData): Places {
  return {
    scenarios: new Set(runs.flatMap(({ report }) => report.results.map(({ id }) => id))),
    findings: new Set(known.map(({ id }) => id)),
    rules: new Set(calls.flatMap(({ name, rules }) => rules.map(({ id }) => `${name}/${id}`))),
    code: new Map(coverages.flatMap((one) => codeOf(one, coverages))),
  };
}

/** Files and functions of a kernel with their places. */
function codeOf(one: AnnotatedCoverage, all: readonly AnnotatedCoverage[]): (readonly [string, string])[] {
  const { kernel, files } = one.coverage;
  const places = placesIn(one, all);
  return files.flatMap(({ file, reachable }) => [
    [nameOfCode(kernel, file), places.file(file)] as const,
    ...[...functionsOf(reachable).keys()].map(
      (name) => [nameOfCode(kernel, `${file}: ${name}()`), places.function(file, name)] as const,
    ),
  ]);
}

function nameOfCode(kernel: string, about: string): string {
  return `${kernel} ${about}`;
}

/** A file, or a function as `file: function()`, with a link if coverage of the kernel has it. */
export function CodeLink({ kernel, about }: { kernel: string; about: string }): VNode {
  const place = useContext(PlacesContext).code.get(nameOfCode(kernel, about));
  return place === undefined ? <>{about}</> : <a href={`#${place}`}>{about}</a>;
}

/** A scenario by its id, with a link if some run has it. */
export function ScenarioLink({ id }: { id: string }): VNode {
  const { scenarios } = useContext(PlacesContext);
  return scenarios.has(id) ? <a href={`#${id}`}>{id}</a> : <>{id}</>;
}

/** The place of a rule, `call/rule`. */
export function placeOfRule(rule: string): string {
  return `rule-${rule}`;
}

/** A rule as `call/rule`, with a link to what it says. */
export function RuleLink({ rule }: { rule: string }): VNode {
  const { rules } = useContext(PlacesContext);
  return rules.has(rule) ? <a href={`#${placeOfRule(rule)}`}>{rule}</a> : <>{rule}</>;
}

/** Whatever has a place under its name: a scenario, a rule, or a known finding. */
export function Named({ of }: { of: string }): VNode {
  const { findings, rules } = useContext(PlacesContext);
  if (findings.has(of)) return <a href={`#finding-${of}`}>{of}</a>;
  return rules.has(of) ? <RuleLink rule={of} /> : <ScenarioLink id={of} />;
}
