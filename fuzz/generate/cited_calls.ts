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

/** What is decided somewhere, as verdicts name it. */
export interface CallAndRule {
  readonly call: string;
  /** `call/rule`, or `call/OK` for success. */
  readonly because: string;
}

/** Names of the calls of which something is decided in a function of the kernel, as their descriptions cite it. */
export function callsThatCite(place: KernelFunction): string[] {
  return [...new Set(rulesThatCite(place).map(({ call }) => call))];
}

/** What is decided in a function of the kernel, as descriptions of calls cite it. */
export function rulesThatCite({ file, function: name }: KernelFunction): CallAndRule[] {
  return cited().filter(({ functions }) =>
    functions.some(
      (cited) => cited.function === name && (file === cited.file || file.endsWith(`/${cited.file}`)),
    ),
  );
}

const cited = once(() => CALLS.flatMap(citationsOf));

interface Citing extends CallAndRule {
  readonly functions: readonly KernelFunction[];
}

function citationsOf({ name: call, source, rules, failing }: CallDescription): Citing[] {
  const citing = (rule: string, ...citations: readonly string[]): Citing => ({
    call,
    because: `${call}/${rule}`,
    functions: citations.flatMap(functionsIn),
  });
  return [
    citing('OK', source),
    ...rules.map(({ id, cite, leaves }) => citing(id, cite, ...(leaves === undefined ? [] : [leaves.cite]))),
    ...failing.map(({ of, cite }) => citing(`failing.${of}`, cite)),
  ];
}

function functionsIn(citation: string): KernelFunction[] {
  return [...citation.matchAll(CITATION)].flatMap(([, file = '', names = '']) =>
    names.split(', ').map((name) => ({ file, function: name })),
  );
}
