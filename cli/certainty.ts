/** The share of calls that may be beyond the model before a verdict on the rest is no verdict on the whole. */
const UNSPECIFIED_SHARE_MAX = 0.01;

/** Whether the model could tell enough to speak for everything that was run. */
export function isCertain(judged: number, unspecified: number): boolean {
  return unspecified <= UNSPECIFIED_SHARE_MAX * (judged + unspecified);
}
