import { type Theme, callsOf } from './theme.js';

/** Of the kinds of a theme, calls in focus are one in so many. */
const FOCUS_ONE_IN = 3;

/** Themes for programs that are about some calls: those that have them, or all if none has, and with more of them. */
export function focusThemes(themes: readonly Theme[], focus: readonly string[]): readonly Theme[] {
  if (focus.length === 0) return themes;
  const names = new Set(focus);
  const about = themes.filter(({ kinds, prelude }) =>
    callsOf([...kinds, ...prelude]).some(({ call }) => names.has(call)),
  );
  return (about.length > 0 ? about : themes).map((theme) => {
    const count = Math.max(focus.length, Math.ceil(theme.kinds.length / (FOCUS_ONE_IN - 1)));
    const more = Array.from({ length: count }, (_, at) => ({ call: focus[at % focus.length] ?? '' }));
    return { ...theme, kinds: [...theme.kinds, ...more] };
  });
}
