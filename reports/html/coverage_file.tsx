import type { VNode } from 'preact';
import {
  type StoredFile,
  type StoredLine,
  byThem,
  byUs,
  functionsOf,
  percent,
  ranges,
  renderRange,
  renderShare,
  share,
  shareOfFunctions,
} from '../kernel_coverage.js';
import { Bar } from './bar.js';
import { type CoveragePlaces, REACH_LOOKS, reachOf, testOf } from './coverage_places.js';
import { ScenarioLink } from './links.js';
import { Table, numbers } from './parts.js';

interface FileProps {
  readonly file: StoredFile;
  /** Its lines, if the reader has them. */
  readonly text: readonly string[] | undefined;
  readonly places: CoveragePlaces;
  /** Whether the kernel's own tests were asked. */
  readonly hasTheirs: boolean;
}

/** A file: its functions, then its lines. */
export function CoveredFile(props: FileProps): VNode {
  const { file, places } = props;
  const { file: path, reachable } = file;
  const lines = share(reachable, byUs);
  const parts = [
    `${renderShare(lines)} lines (${percent(lines).toFixed(1)} %)`,
    `${renderShare(shareOfFunctions(reachable, byUs))} functions`,
  ];
  return (
    <details id={places.file(path)} class={lines.reached === lines.all ? 'file reached' : 'file missed'}>
      <summary>
        <b>{places.nameOf(path)}</b>: {parts.join(', ')}
      </summary>
      <Functions {...props} />
      <Lines {...props} />
    </details>
  );
}

function Functions({ file: { file, reachable }, places, hasTheirs }: FileProps): VNode {
  return (
    <Table
      label={`Functions of ${places.nameOf(file)}`}
      columns={[
        'function',
        'lines',
        ...numbers('reached', '%', ...(hasTheirs ? ['their lines'] : [])),
        'not reached',
      ]}
    >
      {[...functionsOf(reachable)].map(([name, own]) => (
        <Function {...{ name, own, file, places, hasTheirs }} />
      ))}
    </Table>
  );
}

interface FunctionProps {
  readonly name: string;
  readonly own: readonly StoredLine[];
  readonly file: string;
  readonly places: CoveragePlaces;
  readonly hasTheirs: boolean;
}

function Function({ name, own, file, places, hasTheirs }: FunctionProps): VNode {
  const ours = share(own, byUs);
  const missed = own.filter((line) => !byUs(line));
  return (
    <tr id={places.function(file, name)} class={missed.length === 0 ? 'reached' : 'missed'}>
      <th scope="row">
        <a href={`#${places.line(file, own[0]?.line ?? 0)}`}>{name}</a>
      </th>
      <td>
        <Bar of={percent(ours)} />
      </td>
      <td class="number">{renderShare(ours)}</td>
      <td class="number">{percent(ours).toFixed(1)}</td>
      {hasTheirs && <td class="number">{renderShare(share(own, byThem))}</td>}
      <td>
        {ranges(missed, own).map((range, at) => (
          <>
            {at === 0 ? '' : ', '}
            <a href={`#${places.line(file, range.from)}`}>{renderRange(range)}</a>
          </>
        ))}
      </td>
    </tr>
  );
}

/** Lines around one that was not reached that are shown with it. */
const NEAR = 3;

interface ShownLine {
  readonly number: number;
  readonly text: string;
  /** Undefined for a line without code. */
  readonly line: StoredLine | undefined;
  /** Whether its code runs with that of a line before it, and does not count. */
  readonly isWithin: boolean;
}

/** The lines of a file; those that can be reached, if the reader has no source. */
function Lines({ file: { file, reachable, within = [] }, text, places, hasTheirs }: FileProps): VNode {
  const begins = new Map(reachable.map((line) => [line.line, line]));
  const inside = new Map(within.map((line) => [line.line, line]));
  const shown: readonly ShownLine[] =
    text === undefined
      ? reachable.map((line) => ({ number: line.line, text: line.function, line, isWithin: false }))
      : text.map((own, at) => {
          const line = begins.get(at + 1) ?? inside.get(at + 1);
          return { number: at + 1, text: own, line, isWithin: !begins.has(at + 1) };
        });
  const missed = reachable.filter((line) => !byUs(line)).map(({ line }) => line);
  const near = new Set(
    missed.flatMap((line) => Array.from({ length: 2 * NEAR + 1 }, (_, at) => line - NEAR + at)),
  );
  let test = '';
  return (
    <Table
      label={`Lines of ${places.nameOf(file)}`}
      look="source"
      columns={[
        { number: 'line' },
        'was',
        text === undefined ? 'function' : 'source',
        'first by',
        ...(hasTheirs ? ['by their tests'] : []),
      ]}
    >
      {shown.map(({ number, text: own, line, isWithin }) => {
        const first = line?.first === undefined ? test : testOf(line.first);
        const isNew = first !== test;
        test = first;
        return (
          <Line
            {...{ number, text: own, line, isWithin, hasTheirs }}
            place={places.line(file, number)}
            first={isNew ? first : ''}
            isNear={near.has(number)}
          />
        );
      })}
    </Table>
  );
}

interface LineProps extends ShownLine {
  readonly place: string;
  /** The test that reached it first, unless that is the one above. */
  readonly first: string;
  readonly hasTheirs: boolean;
  readonly isNear: boolean;
}

function Line({ number, text, line, isWithin, place, first, hasTheirs, isNear }: LineProps): VNode {
  if (line === undefined) {
    return (
      <tr id={place} class={isNear ? 'near' : undefined}>
        <td>{number}</td>
        <td />
        <td>{text}</td>
        <td />
        {hasTheirs && <td />}
      </tr>
    );
  }
  const reach = reachOf(line);
  const look = REACH_LOOKS[reach];
  const looks = [look, ...(isWithin ? ['within'] : []), ...(isNear && look !== 'missed' ? ['near'] : [])];
  return (
    <tr id={place} class={looks.join(' ')}>
      <td>
        <a href={`#${place}`}>{number}</a>
      </td>
      <td>{reach}</td>
      <td>{text}</td>
      <td>{first !== '' && <ScenarioLink id={first} />}</td>
      {hasTheirs && <td>{line.theirs === undefined ? '' : byThem(line) ? 'reached' : 'not reached'}</td>}
    </tr>
  );
}
