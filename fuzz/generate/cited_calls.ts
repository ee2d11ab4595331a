import { CALLS } from '../../models/ioctls/index.js';
import type { CallDescription } from '../../models/ioctls/description.js';
import { once } from '../../models/ioctls/description.js';

/** A function of the kernel. */
export interface KernelFunction {
  /** From the top of the tree. */
  readonly file: string;
  readonly function: string;
}

/** As citations name one function of a file or several. */
const CITATION = /([\w./-]+\.[chS]):(\w+(?:, \w+)*)/g;

/** Names of the calls of which something is decided in a function of the kernel, as their descriptions cite it. */
export function callsThatCite({ file, function: name }: KernelFunction): string[] {
  return cited()
    .filter(({ places }) =>
      places.some(
        (place) => place.function === name && (file === place.file || file.endsWith(`/${place.file}`)),
      ),
    )
    .map(({ call }) => call);
}

const cited = once(() => CALLS.map((call) => ({ call: call.name, places: placesCitedBy(call) })));

function placesCitedBy({ source, rules, failing }: CallDescription): KernelFunction[] {
  const citations = [
    ...[source, ...rules.map(({ cite }) => cite), ...failing.map(({ cite }) => cite)],
    ...rules.flatMap(({ leaves }) => leaves?.cite ?? []),
  ];
  return citations.flatMap((citation) =>
    [...citation.matchAll(CITATION)].flatMap(([, file = '', names = '']) =>
      names.split(', ').map((name) => ({ file, function: name })),
    ),
  );
}
