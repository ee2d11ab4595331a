/** What is measured, in ioctls per second unless the name says otherwise. */
export type Figures = Record<string, number>;

/** What has been measured in each round. */
export class Taken {
  readonly #values = new Map<string, number[]>();

  take(name: string, value: number): this {
    const values = this.#values.get(name) ?? [];
    this.#values.set(name, values);
    values.push(value);
    return this;
  }

  get names(): string[] {
    return [...this.#values.keys()];
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  median(name: string): number {
    return median(this.#values.get(name) ?? []);
  }

  /** Taken round by round. */
  ratio(name: string, per: string): number {
    const below = this.#values.get(per) ?? [];
    return median((this.#values.get(name) ?? []).map((value, at) => value / (below[at] ?? NaN)));
  }
}

export function figuresOf(taken: Taken): Figures {
  const rate = (name: string): Figures =>
    taken.has(name) ? { [`${name}.calls_per_s`]: taken.median(name) } : {};
  const ratio = (name: string, one: string, other: string): Figures =>
    taken.has(one) && taken.has(other) ? { [name]: taken.ratio(one, other) } : {};
  const shares = taken.names.filter((name) => name.startsWith('share.'));
  return {
    ...rate('model'),
    ...rate('agent'),
    ...rate('differential'),
    ...ratio('model_per_agent', 'model', 'agent'),
    ...ratio('differential_per_agent', 'differential', 'agent'),
    ...rate('campaign'),
    'campaign.programs_per_s': taken.median('campaign_programs'),
    ...ratio('campaign_per_model', 'campaign', 'model'),
    ...Object.fromEntries(shares.map((name) => [`campaign.${name}`, taken.median(name)])),
    ...ratio('campaign.cost_of_corpus', 'large_corpus', 'small_corpus'),
    ...(taken.has('sweep') ? { 'sweep.programs_per_s': taken.median('sweep') } : {}),
    ...ratio('sweep_per_unswept', 'sweep', 'unswept'),
  };
}

/** The middle one, or the upper of the two. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, two) => one - two);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}
