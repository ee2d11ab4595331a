import { type CallAndRule, type KernelFunction, rulesThatCite } from '../generate/cited_calls.js';
import { type Feature, featureName, isEdge, isPlace } from './features.js';

/** What a campaign is about. */
export interface Focus {
  /** Names of calls; none for all. */
  readonly focus: readonly string[];
  /** Functions of the kernel, as `file:function`, of which the edges are that the kernel tells of. */
  readonly functions?: readonly string[];
}

/**
 * Tells the programs that came to what a campaign is about: an edge of its functions, or a (call, rule) that is decided in one of
 * them. Of a call that decides nothing there, each answer counts.
 */
export class FocusFeatures {
  readonly #rules: ReadonlySet<string>;
  readonly #calls: ReadonlySet<string>;
  readonly #hasFunctions: boolean;
  readonly #known = new Map<Feature, boolean>();

  constructor({ focus, functions = [] }: Focus) {
    const citing: CallAndRule[] = functions.map(functionOf).flatMap(rulesThatCite);
    const citingCalls = new Set(citing.map(({ call }) => call));
    this.#rules = new Set(citing.map(({ because }) => because));
    this.#calls = new Set(focus.filter((call) => !citingCalls.has(call)));
    this.#hasFunctions = functions.length > 0;
  }

  /** Whether something of the focus is among what a program has shown. */
  areMetBy(features: Iterable<Feature>): boolean {
    if (this.#isEmpty) return false;
    for (const feature of features) if (this.#isMetBy(feature)) return true;
    return false;
  }

  get #isEmpty(): boolean {
    return this.#rules.size === 0 && this.#calls.size === 0 && !this.#hasFunctions;
  }

  #isMetBy(feature: Feature): boolean {
    if (isEdge(feature)) return this.#hasFunctions;
    if (!isPlace(feature)) return false;
    const known = this.#known.get(feature);
    if (known !== undefined) return known;
    const because = featureName(feature);
    const isMet = this.#rules.has(because) || this.#calls.has(because.slice(0, because.indexOf('/')));
    this.#known.set(feature, isMet);
    return isMet;
  }
}

function functionOf(name: string): KernelFunction {
  const colon = name.lastIndexOf(':');
  return { file: name.slice(0, colon), function: name.slice(colon + 1) };
}
