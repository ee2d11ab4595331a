/** Mutants that scenarios kill and that campaigns of 20,000 programs may not meet, with the reason, by name. */
export const MISSED_MUTANTS: ReadonlyMap<string, string> = new Map(Object.entries({}));
