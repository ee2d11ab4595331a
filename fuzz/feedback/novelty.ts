import { type Feature, featureName, isPlace } from './features.js';

/** What programs have shown so far. */
export class Novelty {
  readonly #seen = new Set<Feature>();

  get size(): number {
    return this.#seen.size;
  }

  /** (call, rule) among them. */
  get places(): number {
    let count = 0;
    for (const feature of this.#seen) if (isPlace(feature)) count += 1;
    return count;
  }

  /** The features that nothing has shown yet. */
  newsIn(features: Iterable<Feature>): Feature[] {
    const news: Feature[] = [];
    for (const feature of features) if (!this.#seen.has(feature)) news.push(feature);
    return news;
  }

  add(features: Iterable<Feature>): void {
    for (const feature of features) this.#seen.add(feature);
  }

  /** Names, sorted, so that two runs can be compared. */
  names(): string[] {
    return [...this.#seen].map(featureName).sort();
  }
}
