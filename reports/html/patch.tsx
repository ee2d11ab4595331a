import type { VNode } from 'preact';
import { type Share, percent } from '../kernel_coverage.js';
import {
  type ChangedFunction,
  type ChangedLine,
  EXECUTIONS,
  type Execution,
  NAMED_MAX,
  type PatchView,
  countExecutions,
  entryInWords,
  executionInWords,
  isToldAbove,
  numberOf,
} from '../patch_view.js';
import { Bar } from './bar.js';
import { type CoveragePlaces, placesIn, testOf } from './coverage_places.js';
import type { AnnotatedCoverage, MeasuredPatch, ReportData } from './data.js';
import { ScenarioLink } from './links.js';
import { Section, Table, numbers } from './parts.js';

/** Functions up to which all are unfolded; of more, those with lines that were not executed. */
const OPEN_MAX = 12;

/** Tests of a function that are listed. */
const LISTED_MAX = 150;

/** Classes of rows, and what the word beside the line means. */
const EXECUTION_LOOKS: Readonly<Record<Execution, readonly [look: string, means: string]>> = {
  executed: ['reached', 'its code ran'],
  'in part': ['rarely', 'code of it ran, but nothing of what begins there'],
  'not executed': ['missed', 'its code did not run'],
  'no trace point': [
    '',
    'nothing tells of it: it has no code of its own, or it runs with the line before it',
  ],
};

/** Which lines that a diff changes were executed, by kernel. */
export function Patch({ patches, coverages }: ReportData): VNode {
  return (
    <Section id="patch" title="Patch">
      {patches.map((patch) => {
        const { view } = patch;
        const code = new AnnotatedCode(patch, coverages);
        return (
          <>
            <h3>
              {view.patch} on {view.kernel}
            </h3>
            <p>
              Lines that it changes, by {view.programs.toLocaleString('en')} programs of{' '}
              {view.tests.toLocaleString('en')} tests.
            </p>
            <Sums {...view} />
            {view.unmeasured.length > 0 && <p class="open">Not measured: {view.unmeasured.join(', ')}</p>}
            <Missed {...view} code={code} />
            {view.functions.map((changed) => (
              <Changed changed={changed} code={code} isAlwaysOpen={view.functions.length <= OPEN_MAX} />
            ))}
          </>
        );
      })}
    </Section>
  );
}

/** Where the report shows code of the kernel that a diff is about. */
class AnnotatedCode {
  readonly places: CoveragePlaces;
  readonly #shown: ReadonlyMap<string, (line: number) => boolean>;

  constructor({ measured }: MeasuredPatch, coverages: readonly AnnotatedCoverage[]) {
    this.places = placesIn(measured, coverages);
    this.#shown = new Map(
      measured.coverage.files.map(({ file, reachable }) => {
        const text = measured.texts.get(file);
        const known = new Set(reachable.map(({ line }) => line));
        return [file, (line) => (text === undefined ? known.has(line) : line <= text.length)];
      }),
    );
  }

  /** The place of a changed function in this part. */
  changed({ file, function: name }: ChangedFunction): string {
    return `patch-${this.places.function(file, name)}`;
  }

  /** As people know it. */
  nameOf({ file, function: name }: ChangedFunction): string {
    const short = this.places.nameOf(file);
    return name === '' ? short : `${short}: ${name}()`;
  }

  /** The line of the file as it is now, in the part about coverage; undefined if it is not shown there. */
  line(file: string, line: number): string | undefined {
    return this.#shown.get(file)?.(line) === true ? this.places.line(file, line) : undefined;
  }
}

function Sums({ functions }: PatchView): VNode {
  const counts = countExecutions(functions);
  const all = functions.reduce((sum, { lines }) => sum + lines.length, 0);
  return (
    <Table
      label="Changed lines in numbers"
      look="sums"
      columns={['was', ...numbers('lines', '%'), 'share', 'that is']}
    >
      {EXECUTIONS.map((execution) => {
        const part: Share = { reached: counts.get(execution) ?? 0, all };
        const share = all === 0 ? 0 : percent(part);
        return (
          <tr class={EXECUTION_LOOKS[execution][0]}>
            <th scope="row">{execution}</th>
            <td class="number">{part.reached.toLocaleString('en')}</td>
            <td class="number">{share.toFixed(1)}</td>
            <td>
              <Bar of={share} look={execution === 'executed' ? '' : 'their'} />
            </td>
            <td>{EXECUTION_LOOKS[execution][1]}</td>
          </tr>
        );
      })}
      <tr>
        <th scope="row">all</th>
        <td class="number">{all.toLocaleString('en')}</td>
        <td />
        <td />
        <td />
      </tr>
    </Table>
  );
}

function missedOf({ lines }: ChangedFunction): ChangedLine[] {
  return lines.filter(({ execution }) => execution === 'not executed');
}

/** What a reviewer looks at first. */
function Missed({ functions, code }: PatchView & { code: AnnotatedCode }): VNode {
  const missed = functions.filter((changed) => missedOf(changed).length > 0);
  if (missed.length === 0) return <p>{wholeInWords(functions)}</p>;
  return (
    <>
      <h4>Not executed</h4>
      <ul>
        {missed.map((changed) => (
          <li>
            <a href={`#${code.changed(changed)}`}>{code.nameOf(changed)}</a>:{' '}
            {changed.enteredBy === 0
              ? 'never entered'
              : missedOf(changed).map((line, at) => (
                  <>
                    {at === 0 ? '' : ', '}
                    <Number line={line} file={changed.file} code={code} />
                  </>
                ))}
          </li>
        ))}
      </ul>
    </>
  );
}

/** What is said where no line is known not to have run. */
function wholeInWords(functions: PatchView['functions']): string {
  const counts = countExecutions(functions);
  const [whole, part] = [counts.get('executed') ?? 0, counts.get('in part') ?? 0];
  if (whole + part === 0) return 'Nothing tells of any line of it.';
  return `Every line of it that can be told of was executed${part === 0 ? '' : ', or a part of it'}.`;
}

interface ChangedProps {
  readonly changed: ChangedFunction;
  readonly code: AnnotatedCode;
  readonly isAlwaysOpen: boolean;
}

/** A function with the lines of it that the diff changes. */
function Changed({ changed, code, isAlwaysOpen }: ChangedProps): VNode {
  const { lines, file } = changed;
  const name = code.nameOf(changed);
  const entry = entryInWords(changed);
  if (lines.length === 0) {
    return (
      <p class="changed" id={code.changed(changed)}>
        <b>{name}</b>: {entry}
      </p>
    );
  }
  return (
    <details id={code.changed(changed)} class="changed" open={isAlwaysOpen || missedOf(changed).length > 0}>
      <summary>
        <b>{name}</b>: {[...(entry === '' ? [] : [entry]), countsInWords(changed)].join('; ')}
      </summary>
      <Table
        label={`Changed lines of ${name}`}
        look="source"
        columns={[{ number: 'line' }, 'was', 'text', 'by']}
      >
        {lines.map((line) => (
          <tr class={EXECUTION_LOOKS[line.execution][0]}>
            <td>
              <Number line={line} file={file} code={code} />
            </td>
            <td>
              <Was line={line} changed={changed} code={code} />
            </td>
            <td>{line.text}</td>
            <td>{!isToldAbove(line, changed) && <By {...line} />}</td>
          </tr>
        ))}
      </Table>
      <Tests lines={lines} />
    </details>
  );
}

/** How many lines of a function there are of each kind that there is. */
function countsInWords(changed: ChangedFunction): string {
  return [...countExecutions([changed])]
    .filter(([, count]) => count > 0)
    .map(([execution, count]) => `${String(count)} ${execution}`)
    .join(', ');
}

interface LineProps {
  readonly line: ChangedLine;
  readonly file: string;
  readonly code: AnnotatedCode;
}

/** The number of a line; what was taken out is in no source that is shown. */
function Number({ line, file, code }: LineProps): VNode {
  const place = line.change === 'added' ? code.line(file, line.line) : undefined;
  return place === undefined ? <>{numberOf(line)}</> : <a href={`#${place}`}>{numberOf(line)}</a>;
}

function Was({
  line,
  changed,
  code,
}: {
  line: ChangedLine;
  changed: ChangedFunction;
  code: AnnotatedCode;
}): VNode {
  const { was, at, how } = executionInWords(line, changed);
  if (at === undefined) return <>{was}</>;
  const place = code.line(changed.file, at);
  const other = `line ${String(at)}`;
  return (
    <>
      {was} {place === undefined ? other : <a href={`#${place}`}>{other}</a>}
      {how}
    </>
  );
}

/** The program that was the first, the tests that came then, and how many there are. */
function By({ tests, first }: ChangedLine): VNode {
  const test = first === undefined ? tests[0] : testOf(first);
  if (test === undefined) return <></>;
  const others = tests.filter((name) => name !== test).slice(0, NAMED_MAX - 1);
  return (
    <>
      <ScenarioLink id={test} />
      {first?.slice(test.length)}
      {others.map((name) => (
        <>
          ; <ScenarioLink id={name} />
        </>
      ))}
      {tests.length > NAMED_MAX && `; … ${String(tests.length)} in all`}
    </>
  );
}

/** All tests that came to lines of a function, if the rows do not name them all. */
function Tests({ lines }: Pick<ChangedFunction, 'lines'>): VNode {
  const tests = [...new Set(lines.flatMap((line) => line.tests))];
  if (!lines.some((line) => line.tests.length > NAMED_MAX)) return <></>;
  return (
    <details>
      <summary>Tests that came to these lines: {tests.length}</summary>
      <p>
        {tests.slice(0, LISTED_MAX).map((name, at) => (
          <>
            {at === 0 ? '' : '; '}
            <ScenarioLink id={name} />
          </>
        ))}
        {tests.length > LISTED_MAX && `; and ${String(tests.length - LISTED_MAX)} more`}
      </p>
    </details>
  );
}
